"""Refunds: one row per published refund, on the day on which it was paid back.

An amount is converted with the rate of its order's day, so that a full refund leaves nothing of the order. A refund of
an order whose currency has no rate is published with an empty amount in the reporting currency.
"""

from __future__ import annotations

import pandera.pyspark as pa
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F
from pyspark.sql import types as T

from project_etl.core.contracts import FAIL, WARN, on_fail, sql_rule
from project_etl.core.model.table import Conserves, ReplaceDays, Table, lookup, same_day
from project_etl.core.transforms.money import Amount, convert, with_rates


class FactRefunds(pa.DataFrameModel):
    """One refund."""

    refund_date: T.DateType = pa.Field(
        description="Business day on which the money was paid back.", metadata=on_fail(FAIL)
    )
    refund_id: T.StringType = pa.Field(description="Refund number given by the shop.", metadata=on_fail(FAIL))
    order_id: T.StringType = pa.Field(description="Order that it was paid for.", metadata=on_fail(FAIL))
    order_item_id: T.StringType = pa.Field(nullable=True, description="Line of it; empty for the whole order.")
    order_date: T.DateType = pa.Field(description="Business day of the order.", metadata=on_fail(FAIL))
    quantity: T.IntegerType = pa.Field(
        nullable=True, gt=0, description="Pieces that came back; empty where nobody says.", metadata=on_fail(FAIL)
    )
    currency: T.StringType = pa.Field(description="Currency of the order (ISO 4217).", metadata=on_fail(FAIL))
    amount: Amount = pa.Field(gt=0, description="Amount paid back, order currency.", metadata=on_fail(FAIL))
    amount_reporting: Amount = pa.Field(
        nullable=True, ge=0, description="amount, by the rate of the order's day.", metadata=on_fail(FAIL)
    )
    reason: T.StringType = pa.Field(nullable=True, description="Why it was paid back.")


TABLE = Table(
    name="gold/fact_refunds",
    contract=FactRefunds,
    keys=("refund_date", "refund_id"),
    inputs={
        "refunds": same_day("silver/refunds"),
        "refunds_of_orders": lookup("silver/refunds", at="order_date", by="order_date"),
        "order_items": lookup("gold/fact_order_items", at="order_date"),
        "fx_rates": lookup("silver/fx_rates", at="order_date"),
    },
    rules=(
        sql_rule(
            "fx_rate_known",
            "amount_reporting IS NOT NULL",
            action=WARN,
            max_share=0,
            column="currency",
            description="the currency of an order that was refunded must have a rate into the reporting currency on "
            "the order's day or before it, or gold/daily_refunds holds its day back; add the rate to fx_rates",
        ),
        sql_rule(
            "refunds_within_order",
            "NOT is_above_order",
            action=WARN,
            column="amount",
            description="all refunds of an order together must not be more than net_amount of its published items "
            "(+ 0.01); the newest of them is counted",
        ),
    ),
    conserves=(Conserves("refunds"), Conserves("refunds", "amount")),
    for_rules=("is_above_order",),
    write=ReplaceDays("refund_date"),
)


def transform(
    refunds: DataFrame,
    refunds_of_orders: DataFrame,
    order_items: DataFrame,
    fx_rates: DataFrame,
    *,
    reporting_currency: str,
) -> DataFrame:
    """Convert each refund, and find those by which the refunds of an order become more than the order.

    Args:
        refunds: `silver/refunds` of the days.
        refunds_of_orders: `silver/refunds` of the orders' days, whenever they were paid back.
        order_items: `gold/fact_order_items` of the orders' days.
        fx_rates: all of `silver/fx_rates`.
        reporting_currency: ISO 4217 code.

    Returns:
        As many rows as `refunds`, as the contract says.
    """
    sold = order_items.groupBy("order_id").agg(F.sum("net_amount").alias("net"))
    newest_first = Window.partitionBy("order_id").orderBy(F.desc("refunded_at"), F.desc("refund_id"))
    newest = (
        refunds_of_orders.select(
            "order_id",
            "refund_id",
            F.sum("amount").over(Window.partitionBy("order_id")).alias("refunded"),
            F.row_number().over(newest_first).alias("number"),
        )
        .where("number = 1")
        .join(sold, on="order_id", how="left")
    )
    above = newest.where("refunded > coalesce(net, 0) + 0.01").select("refund_id", F.lit(True).alias("is_above_order"))
    rated = with_rates(refunds, fx_rates, into=reporting_currency, day="order_date")
    return rated.join(above, on="refund_id", how="left").select(
        "refund_date",
        "refund_id",
        "order_id",
        "order_item_id",
        "order_date",
        "quantity",
        "currency",
        "amount",
        convert("amount", "fx_rate").alias("amount_reporting"),
        "reason",
        F.coalesce("is_above_order", F.lit(False)).alias("is_above_order"),
    )
