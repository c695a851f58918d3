"""Which Gold days are out of date, and the runs that mend it.

Gold's own commit notes say which versions of Silver it was made from, so that nothing has to be remembered elsewhere,
and a replay that died between Silver and Gold, or between two Gold tables, is finished by the next one.
Does not belong here: which days a change reaches (`core/reach.py`), starting runs (`runs.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import pyarrow as pa
from deltalake.exceptions import DeltaError

from project_etl.commands.errors import UserError
from project_etl.core.gold import WHOLE
from project_etl.core.gold_order import gold_order
from project_etl.core.lake import Lake
from project_etl.core.reach import Reach
from project_etl.core.staged import remember
from project_etl.core.table import Table

# A run over a few tables takes nearly as long for one day as for ninety: beyond so many stretches of days the smallest
# gaps between them are computed as well, which changes no row.
MOST_STRETCHES = 3

Stretch = tuple[date, date]
"""First and last day."""


@dataclass(frozen=True)
class Seen:
    """What Gold was made from.

    Attributes:
        versions: Silver table → the oldest version that the newest result of any Gold table was made from.
        until: the newest business day that any Gold table was computed for; days after it are not out of date, for they
            have not been computed at all.
    """

    versions: Mapping[str, int]
    until: date


def seen_by_gold(lake: Lake, tables: Sequence[Table]) -> Seen:
    """Read from the commit notes what Gold was made from, through the Gold tables that others read."""
    versions: dict[str, int] = {}
    until = date.min
    history: dict[str, list[tuple[int, Mapping[str, int]]]] = {}
    for table in gold_order(tables):
        history[table.name] = [
            (commit.version, _through(commit.note.get("reads", {}), history))
            for commit in lake.commits(table.name)
            if commit.note.get("table") == table.name
        ]
        if history[table.name]:
            # Newest first, as the log is.
            for silver, version in history[table.name][0][1].items():
                versions[silver] = min(version, versions.get(silver, version))
        days = [date.fromisoformat(day) for day in remember(lake, table.name).days if day != WHOLE]
        until = max([until, *days])
    return Seen(versions, until)


def _through(
    reads: Mapping[str, int | None], history: Mapping[str, Sequence[tuple[int, Mapping[str, int]]]]
) -> dict[str, int]:
    """Replace versions of Gold tables by the versions of Silver that these were made from."""
    seen: dict[str, int] = {}
    for name, version in reads.items():
        if version is None:
            continue
        made_from = {name: version}
        if name in history:
            # The version that was read may be one of maintenance, which has no note of ours.
            made_from = next((of for made, of in history[name] if made <= version), {})
        for silver, found in made_from.items():
            seen[silver] = min(found, seen.get(silver, found))
    return seen


def stale_days(lake: Lake, tables: Sequence[Table], seen: Seen, *, first_day: date) -> dict[str, frozenset[date]]:
    """Gold table → days to compute again; a snapshot has none. Tables that are up to date are absent.

    Args:
        lake: the lake.
        tables: all tables.
        seen: what Gold was made from.
        first_day: the first day that has a partition.

    Raises:
        UserError: Silver's change feed does not go back so far.
    """
    changes = {name: found for name, since in seen.versions.items() if len(found := changes_since(lake, name, since))}

    def look(name: str, columns: Sequence[str]) -> Any:  # noqa: ANN401 - pyarrow has no types
        return lake.delta(name).to_pyarrow_table(columns=list(columns))

    reached = Reach(tables, changes, look, seen.until).days()
    stale = {name: frozenset(day for day in days if day >= first_day) for name, days in reached.items()}
    snapshots = {table.name for table in tables if not table.is_daily}
    return {name: days for name, days in stale.items() if days or name in snapshots}


def changes_since(lake: Lake, name: str, since: int) -> Any:  # noqa: ANN401 - pyarrow has no types
    """A table's change feed after a version, as an Arrow table; empty when there is nothing newer.

    Raises:
        UserError: the feed does not go back so far.
    """
    table = lake.delta(name)
    if table.version() <= since:
        return pa.table({})
    try:
        return pa.table(table.load_cdf(starting_version=since + 1, ending_version=table.version()))
    except (DeltaError, pa.ArrowException) as error:
        raise UserError(
            f"The change feed of {name} does not go back to version {since + 1}, which Gold has not read yet: {error}. "
            "Materialize Gold for all days instead."
        ) from error


def work_of(stale: Mapping[str, Collection[date]], any_day: date) -> list[tuple[Stretch, list[str]]]:
    """Plan the runs: for each stretch of days, the tables.

    A table's days hold those of the tables it reads, so that tables with fewer days come first; tables with the same
    days share their runs. Stretches are in order of time, for windows and customers look back, never ahead.
    Snapshots come last, once.

    Args:
        stale: what `stale_days` found.
        any_day: a day that has a partition, for a run that has none but snapshots.
    """
    groups: dict[frozenset[date], list[str]] = {}
    for name, days in stale.items():
        groups.setdefault(frozenset(days), []).append(name)
    snapshots = groups.pop(frozenset(), [])
    runs = [
        (stretch, list(names))
        for days, names in sorted(groups.items(), key=lambda group: len(group[0]))
        for stretch in stretches(days, MOST_STRETCHES)
    ]
    if snapshots and runs:
        runs[-1][1].extend(snapshots)
    elif snapshots:
        runs = [((any_day, any_day), snapshots)]
    return runs


def stretches(days: Collection[date], most: int) -> list[Stretch]:
    """Cover days by at most `most` stretches without gaps, closing the smallest gaps first."""
    ordered = sorted(days)
    gaps = sorted(((later - day, day) for day, later in pairwise(ordered)), reverse=True)
    last_days = sorted(day for gap, day in gaps[: most - 1] if gap > timedelta(days=1))
    ends = [*last_days, ordered[-1]]
    starts = [ordered[0], *(ordered[ordered.index(day) + 1] for day in last_days)]
    return list(zip(starts, ends, strict=True))
