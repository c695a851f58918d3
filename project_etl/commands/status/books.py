"""`project-etl status --books`: whether every record is where it belongs, from the files to the KPIs, as of now.

Does not belong here: how books are made (`core/rows_kept.py`, `core/silver/books.py`, `core/gold/books.py`), the
numbers of single runs (the Dagster UI).
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console

from project_etl.catalog import datasets_of, parameters_of, silver_job, tables
from project_etl.commands.shared.console import grid
from project_etl.commands.shared.runs import errors_into, spark_log
from project_etl.core.contracts.report import SILVER_COUNTS
from project_etl.core.gold.books import GoldBooks, gold_books
from project_etl.core.gold.stage import GoldJob
from project_etl.core.model.days import some_of
from project_etl.core.model.order import gold_order
from project_etl.core.model.staged import Run
from project_etl.core.rows_kept import RowsKept, bronze_rows_kept
from project_etl.core.silver.books import Books, books_of
from project_etl.orchestration.resources import lake_of, spark_resource
from project_etl.settings import Settings

SHOWN = 3


def run(console: Console, settings: Settings) -> bool:
    """Judge and compute everything again and show the books; False when a table does not hold what it should."""
    lake, run_ = lake_of(settings, spark_resource(settings)), Run("status", parameters=parameters_of(settings))
    declared, zone = {table.name: table for table in tables()}, settings.reporting_timezone
    bronze = [bronze_rows_kept(lake, it.bronze) for it in datasets_of(settings.sources) if lake.exists(it.bronze)]
    with errors_into(spark_log(settings)):
        silver = [books_of(silver_job(lake, it, settings, (), run_)) for it in declared.values() if it.records]
        gold = [gold_books(GoldJob(lake, it, declared, (), run_, zone)) for it in gold_order(declared.values())]
    _show_bronze(console, bronze)
    _show_silver(console, silver)
    _show_gold(console, gold)
    wrong = [
        *(kept.in_words() for kept in bronze if kept.wrong),
        *(books.in_words() for books in silver if not books.are_right),
        *(words for books in gold for words in books.in_words()),
    ]
    for words in _left_out(silver, gold):
        console.print(words, soft_wrap=True)
    for words in wrong:
        console.print(f"[red]{words}[/]", soft_wrap=True)
    return not wrong


def _left_out(silver: Sequence[Books], gold: Sequence[GoldBooks]) -> list[str]:
    """What was not looked at, for a run will change it."""
    said = [
        f"{books.table} has not judged {some_of(books.behind, SHOWN)} yet as they are now: materialize it."
        for books in silver
        if books.behind
    ]
    for books in gold:
        if books.stale:
            said.append(f"{books.table} was not compared for {some_of(books.stale, SHOWN)}: its inputs have changed.")
        if books.held:
            said.append(f"{books.table} was not compared for {some_of(books.held, SHOWN)}: held back.")
    return said


def _show_bronze(console: Console, found: Sequence[RowsKept]) -> None:
    shown = grid("Bronze: records of the files", "table", "in the files", "rows", right=("in the files", "rows"))
    for kept in found:
        expected = "not known" if kept.expected is None else f"{kept.expected:,}"
        shown.add_row(kept.table, expected, f"{kept.found:,}")
    console.print(shown)


def _show_silver(console: Console, found: Sequence[Books]) -> None:
    shown = grid("Silver: what became of each record", "table", *SILVER_COUNTS, right=SILVER_COUNTS)
    for books in found:
        shown.add_row(books.table, *(f"{books.report.total(count):,}" for count in SILVER_COUNTS))
    console.print(shown)


def _show_gold(console: Console, found: Sequence[GoldBooks]) -> None:
    columns = ("kept there", "kept here", "difference")
    shown = grid(
        "Gold: what each table keeps of its inputs, over all compared days", "table", "of", *columns, right=columns
    )
    for books in found:
        for each in books.totals:
            where = f" where {each.conserves.where}" if each.conserves.where else ""
            what = f"{each.conserves.amount or 'rows'} of {each.table}{where}"
            shown.add_row(books.table, what, each.told(each.there), each.told(each.here), each.told(each.difference))
    console.print(shown)
