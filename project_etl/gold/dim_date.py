"""Days: one row per day from the setting `start_date` to the latest business day of an order or event.

That latest day is `as_of`, the day of which snapshot tables speak. It is decided here alone.
"""

from __future__ import annotations

from datetime import date

import pandera.pyspark as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from project_etl.core.contracts import FAIL, on_fail
from project_etl.core.model.table import Snapshot, Table, whole

THURSDAY, SATURDAY = 4, 6


class DimDate(pa.DataFrameModel):
    """A day of the calendar."""

    date: T.DateType = pa.Field(description="The day.", metadata=on_fail(FAIL))
    year: T.IntegerType = pa.Field(description="Year of the day.", metadata=on_fail(FAIL))
    quarter: T.IntegerType = pa.Field(
        in_range={"min_value": 1, "max_value": 4}, description="Quarter of the year.", metadata=on_fail(FAIL)
    )
    month: T.IntegerType = pa.Field(
        in_range={"min_value": 1, "max_value": 12}, description="Month of the year.", metadata=on_fail(FAIL)
    )
    iso_year: T.IntegerType = pa.Field(description="Year that the week of the day belongs to.", metadata=on_fail(FAIL))
    iso_week: T.IntegerType = pa.Field(
        in_range={"min_value": 1, "max_value": 53}, description="Week of iso_year (ISO 8601).", metadata=on_fail(FAIL)
    )
    weekday: T.IntegerType = pa.Field(
        in_range={"min_value": 1, "max_value": 7}, description="1 is Monday, 7 is Sunday.", metadata=on_fail(FAIL)
    )
    is_weekend: T.BooleanType = pa.Field(description="Whether it is a Saturday or Sunday.", metadata=on_fail(FAIL))
    as_of: T.DateType = pa.Field(description="Latest business day of an order or event.", metadata=on_fail(FAIL))


TABLE = Table(
    name="gold/dim_date",
    contract=DimDate,
    keys=("date",),
    inputs={"orders": whole("gold/fact_orders"), "events": whole("gold/fact_events")},
    write=Snapshot(),
)


def transform(orders: DataFrame, events: DataFrame, *, start_date: date) -> DataFrame:
    """Count the days from the first one to the latest with an order or event; there are none without either."""
    happened = orders.select(F.col("order_date").alias("day")).unionAll(events.select("event_date"))
    latest = happened.agg(F.max("day").alias("as_of")).where(F.col("as_of") >= F.lit(start_date))
    number = F.date_diff("as_of", F.lit(start_date))
    later = latest.select("as_of", F.explode(F.sequence(F.lit(0), number)).alias("later"))
    days = later.select("as_of", F.date_add(F.lit(start_date), F.col("later")).alias("date"))
    # Sunday is day 1 of `dayofweek`.
    weekday = (F.dayofweek("date") + F.lit(5)) % F.lit(7) + F.lit(1)
    # A week belongs to the year that has its Thursday.
    thursday = F.date_add("date", F.lit(THURSDAY) - weekday)
    return days.select(
        "date",
        F.year("date").alias("year"),
        F.quarter("date").alias("quarter"),
        F.month("date").alias("month"),
        F.year(thursday).alias("iso_year"),
        F.weekofyear("date").alias("iso_week"),
        weekday.alias("weekday"),
        (weekday >= F.lit(SATURDAY)).alias("is_weekend"),
        "as_of",
    )
