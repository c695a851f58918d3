"""Sessions: one row per session, which is a visit of one visitor on one business day (see `fact_events`)."""

from __future__ import annotations

import pandera.pyspark as pa
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F
from pyspark.sql import types as T

from project_etl.core.contracts import FAIL, on_fail, sql_rule
from project_etl.core.model.table import Conserves, ReplaceDays, Table, same_day
from project_etl.core.transforms.money import OrderAmount

VIEW, CART, PURCHASE = "view", "add_to_cart", "purchase"


class FactSessions(pa.DataFrameModel):
    """One session."""

    event_date: T.DateType = pa.Field(description="Business day of the session.", metadata=on_fail(FAIL))
    session_key: T.StringType = pa.Field(
        description="Session: 32 hex digits made from its visitor and its beginning.", metadata=on_fail(FAIL)
    )
    visitor_id: T.StringType = pa.Field(description="Visitor: a browser or a device.", metadata=on_fail(FAIL))
    customer_id: T.StringType = pa.Field(nullable=True, description="Customer of the last event that has one.")
    started_at: T.TimestampType = pa.Field(description="Instant of its first event (UTC).", metadata=on_fail(FAIL))
    ended_at: T.TimestampType = pa.Field(description="Instant of its last event (UTC).", metadata=on_fail(FAIL))
    seconds: T.LongType = pa.Field(
        ge=0, description="Whole seconds from its first event to its last.", metadata=on_fail(FAIL)
    )
    events: T.LongType = pa.Field(gt=0, description="Events.", metadata=on_fail(FAIL))
    views: T.LongType = pa.Field(ge=0, description="Views.", metadata=on_fail(FAIL))
    carts: T.LongType = pa.Field(ge=0, description="Events that put into the cart.", metadata=on_fail(FAIL))
    purchases: T.LongType = pa.Field(ge=0, description="Purchases.", metadata=on_fail(FAIL))
    products_viewed: T.LongType = pa.Field(ge=0, description="Different products of its views.", metadata=on_fail(FAIL))
    is_bounce: T.BooleanType = pa.Field(description="Whether it is one event.", metadata=on_fail(FAIL))
    revenue: OrderAmount = pa.Field(
        ge=0,
        description="Σ event_value, reporting currency; the tracker's figure, not that of orders.",
        metadata=on_fail(FAIL),
    )


TABLE = Table(
    name="gold/fact_sessions",
    contract=FactSessions,
    keys=("event_date", "session_key"),
    inputs={"events": same_day("gold/fact_events")},
    rules=(
        sql_rule(
            "events_are_of_types",
            "events = views + carts + purchases",
            action=FAIL,
            description="events must be the sum of views, carts and purchases",
        ),
        sql_rule(
            "products_within_views",
            "products_viewed <= views",
            action=FAIL,
            description="products_viewed must not be more than views",
        ),
    ),
    conserves=(Conserves("events", here="events"), Conserves("events", "event_value", here="revenue")),
    write=ReplaceDays("event_date"),
)


def transform(events: DataFrame) -> DataFrame:
    """Sum the events of each session."""
    kind = F.col("event_type")
    in_order = Window.partitionBy("event_date", "session_key").orderBy("event_ts", "event_id")
    throughout = in_order.rowsBetween(Window.unboundedPreceding, Window.unboundedFollowing)
    of_product = Window.partitionBy("event_date", "session_key", "event_type", "product_id").orderBy("event_id")
    # Windows, for the embedded engine needs many kilobytes for each group in which it counts what is distinct.
    rows = events.select(
        "event_date", "session_key", "visitor_id", "event_ts", "event_type", "product_id", "event_value",
        F.last("customer_id", ignorenulls=True).over(throughout).alias("customer_id"),
        F.row_number().over(of_product).alias("_number"),
    )  # fmt: skip
    is_new_product = (kind == VIEW) & F.col("product_id").isNotNull() & (F.col("_number") == 1)
    lasted = F.unix_micros(F.max("event_ts")) - F.unix_micros(F.min("event_ts"))
    sessions = rows.groupBy("event_date", "session_key", "visitor_id", "customer_id").agg(
        F.min("event_ts").alias("started_at"),
        F.max("event_ts").alias("ended_at"),
        F.unix_seconds(F.timestamp_micros(lasted)).alias("seconds"),
        F.count(F.lit(1)).alias("events"),
        F.count_if(kind == VIEW).alias("views"),
        F.count_if(kind == CART).alias("carts"),
        F.count_if(kind == PURCHASE).alias("purchases"),
        F.count_if(is_new_product).alias("products_viewed"),
        F.sum("event_value").alias("revenue"),
    )
    return sessions.select(
        "event_date",
        "session_key",
        "visitor_id",
        "customer_id",
        "started_at",
        "ended_at",
        "seconds",
        "events",
        "views",
        "carts",
        "purchases",
        "products_viewed",
        (F.col("events") == 1).alias("is_bounce"),
        "revenue",
    )
