"""Trace: from the rows of a table's day back to its commits, its inputs' versions and the source files.

Belongs here: reading it from commit notes, lineage columns and the file table alone, without Spark and without the
orchestrator, so that a table written by another run or machine is traced the same way. Files that bring no row, for
they could not be read, are named too. Does not belong here: how it is shown (`commands/trace`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from project_etl.core.bronze import file_table
from project_etl.core.bronze.file_table import Status
from project_etl.core.lake import WHOLE, Commit, LakeError, TableStore
from project_etl.core.lake.state import on_days
from project_etl.core.model.table import Table
from project_etl.core.silver import quarantine
from project_etl.core.staleness import Reads, day_of

NOT_READ = (Status.UNREADABLE, Status.DENIED, Status.LOST)


@dataclass(frozen=True)
class Made:
    """A commit that made some of the traced days.

    Attributes:
        commit: the commit.
        days: the traced days that it made; None stands for the whole table.
        counts: what was counted on these days up to it.
        broken: rule → records that broke it on these days.
    """

    commit: Commit
    days: tuple[str, ...] | None
    counts: Mapping[str, int]
    broken: Mapping[str, int]


@dataclass(frozen=True)
class Origin:
    """Where rows of a table come from.

    Attributes:
        table: the table.
        days: the days that are traced; None stands for the whole table.
        version: the Delta version that was read.
        made: the commits behind these days, newest first; empty when the log does not know them.
        files: source file → rows of these days that it supports, for a Silver table that is read by day.
        kept_out: rule → records of these files that are in quarantine now.
        not_read: source file of the landing days concerned that could not be read → why.
        inputs: the origins of the inputs.
        note: what could not be traced, and why.
        read_by: the day column of a Silver table that has these days, where that is not its business day.
    """

    table: str
    days: tuple[str, ...] | None
    version: int | None
    made: tuple[Made, ...] = ()
    files: Mapping[str, int] | None = None
    kept_out: Mapping[str, int] | None = None
    not_read: Mapping[str, str] = field(default_factory=dict[str, str])
    inputs: tuple[Origin, ...] = ()
    note: str = ""
    read_by: str = ""


@dataclass(frozen=True)
class Tables:
    """What is traced.

    Attributes:
        lake: the lake.
        declared: Silver and Gold tables by name.
        feeds: Silver table → the Bronze tables that feed it.
    """

    lake: TableStore
    declared: Mapping[str, Table]
    feeds: Mapping[str, Sequence[str]]


def trace(tables: Tables, name: str, day: date | None) -> Origin:
    """Trace a table.

    Args:
        tables: where to look.
        name: the table: one that is declared, or a Bronze table.
        day: the business day, of Bronze the landing day; None for a table that is not traced by day.

    Raises:
        LakeError: the table or the day has not been computed, or holds nothing.
    """
    lake, table = tables.lake, tables.declared.get(name)
    is_by_day = table is None or (table.is_daily if table.layer == "gold" else table.day_column is not None)
    if is_by_day != (day is not None):
        raise LakeError(f"{name} is traced {'by day: say which' if is_by_day else 'as a whole: leave out the day'}.")
    days, version = (day.isoformat(),) if day else None, lake.version(name)
    found = (
        _origin(tables, table, days, version, table.day_column) if table else _bronze(lake, name, days or (), version)
    )
    if not (found.made or found.files or found.not_read):
        verb = "has not been computed" if table and table.layer == "gold" else "holds nothing"
        raise LakeError(f"{name} {verb}{f' for {day}' if day else ''} yet, as far as its log knows.")
    return found


def _origin(
    tables: Tables, table: Table, days: tuple[str, ...] | None, version: int | None, read_by: str | None
) -> Origin:
    """Where some days of a table come from, or all of it.

    Args:
        tables: where to look.
        table: the table.
        days: None for all of it.
        version: its version.
        read_by: the column with these days.
    """
    if table.layer == "gold":
        return _gold(tables, table, days, version)
    return _silver(tables, table, days if read_by else None, version, read_by or "")


def _gold(tables: Tables, table: Table, days: tuple[str, ...] | None, version: int | None) -> Origin:
    is_read_whole = days is None and table.is_daily
    lake = tables.lake
    made = _newest(lake, table.name, version) if is_read_whole else _made(lake, table.name, days, version)
    inputs: list[Origin] = []
    for item in table.inputs.values():
        read = {entry.commit.note.get("reads", {}).get(item.table) for entry in made} - {None}
        if not read:
            continue
        read_by = day_of(tables.declared, table, item) if days is not None else None
        # What rows named when they were read, an up-to-date table still names.
        wanted = tuple(Reads(lake, tables.declared, table, days or ()).days(item)) if read_by else None
        if wanted != ():
            inputs.append(_origin(tables, tables.declared[item.table], wanted, max(read), read_by))
    return Origin(table.name, days, version, made, inputs=tuple(inputs))


def _silver(tables: Tables, table: Table, days: tuple[str, ...] | None, version: int | None, read_by: str) -> Origin:
    lake = tables.lake
    if version is None or days is None:
        return Origin(table.name, None, version, _newest(lake, table.name, version))
    try:
        files = _files(lake, table.name, read_by, days, version)
        note = ""
    except Exception as error:  # deltalake and pyarrow each have their own
        if not _is_gone(error):
            raise
        files = _files(lake, table.name, read_by, days, None)
        note = f"version {version} has been vacuumed; the files are those of the newest version"
    landed = tuple(sorted({file.split("/")[2] for file in files}))
    made = _made(lake, table.name, landed, version)
    kept_out = _kept_out(lake, table.name, files)
    # A record lands on its own day or later: a file of either may have had some.
    not_read = _not_read(lake, tables.feeds[table.name], {*days, *landed})
    by = read_by if read_by != table.day_column else ""
    return Origin(table.name, days, version, made, files, kept_out, not_read, note=note, read_by=by)


def _bronze(lake: TableStore, name: str, days: tuple[str, ...], version: int | None) -> Origin:
    if version is None:
        return Origin(name, days, None)
    known = file_table.files(lake, [name], days)
    files = {path: row.records for path, row in known.items() if row.status is Status.LOADED}
    return Origin(name, days, version, _made(lake, name, days, version), files, not_read=_not_read(lake, [name], days))


def _not_read(lake: TableStore, bronze: Collection[str], days: Collection[str]) -> dict[str, str]:
    """The files of some landing days that could not be read, with why."""
    known = file_table.files(lake, bronze, days)
    return {path: row.detail or row.status for path, row in known.items() if row.status in NOT_READ}


def _newest(lake: TableStore, name: str, version: int | None) -> tuple[Made, ...]:
    """The newest commit of a table that is read whole: naming all that ever made it would say nothing."""
    noted = [commit for commit in _commits(lake, name, version) if commit.note.get("table") == name]
    return tuple(Made(commit, None, {}, {}) for commit in noted[:1])


def _made(lake: TableStore, name: str, days: tuple[str, ...] | None, version: int | None) -> tuple[Made, ...]:
    """The commits that last made each of the days, up to a version."""
    wanted = set(days if days is not None else (WHOLE,))
    found: list[Made] = []
    for commit in _commits(lake, name, version):
        covered = wanted & set(commit.note.get("days") or {}) if commit.note.get("table") == name else set()
        if not covered:
            continue
        wanted -= covered
        report = commit.note.get("report", {})
        counts: Counter[str] = Counter()
        for day in covered:
            counts.update(report.get("days", {}).get(day, {}))
        broken = {
            rule["name"]: number
            for rule in report.get("rules", [])
            if (number := sum(count for day, count in rule["by_day"].items() if day in covered))
        }
        found.append(Made(commit, None if days is None else tuple(sorted(covered)), dict(counts), broken))
    return tuple(found)


def _commits(lake: TableStore, name: str, version: int | None) -> list[Commit]:
    known = lake.commits(name)
    # Of what the log has forgotten the journal knows the commits that made each day last.
    journal, oldest = lake.journal(name), min((commit.version for commit in known), default=0)
    entries = {entry.version: entry for entry in [*journal.units.values(), *filter(None, [journal.last])]}
    kept = [Commit(number, "", {}, entry.note, entry.timestamp) for number, entry in sorted(entries.items())[::-1]]
    told = [*known, *(commit for commit in kept if commit.version < oldest)]
    return [commit for commit in told if version is None or commit.version <= version]


def _files(lake: TableStore, name: str, column: str, days: Sequence[str], version: int | None) -> dict[str, int]:
    """Source file → rows of some days that it supports, at a version."""
    then = lake.state(name) if version is None else lake.at(name, version)
    rows = then.rows(["_source_files"], on_days(column, days))
    counts = Counter(file for files in rows.column("_source_files").to_pylist() for file in files or ())
    return dict(sorted(counts.items()))


def _kept_out(lake: TableStore, name: str, files: Mapping[str, int]) -> dict[str, int]:
    held = quarantine.name_of(name)
    if not files or not lake.exists(held):
        return {}
    rows = lake.state(held).rows(["rules"], among=("_source_file", files))
    return dict(sorted(Counter(rule for rules in rows.column("rules").to_pylist() for rule in rules).items()))


def _is_gone(error: Exception) -> bool:
    """Whether an old version or a file of it is no longer there; deltalake has no class of its own for that."""
    return (
        isinstance(error, FileNotFoundError | LakeError)
        or "not found" in str(error).lower()
        or "No such file" in str(error)
    )
