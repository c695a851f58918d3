"""Products: one row per product of the shop, as of its newest version."""

from __future__ import annotations

import pandera.pyspark as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from project_etl.core.contracts import FAIL, on_fail
from project_etl.core.model.table import Snapshot, Table, whole
from project_etl.core.transforms.money import Amount
from project_etl.gold._as_of import AS_OF_MEANS, with_as_of


class DimProducts(pa.DataFrameModel):
    """A product."""

    product_id: T.StringType = pa.Field(description="Product number given by the shop.", metadata=on_fail(FAIL))
    name: T.StringType = pa.Field(description="Name shown to customers.", metadata=on_fail(FAIL))
    category: T.StringType = pa.Field(description="Main category; `Unknown` without one.", metadata=on_fail(FAIL))
    subcategory: T.StringType = pa.Field(nullable=True, description="Finer category.")
    price: Amount = pa.Field(nullable=True, gt=0, description="List price, in `currency`.", metadata=on_fail(FAIL))
    currency: T.StringType = pa.Field(nullable=True, description="Currency of the price (ISO 4217).")
    price_band: T.StringType = pa.Field(nullable=True, description="Low, Medium or High, by the configured limits.")
    is_active: T.BooleanType = pa.Field(nullable=True, description="Whether the product is on sale.")
    tags: T.ArrayType(T.StringType()) = pa.Field(nullable=True, description="Free tags.")  # pyright: ignore[reportInvalidTypeForm]
    updated_at: T.TimestampType = pa.Field(
        description="When the shop last changed the product (UTC).", metadata=on_fail(FAIL)
    )
    category_main: T.StringType = pa.Field(description="The same as category.", metadata=on_fail(FAIL))
    as_of: T.DateType = pa.Field(nullable=True, description=AS_OF_MEANS)


TABLE = Table(
    name="gold/dim_products",
    contract=DimProducts,
    keys=("product_id",),
    inputs={"products": whole("silver/products"), "dim_date": whole("gold/dim_date")},
    write=Snapshot(),
)


def transform(products: DataFrame, dim_date: DataFrame) -> DataFrame:
    """Name the main category of each product."""
    return with_as_of(products, dim_date).select(
        "product_id",
        "name",
        "category",
        "subcategory",
        "price",
        "currency",
        "price_band",
        "is_active",
        "tags",
        "updated_at",
        F.col("category").alias("category_main"),
        "as_of",
    )
