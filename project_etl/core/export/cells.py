"""Values as text: for CSV files, and for databases that have fewer types than Arrow.

Instants are UTC, as `2025-01-31 10:00:00`, with six places where there is a fraction of a second. Does not belong here:
arrays and structs, which come as JSON text already.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from typing import Any, TextIO

from project_etl.core.arrow import ArrowRecordBatch, ArrowSchema

# What makes a spreadsheet take a cell for a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def as_text(column: Any) -> list[str | None]:  # noqa: ANN401 - a column of pyarrow
    """The values of a column as text; null stays null."""
    import pyarrow as pa

    if pa.types.is_timestamp(column.type):
        in_utc = column.cast(pa.timestamp("us", "UTC")) if column.type.tz else column
        text: list[str | None] = in_utc.cast(pa.timestamp("us")).cast(pa.string()).to_pylist()
        return [value and value.removesuffix(".000000") for value in text]
    return column.cast(pa.string()).to_pylist()


def safe(text: str | None) -> str | None:
    """A text that no spreadsheet takes for a formula: one that looks like it gets an apostrophe before it."""
    return f"'{text}" if text and text.startswith(FORMULA) else text


def is_text(kind: Any) -> bool:  # noqa: ANN401 - a type of pyarrow
    """Whether a type is text: numbers and days are no formulas, whatever they begin with."""
    import pyarrow as pa

    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)


def write_csv(file: TextIO, schema: ArrowSchema, batches: Iterable[ArrowRecordBatch]) -> int:
    """Write a header and rows as RFC 4180 has it: commas, quotes where needed, CRLF; null is empty.

    Args:
        file: opened with `newline=""` and UTF-8.
        schema: the columns.
        batches: the rows.

    Returns:
        How many rows there were.
    """
    writer, rows = csv.writer(file), 0
    writer.writerow(schema.names)
    for batch in batches:
        columns = [_cells(batch.column(at), field.type) for at, field in enumerate(schema)]
        writer.writerows(zip(*columns, strict=True))
        rows += batch.num_rows
    return rows


def _cells(column: Any, kind: Any) -> Sequence[str | None]:  # noqa: ANN401 - a column and a type of pyarrow
    text = as_text(column)
    return [safe(value) for value in text] if is_text(kind) else text
