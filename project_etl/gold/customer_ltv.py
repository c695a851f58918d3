"""Customer lifetime value: one row per customer with a revenue order, over all days; guests have none.

A revenue order without a rate counts as an order, and is left out of the revenue until its rate arrives.
"""

from __future__ import annotations

import pandera.pyspark as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from project_etl.core.contracts import FAIL, WARN, on_fail, sql_rule
from project_etl.core.model.table import Snapshot, Table, whole
from project_etl.core.transforms.money import Money, average, to_money, total_where
from project_etl.gold._as_of import AS_OF_MEANS, with_as_of
from project_etl.gold._rates import WHERE_TO_LOOK


class CustomerLtv(pa.DataFrameModel):
    """What a customer has been worth so far."""

    customer_id: T.StringType = pa.Field(description="Customer.", metadata=on_fail(FAIL))
    first_order_date: T.DateType = pa.Field(description="Day of the first revenue order.", metadata=on_fail(FAIL))
    last_order_date: T.DateType = pa.Field(description="Day of the last revenue order.", metadata=on_fail(FAIL))
    orders: T.LongType = pa.Field(gt=0, description="Revenue orders.", metadata=on_fail(FAIL))
    net_revenue: Money = pa.Field(ge=0, description="After discount, reporting currency.", metadata=on_fail(FAIL))
    avg_order_value: Money = pa.Field(
        ge=0, description="Unrounded net revenue / orders, reporting currency.", metadata=on_fail(FAIL)
    )
    as_of: T.DateType = pa.Field(description=AS_OF_MEANS, metadata=on_fail(FAIL))


TABLE = Table(
    name="gold/customer_ltv",
    contract=CustomerLtv,
    keys=("customer_id",),
    inputs={"orders": whole("gold/fact_orders"), "dim_date": whole("gold/dim_date")},
    rules=(
        sql_rule(
            "first_order_before_last",
            "first_order_date <= last_order_date",
            action=FAIL,
            description="first_order_date must not be after last_order_date",
        ),
        sql_rule(
            "fx_rate_known",
            "orders_without_rate = 0",
            action=WARN,
            max_share=0,
            column="net_revenue",
            counts="orders_without_rate",
            description=f"revenue orders without a rate are left out of net_revenue: {WHERE_TO_LOOK}",
        ),
    ),
    for_rules=("orders_without_rate",),
    write=Snapshot(),
)


def transform(orders: DataFrame, dim_date: DataFrame) -> DataFrame:
    """Sum the revenue orders of each customer."""
    has_rate = F.col("net_amount_reporting").isNotNull()
    customers = (
        orders.where("is_revenue AND customer_id IS NOT NULL")
        .groupBy("customer_id")
        .agg(
            F.min("order_date").alias("first_order_date"),
            F.max("order_date").alias("last_order_date"),
            F.count(F.lit(1)).alias("orders"),
            F.count_if(~has_rate).alias("orders_without_rate"),
            total_where("net_amount_reporting", has_rate).alias("net"),
        )
    )
    return with_as_of(customers, dim_date).select(
        "customer_id",
        "first_order_date",
        "last_order_date",
        "orders",
        to_money("net").alias("net_revenue"),
        average("net", "orders").alias("avg_order_value"),
        "as_of",
        "orders_without_rate",
    )
