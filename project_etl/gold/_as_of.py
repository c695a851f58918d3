"""The day of which a snapshot table speaks: the latest business day of an order or event, as `dim_date` has it."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from project_etl.core.model.table import AS_OF

AS_OF_MEANS = "Latest business day of an order or event, when the table was computed."


def with_as_of(rows: DataFrame, dim_date: DataFrame) -> DataFrame:
    """Add `as_of` to all rows; null while there is no order and no event."""
    return rows.crossJoin(F.broadcast(dim_date.agg(F.max(AS_OF).alias(AS_OF))))
