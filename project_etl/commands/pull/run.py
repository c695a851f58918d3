"""`project-etl pull`: a run of the assets that pull, and which landing days it has files for."""

from __future__ import annotations

from collections.abc import Collection

from rich.console import Console
from rich.markup import escape

from project_etl.catalog import pulled, pulled_datasets
from project_etl.commands.shared.environment import dagster_instance, lake_without_spark
from project_etl.commands.shared.errors import UserError
from project_etl.commands.shared.runs import platform
from project_etl.commands.shared.shown_runs import ShownRuns
from project_etl.commands.shared.summary import command_of
from project_etl.core.bronze.landing import list_files
from project_etl.core.bronze.plan import new_files
from project_etl.core.model.days import span
from project_etl.core.model.nearest import suggestion
from project_etl.core.model.source import Dataset
from project_etl.orchestration.pulls import recount_config
from project_etl.settings import Settings


def run(console: Console, settings: Settings, sources: Collection[str], *, recount: bool = False) -> bool:
    """Pull some sources, or all that are pulled; False when one failed.

    Raises:
        UserError: no source is pulled, or one that is named is not.
    """
    datasets = datasets_to_pull(settings, sources)
    names = [dataset.landing for dataset in datasets]
    defs, _ = platform(settings)
    today = settings.last_day()
    with dagster_instance(settings) as instance:
        shown = ShownRuns(console, settings, defs, instance, command="pull")
        outcome = shown.materialize((today, today), names, recount_config(names) if recount else None)
    days = _days_to_load(settings, datasets)
    if days:
        command = escape(command_of(settings))
        said = f"{len(days)} landing days wait to be loaded" if len(days) > 1 else f"{days[0]} waits to be loaded"
        console.print(f"{said}. Next: {command} run --days {span(days[0], days[-1])}", soft_wrap=True)
    return outcome.is_success


def datasets_to_pull(settings: Settings, sources: Collection[str]) -> list[Dataset]:
    """The datasets of some sources, or of all that are pulled.

    Raises:
        UserError: no source is pulled, or one that is named is not.
    """
    known = tuple(pulled(settings))
    if not known:
        raise UserError(
            f"No source that is on is pulled: `sources` of the environment {settings.env} is "
            f"{', '.join(settings.sources)}. docs/databases.md says how to add one."
        )
    for name in sources:
        if name not in known:
            raise UserError(f"There is no source {name!r} that is on and pulled; {suggestion(name, known)}")
    return [dataset for name in sources or known for dataset in pulled_datasets(settings, name)]


def _days_to_load(settings: Settings, datasets: Collection[Dataset]) -> list[str]:
    lake = lake_without_spark(settings)
    return sorted(
        {
            file.day
            for each in datasets
            for file in new_files(lake, [each.bronze], list_files(settings.landing_root, each.source, each.name))
        }
    )
