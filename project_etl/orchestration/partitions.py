"""Partitions: the one daily partitioning that every day-wise asset shares.

Belongs here: days as Dagster knows them. Does not belong here: what a day means to a table (`core/model/table.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

import dagster as dg

from project_etl.core.model.days import Stretch
from project_etl.settings import Settings

# Dagster has no other public way to ask one run for several partitions.
PARTITION = "dagster/partition"
RANGE_START = "dagster/asset_partition_range_start"
RANGE_END = "dagster/asset_partition_range_end"


def daily_partitions(settings: Settings) -> dg.DailyPartitionsDefinition:
    """Days from `start_date` up to and with `Settings.last_day`, which moves on while the code is loaded.

    For Bronze and Silver a partition is a landing day, for Gold a business day. Sharing one definition and one backfill
    policy is what lets a backfill of 300 days through all layers be a single run.
    """
    end = (settings.end_date + timedelta(days=1)).isoformat() if settings.end_date else None
    return dg.DailyPartitionsDefinition(
        start_date=settings.start_date.isoformat(), end_date=end, timezone=settings.reporting_timezone, end_offset=1
    )


def days_of(tags: Mapping[str, str]) -> Stretch | None:
    """The first and the last day of the run that has these tags; None when it has no days."""
    one = tags.get(PARTITION)
    first, last = tags.get(RANGE_START, one), tags.get(RANGE_END, one)
    try:
        return (date.fromisoformat(first), date.fromisoformat(last)) if first and last else None
    except ValueError:  # an asset of your own may have partitions that are no days
        return None
