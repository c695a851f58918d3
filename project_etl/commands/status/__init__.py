"""`project-etl status`: how the lake stands."""

from __future__ import annotations

import click

from project_etl.commands.shared.options import exit_with


@click.command("status")
@click.option(
    "--books", is_flag=True, help="Judge all records again, and compare with what Silver and quarantine hold."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@click.pass_obj
def command(env: str | None, *, books: bool, as_json: bool) -> None:
    """Show latest days, quarantine, and whatever waits, is not read, behind, held back or overdue.

    Exits 1 when files wait to be loaded, something in landing is not read, Silver is behind Bronze or Gold behind
    Silver, a Gold table is overdue or holds a day back, or the lake was loaded from another landing. With --books,
    shows instead what became of every record, and exits 1 when a Silver table or its quarantine does not hold what its
    records say.
    """
    from project_etl.commands.shared.console import new_console
    from project_etl.commands.shared.environment import settings_of
    from project_etl.commands.status import books as books_code
    from project_etl.commands.status import run as code

    if books and as_json:
        raise click.UsageError("--books has no --json.")
    console, settings = new_console(), settings_of(env)
    exit_with(is_fine=books_code.run(console, settings) if books else code.run(console, settings, as_json=as_json))
