"""`project-etl erase`: remove a person from the lake."""

from __future__ import annotations

import click

from project_etl.commands.shared.options import exit_with


@click.group("erase")
def command() -> None:
    """Remove a person from the lake."""


@command.command("customer")
@click.argument("customer_id", metavar="ID")
@click.option("--dry-run", is_flag=True, help="Show what would be erased, and write nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def customer_command(env: str | None, customer_id: str, *, dry_run: bool, yes: bool) -> None:
    """Erase the customer ID, as silver/customers calls them.

    Records about the customer leave. Orders, reviews, events and refunds stay, as those of a guest. Older versions of
    all tables go, and what Dagster remembers of the customer. Files in landing are yours to delete: they are named.
    """
    from project_etl.commands.erase import run as code
    from project_etl.commands.shared.console import new_console
    from project_etl.commands.shared.environment import settings_of

    exit_with(is_fine=code.run(new_console(), settings_of(env), customer_id, dry_run=dry_run, is_sure=yes))
