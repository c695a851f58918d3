"""The dataset `reviews`: what customers say of products, how they and the shop take it back, and how records go wrong.

There are as many as it takes for an exact number of rows in Silver, unless the dirt of a very small shop is more than
that.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import accumulate
from pathlib import Path

from project_etl.demo import kinds
from project_etl.demo.as_sent import as_sent
from project_etl.demo.customers import UNKNOWN_IDS as UNKNOWN_CUSTOMERS
from project_etl.demo.customers import Customers, customer_id
from project_etl.demo.dirt import DirtPlan
from project_etl.demo.draws import below, stream
from project_etl.demo.files import CsvFile, landing_path
from project_etl.demo.kinds import Kind, Outcome
from project_etl.demo.manifest import Books
from project_etl.demo.order_rows import Waiting
from project_etl.demo.products import UNKNOWN_IDS as UNKNOWN_PRODUCTS
from project_etl.demo.products import Products, product_id
from project_etl.demo.timeline import DAY, Timeline, per_day
from project_etl.demo.vocabulary import (
    RATING_PICKS,
    REVIEW_BEGINNINGS,
    REVIEW_ENDS,
    REVIEW_FURTHER_LINES,
    REVIEW_WORDS,
    VOTES_PICKS,
)

COLUMNS = (
    "review_id", "product_id", "customer_id", "rating", "review_text", "helpful_votes", "review_ts", "updated_at",
)  # fmt: skip
REVIEW_ID, PRODUCT, CUSTOMER, RATING, TEXT, VOTES, REVIEW_TS, UPDATED_AT = range(8)

_PER_90_DAYS = 15_000
_A_DAY_AT_LEAST = 20
_MANY_LINES = 0.12
_DELETION_COLUMNS = ("review_id", "updated_at", "_deleted")
# By turns, where there are several.
_SPOILED: dict[str, tuple[int, tuple[str, ...]]] = {
    "review_id_missing": (REVIEW_ID, ("",)),
    "rating_below_one": (RATING, ("0", "-1")),
    "rating_above_five": (RATING, ("6", "10")),
    "rating_fraction": (RATING, ("4.5", "3.25")),
    "rating_not_a_number": (RATING, ("five", "★★★★")),
    "helpful_votes_negative": (VOTES, ("-1", "-3")),
    "helpful_votes_not_a_number": (VOTES, ("many",)),
    "review_ts_nonexistent": (REVIEW_TS, ("2025-02-30T10:00:00Z",)),
    "updated_at_unparsable": (UPDATED_AT, ("2025-01-15T25:61:00Z",)),
    "text_missing": (TEXT, ("", "\\N")),
    "helpful_votes_missing": (VOTES, ("",)),
    "text_that_is_a_word": (TEXT, REVIEW_WORDS),
}


class Reviews:
    """The reviews of the shop; only what is said of them later is kept."""

    def __init__(
        self, timeline: Timeline, plan: DirtPlan, customers: Customers, products: Products, scale: float, seed: int
    ) -> None:
        self._timeline, self._plan, self._seed = timeline, plan, seed
        self._customers, self._products = customers, products
        self._numbers = 0
        self._waiting = Waiting(fault_at=RATING)
        self._deleted: dict[int, list[str]] = {}
        total = round(_PER_90_DAYS * scale * timeline.days / 90)
        chance = stream(seed, "reviews per day").random
        self._rows_by = list(accumulate(per_day(timeline, total, chance, at_least=_A_DAY_AT_LEAST)))

    def write_day(self, day: int, root: Path, books: Books) -> None:
        """Write the files of a landing day: what is new, what is corrected, and what is deleted."""
        mine, text = books[kinds.REVIEWS], self._timeline.text(day)
        deleted = self._deleted.pop(day, [])
        if deleted:
            with CsvFile(
                root, landing_path(kinds.REVIEWS, text, "deleted_reviews.csv"), mine, _DELETION_COLUMNS
            ) as file:
                for key in deleted:
                    file.write([key, self._timeline.iso(day * DAY + 3_600), "true"], key, kinds.DELETED)
        rnd = stream(self._seed, kinds.REVIEWS, day).random
        planned = list(self._plan.planned(kinds.REVIEWS, day))
        with CsvFile(root, landing_path(kinds.REVIEWS, text, "reviews.csv"), mine, COLUMNS) as file:
            self._waiting.write(day, file)
            # Of what is planted, at most two rows hold.
            self._write_many(day, file, self._rows_by[day] - mine.rows - 2 * len(planned), rnd)
            for kind, number in planned:
                self._plant(day, kind, number, rnd)
            self._waiting.write(day, file)
            self._write_many(day, file, self._rows_by[day] - mine.rows, rnd)

    def _write_many(self, day: int, file: CsvFile, size: int, rnd: Callable[[], float]) -> None:
        """Write reviews of the shop, in the order of their times."""
        for number in range(size):
            second = number * DAY // size + below(rnd, DAY // size)
            row = self._row(day, second, rnd)
            if rnd() < _MANY_LINES:
                row[TEXT] += REVIEW_FURTHER_LINES[below(rnd, len(REVIEW_FURTHER_LINES))]
                file.write(row, row[REVIEW_ID], "text_of_many_lines")
            else:
                file.write(row, row[REVIEW_ID])

    def _plant(self, day: int, kind: Kind, number: int, rnd: Callable[[], float]) -> None:
        name, row = kind.name, self._row(day, below(rnd, DAY - 3_600), rnd)
        if kind.outcome is Outcome.QUARANTINED:
            self._plant_spoiled(day, row, kind, number, rnd)
        elif name in (kinds.DELETED, kinds.RESTORED):
            self._waiting.add(day, row)
            self._deleted.setdefault(day + 1, []).append(row[REVIEW_ID])
            if name == kinds.RESTORED:
                row[UPDATED_AT] = self._timeline.iso((day + 1) * DAY + 7_200)
                self._waiting.add(day + 1, row, name)
        elif name == kinds.LATE_RECORD:
            older = list(row)
            row[TEXT], row[UPDATED_AT] = f"{row[TEXT]} (edited)", self._timeline.iso(day * DAY + DAY - 60)
            self._waiting.add(day, row)
            self._waiting.add(self._later(day, rnd), older, name)
        elif name == kinds.CORRECTED_RECORD:
            self._waiting.add(day, row)
            later = self._later(day, rnd)
            rating = 1 + (int(row[RATING]) + number) % 5
            row[RATING], row[TEXT] = str(rating), f"{row[TEXT]} - now {rating} of 5"
            row[UPDATED_AT] = self._timeline.iso(later * DAY + below(rnd, DAY))
            self._waiting.add(later, row, name)
        elif kind.outcome is Outcome.DEDUPLICATED:
            self._waiting.add(day, row)
            lands = self._later(day, rnd) if name == kinds.REPEAT_LATER_FILE else day
            sent = _as_sent(row, kind, number) if kind.is_beside else row
            self._waiting.add(lands, sent, name, key=row[REVIEW_ID])
        else:
            self._change(day, row, name, number)
            self._waiting.add(day, row, name)

    def _plant_spoiled(self, day: int, row: list[str], kind: Kind, number: int, rnd: Callable[[], float]) -> None:
        """Add a record that breaks one rule: by turns a review of its own, or a newer version of one that must stay.

        A product that never lands is named by reviews of their own only.
        """
        if number % 2 and not kind.is_beside and kind.name != "product_unknown":
            self._waiting.add(day, row)
            row[UPDATED_AT] = self._timeline.iso(day * DAY + DAY - 60)
        # A malformed line is written without quotes.
        row[TEXT] = "not what I ordered"
        if kind.is_beside:
            row = _as_sent(row, kind, number)
        elif kind.name == "review_ts_in_future":
            row[REVIEW_TS] = self._timeline.iso((day + 3) * DAY + below(rnd, DAY))
        else:
            self._change(day, row, kind.name, number)
        self._waiting.add(day, row, kind.name)

    def _change(self, day: int, row: list[str], name: str, number: int) -> None:
        """Change the field of a kind in the way of the kind."""
        if name == "customer_unknown":
            row[CUSTOMER] = customer_id(UNKNOWN_CUSTOMERS + number)
        elif name == "product_unknown":
            row[PRODUCT] = product_id(UNKNOWN_PRODUCTS + number)
        elif name == "product_lands_later":
            row[PRODUCT] = product_id(self._products.known[day])
        elif name == "rating_with_point":
            row[RATING] += ".0"
        elif name in _SPOILED:
            place, values = _SPOILED[name]
            row[place] = values[number % len(values)]

    def _row(self, day: int, second: int, rnd: Callable[[], float]) -> list[str]:
        self._numbers += 1
        rating, text = opinion(rnd)
        moment = self._timeline.iso(day * DAY + second)
        return [
            f"R{self._numbers:09d}", product_id(self._products.pick(day, rnd())),
            customer_id(self._customers.pick(day, rnd())), str(rating), text,
            str(VOTES_PICKS[below(rnd, len(VOTES_PICKS))]), moment, moment,
        ]  # fmt: skip

    def _later(self, day: int, rnd: Callable[[], float]) -> int:
        return day + 1 + below(rnd, min(10, self._timeline.days - 1 - day))


def opinion(rnd: Callable[[], float]) -> tuple[int, str]:
    """Draw a rating, and what is said with it."""
    rating = RATING_PICKS[below(rnd, len(RATING_PICKS))]
    beginnings = REVIEW_BEGINNINGS[rating]
    return rating, beginnings[below(rnd, len(beginnings))] + REVIEW_ENDS[below(rnd, len(REVIEW_ENDS))]


def _as_sent(row: list[str], kind: Kind, number: int) -> list[str]:
    return list(as_sent(dict(zip(COLUMNS, row, strict=True)), kind, number).values())
