"""Top products: one row per day and rank, the ten products with most net revenue in the seven days up to the day.

Ranked by unrounded revenue, ties by product_id. A day has rows when its seven days hold a revenue order.
"""

from __future__ import annotations

import pandera.pyspark as pa
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F
from pyspark.sql import types as T

from project_etl.core.contracts import FAIL, on_fail
from project_etl.core.model.table import ReplaceDays, Table, window
from project_etl.core.transforms.money import Money, to_money, total
from project_etl.gold._rates import NEEDS_RATES

RANKS = 10
DAYS = 7


class TopProducts7d(pa.DataFrameModel):
    """A product among the best of seven days."""

    order_date: T.DateType = pa.Field(description="Last of the seven business days.", metadata=on_fail(FAIL))
    rank: T.IntegerType = pa.Field(
        in_range={"min_value": 1, "max_value": RANKS}, description="1 is the best.", metadata=on_fail(FAIL)
    )
    product_id: T.StringType = pa.Field(description="Product.", metadata=on_fail(FAIL))
    units: T.LongType = pa.Field(gt=0, description="Pieces sold in the seven days.", metadata=on_fail(FAIL))
    net_revenue: Money = pa.Field(
        ge=0, description="Net revenue of the seven days, reporting currency.", metadata=NEEDS_RATES
    )


TABLE = Table(
    name="gold/top_products_7d",
    contract=TopProducts7d,
    keys=("order_date", "rank"),
    inputs={"order_items": window("gold/fact_order_items", back=DAYS - 1)},
    write=ReplaceDays("order_date"),
    measure="net_revenue",
)


def transform(order_items: DataFrame) -> DataFrame:
    """Sum seven days per product and rank them; right for days whose six days before are in `order_items`."""
    sold = (
        order_items.where("is_revenue")
        .groupBy("order_date", "product_id")
        .agg(F.sum("quantity").alias("units"), total("net_amount_reporting").alias("net"))
    )
    # Each day counts for itself and the six after it, so that a day without orders of its own gets its row too.
    days_later = F.explode(F.sequence(F.lit(0), F.lit(DAYS - 1)))
    windows = (
        sold.withColumn("days_later", days_later)
        .groupBy(F.date_add("order_date", F.col("days_later")).alias("order_date"), "product_id")
        .agg(F.sum("units").alias("units"), total("net").alias("net"))
    )
    # An unknown revenue is seen on whichever rank it would be.
    best_first = Window.partitionBy("order_date").orderBy(F.desc_nulls_first("net"), "product_id")
    ranked = windows.withColumn("rank", F.row_number().over(best_first)).where(F.col("rank") <= RANKS)
    return ranked.select("order_date", "rank", "product_id", "units", to_money("net").alias("net_revenue"))
