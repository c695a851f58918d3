"""Trace: from the rows of a table's day back to its commits, its inputs' versions and the source files.

Belongs here: reading it from commit notes and lineage columns alone, without Spark and without the orchestrator, so
that a table written by another run or machine is traced the same way. Does not belong here: how it is shown
(`commands/trace.py`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from project_etl.core.lake import WHOLE, Commit, LakeError, TableStore
from project_etl.core.lake.state import on_days
from project_etl.core.model.table import Table
from project_etl.core.silver import quarantine
from project_etl.core.staleness import input_days


@dataclass(frozen=True)
class Made:
    """A commit that made some of the traced days.

    Attributes:
        commit: the commit.
        days: the traced days that it made; None stands for the whole table.
        counts: what it counted on these days.
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
        inputs: the origins of the inputs.
        note: what could not be traced, and why.
    """

    table: str
    days: tuple[str, ...] | None
    version: int | None
    made: tuple[Made, ...] = ()
    files: Mapping[str, int] | None = None
    kept_out: Mapping[str, int] | None = None
    inputs: tuple[Origin, ...] = ()
    note: str = ""


def trace_gold(lake: TableStore, tables: Sequence[Table], name: str, day: date | None) -> Origin:
    """Trace a Gold table.

    Args:
        lake: the lake.
        tables: all tables.
        name: the Gold table, `gold/daily_aov`.
        day: the business day; None for a snapshot.

    Raises:
        LakeError: the table or the day has not been computed, or the table is no Gold table.
    """
    declared = {table.name: table for table in tables}
    table = declared.get(name)
    if table is None or table.layer != "gold":
        gold = ", ".join(sorted(table.name for table in tables if table.layer == "gold"))
        raise LakeError(f"{name!r} is no Gold table; there is {gold}.")
    if table.is_daily != (day is not None):
        raise LakeError(
            f"{name} is computed {'by day: say which' if table.is_daily else 'as a whole: leave out the day'}."
        )
    days = (day.isoformat(),) if day else None
    found = _gold(lake, declared, table, days, lake.version(name))
    if not found.made:
        raise LakeError(f"{name} has not been computed{f' for {day}' if day else ''} yet, as far as its log knows.")
    return found


def _origin(
    lake: TableStore, declared: Mapping[str, Table], name: str, days: tuple[str, ...] | None, version: int | None
) -> Origin:
    if declared[name].layer == "gold":
        return _gold(lake, declared, declared[name], days, version)
    return _silver(lake, declared[name], days, version)


def _gold(
    lake: TableStore, declared: Mapping[str, Table], table: Table, days: tuple[str, ...] | None, version: int | None
) -> Origin:
    is_read_whole = days is None and table.is_daily
    made = _newest(lake, table.name, version) if is_read_whole else _made(lake, table.name, days, version)
    inputs: list[Origin] = []
    for item in table.inputs.values():
        read = {entry.commit.note.get("reads", {}).get(item.table) for entry in made} - {None}
        if not read:
            continue
        by_day = days is not None and not item.whole
        wanted = tuple(input_days(days or (), item)) if by_day else None
        inputs.append(_origin(lake, declared, item.table, wanted, max(read)))
    return Origin(table.name, days, version, made, inputs=tuple(inputs))


def _silver(lake: TableStore, table: Table, days: tuple[str, ...] | None, version: int | None) -> Origin:
    if days is None or table.day_column is None:
        return Origin(table.name, None, version, _newest(lake, table.name, version))
    try:
        files = _files(lake, table, days, version)
        note = ""
    except Exception as error:  # deltalake and pyarrow each have their own
        if not _is_gone(error):
            raise
        files = _files(lake, table, days, None)
        note = f"version {version} has been vacuumed; the files are those of the newest version"
    landed = tuple(sorted({file.split("/")[2] for file in files}))
    made = _made(lake, table.name, landed, version)
    return Origin(table.name, days, version, made, files, _kept_out(lake, table.name, files), note=note)


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
    return [commit for commit in lake.commits(name) if version is None or commit.version <= version]


def _files(lake: TableStore, table: Table, days: Sequence[str], version: int | None) -> dict[str, int]:
    """Source file → rows of some days that it supports, at a version."""
    assert table.day_column is not None
    then = lake.state(table.name) if version is None else lake.at(table.name, version)
    rows = then.rows(["_source_files"], on_days(table.day_column, days))
    counts = Counter(file for files in rows.column("_source_files").to_pylist() for file in files or ())
    return dict(sorted(counts.items()))


def _kept_out(lake: TableStore, name: str, files: Mapping[str, int]) -> dict[str, int]:
    held = quarantine.name_of(name)
    if not files or not lake.exists(held):
        return {}
    rows = lake.state(held).rows(["rules"], among=("_source_file", files))
    return dict(sorted(Counter(rule for rules in rows.column("rules").to_pylist() for rule in rules).items()))


def _is_gone(error: Exception) -> bool:
    """Whether a file of an old version is no longer there; deltalake has no class of its own for that."""
    return isinstance(error, FileNotFoundError) or "not found" in str(error).lower() or "No such file" in str(error)
