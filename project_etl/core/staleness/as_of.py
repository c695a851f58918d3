"""For which days a table that is read as of an instant says something else than before.

Belongs here: following the change feed of a history (SCD2) or of dated rows (FX rates) that a daily table reads whole.
What is answered may be more than is strictly needed, never less:

- A history concerns the instants at which it now says something else, and of these the days on which the thing it is
  about (a product, a customer) occurs in an input that is read by day; all days where no such input names it. A new
  version from today on says nothing new about last year; a late one speaks for the time until the next version.
- Dated rows are carried forward. They concern the days from theirs until a date gives again all that their date gives.

Does not belong here: what else makes a day stale (`stale.py`), as-of joins of frames (`asof.py`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import pyarrow.compute as pc

from project_etl.core.arrow import ArrowTable
from project_etl.core.lake import LakeError, TableStore
from project_etl.core.model.days import instants_of
from project_etl.core.model.table import VALIDITY, History, Merge, Table
from project_etl.core.staleness.versions import Row, Span, Version, changed_spans, net_changes

Affects = Callable[[date], bool]
"""Tells of a day whether it has to be computed again."""

# Of one input. Dagster ends a sensor's tick after a minute; so many rows are followed in some seconds.
MOST_ROWS = 500_000


def affected(
    lake: TableStore, tables: Mapping[str, Table], table: Table, source: str, since: int, zone: str
) -> Affects:
    """Which days of a daily table the changes of an input concern that it reads whole.

    Args:
        lake: the lake; tables are looked at as they are now, or at their pins.
        tables: all tables by name.
        table: the daily table.
        source: the input.
        since: the version of the input that is known already.
        zone: time zone of the days.

    Returns:
        What tells of a day. It says yes to all days where the changes cannot be followed: the feed does not go back so
        far, is too long, or the input is neither a history nor dated.
    """
    declared = tables[source]
    try:
        changed = lake.state(source).changes(since, most=MOST_ROWS)
    except LakeError:
        return _any_day
    write = declared.write
    if isinstance(write, History):
        return _by_history(lake, tables, table, declared, write, changed, zone)
    if isinstance(write, Merge) and write.newest_by in declared.keys:
        return _by_date(lake, declared, write, changed)
    return _any_day


def _any_day(_: date) -> bool:
    return True


def _no_day(_: date) -> bool:
    return False


# --- dated rows -------------------------------------------------------------------------------------------------------


def _by_date(lake: TableStore, source: Table, write: Merge, changed: ArrowTable) -> Affects:
    names = [key for key in source.keys if key != write.newest_by]
    given: dict[date, set[Any]] = defaultdict(set)
    for day, *what in _distinct(lake.state(source.name).rows([write.newest_by, *names]), write.newest_by, *names):
        given[day].add(tuple(what))
    wanted: dict[date, set[Any]] = {}
    for day, *what in _distinct(changed, write.newest_by, *names):
        wanted.setdefault(day, set(given.get(day, ()))).add(tuple(what))
    until = {
        day: min((later for later in given if later > day and given[later] >= what), default=date.max)
        for day, what in wanted.items()
    }
    return lambda day: any(since <= day < to for since, to in until.items())


# --- histories --------------------------------------------------------------------------------------------------------


def _by_history(
    lake: TableStore,
    tables: Mapping[str, Table],
    table: Table,
    source: Table,
    write: History,
    changed: ArrowTable,
    zone: str,
) -> Affects:
    spans = _changed_spans(lake, source, write, changed)
    if not spans:
        return _no_day
    named_in = [
        item
        for item in table.inputs.values()
        if not item.whole and write.of in tables[item.table].schema.fieldNames() and tables[item.table].day_column
    ]
    if not named_in:
        return _any_day
    days = {
        day + timedelta(days=later)
        for item in named_in
        for thing, day in _occurrences(lake, tables[item.table], write.of, spans)
        if any(_overlaps(instants_of(day, zone), since, to) for since, to in spans[thing])
        for later in range(item.back + 1)
    }
    return days.__contains__


def _changed_spans(lake: TableStore, source: Table, write: History, changed: ArrowTable) -> dict[Any, list[Span]]:
    """Thing → the instants about which its history says something else than before; things without are absent."""
    said = [name for name in source.schema.fieldNames() if name not in (write.of, write.newest_by, *VALIDITY)]
    names = [write.of, "valid_from", *said]
    gone, came = net_changes(zip(changed["_change_type"].to_pylist(), _rows(changed, names), strict=True))
    things = {thing for thing, *_ in gone | came if thing is not None}
    if not things:
        return {}
    # A version that had ended by then says what it said.
    first = min(since for _, since, *_ in gone | came)
    holds = pc.field("valid_to").is_null() | (pc.field("valid_to") >= first)
    now = {*_rows(lake.state(source.name).rows(names, where=holds, among=(write.of, things)), names)}
    versions = [_by_thing(rows) for rows in ((now - came) | gone, now)]
    spans = {thing: changed_spans(*(found.get(thing, []) for found in versions)) for thing in things}
    return {thing: found for thing, found in spans.items() if found}


def _occurrences(lake: TableStore, source: Table, column: str, things: Collection[Any]) -> Iterator[tuple[Any, date]]:
    """Thing and day of the rows of a table that name one of the things."""
    day = source.day_column or ""
    rows = lake.state(source.name).rows([column, day], among=(column, things))
    return (found for found in _distinct(rows, column, day) if found[1] is not None)


def _by_thing(rows: Iterable[Row]) -> dict[Any, list[Version]]:
    """The versions of each thing: from when they hold, and what they say."""
    versions: dict[Any, list[Version]] = defaultdict(list)
    for thing, since, *said in rows:
        versions[thing].append((since, tuple(said)))
    return versions


def _overlaps(day: tuple[datetime, datetime], since: datetime | None, to: datetime | None) -> bool:
    """Whether any instant of a day is in `since` ≤ instant < `to`; None leaves that side open."""
    start, end = day
    return (to is None or start < to) and (since is None or since < end)


# --- Arrow ------------------------------------------------------------------------------------------------------------


def _distinct(rows: ArrowTable, *names: str) -> Iterator[tuple[Any, ...]]:
    """Distinct combinations of some columns."""
    distinct = rows.select(list(names)).group_by(list(names)).aggregate([])
    return zip(*(distinct[name].to_pylist() for name in names), strict=True)


def _rows(rows: ArrowTable, names: Sequence[str]) -> Iterator[Row]:
    """Some columns of each row; lists as tuples, which can be compared and looked up."""
    columns = [rows[name].to_pylist() for name in names]
    for values in zip(*columns, strict=True):
        yield tuple(tuple(value) if isinstance(value, list) else value for value in values)
