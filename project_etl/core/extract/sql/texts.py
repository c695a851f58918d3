"""A value as it lands: the source's own text, so that nothing is judged or rounded on the way.

Where a driver gives Python's values in place of text, they are written as the database would.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

MICROSECOND = timedelta(microseconds=1)


def as_landed(value: object) -> Any:  # noqa: ANN401 - whatever JSON has
    """A value of a row as JSON has it: null, true, false and whole numbers as such, lists and objects, else text."""
    # By far the most common ones first: each value of each row comes here.
    if value is None or isinstance(value, (str, int)):
        return value
    if isinstance(value, datetime):
        # An offset other than UTC is another way to write the same instant.
        return value.astimezone(UTC).isoformat() if value.tzinfo else value.isoformat()
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return _duration(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return f"\\x{bytes(value).hex()}"
    if isinstance(value, Mapping):
        return {str(name): as_landed(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [as_landed(each) for each in value]
    # Decimal without an exponent, NaN and infinity as words, UUID, and what a driver invents.
    return format(value, "f") if hasattr(value, "as_tuple") else str(value)


def as_bronze(value: object) -> str | None:
    """The text that Bronze has of a value that landed."""
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _duration(value: timedelta) -> str:
    """A time of day, or a span of time, as databases print it: `-25:00:00.000001`."""
    sign, microseconds = ("-" if value < timedelta() else ""), abs(value) // MICROSECOND
    seconds, fraction = divmod(microseconds, 1_000_000)
    text = f"{sign}{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return f"{text}.{fraction:06d}" if fraction else text
