"""The funnel: one row per day that holds a session, with how many of them came how far.

A session counts for each type of event that it holds, in whatever order they came.
"""

from __future__ import annotations

import pandera.pyspark as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from project_etl.core.contracts import FAIL, on_fail
from project_etl.core.model.table import Conserves, ReplaceDays, Table, same_day
from project_etl.core.transforms.money import Share, share

UP_TO_ONE = {"min_value": 0, "max_value": 1}


class Funnel(pa.DataFrameModel):
    """How far the sessions of one day came."""

    event_date: T.DateType = pa.Field(description="Business day of the sessions.", metadata=on_fail(FAIL))
    sessions: T.LongType = pa.Field(gt=0, description="Sessions.", metadata=on_fail(FAIL))
    with_view: T.LongType = pa.Field(ge=0, description="Sessions with a view.", metadata=on_fail(FAIL))
    with_cart: T.LongType = pa.Field(
        ge=0, description="Sessions in which something was put into the cart.", metadata=on_fail(FAIL)
    )
    with_purchase: T.LongType = pa.Field(ge=0, description="Sessions with a purchase.", metadata=on_fail(FAIL))
    view_to_cart: Share = pa.Field(
        nullable=True,
        in_range=UP_TO_ONE,
        description="Of the sessions with a view, those with a cart, too; empty without any.",
        metadata=on_fail(FAIL),
    )
    cart_to_purchase: Share = pa.Field(
        nullable=True,
        in_range=UP_TO_ONE,
        description="Of the sessions with a cart, those with a purchase, too; empty without any.",
        metadata=on_fail(FAIL),
    )
    view_to_purchase: Share = pa.Field(
        nullable=True,
        in_range=UP_TO_ONE,
        description="Of the sessions with a view, those with a purchase, too; empty without any.",
        metadata=on_fail(FAIL),
    )


TABLE = Table(
    name="gold/funnel",
    contract=Funnel,
    keys=("event_date",),
    inputs={"sessions": same_day("gold/fact_sessions")},
    conserves=(Conserves("sessions", here="sessions"),),
    write=ReplaceDays("event_date"),
)


def transform(sessions: DataFrame) -> DataFrame:
    """Count the sessions of each day that hold each type of event, and two of them."""
    view, cart, purchase = (F.col(name) > 0 for name in ("views", "carts", "purchases"))

    def counted(condition: Column, name: str) -> Column:
        return F.count_if(condition).alias(name)

    days = sessions.groupBy("event_date").agg(
        F.count(F.lit(1)).alias("sessions"),
        counted(view, "with_view"),
        counted(cart, "with_cart"),
        counted(purchase, "with_purchase"),
        counted(view & cart, "view_cart"),
        counted(cart & purchase, "cart_purchase"),
        counted(view & purchase, "view_purchase"),
    )
    return days.select(
        "event_date",
        "sessions",
        "with_view",
        "with_cart",
        "with_purchase",
        share("view_cart", "with_view").alias("view_to_cart"),
        share("cart_purchase", "with_cart").alias("cart_to_purchase"),
        share("view_purchase", "with_view").alias("view_to_purchase"),
    )
