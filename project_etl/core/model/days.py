"""Sets of days as stretches and back, and in words. Does not belong here: which days are meant."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, timedelta
from itertools import pairwise

Stretch = tuple[date, date]
"""First and last day."""


def stretches(days: Collection[date], most: int) -> list[Stretch]:
    """Cover days by at most `most` stretches without gaps, closing the smallest gaps first."""
    ordered = sorted(days)
    gaps = sorted(((later - day, day) for day, later in pairwise(ordered)), reverse=True)
    last_days = sorted(day for gap, day in gaps[: most - 1] if gap > timedelta(days=1))
    ends = [*last_days, ordered[-1]]
    starts = [ordered[0], *(ordered[ordered.index(day) + 1] for day in last_days)]
    return list(zip(starts, ends, strict=True))


def each_day(first: date, last: date) -> list[date]:
    """Every day from the first to the last; none when they are the wrong way round."""
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def span(first: date | str, last: date | str) -> str:
    """A day, or the first and the last of several, for people: `2025-01-02 to 2025-01-05`."""
    return str(first) if first == last else f"{first} to {last}"


def some_of(items: Sequence[str], most: int) -> str:
    """The first of some days, or other things, and how many more there are: `a, b and 3 more`."""
    more = f" and {len(items) - most} more" if len(items) > most else ""
    return ", ".join(items[:most]) + more
