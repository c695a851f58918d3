"""`project-etl show`: what a table has."""

from __future__ import annotations

from datetime import date

import click

from project_etl.commands.shared.options import DAY, allow_pii_option


@click.command("show")
@click.argument("table")
@click.option("--day", type=DAY, help="Rows of that day only, of tables that have days.")
@click.option("--limit", type=click.IntRange(1), default=10, show_default=True, help="Rows to print.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@allow_pii_option
@click.pass_obj
def command(
    env: str | None, table: str, day: date | None, limit: int, allow_pii: tuple[str, ...], *, as_json: bool
) -> None:
    """Show the columns of a table with what they mean, and some rows: of its newest day first where it has days.

    Columns with personal data are masked unless they are named.
    """
    from project_etl.commands.shared.console import new_console
    from project_etl.commands.shared.environment import settings_of
    from project_etl.commands.show import run as code

    code.run(new_console(), settings_of(env), table, day=day, limit=limit, allow_pii=allow_pii, as_json=as_json)
