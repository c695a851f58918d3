"""`project-etl pull`: read what is new in sources that are pulled."""

from __future__ import annotations

import click

from project_etl.commands.shared.options import exit_with


@click.command("pull")
@click.argument("sources", nargs=-1, metavar="[SOURCE]...")
@click.option("--recount", is_flag=True, help="Compare all that the sources hold with Bronze: finds deletions.")
@click.pass_obj
def command(env: str | None, sources: tuple[str, ...], *, recount: bool) -> None:
    """Pull what is new from databases and other sources into landing; all that are on, or those named.

    Nothing is loaded: the sensors do that, or `project-etl run`.
    """
    from project_etl.commands.pull import run as code
    from project_etl.commands.shared.console import new_console
    from project_etl.commands.shared.environment import settings_of

    exit_with(is_fine=code.run(new_console(), settings_of(env), sources, recount=recount))
