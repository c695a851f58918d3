"""All that a lake says, without what tells of runs and times: two lakes that say the same are equal here.

Belongs here: reading every table for comparison. Does not belong here: what is right.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from pathlib import Path
from typing import Any

from project_etl.core.lake import TableStore

# Who wrote a row and when; all else must not depend on it.
OF_RUNS = {"_ingested_at", "run_id", "first_seen", "last_seen", "modified_at", "bronze_id", "bronze_version"}

Contents = dict[str, Counter[tuple[Any, ...]]]


def table_names(lake: TableStore) -> list[str]:
    """Every table of the lake, `layer/name`."""
    root = Path(lake.root)
    return sorted(str(log.parent.relative_to(root)) for log in root.rglob("_delta_log"))


def contents(lake: TableStore, *, but: Collection[str] = ()) -> Contents:
    """Every table that has rows → how often it holds which row, without some columns."""
    found = {name: _rows(lake, name, OF_RUNS.union(but)) for name in table_names(lake)}
    return {name: rows for name, rows in found.items() if rows}


def assert_same(found: Contents, expected: Contents) -> None:
    """Compare two lakes; the message names each table that differs, and rows."""
    lines = [
        f"{name}: {number} × {row} {what}"
        for name in sorted(found.keys() | expected.keys())
        for what, rows in (
            ("is there and should not be", found.get(name, Counter()) - expected.get(name, Counter())),
            ("is missing", expected.get(name, Counter()) - found.get(name, Counter())),
        )
        for row, number in rows.items()
    ]
    assert not lines, "\n".join(lines)


def _rows(lake: TableStore, name: str, but: Collection[str]) -> Counter[tuple[Any, ...]]:
    table = lake.state(name).rows()
    columns = sorted(set(table.column_names).difference(but))
    return Counter(
        tuple((column, _value(row[column])) for column in columns) for row in table.select(columns).to_pylist()
    )


def _value(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(sorted(map(str, value)))
    return value
