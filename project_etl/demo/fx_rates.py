"""The dataset `fx_rates`: euro rates of the day. Other pairs are left to be derived as inverse and cross rates."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from project_etl.demo import kinds
from project_etl.demo.dirt import DirtPlan
from project_etl.demo.draws import below, stream
from project_etl.demo.files import CsvFile, landing_path
from project_etl.demo.manifest import Books, Planted
from project_etl.demo.timeline import Timeline

COLUMNS = ("rate_date", "base_currency", "quote_currency", "rate")

BASE = "EUR"
FIRST_MILLIONTHS = {"USD": 1_038_900, "GBP": 829_180}
# Which rate shows what, so that no rate both repeats and changes.
_CORRECTED, _REPEATED = "USD", "GBP"
_SPOILED_FIELDS = {
    "rate_zero": (3, "0.000000"),
    "rate_negative": (3, "-1.038900"),
    "rate_missing": (3, ""),
    "rate_not_a_number": (3, "par"),
    "rate_date_unparsable": (0, "2025-02-30"),
    "quote_currency_missing": (2, ""),
}


class FxRates:
    """The rates of one euro in pounds and dollars, which wander a little every day."""

    def __init__(self, timeline: Timeline, plan: DirtPlan, seed: int) -> None:
        self._timeline, self._plan, self._seed = timeline, plan, seed
        self._millionths = dict(FIRST_MILLIONTHS)
        self._waiting: dict[int, list[tuple[list[str], str]]] = {}

    def write_day(self, day: int, root: Path, books: Books) -> None:
        """Write the file of a landing day: the day's rates and the day's dirt, or nothing on a day without rates."""
        path = landing_path(kinds.FX_RATES, self._timeline.text(day), "fx_rates.csv")
        if day in self._timeline.days_without_rates():
            books[kinds.FX_RATES].kinds["day_without_rates"].add(Planted(path, None, self._timeline.text(day)))
            return
        rnd = stream(self._seed, kinds.FX_RATES, day).random
        for currency, rate in self._millionths.items():
            self._millionths[currency] = next_rate(rate, rnd)
        with CsvFile(root, path, books[kinds.FX_RATES], COLUMNS) as file:
            rows = {currency: self._row(day, currency) for currency in self._millionths}
            for row in rows.values():
                file.write(row, _key(row))
            for row, name in self._waiting.pop(day, []):
                file.write(row, _key(row), name)
            for name, number in self._plan.on(kinds.FX_RATES, day):
                self._plant(file, day, rows, name, number)

    def _plant(self, file: CsvFile, day: int, rows: dict[str, list[str]], name: str, number: int) -> None:
        later = self._timeline.next_day_with_rates(day)
        if name == kinds.REPEAT_SAME_FILE:
            file.write(rows[_REPEATED], _key(rows[_REPEATED]), name)
        elif name == kinds.REPEAT_LATER_FILE and later is not None:
            self._waiting.setdefault(later, []).append((rows[_REPEATED], name))
        elif name == kinds.CORRECTED_RECORD and later is not None:
            corrected = [*rows[_CORRECTED][:3], _rate(self._millionths[_CORRECTED] + 2_500 + number)]
            self._waiting.setdefault(later, []).append((corrected, name))
        elif name in _SPOILED_FIELDS:
            # After the good rate of the same key, which must stay.
            place, value = _SPOILED_FIELDS[name]
            row = list(rows[_CORRECTED if number % 2 else _REPEATED])
            row[place] = value
            file.write(row, _key(row), name)

    def _row(self, day: int, currency: str) -> list[str]:
        return [self._timeline.text(day), BASE, currency, _rate(self._millionths[currency])]


def next_rate(millionths: int, rnd: Callable[[], float]) -> int:
    """Draw the rate of the day after one."""
    return max(500_000, millionths + below(rnd, 9_001) - 4_500)


def _key(row: list[str]) -> str:
    return " ".join(row[:3])


def _rate(millionths: int) -> str:
    return f"{millionths // 10**6}.{millionths % 10**6:06d}"
