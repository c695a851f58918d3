"""Which days of its inputs the days of a Gold table are computed from.

The one answer for computing, staleness, `plan` and `trace`. Does not belong here: whether these days have changed
(`stale.py`), reading them (`core/gold`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import takewhile

from pyspark.sql import types as T

from project_etl.core.arrow import distinct
from project_etl.core.lake import TableStore
from project_etl.core.lake.state import on_days
from project_etl.core.model.table import Input, Table, TableError


def day_of(tables: Mapping[str, Table], table: Table, item: Input) -> str | None:
    """The column by whose days a table reads an input; None when it reads all of it.

    Args:
        tables: all tables by name.
        table: the table that reads.
        item: the input.

    Raises:
        TableError: the input does not have the days by which it is read, or not the columns that are read.
    """
    source = tables[item.table]
    if missing := {*item.columns}.difference(source.schema.fieldNames()):
        raise TableError(f"{table.name} reads {', '.join(sorted(missing))} of {item.table}, which has no such column.")
    if item.whole or not table.is_daily or (item.at and source.is_dated and not source.days):
        return None
    if not source.days:
        raise TableError(
            f"{table.name} reads {item.table} by day, but that has none: set its `day` to the column of its "
            "business day, or read it with `whole`."
        )
    if item.by and item.by not in source.days:
        advice = f"add {item.by!r} to its `day`, or leave out `by`"
        if source.layer == "gold":
            advice = "a Gold table can only be read by its own day: leave out `by`"
        raise TableError(
            f"{table.name} reads {item.table} by {item.by!r}, but the days of that are {', '.join(source.days)}: "
            f"{advice}."
        )
    return item.by or source.day_column


@dataclass(frozen=True)
class Reads:
    """What some days of a daily Gold table are computed from.

    Attributes:
        lake: the lake; tables are looked at as they are now, or at their pins.
        tables: all tables by name.
        table: the daily table.
        units: its days, ISO dates.
    """

    lake: TableStore
    tables: Mapping[str, Table]
    table: Table
    units: Sequence[str]
    _named: dict[Input, Mapping[str, set[str]]] = field(default_factory=dict[Input, Mapping[str, set[str]]])

    def days(self, item: Input, units: Iterable[str] | None = None) -> list[str]:
        """The days of an input that some of the units are computed from; all of them where none are named.

        Of an input that is read whole, these are the days for which the units ask it.
        """
        asked = self.units if units is None else units
        if item.at:
            named = self._days_named(item)
            return sorted({day for unit in asked for day in named.get(unit, ())})
        return sorted({day for unit in asked for day in _window(unit, item)})

    def days_in_notes(self, item: Input, unit: str) -> list[str]:
        """The days of an input that a unit is computed from, as the notes of the input's commits call them."""
        column = day_of(self.tables, self.table, item)
        assert column is not None, item
        return self.tables[item.table].days_in_notes(column, self.days(item, [unit]))

    def _days_named(self, item: Input) -> Mapping[str, set[str]]:
        """Unit → the days that the column `at` names in the rows that the unit reads by day. Read once."""
        if item not in self._named:
            found: dict[str, set[str]] = defaultdict(set)
            for source in self._naming(item):
                named = self._pairs(source, item.at)
                for unit in self.units:
                    found[unit] |= {day for read in _window(unit, source) for day in named.get(read, ())}
            self._named[item] = found
        return self._named[item]

    def _pairs(self, source: Input, at: str) -> Mapping[str, set[str]]:
        """Day of an input that the units read → the days that a column names in its rows."""
        column = day_of(self.tables, self.table, source)
        assert column is not None, source
        pairs: dict[str, set[str]] = defaultdict(set)
        if self.lake.exists(source.table):
            names = list(dict.fromkeys((column, at)))
            rows = self.lake.state(source.table).rows(names, on_days(column, self.days(source)))
            for values in distinct(rows, *names):
                # Where the column is the day itself, it stands there once.
                if values[-1] is not None:
                    pairs[str(values[0])].add(str(values[-1]))
        return pairs

    def _naming(self, item: Input) -> list[Input]:
        """The inputs whose rows name the days of a look-up.

        Raises:
            TableError: there is none.
        """
        before = takewhile(lambda other: other != item, self.table.inputs.values())
        by_day = [other for other in before if not other.at and day_of(self.tables, self.table, other)]
        found = [other for other in by_day if _has_day(self.tables[other.table], item.at)]
        if not found:
            raise TableError(
                f"{self.table.name} looks up days of {item.table} at {item.at!r}, but no input that it reads by day "
                "has such a column of dates: declare one that has it before the look-up."
            )
        return found


def _window(unit: str, item: Input) -> list[str]:
    """The day of a unit, and the days before it that an input is read for."""
    return [(date.fromisoformat(unit) - timedelta(days=back)).isoformat() for back in range(item.back + 1)]


def _has_day(table: Table, column: str) -> bool:
    return column in table.schema.fieldNames() and isinstance(table.schema[column].dataType, T.DateType)
