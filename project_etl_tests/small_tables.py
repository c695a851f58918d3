"""Tables written as text, so that a test reads as "given these rows, expect those".

    order_id | order_date | customer_id
    o1       | 2025-01-05 | ann
    o2       | 2025-01-05 | -

`-` is NULL. Here: making such frames and comparing with them. Not here: what a particular table looks like.
"""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

NULL = "-"
Row = dict[str, str]


def read_text(text: str) -> tuple[list[str], list[Row]]:
    """Return the column names and the rows of a text table."""
    lines = [[cell.strip() for cell in line.split("|")] for line in text.strip().splitlines()]
    header, *rows = lines
    return header, [dict(zip(header, row, strict=True)) for row in rows]


def frame(
    spark: SparkSession, text: str, schema: T.StructType | str, defaults: Mapping[str, str] | None = None
) -> DataFrame:
    """Make a frame of a text table.

    Args:
        spark: the session.
        text: the table; may leave out columns that have a default or are NULL, or everything for an empty frame.
        schema: names and types of the frame's columns, as a schema or DDL text.
        defaults: values of columns that the text leaves out; `{other}` stands for another column's value.
    """
    given, rows = read_text(text) if text.strip() else ([], [])
    fields = _fields(spark, schema)
    if unknown := set(given) - set(fields):
        raise ValueError(f"columns {sorted(unknown)} of the table are not among {', '.join(fields)}")
    filled = [[_cell(row, name, defaults or {}) for name in fields] for row in rows]
    texts = T.StructType([T.StructField(name, T.StringType()) for name in fields])
    return spark.createDataFrame(filled, texts).select(
        *[F.col(name).cast(of).alias(name) for name, of in fields.items()]
    )


def assert_rows(found: DataFrame, expected: str) -> None:
    """Compare a frame with a text table, in any order of rows, in the columns that the table names."""
    header, rows = read_text(expected)
    shown = found.select(*[F.coalesce(F.col(name).cast("string"), F.lit(NULL)).alias(name) for name in header])
    assert sorted(tuple(row) for row in shown.collect()) == sorted(tuple(row.values()) for row in rows)


def _cell(row: Row, name: str, defaults: Mapping[str, str]) -> str | None:
    text = row[name] if name in row else defaults.get(name, NULL).format_map({**defaults, **row})
    return None if text == NULL else text


def _fields(spark: SparkSession, schema: T.StructType | str) -> dict[str, T.DataType]:
    of = spark.createDataFrame([], schema).schema if isinstance(schema, str) else schema
    return {field.name: field.dataType for field in of.fields}
