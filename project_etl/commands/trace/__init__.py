"""`project-etl trace`: where a day's rows come from."""

from __future__ import annotations

from datetime import date

import click

from project_etl.commands.shared.options import DAY


@click.command("trace")
@click.argument("table")
@click.argument("day", type=DAY, required=False)
@click.pass_obj
def command(env: str | None, table: str, day: date | None) -> None:
    """Show where the rows of a Gold TABLE's DAY come from.

    Commits, runs, input versions, source files, checks and quarantined records, read from the tables themselves. A
    table that is computed as a whole, such as gold/customer_ltv, takes no DAY.
    """
    from project_etl.commands.shared.console import new_console
    from project_etl.commands.shared.environment import settings_of
    from project_etl.commands.trace import run as code

    code.run(new_console(), settings_of(env), table, day)
