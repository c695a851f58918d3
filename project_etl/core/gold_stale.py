"""Which days of all Gold tables were not made from the inputs as they are now, read from the commit notes alone.

Belongs here: the coarse answer that needs no change feed, for when there is none: it may name more days than a change
reached, never fewer. Does not belong here: one table's inputs (`gold_inputs.py`), following single changes
(`reach.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from project_etl.core.gold_inputs import inputs_now
from project_etl.core.gold_order import gold_order
from project_etl.core.lake import WHOLE, TableStore
from project_etl.core.table import ReplaceDays, Table


def outdated(
    lake: TableStore, tables: Sequence[Table], days: Iterable[date], parameters: Mapping[str, Any]
) -> dict[str, frozenset[date]]:
    """Compare every Gold table with its inputs.

    Args:
        lake: the lake.
        tables: all tables.
        days: the business days of interest; days that a table remembers are not added to them.
        parameters: settings that transforms take, part of what a result depends on.

    Returns:
        Gold table → days to compute again; a snapshot has none. Tables that are up to date are absent, and so are those
        of which an input does not exist yet. A table's days hold those of every Gold table that it reads.
    """
    asked = frozenset(days)
    found: dict[str, frozenset[date]] = {}
    for table in gold_order(tables):
        inputs = [item.table for item in table.inputs.values()]
        if any(name not in found and not lake.exists(name) for name in inputs):
            continue
        now, journal = inputs_now(lake, table, parameters), lake.journal(table.name)
        behind = [found[name] for name in inputs if name in found]
        if not isinstance(table.write, ReplaceDays):
            if behind or now.stale([WHOLE], journal):
                found[table.name] = frozenset()
            continue
        reached = _reached(behind, table.write, asked)
        stale = now.stale([day.isoformat() for day in asked - reached], journal)
        old = (asked & reached).union(date.fromisoformat(day) for day in stale)
        if old:
            found[table.name] = old
    return found


def _reached(behind: Sequence[frozenset[date]], write: ReplaceDays, asked: frozenset[date]) -> frozenset[date]:
    """The days that the days of inputs reach which are to be computed again, a snapshot's being empty."""
    days = frozenset[date]().union(*behind)
    if behind and write.reach_customers:
        # Whose first orders these change is known once they are computed.
        return frozenset(day for day in asked if day >= min(days, default=day))
    return frozenset(day + timedelta(days=number) for day in days for number in range(write.reach + 1))


def data_span(lake: TableStore, tables: Sequence[Table], first: date, last: date) -> list[date]:
    """The business days, from `first` to `last` at most, about which Silver or Gold say anything.

    Args:
        lake: the lake.
        tables: all tables.
        first: the first day that has a partition.
        last: the last one.
    """
    days: set[date] = set()
    furthest = 0
    for table in tables:
        if isinstance(table.write, ReplaceDays):
            furthest = max(furthest, table.write.reach)
        if table.day_column is not None and lake.exists(table.name):
            days |= {*lake.state(table.name).bounds(table.day_column)}
    if not days:
        return []
    start = max(first, min(days)).toordinal()
    end = min(last.toordinal(), max(days).toordinal() + furthest)
    return [date.fromordinal(number) for number in range(start, end + 1)]
