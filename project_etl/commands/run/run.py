"""`project-etl run`: materialize tables for some days in one run, and say how it went."""

from __future__ import annotations

import time
from datetime import date

from rich.console import Console
from rich.markup import escape

from project_etl.catalog import asset_names, landing_refusal
from project_etl.commands.shared.environment import dagster_instance, lake_without_spark
from project_etl.commands.shared.errors import UserError
from project_etl.commands.shared.names import selected
from project_etl.commands.shared.options import Days
from project_etl.commands.shared.runs import platform
from project_etl.commands.shared.shown_runs import ShownRuns
from project_etl.commands.shared.summary import command_of
from project_etl.core.model.days import Stretch, span
from project_etl.core.staleness import newest_landing_day
from project_etl.settings import Settings
from project_etl.standing.landing import survey_of


def run(console: Console, settings: Settings, days: Days, select: str) -> bool:
    """Materialize what is selected; False when a table failed.

    Raises:
        UserError: there is no such table, a day has no partition, or the lake was loaded from another landing root.
    """
    names, wanted = selected(select, asset_names(settings)), days_to_run(settings, days)
    if refused := landing_refusal(lake_without_spark(settings), settings):
        raise UserError(refused)
    defs, _ = platform(settings)
    started = time.monotonic()
    with dagster_instance(settings) as instance:
        outcome = ShownRuns(console, settings, defs, instance, command="run").materialize(wanted, names)
    command = escape(command_of(settings))
    if outcome.is_success:
        what = "1 table is" if len(names) == 1 else f"{len(names)} tables are"
        console.print(
            f"{what} up to date for {span(*wanted)} after {time.monotonic() - started:.0f} s. Next: {command} status",
            soft_wrap=True,
        )
    else:
        console.print(
            f"What failed keeps its old contents. Next: {command} gate (which rules are broken), or correct the "
            "cause and type the same command again.",
            soft_wrap=True,
        )
    return outcome.is_success


def days_to_run(settings: Settings, days: Days) -> Stretch:
    """The first and the last day; an open side reaches as far as there are days.

    Raises:
        UserError: the days are out of order, or one has no partition.
    """
    last_day = settings.last_day()
    first, last = days.first or settings.start_date, days.last or _newest_landed(settings)
    if first > last:
        raise UserError(f"{first} is after {last}: name the first day first.")
    if first < settings.start_date:
        raise UserError(f"{first} is before start_date, {settings.start_date}: take a later day, or set start_date.")
    if last > last_day:
        raise UserError(f"{last} is after the last day, {last_day}: take an earlier one.")
    return first, last


def _newest_landed(settings: Settings) -> date:
    """The newest landing day that has a file, now or in the lake; the last day where nothing has landed."""
    days = [date.fromisoformat(file.day) for file in survey_of(settings).files]
    loaded = newest_landing_day(lake_without_spark(settings))
    return max([*days, loaded] if loaded else days, default=settings.last_day())
