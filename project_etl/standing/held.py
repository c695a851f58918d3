"""What quarantine holds, read without Spark: counts by table, rule and landing day, and single entries.

Does not belong here: how it is shown (`commands/quarantine`), how rows get in and out
(`core/silver/quarantine.py`).
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import pyarrow.compute as pc

from project_etl.core.bronze import file_table
from project_etl.core.lake import LakeError, TableStore
from project_etl.core.model.nearest import suggestion

LAYER = "quarantine"
# Stands for the rows of the file table whose files are not in Bronze.
FILES = "files"
# Columns of the file table as quarantine tables call theirs.
_AS_RECORDS = {"path": "_source_file", "version": "_source_version", "landing_date": "_landing_date"}


@dataclass(frozen=True, order=True)
class Count:
    """How many records (or files) of one table broke one rule on one landing day, or on several.

    Attributes:
        table: the Silver table's short name, or `files`.
        rule: the rule; a record that broke several counts for each.
        day: landing day, the first one of several.
        rows: how many.
        waiting: how many of them only wait for a parent.
        last_day: the last landing day.
        days: how many landing days.
    """

    table: str
    rule: str
    day: date
    rows: int
    waiting: int
    last_day: date
    days: int = 1

    @property
    def days_text(self) -> str:
        """The landing days in words."""
        return str(self.day) if self.days == 1 else f"{self.days} days, {self.day} to {self.last_day}"


@dataclass(frozen=True)
class Filter:
    """Which entries are asked for; None means any."""

    rule: str | None = None
    day: date | None = None


def names(lake: TableStore) -> list[str]:
    """What quarantine may hold something of: Silver tables by their short names, and `files`."""
    found = [name.rpartition("/")[2] for name in lake.names(LAYER)]
    return sorted([*found, FILES]) if _files(lake, None) else found


def short_name(lake: TableStore, table: str) -> str:
    """The short name of a table that quarantine has: of `orders`, `silver/orders` or `quarantine/orders`.

    Raises:
        LakeError: there is no such quarantine table.
    """
    name, there = table.rpartition("/")[2], names(lake)
    if name not in there:
        raise LakeError(f"Quarantine holds nothing of {table!r} (in {lake.path(LAYER)}); {suggestion(name, there)}")
    return name


def counts(lake: TableStore, table: str | None = None, wanted: Filter = Filter()) -> list[Count]:
    """Count entries by table, rule and landing day.

    Args:
        lake: the lake.
        table: only this table; None means all.
        wanted: only these entries.

    Raises:
        LakeError: there is no such quarantine table.
    """
    found: list[Count] = []
    for name in names(lake) if table is None else [short_name(lake, table)]:
        rows: Counter[tuple[str, date]] = Counter()
        waiting: Counter[tuple[str, date]] = Counter()
        for entry in _entries(lake, name, wanted, ["_landing_date", *_verdict(name)]):
            for rule in _rules(entry):
                if wanted.rule in (None, rule):
                    rows[rule, entry["_landing_date"]] += 1
                    waiting[rule, entry["_landing_date"]] += bool(entry.get("is_waiting"))
        found += [Count(name, rule, day, n, waiting[rule, day], day) for (rule, day), n in rows.items()]
    return sorted(found)


def over_days(found: Sequence[Count]) -> list[Count]:
    """Add up counts of the same table and rule over their landing days."""
    added: dict[tuple[str, str], Count] = {}
    for count in sorted(found):
        so_far = added.get((count.table, count.rule))
        added[count.table, count.rule] = (
            count
            if so_far is None
            else replace(
                so_far,
                rows=so_far.rows + count.rows,
                waiting=so_far.waiting + count.waiting,
                last_day=count.last_day,
                days=so_far.days + count.days,
            )
        )
    return list(added.values())


def entries(lake: TableStore, table: str, wanted: Filter, limit: int) -> list[dict[str, Any]]:
    """The first entries of a table in the order of landing day, file and row number.

    Returns:
        At most `limit` rows of the quarantine table, with `rules` for whole files too; memory is bounded by `limit`.

    Raises:
        LakeError: there is no such quarantine table.
    """
    name = short_name(lake, table)
    matching = (
        entry for entry in _entries(lake, name, wanted, None) if wanted.rule is None or wanted.rule in _rules(entry)
    )
    first = heapq.nsmallest(limit, matching, key=_place)
    return [{**entry, "rules": _rules(entry)} for entry in first]


def size(lake: TableStore, name: str) -> int:
    """How many records of a table quarantine holds; 0 when there is no such table."""
    return lake.state(f"{LAYER}/{name}").row_count if lake.exists(f"{LAYER}/{name}") else 0


def days_held(lake: TableStore, name: str) -> list[date]:
    """The landing days of which quarantine holds records of a table, in order; none when there is no such table."""
    return sorted(set(landing_dates(lake, name))) if lake.exists(f"{LAYER}/{name}") else []


def landing_dates(lake: TableStore, name: str) -> list[date]:
    """The landing day of each entry of a table."""
    return [entry["_landing_date"] for entry in _entries(lake, name, Filter(), ["_landing_date"])]


def _entries(lake: TableStore, name: str, wanted: Filter, columns: list[str] | None) -> Iterator[dict[str, Any]]:
    """Rows of a quarantine table, one batch in memory at a time; the rule is left to the caller."""
    if name == FILES:
        yield from (entry for entry in _files(lake, columns) if wanted.day in (None, entry["_landing_date"]))
        return
    table = lake.state(f"{LAYER}/{name}")
    is_by_day = wanted.day is not None and "_landing_date" in table.partition_columns
    # Only the day's folders are opened, where there are any.
    days = [("_landing_date", "=", str(wanted.day))] if is_by_day else None
    for batch in table.dataset(days).to_batches(columns=columns):
        for entry in batch.to_pylist():
            if wanted.day in (None, entry["_landing_date"]):
                yield entry


def _files(lake: TableStore, columns: list[str] | None) -> list[dict[str, Any]]:
    """The rows of the file table whose files are not in Bronze."""
    if not lake.exists(file_table.FILES):
        return []
    rows = lake.state(file_table.FILES).rows(where=~pc.field("rule").is_null())
    named = rows.rename_columns([_AS_RECORDS.get(name, name) for name in rows.column_names])
    return named.select(columns or named.column_names).to_pylist()


def _verdict(name: str) -> list[str]:
    return ["rule"] if name == FILES else ["rules", "is_waiting"]


def _rules(entry: dict[str, Any]) -> list[str]:
    return entry["rules"] if "rules" in entry else [entry["rule"]]


def _place(entry: dict[str, Any]) -> tuple[date, str, int]:
    return entry["_landing_date"], entry["_source_file"], entry.get("_row_number") or 0
