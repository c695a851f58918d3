"""Compare the Gold tables of a lake with the oracle's, row by row, and say what differs in words.

Here: reading Delta without Spark, and the message. Not here: what the right answer is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from deltalake import DeltaTable

from project_etl_tests.oracle.question import GoldTable

SHOWN_DIFFERENCES = 10


def assert_gold_equal(lake_root: Path | str, expected: Mapping[str, GoldTable]) -> None:
    """Fail with a readable message unless every expected table is in the lake, with the same columns and rows.

    Args:
        lake_root: the folder that holds `gold/<table>`.
        expected: the oracle's tables by name.

    Raises:
        AssertionError: names table, key, column, what was expected and what was found, and how often.
    """
    problems = [
        problem
        for table in expected.values()
        if (problem := describe_difference(f"{lake_root}/gold/{table.name}", table))
    ]
    if problems:
        raise AssertionError("\n\n".join(problems))


def describe_difference(path: str, expected: GoldTable) -> str | None:
    """Return how the Delta table at `path` differs from the expected one, or None when it does not."""
    if not DeltaTable.is_deltatable(path):
        return f"gold/{expected.name}: no Delta table at {path}, expected one with {len(expected.rows)} rows"
    found = DeltaTable(path).to_pyarrow_table()
    columns = tuple(name for name in found.column_names if name not in expected.unjudged)
    if columns != expected.columns:
        return f"gold/{expected.name}: expected the columns {list(expected.columns)}, found {found.column_names}"
    rows = found.select(list(columns)).to_pylist()
    keys = Counter(tuple(row[name] for name in expected.key) for row in rows)
    wanted, there = expected.by_key(), {tuple(row[name] for name in expected.key): row for row in rows}
    lines = [f"{_key(expected, key)}: {count} rows, expected one" for key, count in keys.items() if count > 1]
    missing = [key for key in wanted if key not in there]
    lines += [f"{_key(expected, key)}: no such row, expected {_values(expected, wanted[key])}" for key in missing]
    unexpected = [key for key in there if key not in wanted]
    lines += [f"{_key(expected, key)}: no row expected, found {_values(expected, there[key])}" for key in unexpected]
    differing = 0
    for key in (key for key in wanted if key in there):
        differences = list(_cells(wanted[key], there[key]))
        differing += bool(differences)
        lines += [f"{_key(expected, key)}: {text}" for text in differences]
    if not lines:
        return None
    more = [f"… and {len(lines) - SHOWN_DIFFERENCES} more"] if len(lines) > SHOWN_DIFFERENCES else []
    head = (
        f"gold/{expected.name} is not what the oracle expects: {len(wanted)} rows expected, {len(rows)} found; "
        f"{len(missing)} missing, {len(unexpected)} unexpected, {differing} with other values"
    )
    return "\n  ".join([head, *lines[:SHOWN_DIFFERENCES], *more])


def _cells(wanted: Mapping[str, Any], there: Mapping[str, Any]) -> Iterator[str]:
    for column, value in wanted.items():
        other = there[column]
        # A float that happens to be equal is still not money.
        is_exact = not isinstance(value, Decimal) or other is None or isinstance(other, Decimal)
        if other != value or not is_exact:
            kind = "" if is_exact else f" as {type(other).__name__}, expected a decimal"
            yield f"{column} expected {_text(value)}, found {_text(other)}{kind}"


def _key(table: GoldTable, key: tuple[Any, ...]) -> str:
    return ", ".join(f"{name}={_text(value)}" for name, value in zip(table.key, key, strict=True))


def _values(table: GoldTable, row: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={_text(row[name])}" for name in table.columns if name not in table.key)


def _text(value: Any) -> str:
    return "null" if value is None else str(value)
