"""Daily revenue by category: one row per day and category that holds a revenue order.

Amounts are in the reporting currency and each is rounded from its own sum, so that net and gross less discount may
differ by a cent. An order with items of two categories counts in both.
"""

from __future__ import annotations

import pandera.pyspark as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from project_etl.core.contracts import FAIL, on_fail, sql_rule
from project_etl.core.model.table import ReplaceDays, Table, same_day
from project_etl.core.transforms.money import Money, to_money, total
from project_etl.gold._conserved import revenue
from project_etl.gold._rates import NEEDS_RATES


class DailyRevenueByCategory(pa.DataFrameModel):
    """A category's revenue of one day."""

    order_date: T.DateType = pa.Field(description="Business day of the orders.", metadata=on_fail(FAIL))
    category: T.StringType = pa.Field(
        description="Category of the products at the order's time.", metadata=on_fail(FAIL)
    )
    orders: T.LongType = pa.Field(gt=0, description="Revenue orders with an item of it.", metadata=on_fail(FAIL))
    units: T.LongType = pa.Field(gt=0, description="Pieces sold.", metadata=on_fail(FAIL))
    gross_revenue: Money = pa.Field(ge=0, description="Before discount, reporting currency.", metadata=NEEDS_RATES)
    discount: Money = pa.Field(ge=0, description="Discount given, reporting currency.", metadata=NEEDS_RATES)
    net_revenue: Money = pa.Field(ge=0, description="After discount, reporting currency.", metadata=NEEDS_RATES)


TABLE = Table(
    name="gold/daily_revenue_by_category",
    contract=DailyRevenueByCategory,
    keys=("order_date", "category"),
    inputs={"order_items": same_day("gold/fact_order_items")},
    rules=(
        sql_rule(
            "discount_within_gross",
            "discount <= gross_revenue",
            action=FAIL,
            description="discount must not be above gross_revenue",
        ),
    ),
    conserves=(revenue("order_items", "net_revenue"),),
    write=ReplaceDays("order_date"),
    measure="net_revenue",
)


def transform(order_items: DataFrame) -> DataFrame:
    """Sum the revenue items of each day and category."""
    sums = (
        order_items.where("is_revenue")
        .groupBy("order_date", "category")
        .agg(
            F.count_distinct("order_id").alias("orders"),
            F.sum("quantity").alias("units"),
            total("gross_amount_reporting").alias("gross_revenue"),
            total("discount_reporting").alias("discount"),
            total("net_amount_reporting").alias("net_revenue"),
        )
    )
    return sums.select(
        "order_date",
        "category",
        "orders",
        "units",
        to_money("gross_revenue").alias("gross_revenue"),
        to_money("discount").alias("discount"),
        to_money("net_revenue").alias("net_revenue"),
    )
