"""Rows kept: whether a table holds as many rows as the platform's own commits have put there.

Belongs here: that one comparison for each layer, from logs and journals alone, without an engine. Who removes or adds
rows behind the platform's back is found by it, and so is a commit that loses some. Does not belong here: whether the
rows are the right ones (`core/silver/books.py`, `core/gold/books.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from project_etl.core.bronze import file_table
from project_etl.core.contracts import ERROR
from project_etl.core.contracts.report import RuleResult
from project_etl.core.lake import WHOLE, Journal, TableStore
from project_etl.core.model.days import some_of
from project_etl.core.model.table import Table

ROWS_KEPT = RuleResult(
    "rows_kept",
    ERROR,
    "the table must hold as many rows as the platform's own commits have put there",
    version="1",
    max_share=0,
)
SHOWN = 5


@dataclass(frozen=True)
class RowsKept:
    """The rows of a table beside those that it should have.

    Attributes:
        table: the table, `layer/name`.
        expected: rows by what the platform has committed; None when nobody knows that any more, or yet.
        found: rows of the table.
        by_day: day → how many rows it lacks, or has too many, where that is known by day.
    """

    table: str
    expected: int | None
    found: int
    by_day: Mapping[str, int] = field(default_factory=dict[str, int])

    @property
    def wrong(self) -> Mapping[str, int]:
        """Day (or `WHOLE`) → how many rows it lacks, or has too many; empty when the table is as it should be."""
        if self.by_day or self.expected is None or self.expected == self.found:
            return self.by_day
        return {WHOLE: abs(self.expected - self.found)}

    def in_words(self) -> str:
        """What was found, and what to do."""
        if self.expected is None:
            return f"not known: the commits of {self.table} do not say how many rows it should have"
        if not self.wrong:
            return f"{self.table} has all of its {self.found:,} rows"
        layer = self.table.partition("/")[0].capitalize()
        days = f" ({some_of(sorted(self.by_day), SHOWN)})" if self.by_day else ""
        return (
            f"{layer}: {self.table} should have {self.expected:,} rows and has {self.found:,}{days}. Somebody else has "
            f"written it, or this is a fault of the platform. {_HEALED[layer]}"
        )


_ALL_DAYS = "and materialize the table for all days"
_HEALED = {
    "Bronze": f"Remove the folder of the table {_ALL_DAYS}: its files are read again from landing.",
    "Silver": f"Remove the folders of the table and of its quarantine {_ALL_DAYS}: Bronze has every record.",
    "Gold": f"Remove the folder of the table {_ALL_DAYS}, and what reads it after it.",
}


def bronze_rows_kept(lake: TableStore, name: str) -> RowsKept:
    """By landing day, the rows of a Bronze table against the records of its loaded files."""
    state, journal = lake.state(name), lake.journal(name)
    found = state.partition_rows("_landing_date")
    if not journal.is_complete:
        return RowsKept(name, None, sum(found.values()))
    return _by_day(name, file_table.records_by_day(lake, name), found)


def silver_rows_kept(lake: TableStore, name: str) -> RowsKept:
    """The rows of a Silver table against the running total that its last commit left."""
    journal = lake.journal(name)
    is_new = journal.last is None and journal.is_complete
    return RowsKept(name, 0 if is_new else journal.last_note("rows"), lake.state(name).row_count)


def gold_rows_kept(lake: TableStore, table: Table) -> RowsKept:
    """The rows of a Gold table against what the commits that computed its days, or the whole of it, published."""
    state, journal = lake.state(table.name), lake.journal(table.name)
    published, found = _published(journal), state.row_count
    if published is None or not (journal.is_complete or WHOLE in journal.units):
        return RowsKept(table.name, None, found)
    expected, column = sum(published.values()), table.day_column
    if expected == found or not table.is_daily or column is None:
        return RowsKept(table.name, expected, found)
    # To read the days costs more than the log, and says where to look.
    return _by_day(table.name, published, state.rows_of_each_day(column))


def _published(journal: Journal) -> dict[str, int] | None:
    """Unit → rows that its newest commit published; None where one does not say."""
    rows: dict[str, int] = {}
    for unit in journal.units:
        report = journal.note(unit).get("report")
        if report is None:
            return None
        rows[unit] = report["days"].get(unit, {}).get("published", 0)
    return rows


def _by_day(name: str, expected: Mapping[str, int], found: Mapping[str, int]) -> RowsKept:
    off = {day: abs(expected.get(day, 0) - found.get(day, 0)) for day in sorted({*expected, *found})}
    wrong = {day: number for day, number in off.items() if number}
    return RowsKept(name, sum(expected.values()), sum(found.values()), wrong)
