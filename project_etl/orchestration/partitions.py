"""Partitions: the one daily partitioning that every day-wise asset shares.

Belongs here: days as Dagster knows them. Does not belong here: what a day means to a table (`core/table.py`).
"""

from __future__ import annotations

import dagster as dg

from project_etl.settings import Settings


def daily_partitions(settings: Settings) -> dg.DailyPartitionsDefinition:
    """Days from `start_date` up to and with today (UTC).

    For Bronze and Silver a partition is a landing day, for Gold a business day. Sharing one definition and one backfill
    policy is what lets a backfill of 300 days through all layers be a single run.
    """
    return dg.DailyPartitionsDefinition(start_date=settings.start_date.isoformat(), timezone="UTC", end_offset=1)
