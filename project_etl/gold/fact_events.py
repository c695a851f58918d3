"""Events: one row per published event, with the session that it belongs to.

A session is a visitor's events of one business day, until more than half an hour passes without one. The tracker's own
session plays no part. The category is that of the product at the event's time, or its earliest one.
"""

from __future__ import annotations

import pandera.pyspark as pa
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F
from pyspark.sql import types as T

from project_etl.core.contracts import FAIL, on_fail
from project_etl.core.model.table import Conserves, ReplaceDays, Table, same_day, whole
from project_etl.core.transforms.asof import as_of
from project_etl.core.transforms.money import Amount
from project_etl.gold.fact_order_items import UNKNOWN_CATEGORY

LONGEST_GAP = 1_800_000_000
"""A session ends when more microseconds than these pass without an event."""
KEY_DIGITS = 32
# What no visitor's number holds.
SEPARATOR = "\u001f"


class FactEvents(pa.DataFrameModel):
    """One event."""

    event_date: T.DateType = pa.Field(description="Business day of the event.", metadata=on_fail(FAIL))
    event_id: T.StringType = pa.Field(description="Event number given by the tracker.", metadata=on_fail(FAIL))
    event_ts: T.TimestampType = pa.Field(description="Instant of the event (UTC).", metadata=on_fail(FAIL))
    event_hour: T.IntegerType = pa.Field(
        in_range={"min_value": 0, "max_value": 23},
        description="Hour of the event, in the reporting time zone.",
        metadata=on_fail(FAIL),
    )
    visitor_id: T.StringType = pa.Field(description="Visitor: a browser or a device.", metadata=on_fail(FAIL))
    customer_id: T.StringType = pa.Field(nullable=True, description="Customer; empty until the visitor is known.")
    session_key: T.StringType = pa.Field(
        str_length={"min_value": KEY_DIGITS, "max_value": KEY_DIGITS},
        description="Session: 32 hex digits made from its visitor and its beginning.",
        metadata=on_fail(FAIL),
    )
    event_type: T.StringType = pa.Field(description="view, add_to_cart or purchase.", metadata=on_fail(FAIL))
    product_id: T.StringType = pa.Field(nullable=True, description="Product that it is about.")
    category: T.StringType = pa.Field(
        description="Category of the product then; Unknown without.", metadata=on_fail(FAIL)
    )
    order_id: T.StringType = pa.Field(nullable=True, description="Order of a purchase.")
    quantity: T.IntegerType = pa.Field(gt=0, description="Pieces.", metadata=on_fail(FAIL))
    price: Amount = pa.Field(ge=0, description="Price of a piece, reporting currency.", metadata=on_fail(FAIL))
    event_value: Amount = pa.Field(
        ge=0,
        description="quantity × price of a purchase, else 0; reporting currency.",
        metadata=on_fail(FAIL),
    )


TABLE = Table(
    name="gold/fact_events",
    contract=FactEvents,
    keys=("event_date", "event_id"),
    inputs={"events": same_day("silver/events"), "products_history": whole("silver/products_history")},
    conserves=(Conserves("events"), Conserves("events", "event_value")),
    write=ReplaceDays("event_date"),
)


def transform(events: DataFrame, products_history: DataFrame) -> DataFrame:
    """Find the session of each event, and its product's category then.

    Args:
        events: `silver/events` of the days.
        products_history: all of `silver/products_history`.

    Returns:
        As many rows as `events`, as the contract says.
    """
    rows = events.select(
        "event_id", "event_date", "event_ts", "event_hour", "visitor_id", "customer_id", "event_type",
        "product_id", "order_id", "quantity", "price", "event_value",
    )  # fmt: skip
    in_order = Window.partitionBy("event_date", "visitor_id").orderBy("event_ts", "event_id")
    gap = F.unix_micros("event_ts") - F.unix_micros(F.lag("event_ts").over(in_order))
    begins = gap.isNull() | (gap > F.lit(LONGEST_GAP))
    rows = rows.withColumn("_begun_at", F.when(begins, F.col("event_ts")))
    until_now = in_order.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    rows = rows.withColumn("_started_at", F.max("_begun_at").over(until_now))
    rows = as_of(rows, products_history, key="product_id", at="event_ts", columns={"category": "category"})
    return rows.select(
        "event_date",
        "event_id",
        "event_ts",
        "event_hour",
        "visitor_id",
        "customer_id",
        _session_key(F.col("visitor_id"), F.col("_started_at")).alias("session_key"),
        "event_type",
        "product_id",
        F.coalesce("category", F.lit(UNKNOWN_CATEGORY)).alias("category"),
        "order_id",
        "quantity",
        "price",
        "event_value",
    )


def _session_key(visitor: Column, started_at: Column) -> Column:
    """The first digits of the SHA-256 of a visitor and an instant, as ISO 8601 in UTC with microseconds."""
    instant = F.date_format(started_at, "yyyy-MM-dd'T'HH:mm:ss.SSSSSS")
    return F.substring(F.sha2(F.concat(visitor, F.lit(SEPARATOR), instant), 256), 1, KEY_DIGITS)
