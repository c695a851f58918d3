"""The runs that bring stale Gold tables up to date.

Belongs here: which tables a run for some days takes along. Does not belong here: what is stale (`stale.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date

from project_etl.core.model.days import Stretch, stretches

# A run over a few tables takes nearly as long for one day as for ninety: beyond so many stretches of days the smallest
# gaps between them are computed as well, which changes no row.
MOST_STRETCHES = 3


def by_day(stale: Mapping[str, Collection[date]], any_day: date) -> dict[date, frozenset[str]]:
    """What a run for a day has to make: the tables that are stale on it, and those that are computed as a whole.

    A table that is computed as a whole comes with each run, for it may be made from what the run computes, and be read
    by what the run computes.

    Args:
        stale: Gold table → days to compute again; one that is computed as a whole has none.
        any_day: a day that has a partition, for when there are none but those.
    """
    whole = frozenset(name for name, days in stale.items() if not days)
    found: dict[date, set[str]] = {}
    for name, days in stale.items():
        for day in days:
            found.setdefault(day, {*whole}).add(name)
    if whole and not found:
        return {any_day: whole}
    return {day: frozenset(names) for day, names in sorted(found.items())}


def work_of(stale: Mapping[str, Collection[date]], any_day: date) -> list[tuple[Stretch, list[str]]]:
    """The runs: stretches of days in order of time, for windows look back and never ahead, with their tables.

    Args:
        stale: Gold table → days to compute again; one that is computed as a whole has none.
        any_day: a day that has a partition, for a run that has none but those.
    """
    days = by_day(stale, any_day)
    return [
        (stretch, sorted({name for day, names in days.items() if stretch[0] <= day <= stretch[1] for name in names}))
        for stretch in (stretches(days, MOST_STRETCHES) if days else [])
    ]
