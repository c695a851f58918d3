"""First orders: one row per customer with a revenue order, with the day of the first; guests have none."""

from __future__ import annotations

import pandera.pyspark as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from project_etl.core.contracts import FAIL, on_fail
from project_etl.core.model.table import Snapshot, Table, whole
from project_etl.gold._as_of import AS_OF_MEANS, with_as_of


class CustomerFirstOrder(pa.DataFrameModel):
    """Since when somebody has been a customer."""

    customer_id: T.StringType = pa.Field(description="Customer.", metadata=on_fail(FAIL))
    first_order_date: T.DateType = pa.Field(description="Day of the first revenue order.", metadata=on_fail(FAIL))
    as_of: T.DateType = pa.Field(description=AS_OF_MEANS, metadata=on_fail(FAIL))


TABLE = Table(
    name="gold/customer_first_order",
    contract=CustomerFirstOrder,
    keys=("customer_id",),
    inputs={"orders": whole("gold/fact_orders"), "dim_date": whole("gold/dim_date")},
    write=Snapshot(),
    day="first_order_date",
)


def transform(orders: DataFrame, dim_date: DataFrame) -> DataFrame:
    """Find the first day of each customer's revenue orders."""
    customers = orders.where("is_revenue AND customer_id IS NOT NULL").groupBy("customer_id")
    first = customers.agg(F.min("order_date").alias("first_order_date"))
    return with_as_of(first, dim_date).select("customer_id", "first_order_date", "as_of")
