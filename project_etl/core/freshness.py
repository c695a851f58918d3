"""Freshness: which Gold tables have not been computed for a day.

Belongs here: reading it from the commit notes, so that a run of another machine counts, and a backfill of an old day
does not pass for news of yesterday's. Does not belong here: when a day is due, and whom to tell.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from project_etl.core.lake import Lake
from project_etl.core.staged import remember
from project_etl.core.table import Table


def missing_day(lake: Lake, tables: Sequence[Table], day: date) -> list[str]:
    """The daily Gold tables that have never been computed for a day."""
    daily = [table.name for table in tables if table.layer == "gold" and table.is_daily]
    return [name for name in daily if remember(lake, name).fingerprint(day.isoformat()) is None]
