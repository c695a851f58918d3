"""`project-etl sql`: ask a question, and print the answer or write it to a file."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from rich.console import Console

from project_etl.commands.shared import answers
from project_etl.commands.shared.environment import lake_without_spark
from project_etl.core.arrow import ArrowRecordBatchReader
from project_etl.core.views import Views
from project_etl.settings import Settings


def run(
    console: Console,
    settings: Settings,
    query: str,
    *,
    out: Path | None = None,
    limit: int = 50,
    allow_pii: Collection[str] = (),
) -> None:
    """Ask, and show.

    Raises:
        QueryError: the query cannot be answered.
        UserError: the file cannot be written.
    """
    views = Views(lake_without_spark(settings), allow_pii, settings.reporting_timezone)
    if out is not None:
        answers.check_file(out)
        rows = answers.write(out, views.reader(query), settings.reporting_timezone)
        console.print(answers.written_in_words(out, rows), soft_wrap=True, markup=False)
        return
    show(console, views.reader(query), limit)


def show(console: Console, rows: ArrowRecordBatchReader, limit: int) -> None:
    """Print the first rows of an answer, and how many there are."""
    import pyarrow as pa

    first, number = list[object](), 0
    for batch in rows:
        if number < limit:
            first.append(batch.slice(0, limit - number))
        number += batch.num_rows
    answers.show(console, "", pa.Table.from_batches(first, rows.schema))
    shown = "" if number <= limit else f", {limit:,} of them shown (--limit)"
    console.print(f"{number:,} row{'' if number == 1 else 's'}{shown}")
