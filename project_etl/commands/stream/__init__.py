"""`project-etl stream`: read a stream into landing, until somebody stops it."""

from __future__ import annotations

import click


@click.command("stream")
@click.argument("source", required=False)
@click.pass_obj
def command(env: str | None, source: str | None) -> None:
    """Pull a stream into landing as it comes, until Ctrl+C or SIGTERM.

    Nothing is loaded: the sensors of `project-etl dev` do that, beside it. A broker that goes away is tried again, for
    ever. SOURCE may be left out where only one source that is on is a stream.
    """
    from project_etl.commands.shared.console import new_console
    from project_etl.commands.shared.environment import settings_of
    from project_etl.commands.stream import run as code

    code.run(new_console(), settings_of(env), source)
