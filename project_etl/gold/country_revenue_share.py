"""Revenue share by country: one row per day and country that holds a revenue order; the shares of a day add up to 1."""

from __future__ import annotations

import pandera.pyspark as pa
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F
from pyspark.sql import types as T

from project_etl.core.contracts import FAIL, on_fail, sql_rule
from project_etl.core.model.table import ReplaceDays, Table, same_day
from project_etl.core.transforms.money import Money, Share, share, to_money, total
from project_etl.gold._conserved import revenue
from project_etl.gold._rates import NEEDS_RATES


class CountryRevenueShare(pa.DataFrameModel):
    """A country's part of a day's revenue."""

    order_date: T.DateType = pa.Field(description="Business day of the orders.", metadata=on_fail(FAIL))
    country: T.StringType = pa.Field(
        description="Country (ISO 3166-1 alpha-2) of delivery, else of the customer then, else ZZ.",
        metadata=on_fail(FAIL),
    )
    net_revenue: Money = pa.Field(ge=0, description="After discount, reporting currency.", metadata=NEEDS_RATES)
    share: Share = pa.Field(
        nullable=True,
        in_range={"min_value": 0, "max_value": 1},
        description="Part of the day's net revenue, from unrounded sums; empty when the day's is 0.",
        metadata=on_fail(FAIL),
    )


TABLE = Table(
    name="gold/country_revenue_share",
    contract=CountryRevenueShare,
    keys=("order_date", "country"),
    inputs={"orders": same_day("gold/fact_orders")},
    rules=(
        sql_rule(
            "share_where_revenue",
            "net_revenue = 0 OR share IS NOT NULL",
            action=FAIL,
            description="share must be given where there is revenue",
        ),
    ),
    conserves=(revenue("orders", "net_revenue"),),
    write=ReplaceDays("order_date"),
    measure="net_revenue",
)


def transform(orders: DataFrame) -> DataFrame:
    """Divide each country's revenue by that of the day."""
    countries = (
        orders.where("is_revenue").groupBy("order_date", "country").agg(total("net_amount_reporting").alias("net"))
    )
    of_the_day = F.sum("net").over(Window.partitionBy("order_date"))
    return countries.withColumn("day_net", of_the_day).select(
        "order_date",
        "country",
        to_money("net").alias("net_revenue"),
        share("net", "day_net").alias("share"),
    )
