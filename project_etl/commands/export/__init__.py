"""`project-etl export`: one table, or some of its days, as a file."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import click

from project_etl.commands.shared.options import DAY, FILE, allow_pii_option


@click.command("export")
@click.argument("table")
@click.option("--from", "first", type=DAY, help="The first day, of tables that have days.")
@click.option("--to", "last", type=DAY, help="The last day.")
@click.option("--out", type=FILE, required=True, help="The file to write: .csv, .parquet or .xlsx.")
@allow_pii_option
@click.pass_obj
def command(
    env: str | None, table: str, first: date | None, last: date | None, out: Path, allow_pii: tuple[str, ...]
) -> None:
    """Write a table, or some of its days, to a file once. Columns with personal data stay out unless they are named.

    The files of the setting `exports` are others: runs keep them up to date.
    """
    from project_etl.commands.export import run as code
    from project_etl.commands.shared.console import new_console
    from project_etl.commands.shared.environment import settings_of

    code.run(new_console(), settings_of(env), table, out, first=first, last=last, allow_pii=allow_pii)
