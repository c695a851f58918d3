"""`project-etl status`: is everything that landed in Gold, and what waits. Reads without Spark.

Does not belong here: why something failed (the Dagster UI, `gate`), single quarantined rows (`quarantine`).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from rich.console import Console

from project_etl.catalog import datasets_of, tables
from project_etl.commands.quarantine import held
from project_etl.commands.shared.environment import lake_without_spark
from project_etl.commands.shared.summary import grid
from project_etl.core.bronze.landing import list_files
from project_etl.core.bronze.plan import new_files
from project_etl.core.lake import WHOLE, TableStore
from project_etl.core.model.days import some_of
from project_etl.core.model.source import Dataset
from project_etl.core.model.table import Table
from project_etl.core.staleness import due_day, missing_day
from project_etl.settings import Settings

SHOWN = 5
RECENT_DAYS = 7


@dataclass(frozen=True)
class State:
    """How a table stands.

    Attributes:
        table: the table.
        latest: the newest day that it was computed for (a landing day for Bronze and Silver); None without one.
        at: when a run last committed to it; None when none has.
    """

    table: str
    latest: str | None
    at: datetime | None


def run(console: Console, settings: Settings) -> bool:
    """Show how the platform stands; False when files wait, or a Gold table is overdue or holds something back."""
    lake, declared = lake_without_spark(settings), tables()
    datasets = datasets_of(settings.sources)
    # What reads rows comes first: pyarrow's threads may still close files when the process ends, and that aborts it.
    waiting = backlog(lake, settings, datasets, time.time())
    bronze = [state_of(lake, dataset.bronze) for dataset in datasets]
    _show_quarantine(console, lake, bronze)
    _show_tables(console, [*bronze, *(state_of(lake, table.name) for table in declared)])
    _show_backlog(console, waiting)
    held = held_back(lake, declared)
    for table, days in held.items():
        told = [f"{day} ({why})" for day, why in days.items()]
        console.print(f"[red]Held back[/] by {table}: {some_of(told, SHOWN)}", soft_wrap=True)
    now = datetime.now(UTC)
    day = due_day(settings.freshness_deadline, now)
    overdue = missing_day(lake, declared, day) if day and day >= settings.start_date else []
    if overdue:
        console.print(f"[red]Overdue[/]: {', '.join(overdue)} have not been computed for {day}.", soft_wrap=True)
    elif day:
        console.print(f"Fresh: every daily Gold table has been computed for {day}.")
    else:
        console.print("Freshness: no deadline is set (freshness_deadline in the settings), so nothing can be overdue.")
    return not waiting and not overdue and not held


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
    return State(name, max(days, default=None), at)


def backlog(lake: TableStore, settings: Settings, datasets: Sequence[Dataset], now: float) -> dict[str, list[str]]:
    """Bronze table → settled files in landing that no run has looked at as they are now, by name, size and time."""
    found: dict[str, list[str]] = {}
    for dataset in datasets:
        files = [
            file
            for file in list_files(settings.landing_root, dataset.source, dataset.name)
            if file.is_settled(settings.settle_seconds, now) and file.day >= settings.start_date.isoformat()
        ]
        if new := new_files(lake, [dataset.bronze], files):
            found[dataset.bronze] = [file.path for file in new]
    return found


def _show_tables(console: Console, states: Sequence[State]) -> None:
    shown = grid("Tables", "table", "latest day", "last commit (UTC)")
    for state in states:
        at = f"{state.at:%Y-%m-%d %H:%M}" if state.at else "[red]never[/]"
        shown.add_row(state.table, state.latest or "", at)
    console.print(shown)


def _show_backlog(console: Console, waiting: dict[str, list[str]]) -> None:
    if not waiting:
        console.print("Backlog: every file in landing is in Bronze, or in quarantine.")
    for table, files in waiting.items():
        console.print(f"[red]Backlog[/] of {table}: {some_of(files, SHOWN)}", soft_wrap=True)


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
