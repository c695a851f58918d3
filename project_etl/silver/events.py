"""Silver events: one row per thing that a visitor of the shop did, the newest valid version wins."""

from __future__ import annotations

from collections.abc import Iterable

import pandera.pyspark as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from project_etl.core.contracts import WARN, sql_rule
from project_etl.core.model.records import RECORD, Records, code, instant, key, number
from project_etl.core.model.table import Merge, Reference, Table
from project_etl.core.transforms.casts import cleaned, looked_up, to_decimal, to_int, to_utc
from project_etl.core.transforms.money import AMOUNT, Amount
from project_etl.core.transforms.zones import business_day, business_hour

PURCHASE = "purchase"
# The setting event_types names them, too.
EVENT_TYPES = ("view", "add_to_cart", PURCHASE)


class Events(pa.DataFrameModel):
    """An event as of the newest version."""

    event_id: T.StringType = pa.Field(description="Event number given by the tracker.")
    visitor_id: T.StringType = pa.Field(description="Visitor: a browser or a device, be its customer known or not.")
    customer_id: T.StringType = pa.Field(nullable=True, description="Customer; null until the visitor is known.")
    session_id: T.StringType = pa.Field(
        nullable=True, description="The tracker's own session; Gold finds sessions by the times of events."
    )
    event_type: T.StringType = pa.Field(
        isin=EVENT_TYPES, description="What the visitor did; event_types says which words of the shop mean it."
    )
    product_id: T.StringType = pa.Field(nullable=True, description="Product that it is about.")
    order_id: T.StringType = pa.Field(nullable=True, description="Order of a purchase.")
    quantity: T.IntegerType = pa.Field(gt=0, description="Pieces; 1 where the tracker says nothing.")
    price: Amount = pa.Field(
        ge=0, description="Price of one piece, in the reporting currency; 0 where the tracker says nothing."
    )
    event_value: Amount = pa.Field(description="quantity x price of a purchase; 0 for anything else.")
    event_ts: T.TimestampType = pa.Field(description="When it happened (UTC).")
    event_date: T.DateType = pa.Field(nullable=True, description="Business day on which it happened.")
    event_hour: T.IntegerType = pa.Field(
        nullable=True, description="Hour in which it happened, in the reporting time zone."
    )


RECORDS = Records(
    "events",
    {
        "event_id": key("Event number."),
        # A visitor is the tracker's, and no id of the shop: no namespace is put before it.
        "visitor_id": code("Visitor: a browser or a device."),
        "customer_id": key("Customer number; empty until the visitor is known."),
        # No reference: nothing is joined by it, so a rounded one keeps no event out.
        "session_id": code("The tracker's own session; may be empty."),
        "event_type": code("view, add_to_cart or purchase, or a word that the setting event_types knows."),
        "product_id": key("Product number; may be empty."),
        "order_id": key("Order number of a purchase; may be empty."),
        "quantity": number("Pieces; empty for 1."),
        "price": number("Price of one piece, in the reporting currency."),
        "event_ts": instant("When it happened."),
    },
)

TABLE = Table(
    name="silver/events",
    contract=Events,
    keys=("event_id",),
    records=RECORDS,
    write=Merge(newest_by="event_ts"),
    day="event_date",
    references=(
        Reference("product_id", "silver/products", rule="product_known", action=WARN),
        Reference("order_id", "silver/orders", rule="purchases_match_orders", action=WARN),
    ),
    rules=(
        sql_rule(
            "purchase_has_price",
            # A price of 0 may be meant: it is a gift.
            f"event_type <> '{PURCHASE}' OR {RECORD}.text.price IS NOT NULL",
            action=WARN,
            column="price",
            description="a purchase has a price; without one it is worth 0",
        ),
    ),
)


def transform(events: DataFrame, *, reporting_timezone: str, event_types: Iterable[tuple[str, str]]) -> DataFrame:
    """Read the columns, and derive the type, the value, the business day and the hour.

    Args:
        events: the records.
        reporting_timezone: the zone of the day and the hour.
        event_types: a word of the shop in small letters, and the type that it means.
    """
    word = F.lower(cleaned("event_type"))
    meant = dict(event_types) | {of: of for of in EVENT_TYPES}
    event_type = F.coalesce(looked_up(word, meant), word)
    one, nothing = F.lit(1), F.lit(0).cast(AMOUNT)
    quantity = F.when(F.col("quantity").isNull(), one).otherwise(to_int("quantity"))
    price = F.when(F.col("price").isNull(), nothing).otherwise(to_decimal("price"))
    # What is no number breaks a rule of its own column, and not one of the value, too.
    value = F.when((quantity * price).isNull(), nothing).otherwise((quantity * price).try_cast(AMOUNT))
    event_ts = to_utc("event_ts")
    return events.select(
        "event_id",
        "visitor_id",
        "customer_id",
        "session_id",
        event_type.alias("event_type"),
        "product_id",
        "order_id",
        quantity.alias("quantity"),
        price.alias("price"),
        F.when(event_type == PURCHASE, value).otherwise(nothing).alias("event_value"),
        event_ts.alias("event_ts"),
        business_day(event_ts, reporting_timezone).alias("event_date"),
        business_hour(event_ts, reporting_timezone).alias("event_hour"),
        RECORD,
    )
