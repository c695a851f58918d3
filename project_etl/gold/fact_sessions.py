"""Sessions: one row per session of a visitor on a business day. What one is, `fact_events` decides.

The revenue of a session is what the tracker saw, and need not be that of orders.
"""

from __future__ import annotations

import pandera.pyspark as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from project_etl.core.contracts import FAIL, on_fail, sql_rule
from project_etl.core.model.table import Conserves, ReplaceDays, Table, same_day
from project_etl.core.transforms.money import ORDER_AMOUNT, OrderAmount

MICROSECONDS = 1_000_000


class FactSessions(pa.DataFrameModel):
    """One session."""

    event_date: T.DateType = pa.Field(description="Business day of the session.", metadata=on_fail(FAIL))
    session_key: T.StringType = pa.Field(description="Session.", metadata=on_fail(FAIL))
    visitor_id: T.StringType = pa.Field(description="Visitor: a browser or a device.", metadata=on_fail(FAIL))
    customer_id: T.StringType = pa.Field(
        nullable=True, description="Customer of the last event that has one; empty without."
    )
    started_at: T.TimestampType = pa.Field(description="Instant of its first event (UTC).", metadata=on_fail(FAIL))
    ended_at: T.TimestampType = pa.Field(description="Instant of its last event (UTC).", metadata=on_fail(FAIL))
    seconds: T.LongType = pa.Field(
        ge=0, description="Whole seconds from the first to the last event.", metadata=on_fail(FAIL)
    )
    events: T.LongType = pa.Field(gt=0, description="Events.", metadata=on_fail(FAIL))
    views: T.LongType = pa.Field(ge=0, description="Views.", metadata=on_fail(FAIL))
    carts: T.LongType = pa.Field(ge=0, description="Products put into the cart.", metadata=on_fail(FAIL))
    purchases: T.LongType = pa.Field(ge=0, description="Purchases.", metadata=on_fail(FAIL))
    products_viewed: T.LongType = pa.Field(ge=0, description="Different products of its views.", metadata=on_fail(FAIL))
    is_bounce: T.BooleanType = pa.Field(description="Whether it is one event.", metadata=on_fail(FAIL))
    revenue: OrderAmount = pa.Field(
        ge=0, description="Σ event_value: what the tracker saw, reporting currency.", metadata=on_fail(FAIL)
    )


TABLE = Table(
    name="gold/fact_sessions",
    contract=FactSessions,
    keys=("event_date", "session_key"),
    inputs={"events": same_day("gold/fact_events")},
    rules=(
        sql_rule(
            "events_are_of_a_type",
            "events = views + carts + purchases",
            action=FAIL,
            description="events must be views, carts and purchases together",
        ),
    ),
    conserves=(Conserves("events", here="events"), Conserves("events", "event_value", here="revenue")),
    write=ReplaceDays("event_date"),
)


def transform(events: DataFrame) -> DataFrame:
    """Sum the events of each session."""

    def of_type(name: str) -> Column:
        return F.col("event_type") == name

    is_known = F.col("customer_id").isNotNull()
    last_known = F.max_by("customer_id", F.when(is_known, F.struct("event_ts", "event_id")))
    sessions = events.groupBy("event_date", "session_key").agg(
        F.min("visitor_id").alias("visitor_id"),
        last_known.alias("customer_id"),
        F.min("event_ts").alias("started_at"),
        F.max("event_ts").alias("ended_at"),
        F.count(F.lit(1)).alias("events"),
        F.count_if(of_type("view")).alias("views"),
        F.count_if(of_type("add_to_cart")).alias("carts"),
        F.count_if(of_type("purchase")).alias("purchases"),
        F.count_distinct(F.when(of_type("view"), F.col("product_id"))).alias("products_viewed"),
        F.sum("event_value").cast(ORDER_AMOUNT).alias("revenue"),
    )
    seconds = F.expr(f"(unix_micros(ended_at) - unix_micros(started_at)) div {MICROSECONDS}")
    return sessions.select(
        "event_date",
        "session_key",
        "visitor_id",
        "customer_id",
        "started_at",
        "ended_at",
        seconds.alias("seconds"),
        "events",
        "views",
        "carts",
        "purchases",
        "products_viewed",
        (F.col("events") == 1).alias("is_bounce"),
        "revenue",
    )
