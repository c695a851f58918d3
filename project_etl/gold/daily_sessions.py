"""Daily sessions: one row per business day that holds a session."""

from __future__ import annotations

import pandera.pyspark as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from project_etl.core.contracts import FAIL, on_fail, sql_rule
from project_etl.core.model.table import Conserves, ReplaceDays, Table, same_day
from project_etl.core.transforms.money import Money, Share, average, share, total


class DailySessions(pa.DataFrameModel):
    """The sessions of one day."""

    event_date: T.DateType = pa.Field(description="Business day of the sessions.", metadata=on_fail(FAIL))
    sessions: T.LongType = pa.Field(gt=0, description="Sessions.", metadata=on_fail(FAIL))
    visitors: T.LongType = pa.Field(gt=0, description="Visitors who had a session.", metadata=on_fail(FAIL))
    bounce_rate: Share = pa.Field(
        in_range={"min_value": 0, "max_value": 1},
        description="Sessions of one event / sessions.",
        metadata=on_fail(FAIL),
    )
    avg_seconds: Money = pa.Field(ge=0, description="Seconds / sessions.", metadata=on_fail(FAIL))
    events_per_session: Money = pa.Field(ge=1, description="Events / sessions.", metadata=on_fail(FAIL))
    revenue_per_session: Money = pa.Field(
        ge=0, description="Unrounded revenue / sessions, reporting currency.", metadata=on_fail(FAIL)
    )


TABLE = Table(
    name="gold/daily_sessions",
    contract=DailySessions,
    keys=("event_date",),
    inputs={"sessions": same_day("gold/fact_sessions")},
    rules=(
        sql_rule(
            "visitors_within_sessions",
            "visitors <= sessions",
            action=FAIL,
            description="visitors must not be more than sessions",
        ),
    ),
    conserves=(Conserves("sessions", here="sessions"),),
    write=ReplaceDays("event_date"),
    measure="sessions",
)


def transform(sessions: DataFrame) -> DataFrame:
    """Sum the sessions of each day."""
    days = sessions.groupBy("event_date").agg(
        F.count(F.lit(1)).alias("sessions"),
        F.count_distinct("visitor_id").alias("visitors"),
        F.count_if("is_bounce").alias("bounces"),
        F.sum("seconds").alias("seconds"),
        F.sum("events").alias("events"),
        total("revenue").alias("revenue"),
    )
    return days.select(
        "event_date",
        "sessions",
        "visitors",
        share("bounces", "sessions").alias("bounce_rate"),
        average("seconds", "sessions").alias("avg_seconds"),
        average("events", "sessions").alias("events_per_session"),
        average("revenue", "sessions").alias("revenue_per_session"),
    )
