"""Values as text, for targets that have no decimals, instants or arrays of their own.

A day is `2025-01-31`, an instant `2025-01-31 10:00:00` in UTC with microseconds where it has some. An array or a struct
is JSON, in which an amount is text, so that no digit is lost.
"""

from __future__ import annotations

import json
from typing import Any


def plain(column: Any) -> Any:  # noqa: ANN401 - an array of pyarrow
    """An array whose values are text, numbers, booleans, bytes and nulls alone, for any array."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = column.type
    if pa.types.is_nested(kind):
        texts = [
            None if each is None else json.dumps(each, default=str, ensure_ascii=False) for each in column.to_pylist()
        ]
        return pa.array(texts, pa.string())
    if pa.types.is_timestamp(kind):
        # Without its zone, which is UTC, it is written without one.
        utc = column.cast(pa.timestamp("us")) if kind.tz is None else column.cast(pa.timestamp("us", "UTC"))
        text = utc.cast(pa.timestamp("us")).cast(pa.string())
        return pc.replace_substring_regex(text, r"\.0+$", "")  # pyright: ignore[reportAttributeAccessIssue]
    if pa.types.is_decimal(kind) or pa.types.is_date(kind) or is_text(kind):
        return column.cast(pa.string())
    return column


def is_text(kind: Any) -> bool:  # noqa: ANN401 - a type of pyarrow
    """Whether a column of a type holds text."""
    import pyarrow as pa

    types = pa.types
    return types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind)
