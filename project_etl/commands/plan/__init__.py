"""`project-etl plan`: what a run would compute, before it runs."""

from __future__ import annotations

from datetime import date

import click

from project_etl.commands.shared.options import DAY


@click.command("plan")
@click.option("--from", "since", type=DAY, help="The first day; by default the first that there is.")
@click.option("--to", "until", type=DAY, help="The last day; by default today, or end_date.")
@click.option("--select", default="*", show_default=True, help="Tables, with commas; gold/* is a whole layer.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@click.pass_obj
def command(env: str | None, since: date | None, until: date | None, select: str, *, as_json: bool) -> None:
    """Show what a run would compute, with rows and usual seconds.

    Reads what each table was made from; computes and changes nothing.
    """
    from project_etl.commands.plan import run as code
    from project_etl.commands.shared.console import new_console
    from project_etl.commands.shared.environment import settings_of

    code.run(new_console(), settings_of(env), since, until, select, as_json=as_json)
