"""`project-etl doctor`: whether this machine can do it."""

from __future__ import annotations

import click

from project_etl.commands.shared.options import exit_with


@click.command("doctor")
@click.option("--spark", is_flag=True, help="Also start a Spark session (10 seconds).")
@click.pass_obj
def command(env: str | None, *, spark: bool) -> None:
    """Check this machine and the settings, and say what to do."""
    from project_etl.commands.doctor import run as code
    from project_etl.commands.shared.console import new_console

    exit_with(is_fine=code.run(new_console(), env, with_spark=spark))
