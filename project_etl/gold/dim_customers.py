"""Customers: one row per customer of the shop, as of the newest version; guests have none."""

from __future__ import annotations

from decimal import Decimal

import pandera.pyspark as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from project_etl.core.contracts import FAIL, on_fail
from project_etl.core.model.table import Snapshot, Table, whole
from project_etl.core.transforms.money import MONEY, Money
from project_etl.gold._as_of import AS_OF_MEANS, with_as_of

ACTIVE_DAYS = 90
PII = {"pii": True}


class DimCustomers(pa.DataFrameModel):
    """A customer."""

    customer_id: T.StringType = pa.Field(description="Customer number given by the shop.", metadata=on_fail(FAIL))
    first_name: T.StringType = pa.Field(nullable=True, metadata=PII, description="Given name.")
    last_name: T.StringType = pa.Field(nullable=True, metadata=PII, description="Family name.")
    full_name: T.StringType = pa.Field(nullable=True, metadata=PII, description="Given and family name.")
    email: T.StringType = pa.Field(nullable=True, metadata=PII, description="E-mail address, lower case.")
    phone: T.StringType = pa.Field(nullable=True, metadata=PII, description="Telephone number as given.")
    country: T.StringType = pa.Field(nullable=True, description="Home country (ISO 3166-1 alpha-2).")
    city: T.StringType = pa.Field(nullable=True, description="Home city.")
    signup_date: T.DateType = pa.Field(nullable=True, description="Day on which the customer signed up.")
    updated_at: T.TimestampType = pa.Field(
        description="When the shop last changed the customer (UTC).", metadata=on_fail(FAIL)
    )
    signup_year: T.IntegerType = pa.Field(nullable=True, description="Year of signup_date.")
    signup_month: T.IntegerType = pa.Field(nullable=True, description="Month of signup_date, 1 to 12.")
    is_active: T.BooleanType = pa.Field(
        description=f"Whether there is an order of any status, or an event, in the {ACTIVE_DAYS} days to as_of.",
        metadata=on_fail(FAIL),
    )
    ltv_estimate: Money = pa.Field(ge=0, description="net_revenue of customer_ltv; 0 without.", metadata=on_fail(FAIL))
    as_of: T.DateType = pa.Field(nullable=True, description=AS_OF_MEANS)


TABLE = Table(
    name="gold/dim_customers",
    contract=DimCustomers,
    keys=("customer_id",),
    inputs={
        "customers": whole("silver/customers"),
        "orders": whole("gold/fact_orders"),
        "events": whole("gold/fact_events"),
        "customer_ltv": whole("gold/customer_ltv"),
        "dim_date": whole("gold/dim_date"),
    },
    write=Snapshot(),
)


def transform(
    customers: DataFrame, orders: DataFrame, events: DataFrame, customer_ltv: DataFrame, dim_date: DataFrame
) -> DataFrame:
    """Say of each customer when they signed up, whether they are active, and what they have been worth."""
    seen = orders.select("customer_id", F.col("order_date").alias("day"))
    seen = seen.unionAll(events.select("customer_id", "event_date")).where("customer_id IS NOT NULL")
    last_seen = seen.groupBy("customer_id").agg(F.max("day").alias("last_seen"))
    known = (
        with_as_of(customers, dim_date)
        .join(last_seen, on="customer_id", how="left")
        .join(customer_ltv.select("customer_id", "net_revenue"), on="customer_id", how="left")
    )
    is_active = F.col("last_seen") > F.date_sub("as_of", ACTIVE_DAYS)
    return known.select(
        "customer_id",
        "first_name",
        "last_name",
        "full_name",
        "email",
        "phone",
        "country",
        "city",
        "signup_date",
        "updated_at",
        F.year("signup_date").alias("signup_year"),
        F.month("signup_date").alias("signup_month"),
        F.coalesce(is_active, F.lit(False)).alias("is_active"),
        F.coalesce("net_revenue", F.lit(Decimal(0)).cast(MONEY)).alias("ltv_estimate"),
        "as_of",
    )
