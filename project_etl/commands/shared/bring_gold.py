"""Bringing Gold up to date from a command: what was computed before and is stale, until nothing is.

Does not belong here: which days are stale and which runs compute them (`core/staleness`),
how runs are made (`runs.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from project_etl.catalog import staleness_of
from project_etl.commands.shared.shown_runs import ShownRuns
from project_etl.core.lake import TableStore
from project_etl.core.model.table import Table
from project_etl.core.staleness import work_of


@dataclass(frozen=True)
class Computed:
    """What was computed again.

    Attributes:
        is_success: whether every run succeeded.
        days: Gold table → its days; none for one that is computed as a whole.
    """

    is_success: bool
    days: Mapping[str, frozenset[date]]


def bring_gold_up_to_date(work: ShownRuns, lake: TableStore, tables: Sequence[Table]) -> Computed:
    """Compute what is stale, and what then is, until nothing is; of days for which nothing was computed, none."""
    daily = [table for table in tables if table.layer == "gold" and table.is_daily]
    units = {unit for table in daily for unit in lake.journal(table.name).units}
    first, last = work.settings.start_date, work.settings.last_day()
    days = sorted(day for day in map(date.fromisoformat, units) if first <= day <= last)
    found: dict[str, frozenset[date]] = {}
    if not days:
        work.console.print("Gold has not been computed yet, so nothing of it is stale.")
        return Computed(is_success=True, days=found)
    while stale := staleness_of(lake, work.settings, tables).everywhere(days, with_held=False):
        concerned = sorted(frozenset[date]().union(*stale.values()))
        span = f"{len(concerned)} days, {concerned[0]} to {concerned[-1]}" if concerned else "snapshots only"
        work.console.print(f"Gold to be computed again: {len(stale)} tables, {span}.")
        # A day that is held back fails its run, and keeps no other from being computed.
        done = [work.materialize(stretch, names).is_success for stretch, names in work_of(stale, days[-1])]
        found |= {name: found.get(name, frozenset()) | again for name, again in stale.items()}
        if not all(done):
            return Computed(is_success=False, days=found)
    if not found:
        work.console.print("Nothing of Gold is stale. `project-etl plan` names days that are yet to be computed.")
    return Computed(is_success=True, days=found)
