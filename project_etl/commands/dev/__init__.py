"""`project-etl dev`: the Dagster UI with the sensors."""

from __future__ import annotations

import click


@click.command("dev", context_settings={"ignore_unknown_options": True, "help_option_names": ["--help"]})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@click.pass_obj
def command(env: str | None, arguments: tuple[str, ...]) -> None:
    """Open the Dagster UI, and run the sensors that are on.

    ARGUMENTS are those of `dagster dev`, such as `-p 3001` for another port.
    """
    from project_etl.commands.dev import run as code
    from project_etl.commands.shared.environment import settings_of

    code.run(settings_of(env), arguments)
