"""`project-etl contracts`: what each table is and promises."""

from __future__ import annotations

import click


@click.command("contracts")
@click.argument("name", required=False)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="What to print: for people, or one JSON document.",
)
@click.pass_obj
def command(env: str | None, name: str | None, form: str) -> None:
    """Show every table: its grain, and what it is; or all of one table.

    NAME is a table, such as daily_aov or silver/orders. Reads the declarations, and no data.
    """
    from project_etl.commands.contracts import run as code
    from project_etl.commands.shared.console import new_console
    from project_etl.commands.shared.environment import settings_of

    code.run(new_console(), settings_of(env), name, as_json=form == "json")
