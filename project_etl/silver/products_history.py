"""Silver products history: one row per product and version, with the time for which it is valid."""

from __future__ import annotations

import pandera.pyspark as pa
from pyspark.sql import types as T

from project_etl.core.model.table import History, Table
from project_etl.silver.products import RECORDS, RULES, Products, transform

__all__ = ["TABLE", "transform"]


class ProductsHistory(Products):
    """A product as of one version."""

    valid_from: T.TimestampType = pa.Field(description="Instant from which the version holds (UTC).")
    valid_to: T.TimestampType = pa.Field(nullable=True, description="Instant of the next version; null when newest.")
    is_current: T.BooleanType = pa.Field(description="Whether it is the newest version.")


TABLE = Table(
    name="silver/products_history",
    contract=ProductsHistory,
    keys=("product_id", "updated_at"),
    records=RECORDS,
    write=History(of="product_id", newest_by="updated_at"),
    rules=RULES,
)
