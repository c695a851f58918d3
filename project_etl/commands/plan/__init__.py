"""`project-etl plan`: what a backfill would compute, before it runs."""

from __future__ import annotations

from datetime import date

import click

from project_etl.commands.shared.options import DAY


@click.command("plan")
@click.option("--from", "since", type=DAY, required=True, help="The first day.")
@click.option("--to", "until", type=DAY, required=True, help="The last day.")
@click.option("--select", default="*", show_default=True, help="Tables, with commas; gold/* is a whole layer.")
@click.pass_obj
def command(env: str | None, since: date, until: date, select: str) -> None:
    """Show what a backfill would compute, with rows and usual seconds.

    Reads what each table was made from; computes and changes nothing.
    """
    from project_etl.commands.plan import run as code
    from project_etl.commands.shared.console import new_console
    from project_etl.commands.shared.environment import settings_of

    code.run(new_console(), settings_of(env), since, until, select)
