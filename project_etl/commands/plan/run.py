"""`project-etl plan`: what a backfill would compute, before it runs. Reads without Spark, and changes nothing.

Does not belong here: deciding what is out of date (each layer's own plan does, the same that its run will make).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase
from statistics import median

import dagster as dg
from rich.console import Console

from project_etl.catalog import datasets_of, landing_refusal, silver_job, tables
from project_etl.commands.shared.environment import dagster_instance, lake_without_spark
from project_etl.commands.shared.errors import UserError
from project_etl.commands.shared.summary import grid
from project_etl.core.bronze.landing import list_files
from project_etl.core.bronze.plan import new_files
from project_etl.core.contracts.report import Report
from project_etl.core.lake import WHOLE, TableStore
from project_etl.core.model.days import each_day
from project_etl.core.model.staged import Run
from project_etl.core.model.table import Table
from project_etl.core.silver.plan import make_plan as silver_plan
from project_etl.core.staleness import Staleness
from project_etl.orchestration.factory import parameters_of
from project_etl.orchestration.failures import table_of_step
from project_etl.settings import Settings

RUNS_LOOKED_AT = 30


@dataclass(frozen=True)
class Work:
    """What a backfill would do to a table.

    Attributes:
        table: the table.
        days: the days that it would compute; empty when the table is up to date.
        is_whole: the table is computed as a whole.
        rows: rows that these days held or brought when they were last computed.
        seconds: what a run of this table usually took; None when Dagster knows of none.
    """

    table: str
    days: tuple[str, ...]
    is_whole: bool
    rows: int
    seconds: float | None


def run(console: Console, settings: Settings, first: date, last: date, select: str) -> None:
    """Show what a backfill of the days would compute.

    Args:
        console: where to.
        settings: the settings.
        first: the first day.
        last: the last day.
        select: patterns of table names with commas, such as `gold/*`.

    Raises:
        UserError: the lake was loaded from another landing root, no table matches, or the days are out of order or
            before the first partition.
    """
    if not settings.start_date <= first <= last:
        raise UserError(f"{first} to {last} are no days to compute: expected {settings.start_date} or later, in order.")
    lake = lake_without_spark(settings)
    if refused := landing_refusal(lake, settings):
        raise UserError(refused)
    days = tuple(day.isoformat() for day in each_day(first, last))
    with dagster_instance(settings) as instance:
        seconds = usual_seconds(instance)
    asked = _selected(select, settings, work_of(lake, settings, days, seconds))
    shown = grid(
        "A backfill would compute", "table", "days", "rows so far", "usually", right=("rows so far", "usually")
    )
    for work in asked:
        usually = f"{work.seconds:.0f} s" if work.seconds is not None else "unknown"
        is_busy = work.days or work.is_whole
        shown.add_row(work.table, _words(work), f"{work.rows:,}" if is_busy else "", usually if is_busy else "")
    console.print(shown)
    busy = [work for work in asked if work.days or work.is_whole]
    total = sum(work.seconds or 0 for work in busy)
    unknown = sum(work.seconds is None for work in busy)
    more = f" and what {unknown} never timed need" if unknown else ""
    console.print(
        f"{len(busy)} of {len(asked)} tables, about {total:.0f} s of work{more}." if busy else "Nothing to compute."
    )
    if any(work.days for work in asked if not work.table.startswith("gold/")):
        console.print("What Bronze and Silver change is judged first; Gold then computes the days that it reaches too.")


def work_of(lake: TableStore, settings: Settings, days: Sequence[str], seconds: Mapping[str, float]) -> list[Work]:
    """What a backfill of all tables would do, in the order of the layers."""
    parameters = parameters_of(settings)
    plan_run, declared = Run("plan", parameters=parameters), tables()
    found: list[Work] = []
    loads: dict[str, frozenset[str]] = {}
    for dataset in datasets_of(settings.sources):
        name = dataset.bronze
        landed = list_files(settings.landing_root, dataset.source, dataset.name, days)
        loads[name] = frozenset(file.day for file in new_files(lake, [name], landed))
        found.append(_work(lake, name, tuple(sorted(loads[name])), "read", seconds))
    for table in declared:
        if table.layer == "silver":
            concerned = _silver_days(lake, table, settings, tuple(days), plan_run, loads)
            found.append(_work(lake, table.name, concerned, "read", seconds))
    staleness = Staleness(lake, {table.name: table for table in declared}, parameters)
    stale = staleness.everywhere(date.fromisoformat(day) for day in days)
    for table in declared:
        if table.layer == "gold":
            if any(not lake.exists(item.table) for item in table.inputs.values()):
                # What it is made from comes with this backfill.
                units = tuple(days) if table.is_daily else (WHOLE,)
            else:
                asked = tuple(sorted(day.isoformat() for day in stale.get(table.name, ())))
                units = (WHOLE,) if table.name in stale and not table.is_daily else asked
            found.append(_work(lake, table.name, units, "published", seconds))
    return found


def usual_seconds(instance: dg.DagsterInstance) -> dict[str, float]:
    """Table → median seconds of its last runs."""
    took: dict[str, list[float]] = defaultdict(list)
    filters = dg.RunsFilter(statuses=[dg.DagsterRunStatus.SUCCESS])
    for run in instance.get_runs(filters, limit=RUNS_LOOKED_AT):
        for step in instance.get_run_step_stats(run.run_id):
            if step.start_time is not None and step.end_time is not None:
                took[table_of_step(step.step_key)].append(step.end_time - step.start_time)
    return {table: median(each) for table, each in took.items()}


def _silver_days(
    lake: TableStore,
    table: Table,
    settings: Settings,
    days: tuple[str, ...],
    plan_run: Run,
    loads: Mapping[str, frozenset[str]],
) -> tuple[str, ...]:
    job = silver_job(lake, table, settings, days, plan_run)
    to_come = {day for feed in job.feeds for day in loads.get(feed.bronze, ())}
    return tuple(sorted({*silver_plan(job).batch_days, *to_come}))


def _work(
    lake: TableStore,
    name: str,
    units: tuple[str, ...],
    count: str,
    seconds: Mapping[str, float],
) -> Work:
    rows, is_whole = Report.remembered(lake.journal(name), units).total(count), units == (WHOLE,)
    return Work(name, () if is_whole else units, is_whole, rows, seconds.get(name))


def _selected(select: str, settings: Settings, work: Sequence[Work]) -> list[Work]:
    patterns = [pattern.strip() for pattern in select.split(",") if pattern.strip()]
    found = [each for each in work if any(fnmatchcase(each.table, pattern) for pattern in patterns)]
    if not found:
        names = ", ".join(each.table for each in work)
        raise UserError(
            f"no table is called {select!r} with the sources {', '.join(settings.sources)}; there is {names}."
        )
    return found


def _words(work: Work) -> str:
    if work.is_whole:
        return "the whole table"
    if not work.days:
        return "up to date"
    if len(work.days) == 1:
        return work.days[0]
    return f"{len(work.days)} days, {work.days[0]} to {work.days[-1]}"
