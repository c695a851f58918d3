"""`project-etl demo`: generate a shop, materialize everything, and show what came of it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from rich.console import Console

from project_etl.catalog import asset_names
from project_etl.commands.generate import run as generate
from project_etl.commands.shared.environment import dagster_instance, settings_of
from project_etl.commands.shared.errors import UserError
from project_etl.commands.shared.runs import platform
from project_etl.commands.shared.shown_runs import ShownRuns
from project_etl.commands.shared.summary import show_summary
from project_etl.settings import Settings

ENV = "demo"
# Settings that another folder changes, and what is there for each of them.
FOLDERS: tuple[str, ...] = ("landing_root", "lake_root", "export_root", "dagster_home")
PARTS = ("landing", "lake", "exports", "dagster")


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
    settings = demo_settings(demo.folder, demo.days)
    landing = Path(settings.landing_root)
    days = settings.start_date, settings.start_date + timedelta(days=demo.days - 1)
    if days[1] > settings.last_day():
        raise UserError(
            f"{demo.days} days from {days[0]} end on {days[1]}, which is yet to come; take fewer --days, or an earlier "
            "start_date in config/demo.yaml."
        )
    arguments = {"days": demo.days, "start": days[0], "scale": demo.scale, "seed": demo.seed}
    if not generate.is_generated(landing, **arguments):
        generate.run(console, landing, **arguments)
    started = time.monotonic()
    defs, _ = platform(settings)
    with dagster_instance(settings) as instance:
        work = ShownRuns(console, settings, defs, instance, command="demo")
        outcome = work.materialize(days, asset_names(settings))
    if not outcome.is_success:
        return False
    console.print(f"All tables are up to date after {time.monotonic() - started:.0f} s (run {outcome.run_id}).")
    changed = FOLDERS if demo.folder else ()
    if settings.end_date != settings_of(ENV).end_date:
        changed += ("end_date",)
    show_summary(console, settings, changed)
    return True


def demo_settings(folder: Path | None, days: int = Demo.days) -> Settings:
    """The settings of the environment `demo`, in another folder where one is given, that end after so many days."""
    places = {name.upper(): str(folder.absolute() / part) for name, part in zip(FOLDERS, PARTS, strict=True) if folder}
    settings = settings_of(ENV, {**places, "END_DATE": ""})
    settings = settings.model_copy(update={"end_date": settings.start_date + timedelta(days=days - 1)})
    for name in ("landing_root", "lake_root"):
        if "://" in (place := getattr(settings, name)):
            raise UserError(f"A demo is made in a folder of this machine, but {name} is {place}; unset it.")
    return settings
