"""The runs that bring stale Gold tables up to date.

Belongs here: grouping days and tables into runs. Does not belong here: what is stale (`stale.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date

from project_etl.core.model.days import Stretch, stretches
from project_etl.core.model.table import Table


def work_of(
    tables: Sequence[Table], stale: Mapping[str, Collection[date]], any_day: date, *, most: int | None = None
) -> list[tuple[Stretch, list[str]]]:
    """Plan the runs: for each stretch of days, the tables.

    A table's days hold those of the tables it reads, so that tables with fewer days come first; tables with the same
    days share their runs. Stretches are in order of time, for windows look back, never ahead.
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
