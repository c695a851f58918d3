"""Work for Gold: what Silver says has changed, and the runs that bring Gold up to date with it.

Belongs here: reading the change feed without Spark, and grouping days into runs. Does not belong here: which days a
change reaches (`reach.py`), what Gold has read so far (the command line and the sensor remember that differently).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from typing import Any

import pyarrow as pa

from project_etl.core.days import Stretch, stretches
from project_etl.core.lake import Lake
from project_etl.core.lock import LakeError


def changes_since(lake: Lake, name: str, since: int) -> Any:  # noqa: ANN401 - pyarrow has no types
    """A table's change feed after a version, as an Arrow table; empty when there is nothing newer.

    Raises:
        LakeError: the feed does not go back so far.
    """
    table = lake.delta(name)
    if table.version() <= since:
        return pa.table({})
    try:
        return pa.table(table.load_cdf(starting_version=since + 1, ending_version=table.version()))
    except Exception as error:  # deltalake raises its base class, and none of its own, for a file that is gone
        raise LakeError(
            f"The change feed of {name} does not go back to version {since + 1}, which Gold has not read yet: {error}. "
            "Materialize Gold for all days instead."
        ) from error


def work_of(
    stale: Mapping[str, Collection[date]], any_day: date, *, most: int | None = None
) -> list[tuple[Stretch, list[str]]]:
    """Plan the runs: for each stretch of days, the tables.

    A table's days hold those of the tables it reads, so that tables with fewer days come first; tables with the same
    days share their runs. Stretches are in order of time, for windows and customers look back, never ahead.
    Snapshots come last, once.

    Args:
        stale: Gold table → days to compute again; a snapshot has none.
        any_day: a day that has a partition, for a run that has none but snapshots.
        most: how many stretches a table's days may make before the smallest gaps are computed too; None leaves all
            gaps alone.
    """
    groups: dict[frozenset[date], list[str]] = {}
    for name, days in stale.items():
        groups.setdefault(frozenset(days), []).append(name)
    snapshots = groups.pop(frozenset(), [])
    runs = [
        (stretch, list(names))
        for days, names in sorted(groups.items(), key=lambda group: len(group[0]))
        for stretch in stretches(days, most or len(days))
    ]
    if snapshots and runs:
        runs[-1][1].extend(snapshots)
    elif snapshots:
        runs = [((any_day, any_day), snapshots)]
    return runs
