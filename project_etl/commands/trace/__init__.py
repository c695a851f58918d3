"""`project-etl trace`: where a day's rows come from."""

from __future__ import annotations

from datetime import date

import click

from project_etl.commands.shared.options import DAY


@click.command("trace")
@click.argument("table")
@click.argument("day", type=DAY, required=False)
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@click.pass_obj
def command(env: str | None, table: str, day: date | None, *, as_json: bool) -> None:
    """Show where the rows of a TABLE's DAY come from.

    Commits, runs, input versions, source files, files that could not be read, checks and quarantined records, read from
    the tables themselves. TABLE is a name such as gold/daily_aov, or daily_aov. DAY is a business day, of a Bronze
    table a landing day. A table that has none, such as gold/customer_ltv or silver/customers, takes no DAY.
    """
    from project_etl.commands.shared.console import new_console
    from project_etl.commands.shared.environment import settings_of
    from project_etl.commands.trace import run as code

    code.run(new_console(), settings_of(env), table, day, as_json=as_json)
