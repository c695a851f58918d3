"""When dirt is planted: how many of each kind on which landing day, fixed before the first record is written."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate

from project_etl.demo.draws import below, stream
from project_etl.demo.kind_table import KINDS
from project_etl.demo.kinds import CUSTOMERS, FX_RATES, ORDERS, REPEAT_LATER_FILE, Kind
from project_etl.demo.timeline import Timeline


class DirtPlan:
    """The days and amounts of every kind of dirt.

    Every kind comes at least once, unless the landing has too few days for it.

    Attributes:
        extra_column_day: The day on which customers and orders carry an undeclared column.
        truncated_day: The day on which a broken gzip lands among the orders; None when no day follows it.
        copied_day: The day on which the file of the order items lands under two names.
    """

    def __init__(self, timeline: Timeline, scale: float, seed: int) -> None:
        days = timeline.days
        self._timeline = timeline
        self.extra_column_day = min(days - 1, max(1, days // 3))
        self.truncated_day = min(days // 2, days - 2) if days > 1 else None
        self.copied_day = 2 * days // 3
        self._numbers = {kind: self._spread(kind, scale, seed) for kind in KINDS if kind.per_90_days}

    def on(self, dataset: str, day: int) -> list[tuple[str, int]]:
        """Return what to plant into a dataset on a day.

        Returns:
            Pairs of a kind's name and a running number of that kind, which starts at 0 on its first day. The number
            varies how the kind looks and keeps two of a kind apart.
        """
        return [(kind.name, number) for kind, number in self.planned(dataset, day) if not kind.is_beside]

    def beside(self, dataset: str, day: int) -> list[tuple[Kind, int]]:
        """Return what to write beside a dataset's own records on a day, as `on` does."""
        return [(kind, number) for kind, number in self.planned(dataset, day) if kind.is_beside]

    def planned(self, dataset: str, day: int) -> Iterator[tuple[Kind, int]]:
        """Yield all that is planted into a dataset on a day or beside it."""
        for kind, numbers in self._numbers.items():
            if kind.dataset == dataset:
                yield from ((kind, number) for number in numbers.get(day, ()))

    def next_plain_day(self, day: int) -> int | None:
        """Return the next later day whose files have no extra column, or None."""
        later = range(day + 1, self._timeline.days)
        return next((candidate for candidate in later if candidate != self.extra_column_day), None)

    def _spread(self, kind: Kind, scale: float, seed: int) -> dict[int, range]:
        """Deal a kind out over its days, as evenly as it goes, and number its occurrences."""
        timeline = self._timeline
        days = range(kind.first_day, timeline.days - kind.days_after)
        pool = [day for day in days if not self._is_closed(kind, day)]
        if not pool:
            return {}
        rnd = stream(seed, "plan", kind.dataset, kind.name).random
        for place in range(len(pool) - 1, 0, -1):
            other = below(rnd, place + 1)
            pool[place], pool[other] = pool[other], pool[place]
        size = scale if kind.grows else 1.0
        total = max(1, int(kind.per_90_days * size * timeline.days / 90 + 0.5))
        each, more = divmod(total, len(pool))
        amounts = sorted((day, each + (place < more)) for place, day in enumerate(pool))
        ends = accumulate(amount for _, amount in amounts)
        return {day: range(end - amount, end) for (day, amount), end in zip(amounts, ends, strict=True)}

    def _is_closed(self, kind: Kind, day: int) -> bool:
        """Tell whether a kind cannot be planted on a day that is otherwise within its range."""
        if kind.dataset == FX_RATES:
            waits = kind.days_after > 0
            closed = day in self._timeline.days_without_rates()
            return closed or (waits and self._timeline.next_day_with_rates(day) is None)
        if kind.name == REPEAT_LATER_FILE and kind.dataset in (CUSTOMERS, ORDERS):
            # A repeat that has the extra column, or whose original has it, would not be exact.
            waits = kind.days_after > 0
            return day == self.extra_column_day or (waits and self.next_plain_day(day) is None)
        return False
