"""Which Gold days are out of date.

Gold's own commit notes say which versions of Silver it was made from, so that nothing has to be remembered elsewhere,
and a replay that died between Silver and Gold, or between two Gold tables, is finished by the next one.
Does not belong here: which days a change reaches (`core/reach.py`), which runs that makes (`core/gold_work.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from project_etl.core.gold_order import gold_order
from project_etl.core.gold_work import all_changes_since, reached_days
from project_etl.core.lake import WHOLE, TableStore
from project_etl.core.table import Table


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


def seen_by_gold(lake: TableStore, tables: Sequence[Table]) -> Seen:
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
        days = [date.fromisoformat(day) for day in lake.journal(table.name).units if day != WHOLE]
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


def stale_days(lake: TableStore, tables: Sequence[Table], seen: Seen, *, first_day: date) -> dict[str, frozenset[date]]:
    """Gold table → days to compute again; a snapshot has none. Tables that are up to date are absent.

    Args:
        lake: the lake.
        tables: all tables.
        seen: what Gold was made from.
        first_day: the first day that has a partition.

    Raises:
        LakeError: Silver's change feed does not go back so far.
    """
    return reached_days(lake, tables, all_changes_since(lake, seen.versions), first_day, seen.until)
