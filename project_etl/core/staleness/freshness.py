"""Freshness: which Gold tables have not been computed for a day.

Belongs here: reading it from the journals, so that a run of another machine counts, and a backfill of an old day
does not pass for news of yesterday's. Does not belong here: whom to tell.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from project_etl.core.contracts.report import Report
from project_etl.core.lake import TableStore
from project_etl.core.model.days import instants_of
from project_etl.core.model.table import Table


def due_day(deadline: str | None, now: datetime) -> date | None:
    """The newest business day that must be there: yesterday from the deadline on, the day before until then.

    Args:
        deadline: time of day as HH:MM; None expects nothing.
        now: an instant, by the clock of the reporting time zone.
    """
    if deadline is None:
        return None
    return now.date() - timedelta(days=1 if now.strftime("%H:%M") >= deadline else 2)


def is_due_daily(table: Table) -> bool:
    """Whether each day of a table is due at the deadline: those of a daily Gold table are."""
    return table.layer == "gold" and table.is_daily


def missing_day(lake: TableStore, tables: Sequence[Table], day: date, zone: str) -> list[str]:
    """The daily Gold tables that have not been computed for a day.

    A day that was found to hold nothing before it was over has not been computed: nothing can have been there yet.

    Args:
        lake: the lake.
        tables: all tables.
        day: the business day.
        zone: the reporting time zone.
    """
    daily = [table.name for table in tables if is_due_daily(table)]
    return [name for name in daily if not _is_computed(lake, name, day, zone)]


def _is_computed(lake: TableStore, name: str, day: date, zone: str) -> bool:
    over = instants_of(day, zone)[1].timestamp() * 1000
    asked, journal = day.isoformat(), lake.journal(name)
    entry = journal.units.get(asked)
    return entry is not None and (entry.timestamp >= over or asked in Report.remembered(journal, [asked]).days)
