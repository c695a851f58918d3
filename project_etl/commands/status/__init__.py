"""`project-etl status`: how the lake stands."""

from __future__ import annotations

import click

from project_etl.commands.shared.options import exit_with


@click.command("status")
@click.option(
    "--books", is_flag=True, help="Judge all records again, and compare with what Silver and quarantine hold."
)
@click.pass_obj
def command(env: str | None, *, books: bool) -> None:
    """Show latest days, waiting files, files that are not read, quarantine, days held back, and overdue tables.

    Exits 1 when files wait to be loaded, something in landing is not read, or a Gold table is overdue or holds a day
    back. With --books, shows instead what became of every record, and exits 1 when a Silver table or its quarantine
    does not hold what its records say.
    """
    from project_etl.commands.shared.console import new_console
    from project_etl.commands.shared.environment import settings_of
    from project_etl.commands.status import books as books_code
    from project_etl.commands.status import run as code

    asked = books_code if books else code
    exit_with(is_fine=asked.run(new_console(), settings_of(env)))
