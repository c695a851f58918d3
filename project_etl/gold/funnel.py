"""Funnel: one row per business day that holds a session, with the sessions that came so far.

A session has come to a step when it holds an event of its type, in whatever order: a purchase may stand before a view.
"""

from __future__ import annotations

import pandera.pyspark as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from project_etl.core.contracts import FAIL, on_fail, sql_rule
from project_etl.core.model.table import Conserves, ReplaceDays, Table, same_day
from project_etl.core.transforms.money import Share, share

A_SHARE = {"min_value": 0, "max_value": 1}


class Funnel(pa.DataFrameModel):
    """How far the sessions of one day came."""

    event_date: T.DateType = pa.Field(description="Business day of the sessions.", metadata=on_fail(FAIL))
    sessions: T.LongType = pa.Field(gt=0, description="Sessions.", metadata=on_fail(FAIL))
    with_view: T.LongType = pa.Field(ge=0, description="Sessions with a view.", metadata=on_fail(FAIL))
    with_cart: T.LongType = pa.Field(
        ge=0, description="Sessions that put something into the cart.", metadata=on_fail(FAIL)
    )
    with_purchase: T.LongType = pa.Field(ge=0, description="Sessions with a purchase.", metadata=on_fail(FAIL))
    view_to_cart: Share = pa.Field(
        nullable=True,
        in_range=A_SHARE,
        description="Sessions with view and cart / with_view; empty without a view.",
        metadata=on_fail(FAIL),
    )
    cart_to_purchase: Share = pa.Field(
        nullable=True,
        in_range=A_SHARE,
        description="Sessions with cart and purchase / with_cart; empty without a cart.",
        metadata=on_fail(FAIL),
    )
    view_to_purchase: Share = pa.Field(
        nullable=True,
        in_range=A_SHARE,
        description="Sessions with view and purchase / with_view; empty without a view.",
        metadata=on_fail(FAIL),
    )


TABLE = Table(
    name="gold/funnel",
    contract=Funnel,
    keys=("event_date",),
    inputs={"sessions": same_day("gold/fact_sessions")},
    rules=(
        sql_rule(
            "steps_within_sessions",
            "greatest(with_view, with_cart, with_purchase) <= sessions",
            action=FAIL,
            description="no step may have more than sessions",
        ),
        sql_rule(
            "rates_where_steps",
            "(view_to_cart IS NULL) = (with_view = 0) AND (view_to_purchase IS NULL) = (with_view = 0)"
            " AND (cart_to_purchase IS NULL) = (with_cart = 0)",
            action=FAIL,
            description="a rate must be empty exactly where its step has no session",
        ),
    ),
    conserves=(Conserves("sessions", here="sessions"),),
    write=ReplaceDays("event_date"),
    measure="sessions",
)


def transform(sessions: DataFrame) -> DataFrame:
    """Count the sessions of each day that hold each type of event, and two of them."""
    viewed, carted, purchased = (F.col(name) > 0 for name in ("views", "carts", "purchases"))
    days = sessions.groupBy("event_date").agg(
        F.count(F.lit(1)).alias("sessions"),
        F.count_if(viewed).alias("with_view"),
        F.count_if(carted).alias("with_cart"),
        F.count_if(purchased).alias("with_purchase"),
        F.count_if(viewed & carted).alias("view_and_cart"),
        F.count_if(carted & purchased).alias("cart_and_purchase"),
        F.count_if(viewed & purchased).alias("view_and_purchase"),
    )
    return days.select(
        "event_date",
        "sessions",
        "with_view",
        "with_cart",
        "with_purchase",
        share("view_and_cart", "with_view").alias("view_to_cart"),
        share("cart_and_purchase", "with_cart").alias("cart_to_purchase"),
        share("view_and_purchase", "with_view").alias("view_to_purchase"),
    )
