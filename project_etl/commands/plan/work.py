"""What a run of all tables for some days would compute, as far as it can be known before it has run.

Bronze and Silver are known by the day. Of Gold is known what is stale now, and the business days that have the dates of
the landing days that are to be loaded. Which other days late records reach is known once Silver has judged them.

Does not belong here: deciding what is out of date (each layer's own plan does, the same that its run will make).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from project_etl.catalog import (
    asset_names,
    datasets_of,
    export_names,
    parameters_of,
    silver_job,
    stale_exports,
    staleness_of,
    tables,
)
from project_etl.core.bronze.landing import list_files
from project_etl.core.bronze.plan import new_files
from project_etl.core.contracts.report import Report
from project_etl.core.lake import WHOLE, TableStore
from project_etl.core.model.days import each_day
from project_etl.core.model.order import gold_order
from project_etl.core.model.staged import Run
from project_etl.core.model.table import Table
from project_etl.core.silver.plan import make_plan as silver_plan
from project_etl.core.staleness import Reads, day_of, days_of_data, newest_landing_day
from project_etl.settings import Settings


@dataclass(frozen=True)
class Work:
    """What a run would do to a table.

    Attributes:
        table: the table.
        days: the days that it would compute; empty when the table is up to date.
        is_whole: the table is computed as a whole.
        rows: rows that these days held or brought when they were last computed.
    """

    table: str
    days: tuple[str, ...]
    is_whole: bool
    rows: int

    @property
    def is_busy(self) -> bool:
        """Whether there is anything to compute."""
        return bool(self.days) or self.is_whole


def work_of(
    lake: TableStore, settings: Settings, days: Sequence[str], names: Collection[str] | None = None
) -> list[Work]:
    """What a run of some tables would do, in the order of the layers.

    Args:
        lake: the lake.
        settings: the settings.
        days: the days asked for, ISO dates in order.
        names: the tables that the run makes; None means all.
    """
    chosen = set(asset_names(settings) if names is None else names)
    plan_run, declared = Run("plan", parameters=parameters_of(settings)), tables()
    loads: dict[str, tuple[str, ...]] = {}
    for dataset in datasets_of(settings.sources):
        if (name := dataset.bronze) in chosen:
            landed = list_files(settings.landing_root, dataset.source, dataset.name, days)
            loads[name] = tuple(sorted({file.day for file in new_files(lake, [name], landed)}))
    judged: dict[str, tuple[str, ...]] = {}
    for table in declared:
        if table.layer == "silver" and table.name in chosen:
            job = silver_job(lake, table, settings, tuple(days), plan_run)
            to_come = {day for feed in job.feeds for day in loads.get(feed.bronze, ())}
            judged[table.name] = tuple(sorted({*silver_plan(job).batch_days, *to_come}))
    gold = _gold(lake, settings, declared, days, loads, judged, chosen)
    behind = stale_exports(lake, settings, declared, [name for name, found in gold.items() if found])
    pushed = {name: (WHOLE,) if name in behind else () for name in export_names(settings)}
    units = {**loads, **judged, **gold, **pushed}
    return [_work(lake, name, units[name]) for name in asset_names(settings) if name in chosen]


def _gold(
    lake: TableStore,
    settings: Settings,
    declared: Sequence[Table],
    days: Sequence[str],
    loads: Mapping[str, Sequence[str]],
    judged: Mapping[str, Sequence[str]],
    chosen: Collection[str],
) -> dict[str, tuple[str, ...]]:
    """Gold table → units that would be computed, as far as it can be known."""
    there = _days_there(
        lake, settings, declared, {day for found in (*loads.values(), *judged.values()) for day in found}
    )
    asked = [day for day in days if day in there]
    staleness = staleness_of(lake, settings, declared)
    stale = staleness.everywhere(map(date.fromisoformat, asked))
    units = {name: tuple(found) for name, found in judged.items()}
    for table in (table for table in gold_order(declared) if table.name in chosen):
        inputs = table.inputs.values()
        is_new = any(not lake.exists(item.table) for item in inputs)
        if not table.is_daily:
            follows = any(units.get(item.table) for item in inputs)
            units[table.name] = (WHOLE,) if is_new or follows or table.name in stale else ()
            continue
        own = {day.isoformat() for day in stale.get(table.name, ())}
        by_name = {each.name: each for each in declared}
        by_day = [
            (item, changed)
            for item in inputs
            if (changed := {*units.get(item.table, ())}) and day_of(by_name, table, item) is not None
        ]
        reads = Reads(lake, by_name, table, asked)
        units[table.name] = tuple(
            day
            for day in asked
            if is_new or day in own or any(not changed.isdisjoint(reads.days(item, [day])) for item, changed in by_day)
        )
    return {name: found for name, found in units.items() if name not in judged}


def _days_there(lake: TableStore, settings: Settings, declared: Sequence[Table], coming: Collection[str]) -> set[str]:
    """The days for which Gold is to be right once some landing days have been loaded."""
    known = days_of_data(lake, declared, settings.start_date, settings.last_day())
    new = sorted(map(date.fromisoformat, coming))
    if new:
        landed = newest_landing_day(lake) or new[-1]
        known = [*known, *each_day(min([*known[:1], new[0]]), max(landed, new[-1]))]
    return {day.isoformat() for day in known}


def _work(lake: TableStore, name: str, units: tuple[str, ...]) -> Work:
    count = "published" if name.startswith("gold/") else "read"
    rows, is_whole = Report.remembered(lake.journal(name), units).total(count), units == (WHOLE,)
    return Work(name, () if is_whole else units, is_whole, rows)
