"""Reach: which Gold days a set of changed Silver rows concerns, decided without Spark.

Belongs here: following changed rows through the declared inputs of the Gold tables. Does not belong here: reading the
change feed or starting runs (the command line's replay and the sensors do). What is answered may be more than is
strictly needed, never less:

- A row of a table that Gold reads by day concerns its day; a row that moved to another day concerns both, which is why
  the feed's images from before and after a change count alike.
- A history (SCD2) that Gold reads whole concerns the instants at which it now says something else than before, and of
  these the days on which the thing it is about (a product, a customer) occurs in an input that is read by day. A new
  version from today on says nothing new about last year; a late one speaks for the time until the next version.
- Dated rows that Gold reads whole and carries forward (FX rates) concern the days from theirs until a date gives again
  all that their date gives.
- What a table's changed days do to later days is its own declaration: the next `reach` days, and the later days of the
  customers whose rows changed (`reach_customers`). A table that reads another Gold table takes over what that reaches.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import Any

from project_etl.core.asof_changes import Span, changed_spans, rows_before
from project_etl.core.gold_order import gold_order
from project_etl.core.table import History, Input, Merge, ReplaceDays, Table, TableError

CUSTOMER = "customer_id"
VALIDITY = ("valid_from", "valid_to", "is_current")
FEED = ("_change_type", "_commit_version")

ArrowTable = Any
"""A `pyarrow.Table`, which has no types."""
Among = tuple[str, Collection[Any]]
"""A column, and values, none of them None, of which a row must have one."""
Look = Callable[[str, Sequence[str], Among | None], ArrowTable]
Days = frozenset[date]


@dataclass(frozen=True)
class Reach:
    """What changed Silver rows mean for Gold.

    Attributes:
        tables: all declared tables, for the columns and references of the inputs.
        changes: Silver table → rows of its change feed: the table's columns, `_change_type` and `_commit_version`. A
            table without changes may be absent.
        look: reads the named columns of a Silver table as it is after the changes, of the rows that are meant or of
            all: a table may be too large to be read whole for one changed row.
        until: the last business day that is of interest; windows do not reach beyond it.
    """

    tables: Sequence[Table]
    changes: Mapping[str, ArrowTable]
    look: Look
    until: date

    def days(self) -> dict[str, Days]:
        """Follow the changes.

        Returns:
            Gold table → the days to compute again, at most `until`; a snapshot has none and is computed as a whole.
            Tables that nothing reaches are absent. A table's days hold those of every Gold table that it reads.

        Raises:
            TableError: a daily table reads a changed table in a way from which no days follow.
        """
        reached: dict[str, Days] = {}
        for table in gold_order(self.tables):
            through = [self._through(item, table, reached) for item in table.inputs.values()]
            concerned = [days for days in through if days is not None]
            days = self._extended(table, Days().union(*concerned)) if concerned else Days()
            if days or (concerned and not table.is_daily):
                reached[table.name] = days
        return reached

    # --- from an input to days ----------------------------------------------------------------------------------------

    def _through(self, item: Input, table: Table, reached: Mapping[str, Days]) -> Days | None:
        """Days that an input's changes concern; None when it did not change."""
        if item.table in reached:
            return reached[item.table]
        changed = self.changes.get(item.table)
        if changed is None or not len(changed):
            return None
        if not table.is_daily:
            return Days()
        source = self._declared[item.table]
        if not item.whole:
            return Days(day for (day,) in _distinct(changed, _day_column(source)) if day is not None)
        if isinstance(source.write, History):
            return self._of_history(source, source.write, table, changed)
        if isinstance(source.write, Merge) and source.write.newest_by in source.keys:
            return self._of_dated(source, source.write, table, changed)
        raise TableError(
            f"{table.name} reads {source.name} whole, but that is neither a History nor dated (its `newest_by` is not "
            "one of its keys), so that which days a changed row reaches is not known: read it by day, or its history."
        )

    def _of_history(self, source: Table, write: History, table: Table, changed: ArrowTable) -> Days:
        """Days of the things whose history now says something else, in the time about which it does."""
        spans = self._changed_spans(source, write, changed)
        return Days(
            day
            for thing, day in self._occurrences(table, write.of, spans)
            if any(_overlaps(day, since, to) for since, to in spans[thing])
        )

    def _changed_spans(self, source: Table, write: History, changed: ArrowTable) -> dict[Any, list[Span]]:
        """Thing → the instants about which its history says something else than before; things without are absent."""
        said = [name for name in source.schema.fieldNames() if name not in (write.newest_by, *VALIDITY)]
        names = [*said, write.newest_by, "valid_from"]
        things = _values(changed, write.of)
        now = list(_rows(self.look(source.name, names, (write.of, things)), names))
        before = rows_before(now, _rows(changed, [*names, *FEED]), source.keys)
        versions = [_by_thing(rows, write.of, said) for rows in (before, now)]
        spans = {thing: changed_spans(*(found.get(thing, []) for found in versions)) for thing in things}
        return {thing: found for thing, found in spans.items() if found}

    def _of_dated(self, source: Table, write: Merge, table: Table, changed: ArrowTable) -> Days:
        """Days from a changed date until the next one that gives all the same again."""
        names = [name for name in source.keys if name != write.newest_by]
        given: dict[date, set[Any]] = defaultdict(set)
        for day, *what in self._held(source.name, write.newest_by, *names):
            given[day].add(tuple(what))
        wanted: dict[date, set[Any]] = {}
        for day, *what in _distinct(changed, write.newest_by, *names):
            wanted.setdefault(day, set(given.get(day, ()))).add(tuple(what))
        until = {
            day: min((later for later in given if later > day and given[later] >= what), default=date.max)
            for day, what in wanted.items()
        }
        held = {day for name in _read_by_day(table) for day in self._held_days(name)}
        return Days(day for day in held if any(since <= day < to for since, to in until.items()))

    # --- from days to later days --------------------------------------------------------------------------------------

    def _extended(self, table: Table, days: Days) -> Days:
        if not isinstance(table.write, ReplaceDays):
            return Days()
        later = {day + timedelta(days=n) for day in days for n in range(table.write.reach + 1)}
        if table.write.reach_customers:
            later |= self._later_customer_days
        return Days(day for day in later if day <= self.until)

    @cached_property
    def _later_customer_days(self) -> set[date]:
        """Order days, after the first changed one, of the customers whose rows changed."""
        first: dict[Any, date] = {}
        for name in self.changes:
            for customer, day in self._changed_customers(self._declared[name]):
                if customer is not None and day is not None:
                    first[customer] = min(day, first.get(customer, day))
        if not first:
            return set()
        sources = [table for table in self.tables if table.day_column and table.records and _has(table, CUSTOMER)]
        days = [self._held(source.name, CUSTOMER, _day_column(source), among=(CUSTOMER, first)) for source in sources]
        return {day for found in days for customer, day in found if day and day > first[customer]}

    def _changed_customers(self, source: Table) -> Iterator[tuple[Any, Any]]:
        """Customer and day of changed rows; a row without a customer has the one of the row that gives it its day."""
        changed = self.changes[source.name]
        if not source.day_column or not len(changed):
            return
        day = _day_column(source)
        if _has(source, CUSTOMER):
            yield from _distinct(changed, CUSTOMER, day)
            return
        for ref in source.references:
            if day in ref.carry and _has(self._declared[ref.table], CUSTOMER):
                named = (ref.parent_key, _values(changed, ref.column))
                owner = dict(self._held(ref.table, ref.parent_key, CUSTOMER, among=named))
                yield from ((owner.get(key), when) for key, when in _distinct(changed, ref.column, day))

    # --- looking ------------------------------------------------------------------------------------------------------

    @cached_property
    def _declared(self) -> dict[str, Table]:
        return {table.name: table for table in self.tables}

    def _occurrences(self, table: Table, column: str, things: Collection[Any]) -> set[tuple[Any, ...]]:
        """Thing and day of the rows of those inputs that `table` reads by day and that name one of the things."""
        found: set[tuple[Any, ...]] = set()
        if not things:
            return found
        for source in (self._declared[name] for name in _read_by_day(table)):
            if source.records and _has(source, column):
                found |= set(self._held(source.name, column, _day_column(source), among=(column, things)))
        return found

    def _held_days(self, name: str) -> set[date]:
        source = self._declared[name]
        if not source.records:
            return set()
        return {day for (day,) in self._held(name, _day_column(source)) if day is not None}

    def _held(self, name: str, *columns: str, among: Among | None = None) -> Iterator[tuple[Any, ...]]:
        """Distinct combinations of some columns of a Silver table as it is after the changes."""
        return _distinct(self.look(name, columns, among), *columns)


def _read_by_day(table: Table) -> list[str]:
    return [item.table for item in table.inputs.values() if not item.whole]


def _has(table: Table, column: str) -> bool:
    return column in table.schema.fieldNames()


def _day_column(table: Table) -> str:
    if table.day_column is None:
        raise TableError(f"{table.name} is read by day but has none: set its `day` to the column of its business day.")
    return table.day_column


def _distinct(rows: ArrowTable, *names: str) -> Iterator[tuple[Any, ...]]:
    """Distinct combinations of some columns."""
    distinct = rows.select(list(names)).group_by(list(names)).aggregate([])
    return zip(*(distinct[name].to_pylist() for name in names), strict=True)


def _values(rows: ArrowTable, name: str) -> set[Any]:
    """Distinct values of a column, without None."""
    return {value for (value,) in _distinct(rows, name) if value is not None}


def _rows(rows: ArrowTable, names: Sequence[str]) -> Iterator[dict[str, Any]]:
    columns = [rows[name].to_pylist() for name in names]
    return (dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True))


def _by_thing(rows: Iterable[Mapping[str, Any]], of: str, said: Sequence[str]) -> dict[Any, list[tuple[datetime, Any]]]:
    """The versions of each thing: from when they hold, and what they say."""
    versions: dict[Any, list[tuple[datetime, Any]]] = defaultdict(list)
    for row in rows:
        versions[row[of]].append((row["valid_from"], tuple(row[name] for name in said)))
    return versions


def _overlaps(day: date | None, since: datetime | None, to: datetime | None) -> bool:
    """Whether any instant of the day (UTC) is in `since` ≤ instant < `to`; None leaves that side open."""
    if day is None:
        return False
    start = datetime.combine(day, time.min, UTC)
    return (to is None or start < to) and (since is None or since < start + timedelta(days=1))
