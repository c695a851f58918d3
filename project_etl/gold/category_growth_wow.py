"""Week-over-week growth: one row per day and category sold in the seven days up to the day or the seven before.

Growth is taken from the unrounded sums; it is empty where there was no revenue before.
"""

from __future__ import annotations

import pandera.pyspark as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from project_etl.core.contracts import FAIL, on_fail, sql_rule
from project_etl.core.model.table import ReplaceDays, Table, window
from project_etl.core.transforms.money import Money, Share, growth, to_money, total, total_where
from project_etl.gold._rates import NEEDS_RATES

DAYS = 7


class CategoryGrowthWow(pa.DataFrameModel):
    """A category's revenue of seven days beside that of the seven before."""

    order_date: T.DateType = pa.Field(description="Last of the seven business days.", metadata=on_fail(FAIL))
    category: T.StringType = pa.Field(
        description="Category of the products at the order's time.", metadata=on_fail(FAIL)
    )
    revenue_7d: Money = pa.Field(ge=0, description="Net revenue of D−6..D, reporting currency.", metadata=NEEDS_RATES)
    prev_revenue_7d: Money = pa.Field(
        ge=0, description="Net revenue of D−13..D−7, reporting currency.", metadata=NEEDS_RATES
    )
    growth: Share = pa.Field(
        nullable=True, ge=-1, description="revenue / previous revenue − 1; empty after none.", metadata=on_fail(FAIL)
    )


TABLE = Table(
    name="gold/category_growth_wow",
    contract=CategoryGrowthWow,
    keys=("order_date", "category"),
    inputs={"order_items": window("gold/fact_order_items", back=2 * DAYS - 1)},
    rules=(
        sql_rule(
            "growth_where_previous",
            "prev_revenue_7d = 0 OR revenue_7d IS NULL OR growth IS NOT NULL",
            action=FAIL,
            description="growth must be given where there was revenue before",
        ),
    ),
    write=ReplaceDays("order_date"),
    measure="revenue_7d",
)


def transform(order_items: DataFrame) -> DataFrame:
    """Sum both weeks per category; right for days whose thirteen days before are in `order_items`."""
    sold = (
        order_items.where("is_revenue")
        .groupBy("order_date", "category")
        .agg(total("net_amount_reporting").alias("net"))
    )
    # Each day counts for itself and the thirteen after it, so that a day without orders of its own gets its row too.
    days_later = F.explode(F.sequence(F.lit(0), F.lit(2 * DAYS - 1)))
    is_this_week = F.col("days_later") < DAYS
    weeks = (
        sold.withColumn("days_later", days_later)
        .groupBy(F.date_add("order_date", F.col("days_later")).alias("order_date"), "category")
        .agg(total_where("net", is_this_week).alias("net"), total_where("net", ~is_this_week).alias("prev_net"))
    )
    return weeks.select(
        "order_date",
        "category",
        to_money("net").alias("revenue_7d"),
        to_money("prev_net").alias("prev_revenue_7d"),
        growth("net", "prev_net").alias("growth"),
    )
