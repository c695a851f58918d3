"""New and returning customers: one row per day that holds a revenue order.

A customer is new on the day of their first revenue order, with all they buy on that day, and returning on every later
day. Guests are no customers; their revenue stands beside the two.
"""

from __future__ import annotations

import pandera.pyspark as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from project_etl.core.contracts import FAIL, on_fail, sql_rule
from project_etl.core.model.table import ReplaceDays, Table, same_day
from project_etl.core.transforms.money import Money, to_money, total, total_where
from project_etl.gold._conserved import revenue
from project_etl.gold._rates import NEEDS_RATES


class NewVsReturning(pa.DataFrameModel):
    """A day's customers and revenue by whether the customer is new."""

    order_date: T.DateType = pa.Field(description="Business day of the orders.", metadata=on_fail(FAIL))
    new_customers: T.LongType = pa.Field(
        ge=0, description="Customers whose first revenue order is on the day.", metadata=on_fail(FAIL)
    )
    returning_customers: T.LongType = pa.Field(
        ge=0, description="Customers of the day with an earlier revenue order.", metadata=on_fail(FAIL)
    )
    new_revenue: Money = pa.Field(
        ge=0, description="Net revenue with new customers, reporting currency.", metadata=NEEDS_RATES
    )
    returning_revenue: Money = pa.Field(
        ge=0, description="Net revenue with returning customers, reporting currency.", metadata=NEEDS_RATES
    )
    guest_revenue: Money = pa.Field(
        ge=0, description="Net revenue of orders without a customer, reporting currency.", metadata=NEEDS_RATES
    )


TABLE = Table(
    name="gold/new_vs_returning",
    contract=NewVsReturning,
    keys=("order_date",),
    inputs={"orders": same_day("gold/fact_orders"), "first_orders": same_day("gold/customer_first_order")},
    rules=(
        sql_rule(
            "new_revenue_has_customers",
            "new_customers > 0 OR new_revenue = 0",
            action=FAIL,
            description="new_revenue must be 0 on a day without new customers",
        ),
        sql_rule(
            "returning_revenue_has_customers",
            "returning_customers > 0 OR returning_revenue = 0",
            action=FAIL,
            description="returning_revenue must be 0 on a day without returning customers",
        ),
    ),
    conserves=(revenue("orders", "new_revenue", "returning_revenue", "guest_revenue"),),
    write=ReplaceDays("order_date"),
    measure="new_customers",
)


def transform(orders: DataFrame, first_orders: DataFrame) -> DataFrame:
    """Split each day by whether it is the customer's first."""
    firsts = first_orders.select("customer_id", F.col("first_order_date").alias("order_date"), F.lit(True).alias("new"))
    customer_days = (
        orders.where("is_revenue")
        .groupBy("order_date", "customer_id")
        .agg(total("net_amount_reporting").alias("net"))
        .join(firsts, on=["order_date", "customer_id"], how="left")
    )
    is_guest, is_new = F.col("customer_id").isNull(), F.col("new").isNotNull()
    is_returning = ~is_guest & ~is_new
    days = customer_days.groupBy("order_date").agg(
        F.count_if(is_new).alias("new_customers"),
        F.count_if(is_returning).alias("returning_customers"),
        total_where("net", is_new).alias("new_net"),
        total_where("net", is_returning).alias("returning_net"),
        total_where("net", is_guest).alias("guest_net"),
    )
    return days.select(
        "order_date",
        "new_customers",
        "returning_customers",
        to_money("new_net").alias("new_revenue"),
        to_money("returning_net").alias("returning_revenue"),
        to_money("guest_net").alias("guest_revenue"),
    )
