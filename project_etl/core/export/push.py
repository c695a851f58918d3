"""Which exports of a target are stale, bringing them up to date, and comparing target and lake afterwards.

A unit is stale when the bookmark that the target holds is not the one that it would get now. Does not belong here: how
a target holds rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from project_etl.core.export.base import CSV, DUCKDB, SQLITE, Export, ExportError, Found, Target, Writer
from project_etl.core.export.exported import Exported, version_of
from project_etl.core.lake import TableStore
from project_etl.core.model.table import Table

Held = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Pushed:
    """What a push does to a table of a target.

    Attributes:
        name: the table there.
        written: the units that are written.
        dropped: the units that go.
        is_new: the table is made.
        is_gone: the table goes: it is exported no more, or is not in the lake any more.
        missing: the tables that it reads and that are not in the lake: it is left out.
    """

    name: str
    written: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    is_new: bool = False
    is_gone: bool = False
    missing: tuple[str, ...] = ()

    @property
    def is_stale(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.written or self.dropped or self.is_new or self.is_gone)


@dataclass(frozen=True)
class Compared:
    """A table in a target beside what it should be.

    Attributes:
        name: the table there.
        wanted: unit → rows in the lake.
        found: unit → rows in the target.
        columns: the columns that it should have.
        found_columns: the columns that it has; none where it is not there.
        damage: what else is wrong with it, in words; empty when nothing is.
    """

    name: str
    wanted: Mapping[str, int]
    found: Mapping[str, int]
    columns: tuple[str, ...]
    found_columns: tuple[str, ...]
    damage: str = ""

    @property
    def wrong_units(self) -> tuple[str, ...]:
        """Units whose numbers of rows differ."""
        units = sorted({*self.wanted, *self.found})
        return tuple(unit for unit in units if self.wanted.get(unit, 0) != self.found.get(unit, 0))


def target_of(name: str, root: str) -> Target:
    """The target of a name; what it needs is imported when it is used.

    Args:
        name: one of `TARGETS`.
        root: the folder of all exports.
    """
    from project_etl.core.export.csv_files import CsvFiles
    from project_etl.core.export.duckdb_file import DuckdbFile
    from project_etl.core.export.sqlite_file import SqliteFile

    known = {CSV: CsvFiles, SQLITE: SqliteFile, DUCKDB: DuckdbFile}
    return known[name](Path(root))


def exported(lake: TableStore, exports: Iterable[Export], tables: Iterable[Table], target: Target) -> list[Exported]:
    """The exports that a target takes, of the lake as it is now.

    Raises:
        ExportError: an export reads a table that nobody declares.
    """
    declared = {table.name: table for table in tables}
    taken = [export for export in exports if target.name in export.to]
    for export in taken:
        if unknown := [name for name in export.inputs if name not in declared or declared[name].layer != "gold"]:
            raise ExportError(f"Export {export.name} reads {', '.join(unknown)}, which is no Gold table. Correct it.")
    pinned = lake.pinned({name for export in taken for name in export.inputs})
    return [Exported(pinned, export, declared.get(export.table), target.holds_days) for export in taken]


def is_stale(of: Sequence[Exported], target: Target) -> bool:
    """Whether a target is not what it would be now."""
    return any(each.is_stale for each in _work(of, target.held()))


def push(of: Sequence[Exported], target: Target) -> list[Pushed]:
    """Bring a target up to date: write what is stale, remove what has gone from the lake.

    Args:
        of: what it is to hold.
        target: the target; nobody else writes it meanwhile.

    Returns:
        What was done to each table, be it nothing.
    """
    held = target.held()
    anew = not held or _has_other(of, held)
    work = _work(of, held, anew=anew)
    if any(each.is_stale for each in work):
        by_name = {each.name: each for each in of}
        with target.writing(anew=anew) as writer:
            for each in work:
                _write(writer, by_name.get(each.name), each)
    return work


def compare(of: Sequence[Exported], target: Target) -> list[Compared]:
    """Each table of a target beside what it should be, read from what is there."""
    there = [each for each in of if not each.missing]
    found = target.found([each.table for each in there]) if there else {}
    nothing = Found({}, ())
    return [
        Compared(each.name, each.counts(), has.rows, each.table.columns, has.columns, has.damage)
        for each in there
        for has in [found.get(each.name, nothing)]
    ]


def _write(writer: Writer, made: Exported | None, work: Pushed) -> None:
    if made is None or work.is_gone:
        writer.drop_table(work.name)
        return
    if work.dropped:
        writer.drop_days(made.table, work.dropped)
    if work.written or work.is_new:
        bookmarks = {unit: made.bookmarks[unit] for unit in work.written}
        writer.put(made.table, bookmarks, made.rows(work.written))


def _work(of: Sequence[Exported], held: Held, *, anew: bool = False) -> list[Pushed]:
    """What is to be done to each table, be it nothing."""
    found = [_work_on(each, None if anew else held.get(each.name)) for each in of]
    names = {each.name for each in of}
    return found + [Pushed(name, is_gone=True) for name in sorted(held) if name not in names]


def _work_on(made: Exported, held: Mapping[str, str] | None) -> Pushed:
    if made.missing:
        return Pushed(made.name, is_gone=held is not None, missing=made.missing)
    has, wanted = held or {}, made.bookmarks
    return Pushed(
        made.name,
        tuple(unit for unit, bookmark in wanted.items() if has.get(unit) != bookmark),
        tuple(unit for unit in has if unit not in wanted),
        is_new=held is None,
    )


def _has_other(of: Sequence[Exported], held: Held) -> bool:
    """Whether a target holds what must leave no trace: columns that leave no more, or a table that is exported no more.

    What was deleted lives on in a file for a while, so the target is made anew.
    """
    versions = {each.name: each.version for each in of if not each.missing}
    return any(
        name not in versions or any(version_of(bookmark) != versions[name] for bookmark in units.values())
        for name, units in held.items()
    )
