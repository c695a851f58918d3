"""Refunds a day: one row per day on which something was paid back.

The share says how much of the refunded orders was paid back on the day, whatever their status, and whenever they were
placed. It can be above 1, for an order may be refunded on several days and by mistake.
"""

from __future__ import annotations

import pandera.pyspark as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from project_etl.core.contracts import FAIL, on_fail, sql_rule
from project_etl.core.model.table import Conserves, ReplaceDays, Table, lookup, same_day
from project_etl.core.transforms.money import Money, Share, share, to_money, total
from project_etl.gold._conserved import HALF_A_CENT
from project_etl.gold._rates import NEEDS_RATES


class DailyRefunds(pa.DataFrameModel):
    """The refunds of one day."""

    refund_date: T.DateType = pa.Field(
        description="Business day on which the money was paid back.", metadata=on_fail(FAIL)
    )
    refunds: T.LongType = pa.Field(gt=0, description="Refunds.", metadata=on_fail(FAIL))
    orders: T.LongType = pa.Field(gt=0, description="Orders that they were paid for.", metadata=on_fail(FAIL))
    amount: Money = pa.Field(ge=0, description="Paid back, reporting currency.", metadata=NEEDS_RATES)
    share: Share = pa.Field(
        nullable=True,
        ge=0,
        description="amount / net amount of these orders; empty when that is 0, or not known of one of them.",
        metadata=on_fail(FAIL),
    )


TABLE = Table(
    name="gold/daily_refunds",
    contract=DailyRefunds,
    keys=("refund_date",),
    inputs={
        "refunds": same_day("gold/fact_refunds"),
        "orders": lookup("gold/fact_orders", at="order_date"),
    },
    rules=(
        sql_rule(
            "orders_within_refunds",
            "orders <= refunds",
            action=FAIL,
            description="orders must not be above refunds",
        ),
    ),
    conserves=(
        Conserves("refunds", here="refunds"),
        Conserves("refunds", "amount_reporting", here="amount", within=HALF_A_CENT),
    ),
    write=ReplaceDays("refund_date"),
    measure="amount",
)


def transform(refunds: DataFrame, orders: DataFrame) -> DataFrame:
    """Sum the refunds of each day, and what their orders were worth."""
    net_of = orders.select("order_date", "order_id", F.col("net_amount_reporting").alias("net"))
    of_order = refunds.groupBy("refund_date", "order_date", "order_id").agg(
        F.count(F.lit(1)).alias("refunds"), total("amount_reporting").alias("paid")
    )
    days = (
        of_order.join(net_of, on=["order_date", "order_id"], how="left")
        .groupBy("refund_date")
        .agg(
            F.sum("refunds").alias("refunds"),
            F.count(F.lit(1)).alias("orders"),
            total("paid").alias("paid"),
            total("net").alias("net"),
        )
    )
    return days.select(
        "refund_date", "refunds", "orders", to_money("paid").alias("amount"), share("paid", "net").alias("share")
    )
