"""Days: sets of them as stretches, in words, and as instants. Does not belong here: which days are meant."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

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


def instants_of(day: date, zone: str) -> tuple[datetime, datetime]:
    """The first instant of a day by the clocks of a zone, and the first one after it, both in UTC.

    Args:
        day: the day.
        zone: IANA name of the zone.
    """

    def midnights(of: date) -> list[datetime]:
        """The midnight that begins a day, read by the offset before and after a change of clocks."""
        return [datetime.combine(of, time(fold=fold), ZoneInfo(zone)).astimezone(UTC) for fold in (0, 1)]

    # Where the clocks skip midnight, the day begins with the change. Where they show it twice, it ends with the later.
    return midnights(day)[0], max(midnights(day + timedelta(days=1)))


def span(first: date | str, last: date | str) -> str:
    """A day, or the first and the last of several, for people: `2025-01-02 to 2025-01-05`."""
    return str(first) if first == last else f"{first} to {last}"


def days_in_words(days: Sequence[str]) -> str:
    """Days, in order, for people: the day, or `3 days, 2025-01-02 to 2025-01-09`."""
    return days[0] if len(days) == 1 else f"{len(days)} days, {span(days[0], days[-1])}"


def some_of(items: Sequence[str], most: int) -> str:
    """The first of some days, or other things, and how many more there are: `a, b and 3 more`."""
    more = f" and {len(items) - most} more" if len(items) > most else ""
    return ", ".join(items[:most]) + more
