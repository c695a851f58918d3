"""Staleness: which tables and days are out of date, and which runs bring them up to date.

The one answer for a run, `plan`, `quarantine replay`, `status` and the sensors, read without an engine. Does not belong
here: what Silver has to judge (`core/silver/plan.py`), which files are new (`core/bronze`).
"""

from __future__ import annotations

from project_etl.core.staleness.freshness import due_day, missing_day
from project_etl.core.staleness.reads import Reads, day_of
from project_etl.core.staleness.stale import BLOCKED, Staleness, days_of_data, misjudged, newest_landing_day
from project_etl.core.staleness.work import MOST_STRETCHES, by_day, work_of

__all__ = [
    "BLOCKED",
    "MOST_STRETCHES",
    "Reads",
    "Staleness",
    "by_day",
    "day_of",
    "days_of_data",
    "due_day",
    "misjudged",
    "missing_day",
    "newest_landing_day",
    "work_of",
]
