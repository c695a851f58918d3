"""`project-etl plan`: what a run would compute, and how long that takes. Reads without Spark, and changes nothing.

Does not belong here: what is to be done (`work.py`), what it took before (`timing.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from typing import Any

from rich.console import Console

from project_etl.catalog import asset_names, landing_refusal
from project_etl.commands.plan.timing import Timing, in_words, timing_of, total
from project_etl.commands.plan.work import Work, work_of
from project_etl.commands.shared.console import grid, print_json
from project_etl.commands.shared.environment import dagster_instance, lake_without_spark
from project_etl.commands.shared.errors import UserError
from project_etl.commands.shared.names import selected
from project_etl.core.model.days import days_in_words, each_day
from project_etl.settings import Settings


def run(
    console: Console, settings: Settings, first: date | None, last: date | None, select: str, *, as_json: bool = False
) -> None:
    """Show what a run for the days would compute.

    Args:
        console: where to.
        settings: the settings.
        first: the first day; None is the first that there is.
        last: the last day; None is the last that there is.
        select: patterns of table names with commas, such as `gold/*`.
        as_json: one JSON document, for programs.

    Raises:
        UserError: the lake was loaded from another landing root, no table matches, or the days are out of order or
            outside of the partitions.
    """
    first, last = first or settings.start_date, last or settings.last_day()
    if not settings.start_date <= first <= last:
        raise UserError(f"{first} to {last} are no days to compute: expected {settings.start_date} or later, in order.")
    if settings.end_date and last > settings.end_date:
        raise UserError(
            f"{last} is after end_date, {settings.end_date}: take an earlier day, or move end_date forward."
        )
    lake = lake_without_spark(settings)
    if refused := landing_refusal(lake, settings):
        raise UserError(refused)
    names = selected(select, asset_names(settings))
    work = work_of(lake, settings, [day.isoformat() for day in each_day(first, last)], names)
    with dagster_instance(settings) as instance:
        timing = timing_of(instance, lake)
    if as_json:
        print_json(console, _to_json(work, timing))
        return
    _show_tables(console, work, timing)
    console.print(_verdict(work, timing), soft_wrap=True)
    if _loads(work) and any(each.table.startswith("gold/") for each in work):
        console.print(
            "Of Gold, these days at least. Days that late records reach are added once Silver has judged them.",
            soft_wrap=True,
        )


def _show_tables(console: Console, work: Sequence[Work], timing: Timing) -> None:
    columns = ("table", "days", "rows so far", "usually")
    shown = grid("A run would compute", *columns, right=("rows so far", "usually"))
    for each in work:
        took = timing.tables.get(each.table)
        usually = in_words(took) if took else "unknown"
        shown.add_row(each.table, _days(each), *((f"{each.rows:,}", usually) if each.is_busy else ("", "")))
    console.print(shown)


def _verdict(work: Sequence[Work], timing: Timing) -> str:
    """How many tables there are to compute, and how long that takes, in words."""
    busy = [each.table for each in work if each.is_busy]
    if not busy:
        return "Nothing to compute: every file of these days is loaded and judged, and Gold is up to date."
    said, seconds = f"{len(busy)} of {len(work)} tables to compute", total(timing, busy, _runs(work))
    unknown = sum(table not in timing.tables for table in busy)
    if seconds is None:
        return f"{said}. No estimate yet: none has run before."
    more = f", and what {unknown} need that have not run before" if unknown else ""
    return f"{said}: {in_words(seconds)}{more}."


def _to_json(work: Sequence[Work], timing: Timing) -> dict[str, Any]:
    busy = [each.table for each in work if each.is_busy]
    return {
        "tables": [asdict(each) | {"seconds": timing.tables.get(each.table)} for each in work],
        "to_compute": len(busy),
        "seconds": total(timing, busy, _runs(work)),
        "never_timed": [table for table in busy if table not in timing.tables],
        "gold_days_may_follow": _loads(work),
    }


def _runs(work: Sequence[Work]) -> int:
    """The runs that the sensors make: one loads and judges, one computes Gold and exports it."""
    return len({_is_load(each) for each in work if each.is_busy})


def _loads(work: Sequence[Work]) -> bool:
    """Whether Bronze or Silver change."""
    return any(each.is_busy and _is_load(each) for each in work)


def _is_load(work: Work) -> bool:
    return work.table.startswith(("bronze/", "silver/"))


def _days(work: Work) -> str:
    if work.is_whole:
        return "the whole table"
    if not work.days:
        return "up to date"
    return days_in_words(work.days)
