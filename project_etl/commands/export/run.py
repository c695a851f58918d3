"""`project-etl export`: write a table, or some of its days, to a file."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from pathlib import Path

from rich.console import Console

from project_etl.commands.shared import answers
from project_etl.commands.shared.environment import lake_without_spark
from project_etl.commands.shared.errors import UserError
from project_etl.commands.shared.names import table_named
from project_etl.core.views import Views, day_column, quoted, view_of
from project_etl.settings import Settings


def run(
    console: Console,
    settings: Settings,
    table: str,
    out: Path,
    *,
    first: date | None = None,
    last: date | None = None,
    allow_pii: Collection[str] = (),
) -> None:
    """Write the file, and say what is in it.

    Raises:
        UserError: there is no such table or column, it has no days, or the file cannot be written.
    """
    answers.check_file(out)
    lake = lake_without_spark(settings)
    name = table_named(lake, table)
    views, day = Views(lake, allow_pii, settings.reporting_timezone), day_column(lake.state(name))
    if day is None and (first or last):
        raise UserError(f"{name} has no days: leave out --from and --to.")
    if first and last and first > last:
        raise UserError(f"--from {first} is after --to {last}: the first day comes first.")
    bounds = [(">=", first), ("<=", last)]
    column = quoted(day) if day else ""
    asked = [f"{column} {sign} DATE '{value}'" for sign, value in bounds if value]
    where, order = (f" WHERE {' AND '.join(asked)}" if asked else ""), (f" ORDER BY {column}" if day else "")
    rows = answers.write(out, views.reader(f"FROM {view_of(name)}{where}{order}"), settings.reporting_timezone)
    console.print(answers.written_in_words(out, rows), soft_wrap=True, markup=False)
    if hidden := views.left_out(name):
        console.print(
            f"Without {', '.join(hidden)}: personal data leaves only by name, --allow-pii {','.join(hidden)}.",
            soft_wrap=True,
        )
