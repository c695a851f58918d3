"""`project-etl trust`: can a number be trusted, and if not, why."""

from __future__ import annotations

from datetime import date

import click

from project_etl.commands.shared.options import DAY, exit_with


@click.command("trust")
@click.argument("table")
@click.argument("day", type=DAY, required=False)
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@click.pass_obj
def command(env: str | None, table: str, day: date | None, *, as_json: bool) -> None:
    """Say whether a day of a Gold or Silver table can be trusted, with what speaks for and against it.

    Without DAY, the newest day with rows is judged. Exits 1 when something is known to be wrong: files that are not
    loaded, a day that is out of date, held back or never computed, a broken star schema, lost rows. What was kept out
    and what is yet to come are notes, and exit 0.
    """
    from project_etl.commands.shared.console import new_console
    from project_etl.commands.shared.environment import settings_of
    from project_etl.commands.trust import run as code

    exit_with(is_fine=code.run(new_console(), settings_of(env), table, day, as_json=as_json))
