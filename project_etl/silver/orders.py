"""Silver orders: one row per order, the newest valid version wins."""

from __future__ import annotations

from typing import Annotated

import pandera.pyspark as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from project_etl.core.contracts import WARN, on_fail
from project_etl.core.model.records import RECORD, Records, code, country, instant, key, number
from project_etl.core.model.table import Merge, Reference, Table
from project_etl.core.transforms.casts import cleaned, to_decimal, to_utc
from project_etl.core.transforms.iso import COUNTRIES, CURRENCIES
from project_etl.core.transforms.zones import business_day

STATUSES = (
    *("PLACED", "PAID", "SHIPPED", "DELIVERED", "COMPLETED"),
    *("CANCELLED", "RETURNED", "REFUNDED", "PARTIALLY_REFUNDED"),
)


class Orders(pa.DataFrameModel):
    """An order as of the newest version."""

    order_id: T.StringType = pa.Field(description="Order number given by the shop.")
    customer_id: T.StringType = pa.Field(
        # Guests are usual; a day without any customer is not.
        metadata=on_fail(null=on_fail(WARN, max_share=0.5)),
        description="Customer; null for a guest.",
    )
    order_ts: T.TimestampType = pa.Field(description="When the order was placed (UTC).")
    order_date: T.DateType = pa.Field(nullable=True, description="Business day on which the order was placed.")
    status: T.StringType = pa.Field(isin=STATUSES, description="Where the order stands.")
    currency: T.StringType = pa.Field(isin=CURRENCIES, description="Currency of all its amounts, ISO 4217.")
    order_total: Annotated[T.DecimalType, 18, 4] = pa.Field(
        nullable=True, ge=0, description="Total that the shop states."
    )
    country: T.StringType = pa.Field(
        nullable=True, isin=COUNTRIES, description="Country of delivery, ISO 3166 alpha-2."
    )
    updated_at: T.TimestampType = pa.Field(nullable=True, description="When the shop last changed the order (UTC).")


RECORDS = Records(
    "orders",
    {
        "order_id": key("Order number."),
        "customer_id": key("Customer number; empty for a guest."),
        "order_ts": instant("When the order was placed."),
        "status": code("Where the order stands."),
        "currency": code("Currency of the order's amounts."),
        "order_total": number("Total of the order."),
        "country": country("Country of delivery; may be empty."),
        "updated_at": instant("When the shop last changed the record."),
    },
)

TABLE = Table(
    name="silver/orders",
    contract=Orders,
    keys=("order_id",),
    records=RECORDS,
    write=Merge(newest_by="updated_at"),
    day="order_date",
    references=(Reference("customer_id", "silver/customers", rule="customer_known", action=WARN),),
)


def transform(orders: DataFrame, *, reporting_timezone: str) -> DataFrame:
    """Read the columns and derive the business day of the order."""
    order_ts = to_utc("order_ts")
    return orders.select(
        "order_id",
        "customer_id",
        order_ts.alias("order_ts"),
        business_day(order_ts, reporting_timezone).alias("order_date"),
        F.upper(cleaned("status")).alias("status"),
        F.upper(cleaned("currency")).alias("currency"),
        to_decimal("order_total").alias("order_total"),
        F.upper(cleaned("country")).alias("country"),
        to_utc("updated_at").alias("updated_at"),
        RECORD,
    )
