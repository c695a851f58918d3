"""Bring a target up to date: what it lacks, what it has too much, and what was made from something else.

The bookmark of a unit says what it was made from: how it is exported, and the newest commit that changed its rows. So
what is stale follows from the target and from the journals alone. Does not belong here: how a target holds anything.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from project_etl.core.arrow import ArrowSchema
from project_etl.core.digest import digest
from project_etl.core.export.base import Export, ExportError, Shape, Target, Units, Writing
from project_etl.core.lake import WHOLE, TableStore
from project_etl.core.model.table import Table
from project_etl.core.views import Views, quoted, view_of

# Changes when a target writes the same rows in another way: all is exported again.
SHAPE_VERSION = 1


@dataclass(frozen=True)
class Pushed:
    """How an exported table stands in a target.

    Attributes:
        name: the table there.
        rows: its rows by unit, as counted there.
        written: the units that were written or removed.
    """

    name: str
    rows: Mapping[str, int]
    written: tuple[str, ...]


@dataclass(frozen=True)
class Push:
    """The exports of one target, beside the lake as it is now; `of` makes it.

    Attributes:
        lake: the lake, pinned.
        target: the target.
        exports: what it is to hold.
        tables: all tables by name.
    """

    lake: TableStore
    target: Target
    exports: Sequence[Export]
    tables: Mapping[str, Table]
    _by_pii: dict[tuple[str, ...], Views] = field(default_factory=dict[tuple[str, ...], Views], repr=False)

    @classmethod
    def of(cls, lake: TableStore, target: Target, exports: Iterable[Export], tables: Iterable[Table]) -> Push:
        """The exports that a target has, and the lake as it is now, whatever is committed from now on."""
        meant = [export for export in exports if target.name in export.to]
        pinned = lake.pinned({name for export in meant for name in export.tables})
        return cls(pinned, target, meant, {table.name: table for table in tables})

    @cached_property
    def missing(self) -> Mapping[str, tuple[str, ...]]:
        """Export → the tables that it reads and that nobody has computed yet; it waits for them."""
        found = {
            export.name: tuple(name for name in export.tables if not self.lake.exists(name)) for export in self.exports
        }
        return {name: tables for name, tables in found.items() if tables}

    @cached_property
    def wanted(self) -> Mapping[str, Mapping[str, str]]:
        """Export → unit → bookmark, of all that can be exported."""
        return {export.name: self._units(export) for export in self.exports if export.name not in self.missing}

    @cached_property
    def held(self) -> Mapping[str, Units]:
        """Export → what the target holds of it."""
        return self.target.held()

    @cached_property
    def stale(self) -> Mapping[str, tuple[str, ...]]:
        """Export → units that the target lacks, has too much, or has from something else; others are absent.

        An export that is declared no more is one of them, as a whole.
        """
        known = {export.name for export in self.exports}
        found = {name: self._stale_units(name) for name in self.wanted}
        found |= {name: (WHOLE,) for name in self.held if name not in known}
        return {name: units for name, units in found.items() if units}

    def run(self) -> list[Pushed]:
        """Write what is stale, and count what is there.

        Returns:
            Each export that can be made, in the order of their names.

        Raises:
            ExportError: the target does not hold what was written; it is left as it was.
        """
        exports = sorted((each for each in self.exports if each.name in self.wanted), key=lambda each: each.name)
        if not self.stale:
            return [self._as_held(export) for export in exports]
        with self.target.writing() as writing:
            for name in self.stale:
                if name not in self.wanted:
                    writing.drop(name)
            return [
                self._write(export, writing) if export.name in self.stale else self._as_held(export)
                for export in exports
            ]

    # --- what is wanted -----------------------------------------------------------------------------------------------

    def _units(self, export: Export) -> dict[str, str]:
        version = self._version(export)
        if day := self._day(export):
            state = self.lake.state(export.table)
            return {
                unit: f"{version}/{state.table_id}/{state.journal.changed_on([unit])}"
                for unit in state.rows_of_each_day(day)
            }
        states = [self.lake.state(name) for name in export.tables]
        made_from = [f"{state.table_id}/{state.journal.data_version}" for state in states]
        return {WHOLE: "/".join([version, *made_from])}

    def _version(self, export: Export) -> str:
        """Changes when the same rows would be exported in another way."""
        # The log has the keys of a column's metadata in any order.
        schemas = [json.dumps(self._columns(name), sort_keys=True) for name in export.tables]
        return digest(
            SHAPE_VERSION, export.query, sorted(export.allow_pii), dict(export.ids), self._day(export), schemas
        )

    def _day(self, export: Export) -> str:
        """The column of the days that the target holds of an export; empty when it holds a whole."""
        table = self.tables.get(export.table)
        return (table.day_column or "") if table and table.is_daily and self.target.holds_days else ""

    def _stale_units(self, name: str) -> tuple[str, ...]:
        wanted, held = self.wanted[name], self.held.get(name, {})
        made = {unit for unit, bookmark in wanted.items() if unit not in held or held[unit].bookmark != bookmark}
        return tuple(sorted(made | (held.keys() - wanted.keys())))

    def _as_held(self, export: Export) -> Pushed:
        held = self.held.get(export.name, {})
        return Pushed(export.name, {unit: each.rows for unit, each in held.items()}, ())

    # --- what is written ----------------------------------------------------------------------------------------------

    def _write(self, export: Export, writing: Writing) -> Pushed:
        """Write the stale units of an export, and see that the target then has what Gold has.

        Raises:
            ExportError: it has other rows or columns.
        """
        wanted, written, views = self.wanted[export.name], self.stale[export.name], self._views(export)
        units = {unit: wanted[unit] for unit in written if unit in wanted}
        is_anew = len(units) == len(wanted)
        if gone := [] if is_anew else [unit for unit in written if unit not in wanted]:
            writing.drop(export.name, gone)
        source = self._source(export, [] if is_anew else sorted(units))
        rows = views.reader(source)
        if units or is_anew:
            writing.take(self._shape(export, rows.schema), units, rows, anew=is_anew)
        day = self._day(export)
        unit = f"CAST({quoted(day)} AS VARCHAR)" if day else f"'{WHOLE}'"
        counted = views.sql(f"SELECT {unit} AS unit, count(*) AS rows FROM ({self._source(export)}) GROUP BY 1")
        expected = dict(zip(counted["unit"].to_pylist(), counted["rows"].to_pylist(), strict=True))
        found, columns = dict(writing.rows(export.name)), writing.columns(export.name)
        if _without_zeros(found) != _without_zeros(expected) or columns != tuple(rows.schema.names):
            raise ExportError(
                f"{self.target.place} was left as it was: {export.name} would have {sum(found.values()):,} rows of "
                f"{', '.join(columns)}, expected {sum(expected.values()):,} of {', '.join(rows.schema.names)}. "
                "This is a fault of the platform: report it."
            )
        return Pushed(export.name, found, written)

    def _shape(self, export: Export, columns: ArrowSchema) -> Shape:
        table = self.tables.get(export.table)
        comments: dict[str, str] = {}
        for name in export.tables:
            told = {item["name"]: item["metadata"].get("comment") for item in self._columns(name)}
            comments |= {column: comment for column, comment in told.items() if comment}
        comments |= {name: f"Values of {path}, with commas." for name, path in export.ids.items()}
        comments = {name: comments[name] for name in columns.names if name in comments}
        return Shape(export.name, columns, comments, table.keys if table else (), self._day(export), export.description)

    def _columns(self, table: str) -> list[dict[str, Any]]:
        return json.loads(self.lake.state(table).schema_json)["fields"]

    def _source(self, export: Export, days: Sequence[str] = ()) -> str:
        """SQL for the rows of an export: all of them, or those of some days."""
        if export.query:
            return export.query
        state, views = self.lake.state(export.table), self._views(export)
        hidden = views.left_out(export.table)
        columns = [self._column(item) for item in state.arrow_schema if item.name not in hidden]
        for name, path in export.ids.items():
            column, _, value = path.partition(".")
            ids = f"[each.{quoted(value)} FOR each IN {quoted(column)}]"
            columns.append(f"array_to_string({ids}, ',') AS {quoted(name)}")
        listed = ", ".join(f"DATE '{day}'" for day in days)
        where = f" WHERE {quoted(self._day(export))} IN ({listed})" if days else ""
        keys = self.tables[export.table].keys if export.table in self.tables else ()
        order = f" ORDER BY {', '.join(map(quoted, keys))}" if keys else ""
        return f"SELECT {', '.join(columns)} FROM {view_of(export.table)}{where}{order}"

    def _column(self, item: Any) -> str:  # noqa: ANN401 - a field of pyarrow
        """SQL for a column: an array or a struct as JSON text, where the target has none."""
        import pyarrow as pa

        name = quoted(item.name)
        is_nested = pa.types.is_nested(item.type)
        return f"CAST(to_json({name}) AS VARCHAR) AS {name}" if is_nested and not self.target.has_arrays else name

    def _views(self, export: Export) -> Views:
        if export.allow_pii not in self._by_pii:
            self._by_pii[export.allow_pii] = Views(self.lake, export.allow_pii)
        return self._by_pii[export.allow_pii]


def _without_zeros(rows: Mapping[str, int]) -> dict[str, int]:
    return {unit: number for unit, number in rows.items() if number}
