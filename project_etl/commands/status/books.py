"""`project-etl status --books`: what became of every record that was ever judged, as of now.

Does not belong here: how books are made (`core/silver/books.py`), the numbers of single runs (the Dagster UI).
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console

from project_etl.catalog import parameters_of, silver_job, tables
from project_etl.commands.shared.runs import errors_into, spark_log
from project_etl.commands.shared.summary import grid
from project_etl.core.contracts.report import SILVER_COUNTS
from project_etl.core.model.days import some_of
from project_etl.core.model.staged import Run
from project_etl.core.silver.books import Books, books_of
from project_etl.orchestration.resources import lake_of, spark_resource
from project_etl.settings import Settings

SHOWN = 3


def run(console: Console, settings: Settings) -> bool:
    """Judge everything again and show the books; False when a table does not hold what its records say."""
    lake, run_ = lake_of(settings, spark_resource(settings)), Run("status", parameters=parameters_of(settings))
    with errors_into(spark_log(settings)):
        found = [books_of(silver_job(lake, table, settings, (), run_)) for table in tables() if table.layer == "silver"]
    _show(console, found)
    for books in found:
        if books.behind:
            days = some_of(books.behind, SHOWN)
            console.print(f"{books.table} has not judged {days} yet as they are now: materialize it.", soft_wrap=True)
        if not books.are_right:
            console.print(f"[red]{books.in_words()}[/]", soft_wrap=True)
    return all(books.are_right for books in found)


def _show(console: Console, found: Sequence[Books]) -> None:
    shown = grid("Books of now, in records", "table", *SILVER_COUNTS, right=SILVER_COUNTS)
    for books in found:
        shown.add_row(books.table, *(f"{books.report.total(count):,}" for count in SILVER_COUNTS))
    console.print(shown)
