"""Silver order items: one row per line of an order, the newest valid version wins.

A line is numbered within its order: many shops count 1, 2, 3 in each. One that changes its order is a new line.
"""

from __future__ import annotations

from typing import Annotated

import pandera.pyspark as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from project_etl.core.contracts import QUARANTINE, sql_rule
from project_etl.core.model.records import RECORD, Records, instant, key, number
from project_etl.core.model.table import Merge, Reference, Table
from project_etl.core.transforms.casts import to_decimal, to_int, to_utc

MAX_QUANTITY = 100_000
MAX_UNIT_PRICE = 100_000


class OrderItems(pa.DataFrameModel):
    """A line of an order."""

    order_item_id: T.StringType = pa.Field(description="Line number given by the shop, within its order.")
    order_id: T.StringType = pa.Field(description="Order that the line belongs to.")
    product_id: T.StringType = pa.Field(description="Product sold.")
    quantity: T.IntegerType = pa.Field(
        gt={
            "min_value": 0,
            "description": "quantity must be greater than 0: pieces that come back are a refund, and no line of the "
            "order. Give the order the status REFUNDED, PARTIALLY_REFUNDED or RETURNED",
        },
        le=MAX_QUANTITY,
        description="Pieces sold.",
    )
    unit_price: Annotated[T.DecimalType, 18, 4] = pa.Field(
        gt=0, le=MAX_UNIT_PRICE, description="Price of one piece, in the order's currency."
    )
    discount: Annotated[T.DecimalType, 18, 4] = pa.Field(
        ge=0, description="Discount on the whole line, in the order's currency."
    )
    gross_amount: Annotated[T.DecimalType, 18, 4] = pa.Field(nullable=True, description="quantity x unit_price.")
    net_amount: Annotated[T.DecimalType, 18, 4] = pa.Field(nullable=True, description="gross_amount - discount.")
    order_date: T.DateType = pa.Field(nullable=True, description="Business day on which the order was placed.")
    updated_at: T.TimestampType = pa.Field(nullable=True, description="When the shop last changed the line (UTC).")


RECORDS = Records(
    "order_items",
    {
        "order_item_id": key("Line number."),
        "order_id": key("Order number."),
        "product_id": key("Product number."),
        "quantity": number("Pieces sold."),
        "unit_price": number("Price of one piece."),
        "discount": number("Discount on the whole line; empty for none."),
        "updated_at": instant("When the shop last changed the record."),
    },
)

TABLE = Table(
    name="silver/order_items",
    contract=OrderItems,
    keys=("order_id", "order_item_id"),
    records=RECORDS,
    write=Merge(newest_by="updated_at"),
    day="order_date",
    references=(
        Reference("order_id", "silver/orders", rule="order_exists", carry=("order_date",)),
        Reference("product_id", "silver/products", rule="product_exists"),
    ),
    rules=(
        sql_rule(
            "discount_within_gross",
            "discount < 0 OR gross_amount <= 0 OR discount <= gross_amount",
            action=QUARANTINE,
            description="discount is not more than the gross amount",
            column="discount",
        ),
    ),
)


def transform(order_items: DataFrame) -> DataFrame:
    """Read the columns and derive the amounts; an empty discount is none. `order_date` comes from the order."""
    quantity, unit_price = to_int("quantity"), to_decimal("unit_price")
    no_discount = F.lit(0).cast(T.DecimalType(18, 4))
    discount = F.when(F.col("discount").isNull(), no_discount).otherwise(to_decimal("discount"))
    gross = (quantity * unit_price).try_cast(T.DecimalType(18, 4))
    return order_items.select(
        "order_item_id",
        "order_id",
        "product_id",
        quantity.alias("quantity"),
        unit_price.alias("unit_price"),
        discount.alias("discount"),
        gross.alias("gross_amount"),
        (gross - discount).try_cast(T.DecimalType(18, 4)).alias("net_amount"),
        "order_date",
        to_utc("updated_at").alias("updated_at"),
        RECORD,
    )
