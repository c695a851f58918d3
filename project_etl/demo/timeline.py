"""The days of one landing: dates, instants as text, orders per day, and how many ids exist on each day.

An instant is whole seconds since midnight UTC of the first day; earlier ones are negative.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

from project_etl.demo.vocabulary import (
    GROWTH_THOUSANDTHS_PER_DAY,
    HOLIDAY_THOUSANDTHS,
    MONTH_THOUSANDTHS,
    WEEKDAY_THOUSANDTHS,
)

DAY = 86_400
_SATURDAY = 5


class Timeline:
    """The landing days `start … start + days - 1`, counted from 0."""

    def __init__(self, start: date, days: int) -> None:
        self.start = start
        self.days = days
        self._texts: dict[int, str] = {}

    def date(self, day: int) -> date:
        """Return the date of a day; days before the first are negative."""
        return self.start + timedelta(days=day)

    def text(self, day: int) -> str:
        """Return a day as `2025-01-15`, the name of its landing folder."""
        known = self._texts.get(day)
        if known is None:
            known = self._texts[day] = self.date(day).isoformat()
        return known

    def iso(self, instant: int) -> str:
        """Return an instant as `2025-01-15T08:26:31Z`."""
        day, second = divmod(instant, DAY)
        return f"{self.text(day)}T{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}Z"

    def days_without_rates(self) -> frozenset[int]:
        """Return the days on which no exchange rate lands: the first weekend after a week, else the second day."""
        for day in range(7, self.days - 1):
            if self.date(day).weekday() == _SATURDAY:
                return frozenset((day, day + 1))
        return frozenset((1,)) if self.days >= 3 else frozenset()

    def next_day_with_rates(self, day: int) -> int | None:
        """Return the next later day on which exchange rates land, or None."""
        closed = self.days_without_rates()
        return next((later for later in range(day + 1, self.days) if later not in closed), None)


def known_ids(what: str, initial: int, added: float, days: int, *, at_least: int, limit: int) -> list[int]:
    """Return how many ids exist by the end of each day: a first stock, then some more every day.

    Args:
        what: What the ids are of, for the error.
        initial: Ids that land on the first day.
        added: Ids that join on an ordinary later day; a fraction adds up over days.
        days: Number of days.
        at_least: Ids that join on any later day, however small the shop.
        limit: The first id that is kept for something else.

    Returns:
        One running total per day.

    Raises:
        ValueError: There would be more ids than the limit leaves.
    """
    totals = [initial]
    for day in range(1, days):
        totals.append(totals[-1] + max(at_least, int(added * day) - int(added * (day - 1))))
    if totals[-1] >= limit:
        raise ValueError(
            f"days and scale: they make {totals[-1]:,} {what}, expected fewer than {limit:,}; lower one of them"
        )
    return totals


def per_day(timeline: Timeline, total: int, rnd: Callable[[], float], *, at_least: int) -> list[int]:
    """Spread orders, or what goes with them, over the days with weekends, holidays, growth and a little chance.

    Args:
        timeline: The days.
        total: How many in all.
        rnd: Draws in `0 <= x < 1`.
        at_least: How many on any day, however small the shop; then the sum can exceed `total`.

    Returns:
        One count per day, summing to `total` unless the minimum raised some.
    """
    weights = [_day_weight(timeline.date(day), day, rnd()) for day in range(timeline.days)]
    whole = sum(weights)
    counts: list[int] = []
    passed = given = 0
    for weight in weights:
        passed += weight
        counts.append(max(at_least, total * passed // whole - given))
        given = total * passed // whole
    return counts


def _day_weight(day: date, number: int, chance: float) -> int:
    weight = WEEKDAY_THOUSANDTHS[day.weekday()] * MONTH_THOUSANDTHS[day.month - 1] // 1000
    weight = weight * (1000 + GROWTH_THOUSANDTHS_PER_DAY * number) // 1000
    weight = weight * HOLIDAY_THOUSANDTHS.get((day.month, day.day), _black_friday_thousandths(day)) // 1000
    return weight * (930 + int(chance * 140)) // 1000


def _black_friday_thousandths(day: date) -> int:
    """Return the rush of the Friday after the fourth Thursday of November, and of the Monday that follows."""
    first = date(day.year, 11, 1)
    black_friday = first + timedelta(days=(3 - first.weekday()) % 7 + 22)
    return {black_friday: 2200, black_friday + timedelta(days=3): 1800}.get(day, 1000)
