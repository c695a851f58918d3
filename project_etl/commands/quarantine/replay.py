"""`project-etl quarantine replay`: judge again what a changed rule kept out, and bring Gold up to date.

Three steps, each of which does nothing where nothing is to be done, so that one that broke off is simply run again:

1. Silver is materialized for the landing days that hold quarantined records of the table. Rules, parameters and code of
   a table are part of what a landing day was judged by, so that a change of them judges the day again; what passes
   now is published once and leaves quarantine. Tables of the same records (`customers_history` beside
   `customers`) and those that refer to the table go along.
2. Gold's stale days are found, among those that were computed before, and
3. materialized (`bring_gold.py`).

Does not belong here: how a run is made (`runs.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from rich.console import Console

from project_etl.commands.shared.bring_gold import bring_gold_up_to_date
from project_etl.commands.shared.environment import dagster_instance, lake_without_spark
from project_etl.commands.shared.errors import UserError
from project_etl.commands.shared.runs import platform
from project_etl.commands.shared.shown_runs import ShownRuns
from project_etl.core.lake import TableStore
from project_etl.core.model.nearest import suggestion
from project_etl.core.model.order import with_dependents
from project_etl.core.model.table import Table
from project_etl.settings import Settings
from project_etl.standing import held


@dataclass(frozen=True)
class Replay:
    """A Silver table, and the landing days whose records are judged again; None leaves that side open."""

    table: str
    since: date | None = None
    until: date | None = None


def run(console: Console, settings: Settings, replay: Replay) -> bool:
    """Do all three steps; False when a run failed.

    Raises:
        UserError: there is no such Silver table.
    """
    defs, tables = platform(settings)
    lake = lake_without_spark(settings)
    names = judged_along(tables, replay.table)
    days = _days_held(lake, names, replay, settings)
    with dagster_instance(settings) as instance:
        work = ShownRuns(console, settings, defs, instance, command="quarantine replay")
        return _judge_again(work, lake, names, days) and bring_gold_up_to_date(work, lake, tables).is_success


def judged_along(tables: Sequence[Table], asked: str) -> list[str]:
    """The Silver tables that a replay of one of them concerns, the asked one first.

    Raises:
        UserError: there is no such Silver table.
    """
    silver = {table.short_name: table for table in tables if table.layer == "silver"}
    found = silver.get(asked.rpartition("/")[2])
    if found is None:
        if asked == held.FILES:
            raise UserError("Whole files are not judged again: a file is read again when it lands with other bytes.")
        raise UserError(f"There is no Silver table {asked!r}; {suggestion(asked.rpartition('/')[2], silver)}")
    along = [found.name, *(t.name for t in silver.values() if t.records == found.records and t is not found)]
    return with_dependents(silver.values(), along)


def _days_held(lake: TableStore, names: Sequence[str], replay: Replay, settings: Settings) -> list[date]:
    first = max(filter(None, (replay.since, settings.start_date)))
    last = min(filter(None, (replay.until, settings.last_day())))
    found = {day for name in names for day in held.days_held(lake, name.rpartition("/")[2])}
    return sorted(day for day in found if first <= day <= last)


def _judge_again(work: ShownRuns, lake: TableStore, names: Sequence[str], days: Sequence[date]) -> bool:
    if not days:
        work.console.print(f"Quarantine holds no records of {', '.join(names)} on these landing days.", soft_wrap=True)
        return True
    # A history has no quarantine where its sister keeps the same records out.
    holding = [name for name in names if lake.exists(f"{held.LAYER}/{name.rpartition('/')[2]}")]
    before = [held.size(lake, name.rpartition("/")[2]) for name in holding]
    work.console.print(f"Judging again {', '.join(names)}: landing days {days[0]} to {days[-1]}.", soft_wrap=True)
    if not work.materialize((days[0], days[-1]), names).is_success:
        return False
    for name, held_before in zip(holding, before, strict=True):
        held_now = held.size(lake, name.rpartition("/")[2])
        change = f"held {held_before:,} records, holds {held_now:,} now" if held_now != held_before else "is as it was"
        work.console.print(f"Quarantine of {name} {change}.")
    return True
