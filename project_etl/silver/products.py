"""Silver products: one row per product, the newest valid version wins."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

import pandera.pyspark as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from project_etl.core.contracts import sql_rule
from project_etl.core.model.records import RECORD, Records, code, instant, key, label, name, number, text
from project_etl.core.model.table import Merge, Table
from project_etl.core.transforms.casts import capitalized, cleaned, to_boolean, to_decimal, to_utc
from project_etl.core.transforms.iso import CURRENCIES
from project_etl.core.transforms.json_text import read_texts

NO_CATEGORY = "Unknown"


class Products(pa.DataFrameModel):
    """A product as of the newest version."""

    product_id: T.StringType = pa.Field(description="Product number given by the shop.")
    name: T.StringType = pa.Field(description="Name shown to customers.")
    category: T.StringType = pa.Field(description="Main category; `Unknown` when the shop gives none.")
    subcategory: T.StringType = pa.Field(nullable=True, description="Finer category.")
    price: Annotated[T.DecimalType, 18, 4] = pa.Field(nullable=True, gt=0, description="List price, in `currency`.")
    currency: T.StringType = pa.Field(nullable=True, isin=CURRENCIES, description="Currency of the price, ISO 4217.")
    price_band: T.StringType = pa.Field(
        nullable=True, isin=("Low", "Medium", "High"), description="Low, Medium or High, by the configured limits."
    )
    is_active: T.BooleanType = pa.Field(nullable=True, description="Whether the product is on sale.")
    tags: T.ArrayType(T.StringType()) = pa.Field(nullable=True, description="Free tags.")  # pyright: ignore[reportInvalidTypeForm]
    updated_at: T.TimestampType = pa.Field(description="When the shop last changed the product (UTC).")


RULES = (
    sql_rule(
        "is_active_type",
        f"{RECORD}.text.active IS NULL OR is_active IS NOT NULL",
        description="the text of active can be read as true or false",
        column="is_active",
    ),
)

RECORDS = Records(
    "products",
    {
        "product_id": key("Product number."),
        "name": name("Name shown to customers."),
        "category": label("Main category."),
        "subcategory": label("Finer category."),
        "price": number("List price."),
        "currency": code("Currency of the price."),
        "active": number("Whether the product is on sale."),
        "tags": text("Free tags, a JSON array."),
        "updated_at": instant("When the shop last changed the record."),
    },
)

TABLE = Table(
    name="silver/products",
    contract=Products,
    keys=("product_id",),
    records=RECORDS,
    write=Merge(newest_by="updated_at"),
    rules=RULES,
)


def transform(products: DataFrame, *, price_low: Decimal, price_high: Decimal) -> DataFrame:
    """Clean names and categories, and put each price in its band."""
    price = to_decimal("price")
    band = F.when(price < F.lit(price_low), "Low").when(price < F.lit(price_high), "Medium").otherwise("High")
    return products.select(
        "product_id",
        cleaned("name").alias("name"),
        F.coalesce(capitalized(cleaned("category")), F.lit(NO_CATEGORY)).alias("category"),
        cleaned("subcategory").alias("subcategory"),
        price.alias("price"),
        F.upper(cleaned("currency")).alias("currency"),
        F.when(price.isNotNull(), band).alias("price_band"),
        to_boolean("active").alias("is_active"),
        read_texts("tags").alias("tags"),
        to_utc("updated_at").alias("updated_at"),
        RECORD,
    )
