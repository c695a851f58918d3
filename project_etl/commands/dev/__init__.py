"""`project-etl dev`: the Dagster UI with the sensors."""

from __future__ import annotations

import click

from project_etl.commands.shared.options import exit_with


@click.command("dev", context_settings={"ignore_unknown_options": True, "help_option_names": ["--help"]})
@click.option("-p", "--port", type=click.IntRange(1, 65535), default=3000, show_default=True, help="Port of the UI.")
@click.option("-h", "--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@click.pass_obj
def command(env: str | None, port: int, host: str, arguments: tuple[str, ...]) -> None:
    """Open the Dagster UI, and run the sensors that are on.

    Stops with all that it started on Ctrl+C, SIGTERM and SIGHUP. ARGUMENTS are further ones of `dagster dev`, such as
    `--log-level info`.
    """
    from project_etl.commands.dev import run as code
    from project_etl.commands.shared.console import new_console
    from project_etl.commands.shared.environment import settings_of

    exit_with(is_fine=code.run(new_console(), settings_of(env), host, port, arguments))
