"""Customer 360: one row per customer of the shop, with what they bought, looked at, said and sent back.

A revenue order or a refund without a rate counts, and is left out of the amounts until its rate arrives. A contact of
the CRM is a customer where both have the same e-mail address.
"""

from __future__ import annotations

from decimal import Decimal

import pandera.pyspark as pa
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F
from pyspark.sql import types as T

from project_etl.core.contracts import FAIL, WARN, on_fail, sql_rule
from project_etl.core.model.table import Snapshot, Table, whole
from project_etl.core.transforms.money import MONEY, Money, average, to_money, total, total_where
from project_etl.gold._as_of import AS_OF_MEANS, with_as_of
from project_etl.gold._rates import WHERE_TO_LOOK

PURCHASES = 5
DAYS = 30
PURCHASE = T.StructType(
    [
        T.StructField("order_id", T.StringType()),
        T.StructField("order_date", T.DateType()),
        T.StructField("net_revenue", MONEY),
    ]
)


class Customer360(pa.DataFrameModel):
    """All that the shop knows of what a customer does."""

    customer_id: T.StringType = pa.Field(description="Customer.", metadata=on_fail(FAIL))
    ltv: Money = pa.Field(ge=0, description="net_revenue of customer_ltv; 0 without.", metadata=on_fail(FAIL))
    recency_days: T.IntegerType = pa.Field(
        nullable=True, ge=0, description="Days from the last revenue order to as_of.", metadata=on_fail(FAIL)
    )
    frequency: T.LongType = pa.Field(ge=0, description="Revenue orders.", metadata=on_fail(FAIL))
    last_purchases: T.ArrayType(PURCHASE) = pa.Field(  # pyright: ignore[reportInvalidTypeForm]
        description=f"The {PURCHASES} newest revenue orders, newest first; amounts in the reporting currency.",
        metadata=on_fail(FAIL),
    )
    favourite_category: T.StringType = pa.Field(
        nullable=True, description="Category with the most net revenue, the alphabetically first of several."
    )
    sessions_30d: T.LongType = pa.Field(
        ge=0, description=f"Sessions in the {DAYS} days to as_of.", metadata=on_fail(FAIL)
    )
    views_30d: T.LongType = pa.Field(ge=0, description="Views in these sessions.", metadata=on_fail(FAIL))
    average_rating: Money = pa.Field(
        nullable=True,
        in_range={"min_value": 1, "max_value": 5},
        description="Σ rating / reviews of the customer.",
        metadata=on_fail(FAIL),
    )
    refunds: T.LongType = pa.Field(ge=0, description="Refunds of the customer's orders.", metadata=on_fail(FAIL))
    refunded: Money = pa.Field(ge=0, description="Σ of these refunds, reporting currency.", metadata=on_fail(FAIL))
    lifecycle_stage: T.StringType = pa.Field(
        nullable=True, description="Stage in the CRM; empty without a contact there."
    )
    open_deals: T.LongType = pa.Field(
        nullable=True, ge=0, description="Open deals in the CRM; empty while no CRM is on.", metadata=on_fail(FAIL)
    )
    as_of: T.DateType = pa.Field(nullable=True, description=AS_OF_MEANS)


TABLE = Table(
    name="gold/customer_360",
    contract=Customer360,
    keys=("customer_id",),
    inputs={
        "customers": whole("silver/customers"),
        "customer_ltv": whole("gold/customer_ltv"),
        "orders": whole("gold/fact_orders"),
        "order_items": whole("gold/fact_order_items"),
        "sessions": whole("gold/fact_sessions"),
        "reviews": whole("gold/fact_reviews"),
        "refunds": whole("gold/fact_refunds"),
        "contacts": whole("silver/crm_contacts"),
        "deals": whole("silver/crm_deals"),
        "dim_date": whole("gold/dim_date"),
    },
    rules=(
        sql_rule(
            "fx_rate_known",
            "without_rate = 0",
            action=WARN,
            max_share=0,
            counts="without_rate",
            description=f"revenue orders and refunds without a rate are left out of amounts: {WHERE_TO_LOOK}",
        ),
    ),
    for_rules=("without_rate",),
    write=Snapshot(),
)


def transform(
    customers: DataFrame,
    customer_ltv: DataFrame,
    orders: DataFrame,
    order_items: DataFrame,
    sessions: DataFrame,
    reviews: DataFrame,
    refunds: DataFrame,
    contacts: DataFrame,
    deals: DataFrame,
    dim_date: DataFrame,
    *,
    has_crm: bool,
) -> DataFrame:
    """Put what each table says of a customer side by side."""
    of_customers = orders.where("customer_id IS NOT NULL")
    parts = (
        customer_ltv.select("customer_id", "net_revenue", "last_order_date", F.col("orders").alias("frequency")),
        _purchases(of_customers),
        _favourites(order_items),
        _behaviour(sessions, dim_date),
        _ratings(reviews),
        _refunds(of_customers, refunds),
        *([_contacts(customers, contacts, deals)] if has_crm else []),
    )
    known = with_as_of(customers.select("customer_id"), dim_date)
    for part in parts:
        known = known.join(part, on="customer_id", how="left")
    no_amount, none = F.lit(Decimal(0)).cast(MONEY), F.lit(0).cast("bigint")
    purchases = F.coalesce("last_purchases", F.array().cast(T.ArrayType(PURCHASE)))
    return known.select(
        "customer_id",
        F.coalesce("net_revenue", no_amount).alias("ltv"),
        F.date_diff("as_of", "last_order_date").cast("int").alias("recency_days"),
        F.coalesce("frequency", none).alias("frequency"),
        purchases.alias("last_purchases"),
        "favourite_category",
        F.coalesce("sessions_30d", none).alias("sessions_30d"),
        F.coalesce("views_30d", none).alias("views_30d"),
        "average_rating",
        F.coalesce("refunds", none).alias("refunds"),
        F.coalesce("refunded", no_amount).alias("refunded"),
        (F.col("lifecycle_stage") if has_crm else F.lit(None).cast("string")).alias("lifecycle_stage"),
        (F.coalesce("open_deals", none) if has_crm else F.lit(None).cast("bigint")).alias("open_deals"),
        "as_of",
        (F.coalesce("orders_without_rate", none) + F.coalesce("refunds_without_rate", none)).alias("without_rate"),
    )


def _purchases(orders: DataFrame) -> DataFrame:
    """The newest revenue orders of each customer, and how many of all have no rate."""
    newest_first = Window.partitionBy("customer_id").orderBy(F.desc("order_ts"), "order_id")
    revenue = orders.where("is_revenue").select(
        "customer_id",
        "order_id",
        "order_date",
        "net_amount_reporting",
        F.row_number().over(newest_first).alias("place"),
    )
    purchase = F.struct("place", "order_id", "order_date", to_money("net_amount_reporting").alias("net_revenue"))
    found = revenue.groupBy("customer_id").agg(
        F.sort_array(F.collect_list(F.when(F.col("place") <= PURCHASES, purchase))).alias("purchases"),
        F.count_if(F.col("net_amount_reporting").isNull()).alias("orders_without_rate"),
    )
    without_place = F.transform(
        "purchases", lambda of: F.struct(of["order_id"], of["order_date"], of["net_revenue"])
    ).cast(T.ArrayType(PURCHASE))
    return found.select("customer_id", without_place.alias("last_purchases"), "orders_without_rate")


def _favourites(order_items: DataFrame) -> DataFrame:
    """The category in which each customer has spent most."""
    spent = (
        order_items.where("is_revenue AND customer_id IS NOT NULL AND net_amount_reporting IS NOT NULL")
        .groupBy("customer_id", "category")
        .agg(total("net_amount_reporting").alias("net"))
    )
    most_first = Window.partitionBy("customer_id").orderBy(F.desc("net"), "category")
    ranked = spent.withColumn("place", F.row_number().over(most_first)).where("place = 1")
    return ranked.select("customer_id", F.col("category").alias("favourite_category"))


def _behaviour(sessions: DataFrame, dim_date: DataFrame) -> DataFrame:
    """The sessions of each customer in the days to `as_of`."""
    of_customers = sessions.where("customer_id IS NOT NULL").select("customer_id", "event_date", "views")
    recent = with_as_of(of_customers, dim_date).where(F.col("event_date") > F.date_sub("as_of", DAYS))
    return recent.groupBy("customer_id").agg(F.count(F.lit(1)).alias("sessions_30d"), F.sum("views").alias("views_30d"))


def _ratings(reviews: DataFrame) -> DataFrame:
    """The average of the stars that each customer gave."""
    given = reviews.where("customer_id IS NOT NULL").groupBy("customer_id")
    stars = given.agg(F.sum("rating").alias("stars"), F.count(F.lit(1)).alias("reviews"))
    return stars.select("customer_id", average("stars", "reviews").alias("average_rating"))


def _refunds(orders: DataFrame, refunds: DataFrame) -> DataFrame:
    """The refunds of each customer's orders."""
    has_rate = F.col("amount_reporting").isNotNull()
    given = refunds.select("order_id", "amount_reporting").join(
        orders.select("order_id", "customer_id"), on="order_id", how="inner"
    )
    found = given.groupBy("customer_id").agg(
        F.count(F.lit(1)).alias("refunds"),
        total_where("amount_reporting", has_rate).alias("amount"),
        F.count_if(~has_rate).alias("refunds_without_rate"),
    )
    return found.select("customer_id", "refunds", to_money("amount").alias("refunded"), "refunds_without_rate")


def _contacts(customers: DataFrame, contacts: DataFrame, deals: DataFrame) -> DataFrame:
    """The contact with each customer's e-mail address, the newest of several, and how many open deals it has."""
    newest_first = Window.partitionBy("email").orderBy(F.desc("updated_at"), "contact_id")
    newest = (
        contacts.where("email IS NOT NULL")
        .select("email", "contact_id", "lifecycle_stage", F.row_number().over(newest_first).alias("place"))
        .where("place = 1")
    )
    open_deals = deals.where("is_open").groupBy("contact_id").agg(F.count(F.lit(1)).alias("open_deals"))
    return (
        customers.select("customer_id", "email")
        .join(newest, on="email", how="inner")
        .join(open_deals, on="contact_id", how="left")
        .select("customer_id", "lifecycle_stage", "open_deals")
    )
