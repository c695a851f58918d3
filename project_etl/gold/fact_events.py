"""Events: one row per published event, with the session that it belongs to.

A session is the events of a visitor on one business day, in the order of their instants and ids, up to a gap of more
than half an hour. The tracker's own session plays no part. Bots are not filtered.
"""

from __future__ import annotations

import pandera.pyspark as pa
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F
from pyspark.sql import types as T

from project_etl.core.contracts import FAIL, on_fail
from project_etl.core.model.table import Conserves, ReplaceDays, Table, same_day, whole
from project_etl.core.transforms.asof import as_of
from project_etl.core.transforms.money import Amount

UNKNOWN_CATEGORY = "Unknown"
LONGEST_GAP_SECONDS = 1_800
SEPARATOR = "\u001f"
KEY_DIGITS = 32


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
        description="Session: a hash of the visitor and of the instant of its first event.", metadata=on_fail(FAIL)
    )
    event_type: T.StringType = pa.Field(description="view, add_to_cart or purchase.", metadata=on_fail(FAIL))
    product_id: T.StringType = pa.Field(nullable=True, description="Product that it is about.")
    category: T.StringType = pa.Field(
        description="Category of the product at the event's time; Unknown without.", metadata=on_fail(FAIL)
    )
    order_id: T.StringType = pa.Field(nullable=True, description="Order of a purchase.")
    quantity: T.IntegerType = pa.Field(gt=0, description="Pieces.", metadata=on_fail(FAIL))
    price: Amount = pa.Field(ge=0, description="Price of a piece, reporting currency.", metadata=on_fail(FAIL))
    event_value: Amount = pa.Field(ge=0, description="quantity × price of a purchase, else 0.", metadata=on_fail(FAIL))


TABLE = Table(
    name="gold/fact_events",
    contract=FactEvents,
    keys=("event_date", "event_id"),
    inputs={"events": same_day("silver/events"), "products_history": whole("silver/products_history")},
    conserves=(Conserves("events"), Conserves("events", "event_value")),
    write=ReplaceDays("event_date"),
)


def transform(events: DataFrame, products_history: DataFrame) -> DataFrame:
    """Give each event its session, and its product's category then.

    Args:
        events: `silver/events` of the days.
        products_history: all of `silver/products_history`.

    Returns:
        As many rows as `events`, as the contract says.
    """
    in_order = Window.partitionBy("visitor_id", "event_date").orderBy("event_ts", "event_id")
    until_now = in_order.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    micros = F.unix_micros("event_ts")
    gap = micros - F.lag(micros).over(in_order)
    begins = F.when(F.coalesce(gap > LONGEST_GAP_SECONDS * 1_000_000, F.lit(True)), F.col("event_ts"))
    # Starts only grow, so that the newest one up to an event is its session's.
    started_at = F.max("_begins").over(until_now)
    sessions = events.withColumn("_begins", begins).withColumn("_started_at", started_at)
    text = F.date_format("_started_at", "yyyy-MM-dd'T'HH:mm:ss.SSSSSS")
    key = F.substring(F.sha2(F.concat("visitor_id", F.lit(SEPARATOR), text), 256), 1, KEY_DIGITS)
    known = as_of(
        sessions.withColumn("session_key", key),
        products_history,
        key="product_id",
        at="event_ts",
        columns={"category": "category"},
    )
    return known.select(
        "event_date",
        "event_id",
        "event_ts",
        "event_hour",
        "visitor_id",
        "customer_id",
        "session_key",
        "event_type",
        "product_id",
        F.coalesce("category", F.lit(UNKNOWN_CATEGORY)).alias("category"),
        "order_id",
        "quantity",
        "price",
        "event_value",
    )
