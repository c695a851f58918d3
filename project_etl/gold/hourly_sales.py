"""Hourly sales: one row per business day and hour that holds a revenue order."""

from __future__ import annotations

import pandera.pyspark as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from project_etl.core.contracts import FAIL, on_fail
from project_etl.core.model.table import ReplaceDays, Table, same_day
from project_etl.core.transforms.money import Money, to_money, total
from project_etl.gold._conserved import revenue, revenue_orders
from project_etl.gold._rates import NEEDS_RATES


class HourlySales(pa.DataFrameModel):
    """The sales of one hour."""

    order_date: T.DateType = pa.Field(description="Business day of the orders.", metadata=on_fail(FAIL))
    hour: T.IntegerType = pa.Field(
        in_range={"min_value": 0, "max_value": 23},
        description="Hour of the orders, in the reporting time zone.",
        metadata=on_fail(FAIL),
    )
    orders: T.LongType = pa.Field(gt=0, description="Revenue orders.", metadata=on_fail(FAIL))
    units: T.LongType = pa.Field(gt=0, description="Pieces sold.", metadata=on_fail(FAIL))
    net_revenue: Money = pa.Field(ge=0, description="After discount, reporting currency.", metadata=NEEDS_RATES)


TABLE = Table(
    name="gold/hourly_sales",
    contract=HourlySales,
    keys=("order_date", "hour"),
    inputs={"orders": same_day("gold/fact_orders")},
    conserves=(revenue_orders("orders", "orders"), revenue("orders", "net_revenue")),
    write=ReplaceDays("order_date"),
    measure="net_revenue",
)


def transform(orders: DataFrame) -> DataFrame:
    """Sum the revenue orders of each hour."""
    hours = (
        orders.where("is_revenue")
        .groupBy("order_date", F.col("order_hour").alias("hour"))
        .agg(
            F.count(F.lit(1)).alias("orders"),
            F.sum("units").alias("units"),
            total("net_amount_reporting").alias("net"),
        )
    )
    return hours.select("order_date", "hour", "orders", "units", to_money("net").alias("net_revenue"))
