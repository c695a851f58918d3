"""`project-etl demo`: generate a shop, materialize everything, and show what came of it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from project_etl.commands.generate import run as generate
from project_etl.commands.shared.environment import dagster_instance, settings_of
from project_etl.commands.shared.errors import UserError
from project_etl.commands.shared.progress import Progress
from project_etl.commands.shared.runs import (
    RunOutcome,
    errors_into,
    materialize,
    newest_day,
    platform,
    spark_log,
    tables_of,
)
from project_etl.commands.shared.summary import show_summary
from project_etl.settings import Settings

ENV = "demo"


@dataclass(frozen=True)
class Demo:
    """What to make: see the options of the command."""

    days: int = 90
    scale: float = 1.0
    seed: int = 7
    folder: Path | None = None


def run(console: Console, demo: Demo) -> bool:
    """Do all of it; False when a table could not be materialized.

    Raises:
        UserError: the folder holds another demo, or an argument is out of range.
    """
    settings = demo_settings(demo.folder)
    landing = Path(settings.landing_root)
    days = settings.start_date, settings.start_date + timedelta(days=demo.days - 1)
    if days[1] > newest_day(settings):
        raise UserError(
            f"{demo.days} days from {days[0]} end on {days[1]}, which is yet to come; take fewer --days, or an earlier "
            "start_date in config/demo.yaml."
        )
    arguments = {"days": demo.days, "start": days[0], "scale": demo.scale, "seed": demo.seed}
    log = spark_log(settings)
    with errors_into(log):
        if not generate.is_generated(landing, **arguments):
            generate.run(console, landing, **arguments)
        started = time.monotonic()
        outcome = _materialize_all(console, settings, days)
    if not outcome.is_success:
        for table, why in outcome.failures.items():
            console.print(f"[red]{escape(table)}[/] failed: {escape(why)}", soft_wrap=True)
        console.print(f"Spark's own words are in {escape(str(log))}; run {outcome.run_id} is kept in Dagster.")
        return False
    console.print(f"All tables are up to date after {time.monotonic() - started:.0f} s (run {outcome.run_id}).")
    show_summary(console, settings, is_usual_folder=demo.folder is None)
    return True


def demo_settings(folder: Path | None) -> Settings:
    """The settings of the environment `demo`, in another folder where one is given."""
    parts = {"LANDING_ROOT": "landing", "LAKE_ROOT": "lake", "DAGSTER_HOME": "dagster"}
    settings = settings_of(ENV, {name: str(folder.absolute() / part) for name, part in parts.items()} if folder else {})
    for name in ("landing_root", "lake_root"):
        if "://" in (place := getattr(settings, name)):
            raise UserError(f"A demo is made in a folder of this machine, but {name} is {place}; unset it.")
    return settings


def _materialize_all(console: Console, settings: Settings, days: tuple[date, date]) -> RunOutcome:
    defs, _ = platform(settings)
    tables = len(tables_of(defs))
    with dagster_instance(settings) as instance, Progress(console, tables) as progress:
        return materialize(defs, instance, days, command="demo", watch=progress)
