"""Orders: one row per order of any status, with the sums of its published items.

An order is a revenue order when its status is one and at least one of its items was published; what a revenue status
is, `fact_order_items` decides. The country is the order's own, else the customer's at the order's time, else `ZZ`.
Refunds are taken off in columns of their own, whenever they were paid back; no KPI of revenue subtracts them.
"""

from __future__ import annotations

import pandera.pyspark as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from project_etl.core.contracts import FAIL, WARN, on_fail, sql_rule
from project_etl.core.model.table import Conserves, ReplaceDays, Table, same_day, whole
from project_etl.core.transforms.asof import as_of
from project_etl.core.transforms.money import ORDER_AMOUNT, Amount, OrderAmount, convert, with_rates
from project_etl.core.transforms.zones import business_hour

UNKNOWN_COUNTRY = "ZZ"
AMOUNTS = ("gross_amount", "discount", "net_amount")
REPORTING_AMOUNTS = ("gross_amount_reporting", "discount_reporting", "net_amount_reporting")


class FactOrders(pa.DataFrameModel):
    """One order."""

    order_date: T.DateType = pa.Field(description="Business day of the order.", metadata=on_fail(FAIL))
    order_id: T.StringType = pa.Field(description="Order number given by the shop.", metadata=on_fail(FAIL))
    order_ts: T.TimestampType = pa.Field(description="Instant of the order (UTC).", metadata=on_fail(FAIL))
    order_hour: T.IntegerType = pa.Field(
        in_range={"min_value": 0, "max_value": 23},
        description="Hour of the order, in the reporting time zone.",
        metadata=on_fail(FAIL),
    )
    customer_id: T.StringType = pa.Field(nullable=True, description="Customer; empty for guests.")
    status: T.StringType = pa.Field(description="Status of the order.", metadata=on_fail(FAIL))
    is_revenue: T.BooleanType = pa.Field(
        description="Whether it is a revenue order: a revenue status and at least one published item.",
        metadata=on_fail(FAIL),
    )
    country: T.StringType = pa.Field(
        description="Country (ISO 3166-1 alpha-2) of delivery, else of the customer then, else ZZ.",
        metadata=on_fail(FAIL),
    )
    currency: T.StringType = pa.Field(description="Currency of the order (ISO 4217).", metadata=on_fail(FAIL))
    items: T.LongType = pa.Field(ge=0, description="Published items.", metadata=on_fail(FAIL))
    units: T.LongType = pa.Field(ge=0, description="Pieces of all published items.", metadata=on_fail(FAIL))
    gross_amount: OrderAmount = pa.Field(ge=0, description="Σ gross of items, order currency.", metadata=on_fail(FAIL))
    discount: OrderAmount = pa.Field(ge=0, description="Σ discount of items, order currency.", metadata=on_fail(FAIL))
    net_amount: OrderAmount = pa.Field(ge=0, description="Σ net of items, order currency.", metadata=on_fail(FAIL))
    order_total: Amount = pa.Field(nullable=True, description="Total the shop gave, order currency.")
    reporting_currency: T.StringType = pa.Field(
        nullable=True, description="Currency of the *_reporting amounts; empty for an order without items."
    )
    gross_amount_reporting: OrderAmount = pa.Field(
        nullable=True, ge=0, description="Σ gross of items; 0 without items.", metadata=on_fail(FAIL)
    )
    discount_reporting: OrderAmount = pa.Field(
        nullable=True, ge=0, description="Σ discount of items; 0 without items.", metadata=on_fail(FAIL)
    )
    net_amount_reporting: OrderAmount = pa.Field(
        nullable=True, ge=0, description="Σ net of items; 0 without items.", metadata=on_fail(FAIL)
    )
    order_year: T.IntegerType = pa.Field(description="Year of order_date.", metadata=on_fail(FAIL))
    order_month: T.IntegerType = pa.Field(description="Month of order_date, from 1.", metadata=on_fail(FAIL))
    customer_known: T.BooleanType = pa.Field(
        nullable=True, description="Whether the customer is in silver/customers; empty for guests."
    )
    refunded_reporting: OrderAmount = pa.Field(
        nullable=True,
        ge=0,
        description="Σ refunds by the rate of the order's day; 0 without, empty without a rate.",
        metadata=on_fail(FAIL),
    )
    net_after_refunds_reporting: OrderAmount = pa.Field(
        nullable=True, description="net_amount_reporting − refunded_reporting of a revenue order, else 0."
    )


TABLE = Table(
    name="gold/fact_orders",
    contract=FactOrders,
    keys=("order_date", "order_id"),
    inputs={
        "orders": same_day("silver/orders"),
        "order_items": same_day("gold/fact_order_items"),
        "customers_history": whole("silver/customers_history"),
        "customers": whole("silver/customers", columns=("customer_id",)),
        "refunds": same_day("silver/refunds", by="order_date"),
        "fx_rates": whole("silver/fx_rates"),
    },
    rules=(
        sql_rule(
            "net_is_gross_less_discount",
            "net_amount = gross_amount - discount",
            action=FAIL,
            description="net_amount must be gross_amount less discount",
        ),
        sql_rule(
            "fx_rate_known",
            "NOT is_revenue OR net_amount_reporting IS NOT NULL",
            action=WARN,
            max_share=0,
            column="currency",
            description="a revenue order must have a rate into the reporting currency, or its day is held back by the "
            "daily tables that sum it; add the rate to fx_rates",
        ),
        sql_rule(
            "order_total_matches_items",
            "abs(order_total - net_amount) <= 0.01",
            action=WARN,
            column="order_total",
            description="order_total, where given, must be the sum of net_amount of the published items (± 0.01)",
        ),
        sql_rule(
            "refund_status_consistent",
            "CASE WHEN refunds = 0 THEN status <> 'REFUNDED'"
            " WHEN items > 0 AND refunded >= net_amount THEN status = 'REFUNDED' ELSE TRUE END",
            action=WARN,
            column="status",
            description="an order is REFUNDED when its refunds are all of net_amount, and not without a refund",
        ),
    ),
    conserves=(
        Conserves("orders"),
        *(Conserves("order_items", each) for each in ("net_amount", "net_amount_reporting")),
    ),
    for_rules=("refunds", "refunded"),
    write=ReplaceDays("order_date"),
)


def transform(
    orders: DataFrame,
    order_items: DataFrame,
    customers_history: DataFrame,
    customers: DataFrame,
    refunds: DataFrame,
    fx_rates: DataFrame,
    *,
    reporting_currency: str,
    reporting_timezone: str,
) -> DataFrame:
    """Sum the published items and refunds of each order and settle its country.

    Args:
        orders: `silver/orders` of the days.
        order_items: `gold/fact_order_items` of the same days.
        customers_history: all of `silver/customers_history`.
        customers: the ids of `silver/customers`.
        refunds: `silver/refunds` of orders of the days, whenever they were paid back.
        fx_rates: all of `silver/fx_rates`.
        reporting_currency: ISO 4217 code.
        reporting_timezone: the zone of the hour.

    Returns:
        As many rows as `orders`, as the contract says.
    """
    sums = order_items.groupBy("order_date", "order_id").agg(
        F.count(F.lit(1)).alias("items"),
        F.sum("quantity").alias("units"),
        F.bool_or("is_revenue").alias("is_revenue"),
        F.any_value("reporting_currency").alias("reporting_currency"),
        *[F.sum(amount).alias(amount) for amount in (*AMOUNTS, *REPORTING_AMOUNTS)],
    )
    headers = orders.select(
        "order_id", "order_date", "order_ts", "customer_id", "status", "currency", "country", "order_total"
    )
    headers = as_of(
        headers, customers_history, key="customer_id", at="order_ts", columns={"country": "customer_country"}
    )
    known = customers.select("customer_id", F.lit(True).alias("is_known"))
    paid_back = (
        with_rates(refunds, fx_rates, into=reporting_currency, day="order_date")
        .withColumn("reporting", convert("amount", "fx_rate"))
        .groupBy("order_date", "order_id")
        .agg(
            F.count(F.lit(1)).alias("refunds"),
            F.sum("amount").alias("refunded"),
            # The sum of some of them would be none of all.
            F.when(F.count_if(F.col("reporting").isNull()) == 0, F.sum("reporting")).alias("refunded_reporting"),
        )
    )
    summed = (
        headers.join(sums, on=["order_date", "order_id"], how="left")
        .join(paid_back, on=["order_date", "order_id"], how="left")
        .join(known, on="customer_id", how="left")
    )
    has_refunds, no_amount = F.col("refunds").isNotNull(), F.lit(0).cast(ORDER_AMOUNT)
    refunded_reporting = F.when(has_refunds, F.col("refunded_reporting").cast(ORDER_AMOUNT)).otherwise(no_amount)
    left = (F.col("net_amount_reporting") - refunded_reporting).try_cast(ORDER_AMOUNT)
    return summed.select(
        "order_date",
        "order_id",
        "order_ts",
        business_hour(F.col("order_ts"), reporting_timezone).alias("order_hour"),
        "customer_id",
        "status",
        F.coalesce("is_revenue", F.lit(False)).alias("is_revenue"),
        F.coalesce("country", "customer_country", F.lit(UNKNOWN_COUNTRY)).alias("country"),
        "currency",
        _zero_without_items("items"),
        _zero_without_items("units"),
        *[_zero_without_items(amount) for amount in AMOUNTS],
        "order_total",
        "reporting_currency",
        *[_zero_without_items(amount) for amount in REPORTING_AMOUNTS],
        F.year("order_date").alias("order_year"),
        F.month("order_date").alias("order_month"),
        F.when(F.col("customer_id").isNotNull(), F.coalesce("is_known", F.lit(False))).alias("customer_known"),
        refunded_reporting.alias("refunded_reporting"),
        F.when(F.coalesce("is_revenue", F.lit(False)), left).otherwise(no_amount).alias("net_after_refunds_reporting"),
        F.coalesce("refunds", F.lit(0)).alias("refunds"),
        F.coalesce(F.col("refunded").cast(ORDER_AMOUNT), no_amount).alias("refunded"),
    )


def _zero_without_items(column: str) -> Column:
    """0 for an order without items; a sum that is NULL for want of a rate stays NULL."""
    # The sum comes first: some engines give a CASE the type of its first branch.
    return F.when(F.col("items").isNotNull(), F.col(column)).otherwise(F.lit(0)).alias(column)
