"""Silver refunds: one row per refund, the newest valid version wins.

An amount is in the currency of its order, and counts for two days: the one on which it was paid back, and the order's.
Whether the refunds of an order are more than it was, and whether its status says so, is judged where all of them meet
(`gold/fact_refunds.py`, `gold/fact_orders.py`).
"""

from __future__ import annotations

from typing import Annotated

import pandera.pyspark as pa
from pyspark.sql import DataFrame
from pyspark.sql import types as T

from project_etl.core.contracts import WARN, sql_rule
from project_etl.core.model.records import RECORD, Records, instant, key, label, number
from project_etl.core.model.table import Merge, Reference, Table
from project_etl.core.silver.rules import EARLIEST_DAY
from project_etl.core.transforms.casts import cleaned, to_decimal, to_int, to_utc
from project_etl.core.transforms.zones import business_day


class Refunds(pa.DataFrameModel):
    """What was paid back at once, for an order or a line of it."""

    refund_id: T.StringType = pa.Field(description="Refund number given by the shop.")
    order_id: T.StringType = pa.Field(description="Order that the money was paid for.")
    order_item_id: T.StringType = pa.Field(nullable=True, description="Line of it; null for the whole order.")
    quantity: T.IntegerType = pa.Field(
        nullable=True, gt=0, description="Pieces that came back; null where none did, or nobody says."
    )
    amount: Annotated[T.DecimalType, 18, 4] = pa.Field(gt=0, description="Amount paid back, in `currency`.")
    currency: T.StringType = pa.Field(nullable=True, description="Currency of the order, ISO 4217.")
    reason: T.StringType = pa.Field(nullable=True, description="Why it was paid back.")
    refunded_at: T.TimestampType = pa.Field(description="When it was paid back (UTC).")
    refund_date: T.DateType = pa.Field(nullable=True, description="Business day on which it was paid back.")
    order_date: T.DateType = pa.Field(nullable=True, description="Business day on which the order was placed.")
    order_ts: T.TimestampType = pa.Field(nullable=True, description="When the order was placed (UTC).")
    updated_at: T.TimestampType = pa.Field(nullable=True, description="When the shop last changed the refund (UTC).")


RECORDS = Records(
    "refunds",
    {
        "refund_id": key("Refund number."),
        "order_id": key("Order number."),
        "order_item_id": key("Line number of the order; empty for the whole order."),
        "quantity": number("Pieces that came back; may be empty."),
        "amount": number("Amount paid back, in the order's currency."),
        "reason": label("Why it was paid back."),
        "refunded_at": instant("When it was paid back."),
        "updated_at": instant("When the shop last changed the record."),
    },
)

TABLE = Table(
    name="silver/refunds",
    contract=Refunds,
    keys=("refund_id",),
    records=RECORDS,
    write=Merge(newest_by="updated_at"),
    day=("refund_date", "order_date"),
    references=(
        Reference("order_id", "silver/orders", rule="order_exists", carry=("order_date", "order_ts", "currency")),
        Reference("order_item_id", "silver/order_items", rule="refund_item_known", within=("order_id",), action=WARN),
    ),
    rules=(
        sql_rule(
            "refunded_after_order",
            # A time that cannot be breaks the rule for that.
            f"refunded_at >= order_ts OR to_date(refunded_at) < DATE'{EARLIEST_DAY}'",
            action=WARN,
            description="refunded_at is not before the order was placed",
            column="refunded_at",
        ),
    ),
)


def transform(refunds: DataFrame, *, reporting_timezone: str) -> DataFrame:
    """Read the columns and derive the business day of the refund. What is said of the order comes from the order."""
    refunded_at = to_utc("refunded_at")
    return refunds.select(
        "refund_id",
        "order_id",
        "order_item_id",
        to_int("quantity").alias("quantity"),
        to_decimal("amount").alias("amount"),
        "currency",
        cleaned("reason").alias("reason"),
        refunded_at.alias("refunded_at"),
        business_day(refunded_at, reporting_timezone).alias("refund_date"),
        "order_date",
        "order_ts",
        to_utc("updated_at").alias("updated_at"),
        RECORD,
    )
