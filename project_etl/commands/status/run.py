"""`project-etl status`: is everything that landed in Gold, what waits, and what is not read. Reads without Spark.

Does not belong here: why something failed (the Dagster UI, `gate`), single quarantined rows (`quarantine`).
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from rich.console import Console
from rich.text import Text

from project_etl.catalog import datasets_of, tables
from project_etl.commands.quarantine import held
from project_etl.commands.shared.environment import lake_without_spark
from project_etl.commands.shared.landing import survey_of
from project_etl.commands.shared.summary import grid
from project_etl.core.bronze.landing import LandingFile, Unrecognized
from project_etl.core.bronze.plan import new_files
from project_etl.core.contracts.report import Report, quality_score
from project_etl.core.lake import WHOLE, TableStore
from project_etl.core.model.days import some_of
from project_etl.core.model.source import Dataset
from project_etl.core.model.table import Table
from project_etl.core.staleness import due_day, missing_day
from project_etl.settings import Settings

SHOWN = 5
MOST_UNREAD = 20
RECENT_DAYS = 7


@dataclass(frozen=True)
class State:
    """How a table stands.

    Attributes:
        table: the table.
        latest: the newest day that it was computed for (a landing day for Bronze and Silver); None without one.
        at: when a run last committed to it; None when none has.
        quality: the share of that day's records that quarantine has left, when they were judged last; None where
            nothing is kept out.
    """

    table: str
    latest: str | None
    at: datetime | None
    quality: float | None


@dataclass(frozen=True)
class Backlog:
    """Files that no run has looked at as they are now, by name, size and time.

    Attributes:
        waiting: Bronze table → those that wait to be loaded.
        changing: those that were still changing; they are loaded once they are still.
    """

    waiting: Mapping[str, Sequence[str]]
    changing: Sequence[str]


def run(console: Console, settings: Settings) -> bool:
    """Show how the platform stands; False when files wait or are not read, or Gold is overdue or held back."""
    lake, declared = lake_without_spark(settings), tables()
    datasets = datasets_of(settings.sources)
    # What reads rows comes first: pyarrow's threads may still close files when the process ends, and that aborts it.
    landing = survey_of(settings)
    left = backlog(lake, datasets, landing.files, settings.settle_seconds, time.time())
    now = datetime.now(UTC)
    outside = {table.name: rows_outside(lake, table, settings.start_date, settings.last_day()) for table in declared}
    bronze = [state_of(lake, dataset.bronze) for dataset in datasets]
    _show_quarantine(console, lake, bronze)
    _show_tables(console, [*bronze, *(state_of(lake, table.name) for table in declared)])
    _show_backlog(console, left, landing.unread)
    _show_outside(console, outside, settings)
    held = held_back(lake, declared)
    for table, days in held.items():
        told = [f"{day} ({why})" for day, why in days.items()]
        _say(console, ("Held back", "red"), f" by {table}: {some_of(told, SHOWN)}")
    day = due_day(settings.freshness_deadline, now)
    is_due = day is not None and settings.start_date <= day <= settings.last_day()
    overdue = missing_day(lake, declared, day) if day and is_due else []
    if overdue:
        console.print(f"[red]Overdue[/]: {', '.join(overdue)} have not been computed for {day}.", soft_wrap=True)
    elif is_due:
        console.print(f"Fresh: every daily Gold table has been computed for {day}.")
    elif day is None:
        console.print("Freshness: no deadline is set (freshness_deadline in the settings), so nothing can be overdue.")
    return not (left.waiting or landing.unread or overdue or held)


def held_back(lake: TableStore, declared: Sequence[Table]) -> dict[str, dict[str, str]]:
    """Gold table → the days that it holds back, or `all` of it, each with the rules that it breaks."""
    found: dict[str, dict[str, str]] = {}
    for table in declared:
        if held := lake.journal(table.name).held:
            found[table.name] = {unit: str(entry.held[unit]) for unit, entry in sorted(held.items())}
    return found


def state_of(lake: TableStore, name: str) -> State:
    """How a table stands, from its log."""
    journal = lake.journal(name)
    days = [day for day in journal.units if day != WHOLE]
    at = datetime.fromtimestamp(journal.last.timestamp / 1000, UTC) if journal.last else None
    latest = max(days, default=None)
    counts = Report.remembered(journal, [latest]).days.get(latest, {}) if latest else {}
    return State(name, latest, at, quality_score(counts))


def backlog(
    lake: TableStore, datasets: Sequence[Dataset], files: Sequence[LandingFile], settle_seconds: float, now: float
) -> Backlog:
    """Those of the files in landing that no run has looked at as they are now.

    Args:
        lake: whose file table says what is known.
        datasets: the datasets of the sources that are on.
        files: what lies in their folders.
        settle_seconds: how long a file must have been still before it is loaded.
        now: seconds since the epoch.
    """
    tables = {f"{dataset.source}/{dataset.name}": dataset.bronze for dataset in datasets}
    waiting, changing = defaultdict[str, list[str]](list), list[str]()
    for file in new_files(lake, [*tables.values()], files):
        is_settled = file.is_settled(settle_seconds, now)
        (waiting[tables[file.path.rsplit("/", 2)[0]]] if is_settled else changing).append(file.path)
    return Backlog(waiting, changing)


def rows_outside(lake: TableStore, table: Table, first: date, last: date) -> dict[str, int]:
    """Business days of a Silver table that no Gold table is computed for, with their rows.

    Args:
        lake: the lake.
        table: any table; one that has no business day, or does not exist, has none of these days.
        first: the first business day that has a partition.
        last: the last one.
    """
    if table.layer != "silver" or table.day_column is None or not lake.exists(table.name):
        return {}
    return lake.state(table.name).rows_outside(table.day_column, first, last)


def _show_tables(console: Console, states: Sequence[State]) -> None:
    shown = grid("Tables", "table", "latest day", "its quality score", "last commit (UTC)", right=["its quality score"])
    for state in states:
        at = f"{state.at:%Y-%m-%d %H:%M}" if state.at else "[red]never[/]"
        shown.add_row(state.table, state.latest or "", _percent(state.quality), at)
    console.print(shown)


def _percent(score: float | None) -> str:
    return "" if score is None else f"{score:.2%}"


def _show_backlog(console: Console, left: Backlog, unread: Sequence[Unrecognized]) -> None:
    for table, files in left.waiting.items():
        _say(console, ("Backlog", "red"), f" of {table}: {some_of(files, SHOWN)}")
    if left.changing:
        _say(console, f"Still changing, and loaded once they are still: {some_of(left.changing, SHOWN)}")
    if unread:
        _say(console, ("Not read", "red"), f": {len(unread):,} things in landing.")
    for item in unread[:MOST_UNREAD]:
        _say(console, f"  {item.in_words()}")
    if len(unread) > MOST_UNREAD:
        _say(console, f"  and {len(unread) - MOST_UNREAD:,} more")
    if not left.waiting and not left.changing:
        every = "every other file" if unread else "every file"
        _say(console, f"Backlog: {every} in landing is in Bronze, or in quarantine.")


def _show_outside(console: Console, outside: Mapping[str, Mapping[str, int]], settings: Settings) -> None:
    first, last = settings.start_date, settings.last_day()
    after = f"end_date ({last})" if last == settings.end_date else "today"
    for table, rows in outside.items():
        early = [day for day in sorted(rows) if day < first.isoformat()]
        late = [day for day in sorted(rows) if day not in early]
        if early:
            number, days = sum(rows[day] for day in early), some_of(early, SHOWN)
            said = f" of {table} are in no Gold day, for their days are before start_date ({first}): {days}. "
            advice = "Move start_date back in the settings, or correct the dates."
            _say(console, (f"{number:,} rows", "yellow"), said, advice)
        if late:
            number, days = sum(rows[day] for day in late), some_of(late, SHOWN)
            _say(
                console, f"{number:,} rows of {table} are in no Gold day yet, for their days are after {after}: {days}."
            )


def _say(console: Console, *parts: str | tuple[str, str]) -> None:
    """Print a line as it is: names of files may look like markup."""
    console.print(Text.assemble(*parts), soft_wrap=True)


def _show_quarantine(console: Console, lake: TableStore, bronze: Sequence[State]) -> None:
    newest = max(
        (date.fromisoformat(state.latest) for state in bronze if state.latest), default=datetime.now(UTC).date()
    )
    recent = f"landed in the {RECENT_DAYS} days to {newest}"
    shown = grid("Quarantine", "table", "rows", recent, right=("rows", recent))
    for name in held.names(lake):
        is_recent = [newest - timedelta(days=RECENT_DAYS) < day <= newest for day in held.landing_dates(lake, name)]
        shown.add_row(name, f"{len(is_recent):,}", f"{sum(is_recent):,}")
    console.print(shown)
