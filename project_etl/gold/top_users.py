"""Top customers: one row per day and rank, the ten customers with most net revenue on the day.

Ranked by unrounded revenue, ties by customer_id; guests have no rank.
"""

from __future__ import annotations

import pandera.pyspark as pa
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F
from pyspark.sql import types as T

from project_etl.core.contracts import FAIL, on_fail
from project_etl.core.model.table import ReplaceDays, Table, same_day
from project_etl.core.transforms.money import Money, to_money, total
from project_etl.gold._rates import NEEDS_RATES

RANKS = 10


class TopUsers(pa.DataFrameModel):
    """A customer among the best of a day."""

    order_date: T.DateType = pa.Field(description="Business day of the orders.", metadata=on_fail(FAIL))
    rank: T.IntegerType = pa.Field(
        in_range={"min_value": 1, "max_value": RANKS}, description="1 is the best.", metadata=on_fail(FAIL)
    )
    customer_id: T.StringType = pa.Field(description="Customer.", metadata=on_fail(FAIL))
    orders: T.LongType = pa.Field(gt=0, description="Revenue orders of the customer.", metadata=on_fail(FAIL))
    net_revenue: Money = pa.Field(ge=0, description="After discount, reporting currency.", metadata=NEEDS_RATES)


TABLE = Table(
    name="gold/top_users",
    contract=TopUsers,
    keys=("order_date", "rank"),
    inputs={"orders": same_day("gold/fact_orders")},
    write=ReplaceDays("order_date"),
    measure="net_revenue",
)


def transform(orders: DataFrame) -> DataFrame:
    """Rank each day's customers."""
    customers = (
        orders.where("is_revenue AND customer_id IS NOT NULL")
        .groupBy("order_date", "customer_id")
        .agg(F.count(F.lit(1)).alias("orders"), total("net_amount_reporting").alias("net"))
    )
    # An unknown revenue is seen on whichever rank it would be.
    best_first = Window.partitionBy("order_date").orderBy(F.desc_nulls_first("net"), "customer_id")
    ranked = customers.withColumn("rank", F.row_number().over(best_first)).where(F.col("rank") <= RANKS)
    return ranked.select("order_date", "rank", "customer_id", "orders", to_money("net").alias("net_revenue"))
