"""`project-etl run`: load and compute tables for some days."""

from __future__ import annotations

import click

from project_etl.commands.shared.options import DAYS, Days, exit_with


@click.command("run")
@click.option(
    "--days",
    type=DAYS,
    required=True,
    help="One day (2025-01-01), or the first and the last (2025-01-01..2025-01-03). 2025-01-01.. ends today.",
)
@click.option("--select", default="*", show_default=True, help="Tables, with commas; gold/* is a whole layer.")
@click.pass_obj
def command(env: str | None, days: Days, select: str) -> None:
    """Load what landed on some days, and compute their tables.

    All in one run, which the Dagster UI shows too. What is up to date is not computed again.
    """
    from project_etl.commands.run import run as code
    from project_etl.commands.shared.console import new_console
    from project_etl.commands.shared.environment import settings_of

    exit_with(is_fine=code.run(new_console(), settings_of(env), days, select))
