"""Repeat customers: one row per day that holds a revenue order.

A customer of the day is a repeat customer when they had a revenue order on an earlier day. Guests are no customers; a
day on which only guests ordered has a row with 0 customers and no rate.
"""

from __future__ import annotations

import pandera.pyspark as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from project_etl.core.contracts import FAIL, on_fail, sql_rule
from project_etl.core.model.table import ReplaceDays, Table, same_day
from project_etl.core.transforms.money import Share, share


class RepeatCustomers(pa.DataFrameModel):
    """How many of a day's customers had ordered before."""

    order_date: T.DateType = pa.Field(description="Business day of the orders.", metadata=on_fail(FAIL))
    customers: T.LongType = pa.Field(
        ge=0, description="Customers with a revenue order on the day.", metadata=on_fail(FAIL)
    )
    repeat_customers: T.LongType = pa.Field(
        ge=0, description="Those of them with a revenue order before the day.", metadata=on_fail(FAIL)
    )
    repeat_rate: Share = pa.Field(
        nullable=True,
        in_range={"min_value": 0, "max_value": 1},
        description="repeat_customers / customers; empty when there are no customers.",
        metadata=on_fail(FAIL),
    )


TABLE = Table(
    name="gold/repeat_customers",
    contract=RepeatCustomers,
    keys=("order_date",),
    inputs={"orders": same_day("gold/fact_orders"), "first_orders": same_day("gold/customer_first_order")},
    rules=(
        sql_rule(
            "repeat_within_customers",
            "repeat_customers <= customers",
            action=FAIL,
            description="repeat_customers must not be above customers",
        ),
        sql_rule(
            "repeat_rate_where_customers",
            "(customers > 0) = (repeat_rate IS NOT NULL)",
            action=FAIL,
            description="repeat_rate must be given exactly where there are customers",
        ),
    ),
    write=ReplaceDays("order_date"),
    measure="repeat_customers",
)


def transform(orders: DataFrame, first_orders: DataFrame) -> DataFrame:
    """Count each day's customers, and those whose first day is another one: it was earlier then."""
    firsts = first_orders.select("customer_id", F.col("first_order_date").alias("order_date"), F.lit(True).alias("new"))
    customer_days = (
        orders.where("is_revenue")
        .select("order_date", "customer_id")
        .distinct()
        .join(firsts, on=["order_date", "customer_id"], how="left")
    )
    is_customer = F.col("customer_id").isNotNull()
    days = customer_days.groupBy("order_date").agg(
        F.count_if(is_customer).alias("customers"),
        F.count_if(is_customer & F.col("new").isNull()).alias("repeat_customers"),
    )
    return days.select(
        "order_date",
        "customers",
        "repeat_customers",
        share("repeat_customers", "customers").alias("repeat_rate"),
    )
