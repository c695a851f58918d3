"""For which days a table that is read as of an instant says something else than before.

Belongs here: following the change feed of an input of which a daily table reads every day: a history (SCD2), dated rows
(FX rates), or some columns of a table that has one row a key.
What is answered may be more than is strictly needed, never less:

- A history concerns the instants at which it now says something else, and of these the days on which the thing it is
  about (a product, a customer) occurs in an input that is read by day; all days where no such input names it. A new
  version from today on says nothing new about last year; a late one speaks for the time until the next version.
- Dated rows are carried forward. They concern the days from theirs until a date gives again all that their date gives.
- Some columns of rows with one key concern the days on which a key occurs that has come, gone, or changed in them.

Does not belong here: what else makes a day stale (`stale.py`), as-of joins of frames (`asof.py`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import pyarrow.compute as pc

from project_etl.core.arrow import ArrowTable, distinct
from project_etl.core.lake import LakeError, TableStore
from project_etl.core.model.days import instants_of
from project_etl.core.model.table import VALIDITY, History, Input, Merge, Table
from project_etl.core.staleness.reads import Reads, day_of
from project_etl.core.staleness.versions import Row, Span, Version, changed_spans, net_changes

Affects = Callable[[Reads, str], bool]
"""Tells of a day whether it has to be computed again, given which days of its inputs it is computed from."""

# Of one input. Dagster ends a sensor's tick after a minute; so many rows are followed in some seconds.
MOST_ROWS = 500_000


def changed_since(lake: TableStore, source: str, since: int) -> ArrowTable | None:
    """The change feed of an input since a version; None when it does not go back so far, or is too long."""
    try:
        return lake.state(source).changes(since, most=MOST_ROWS)
    except LakeError:
        return None


def affected(
    lake: TableStore,
    tables: Mapping[str, Table],
    table: Table,
    item: Input,
    changed: ArrowTable | None,
    zone: str,
) -> Affects:
    """Which days of a daily table the changes of an input concern of which it reads every day.

    Args:
        lake: the lake; tables are looked at as they are now, or at their pins.
        tables: all tables by name.
        table: the daily table.
        item: the input.
        changed: what has changed in the input (`changed_since`).
        zone: time zone of the days.

    Returns:
        What tells of a day. It says yes to all days where the changes cannot be followed: there is no feed, or the
        input is neither a history nor dated, nor has one row a key of which some columns are read.
    """
    source = tables[item.table]
    if changed is None:
        return _any_day
    write = source.write
    if isinstance(write, History):
        return _by_history(lake, tables, table, source, write, changed, zone)
    if source.is_dated:
        return _by_date(lake, source, item, changed)
    if isinstance(write, Merge) and item.columns:
        return _by_columns(lake, tables, table, source, item.columns, changed)
    return _any_day


def _any_day(_: Reads, __: str) -> bool:
    return True


def _no_day(_: Reads, __: str) -> bool:
    return False


# --- dated rows -------------------------------------------------------------------------------------------------------


def _by_date(lake: TableStore, source: Table, item: Input, changed: ArrowTable) -> Affects:
    names = [source.newest_by, *(key for key in source.keys if key != source.newest_by)]
    given: dict[date, set[Any]] = defaultdict(set)
    for day, *what in distinct(lake.state(source.name).rows(names), *names):
        given[day].add(tuple(what))
    wanted: dict[date, set[Any]] = {}
    for day, *what in distinct(changed, *names):
        wanted.setdefault(day, set(given.get(day, ()))).add(tuple(what))
    until = {
        day: min((later for later in given if later > day and given[later] >= what), default=date.max)
        for day, what in wanted.items()
    }

    def is_concerned(reads: Reads, unit: str) -> bool:
        asked = map(date.fromisoformat, reads.days(item, [unit]))
        return any(since <= day < to for day in asked for since, to in until.items())

    return is_concerned


# --- one row a key, of which some columns are read --------------------------------------------------------------------


def _by_columns(
    lake: TableStore,
    tables: Mapping[str, Table],
    table: Table,
    source: Table,
    columns: Sequence[str],
    changed: ArrowTable,
) -> Affects:
    names = list(dict.fromkeys([*source.keys, *columns]))
    kinds = changed["_change_type"].to_pylist()
    gone, came = net_changes(zip(kinds, _rows(changed, names), strict=True))
    if not gone and not came:
        return _no_day
    key, *more = source.keys
    # Who does not see the key cannot ask for the rows of one.
    if more or key not in columns:
        return _any_day
    things = {thing for thing, *_ in gone | came}
    return _where_named(lake, tables, table, key, things, lambda _, __: True)


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

    def says_else(thing: Any, days: Sequence[date]) -> bool:  # noqa: ANN401 - a value of a column
        instants = [instants_of(day, zone) for day in days]
        return any(_overlaps(day, since, to) for day in instants for since, to in spans[thing])

    return _where_named(lake, tables, table, write.of, spans, says_else)


def _where_named(
    lake: TableStore,
    tables: Mapping[str, Table],
    table: Table,
    column: str,
    things: Collection[Any],
    says_else: Callable[[Any, Sequence[date]], bool],
) -> Affects:
    """The days for which an input that is read by day names one of some things; all days where no input has the column.

    Args:
        lake: the lake.
        tables: all tables by name.
        table: the daily table.
        column: the column that names things.
        things: the things.
        says_else: whether a row that names a thing, and is of some days, sees something else of it than before.
    """
    days_of = {item: day_of(tables, table, item) for item in table.inputs.values()}
    found = {
        item: {
            str(day)
            for thing, day, days in _occurrences(lake, tables[item.table], column, things, read_by)
            if says_else(thing, days)
        }
        for item, read_by in days_of.items()
        if read_by and column in tables[item.table].schema.fieldNames()
    }
    if not found:
        return _any_day
    return lambda reads, unit: any(
        days and not days.isdisjoint(reads.days(item, [unit])) for item, days in found.items()
    )


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


def _occurrences(
    lake: TableStore, source: Table, column: str, things: Collection[Any], read_by: str
) -> Iterator[tuple[Any, date, Sequence[date]]]:
    """Thing, day by which it is read, and all days of the rows of a table that name one of the things."""
    names = [column, read_by, *(day for day in source.days if day != read_by)]
    rows = lake.state(source.name).rows(names, among=(column, things))
    for thing, day, *others in distinct(rows, *names):
        if day is not None:
            yield thing, day, [day, *(other for other in others if other is not None)]


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


def _rows(rows: ArrowTable, names: Sequence[str]) -> Iterator[Row]:
    """Some columns of each row; lists as tuples, which can be compared and looked up."""
    columns = [rows[name].to_pylist() for name in names]
    for values in zip(*columns, strict=True):
        yield tuple(tuple(value) if isinstance(value, list) else value for value in values)
