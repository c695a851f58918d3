"""Daily average order value: one row per day that holds a revenue order."""

from __future__ import annotations

import pandera.pyspark as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from project_etl.core.contracts import FAIL, on_fail
from project_etl.core.model.table import ReplaceDays, Table, same_day
from project_etl.core.transforms.money import Money, average, to_money, total
from project_etl.gold._conserved import revenue, revenue_orders
from project_etl.gold._rates import NEEDS_RATES


class DailyAov(pa.DataFrameModel):
    """The average order value of one day."""

    order_date: T.DateType = pa.Field(description="Business day of the orders.", metadata=on_fail(FAIL))
    orders: T.LongType = pa.Field(gt=0, description="Revenue orders.", metadata=on_fail(FAIL))
    net_revenue: Money = pa.Field(ge=0, description="After discount, reporting currency.", metadata=NEEDS_RATES)
    aov: Money = pa.Field(
        ge=0, description="Average order value: unrounded net revenue / orders.", metadata=NEEDS_RATES
    )


TABLE = Table(
    name="gold/daily_aov",
    contract=DailyAov,
    keys=("order_date",),
    inputs={"orders": same_day("gold/fact_orders")},
    conserves=(revenue_orders("orders", "orders"), revenue("orders", "net_revenue")),
    write=ReplaceDays("order_date"),
    measure="net_revenue",
)


def transform(orders: DataFrame) -> DataFrame:
    """Average the revenue orders of each day."""
    days = (
        orders.where("is_revenue")
        .groupBy("order_date")
        .agg(F.count(F.lit(1)).alias("orders"), total("net_amount_reporting").alias("net"))
    )
    return days.select(
        "order_date",
        "orders",
        to_money("net").alias("net_revenue"),
        average("net", "orders").alias("aov"),
    )
