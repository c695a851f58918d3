"""Work for Gold: what Silver says has changed, and the runs that bring Gold up to date with it.

Belongs here: reading the change feed and Silver without Spark, and grouping days into runs. Does not belong here: which
days a change reaches (`reach.py`), what Gold has read so far (the command line and the sensor remember that
differently).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date

from project_etl.core.days import Stretch, stretches
from project_etl.core.lake import TableStore
from project_etl.core.reach import Among, ArrowTable, Reach
from project_etl.core.table import Table


def all_changes_since(
    lake: TableStore, versions: Mapping[str, int], *, most: int | None = None
) -> dict[str, ArrowTable]:
    """The change feeds of several tables, each after a version; tables without changes are absent.

    Args:
        lake: the lake.
        versions: table → the version.
        most: how many rows to read at most, of all together; None reads all.

    Raises:
        LakeError: a feed does not go back so far, or they are longer than `most`.
    """
    changes: dict[str, ArrowTable] = {}
    left = most
    for name, since in versions.items():
        if len(found := lake.state(name).changes(since, most=left)):
            changes[name] = found
            left = None if left is None else left - len(found)
    return changes


def reached_days(
    lake: TableStore, tables: Sequence[Table], changes: Mapping[str, ArrowTable], first_day: date, last_day: date
) -> dict[str, frozenset[date]]:
    """The Gold days that changes in Silver reach.

    Args:
        lake: the lake.
        tables: all tables.
        changes: Silver table → its change feed.
        first_day: the first business day of interest.
        last_day: the last one.

    Returns:
        Gold table → days to compute again; a snapshot has none. Tables that nothing reaches are absent.
    """

    def look(name: str, columns: Sequence[str], among: Among | None) -> ArrowTable:
        state = lake.state(name)
        if name in changes:
            # What another process has committed since the feed was read is in the next one.
            state = lake.at(name, max(changes[name]["_commit_version"].unique().to_pylist()))
        return state.rows(columns, among=among)

    reached = Reach(tables, changes, look, last_day).days()
    kept = {name: frozenset(day for day in days if day >= first_day) for name, days in reached.items()}
    snapshots = {table.name for table in tables if not table.is_daily}
    return {name: days for name, days in kept.items() if days or name in snapshots}


def work_of(
    tables: Sequence[Table], stale: Mapping[str, Collection[date]], any_day: date, *, most: int | None = None
) -> list[tuple[Stretch, list[str]]]:
    """Plan the runs: for each stretch of days, the tables.

    A table's days hold those of the tables it reads, so that tables with fewer days come first; tables with the same
    days share their runs. Stretches are in order of time, for windows and customers look back, never ahead.
    Snapshots come last, once; but one that a daily table reads comes with each run of what it is made from.

    Args:
        tables: all tables.
        stale: Gold table → days to compute again; a snapshot has none.
        any_day: a day that has a partition, for a run that has none but snapshots.
        most: how many stretches a table's days may make before the smallest gaps are computed too; None leaves all
            gaps alone.
    """
    groups: dict[frozenset[date], list[str]] = {}
    for name, days in stale.items():
        groups.setdefault(frozenset(days), []).append(name)
    last = groups.pop(frozenset(), [])
    made_from = {table.name: {item.table for item in table.inputs.values()} for table in tables}
    read_by_day = {name for table in tables if table.is_daily for name in made_from[table.name]}
    runs = [
        (stretch, list(names))
        for days, names in sorted(groups.items(), key=lambda group: len(group[0]))
        for stretch in stretches(days, most or len(days))
    ]
    if last and not runs:
        return [((any_day, any_day), last)]
    for name in last:
        sources = [names for _, names in runs if made_from.get(name, set()).intersection(names)] or [runs[0][1]]
        for names in sources if name in read_by_day else [runs[-1][1]]:
            names.append(name)
    return runs
