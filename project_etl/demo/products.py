"""The dataset `products`: what is on the shelves, how prices and shelves change, and how the records go wrong.

Prices are whole cents in the product's own currency; `unit_price` turns them into an order's currency.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from project_etl.demo import kinds
from project_etl.demo.as_sent import as_sent
from project_etl.demo.dirt import DirtPlan
from project_etl.demo.draws import below, lognormal_thousandths, of_class, stream, trait
from project_etl.demo.files import JsonLinesFile, landing_path, to_json
from project_etl.demo.manifest import Books
from project_etl.demo.timeline import DAY, Timeline, known_ids
from project_etl.demo.vocabulary import ADJECTIVES, PRICE_LIST_HUNDREDTHS, SHELVES

# Ids from here on belong to records that are wrong from the start, or to nothing at all.
SPOILED_IDS = 900_000
UNKNOWN_IDS = 990_000

_TRAIT = 11
_CURRENCIES = ("EUR",) * 8 + ("GBP", "USD")
# The position of an id says what may happen to it; so no two kinds of dirt meet in one record.
_CHANGES, _IS_REPEATED, _IS_SPOILED = 0, 1, 2  # the position modulo 3

# How one value goes wrong, by kind; the number of the occurrence varies it.
_SPOILED_VALUES: dict[str, tuple[str, tuple[Any, ...]]] = {
    "name_missing": ("name", (None,)),
    "updated_at_missing": ("updated_at", (None,)),
    "updated_at_unparsable": ("updated_at", ("2025-13-01T00:00:00Z", "soon")),
    "price_zero": ("price", (0, 0.0)),
    "price_negative": ("price", (-9.99,)),
    "price_not_a_number": ("price", ("on request", "12,50 EUR")),
    "currency_not_iso": ("currency", ("EURO", "E")),
    "active_not_boolean": ("active", ("maybe", "sold out")),
}


class Products:
    """The products of the shop, as compact arrays by position; position 0 is `P000001`."""

    def __init__(self, timeline: Timeline, plan: DirtPlan, scale: float, seed: int) -> None:
        self._timeline, self._plan, self._seed = timeline, plan, seed
        self._initial = max(40, round(1_740 * scale))
        self.known = known_ids(
            "products", self._initial, 260 * scale / 89, timeline.days, at_least=3, limit=SPOILED_IDS
        )
        positions = range(self.known[-1])
        self._shelves = bytearray(first_shelf(self._seed, position) for position in positions)
        self._cents = array("q", (first_cents(self._seed, position) for position in positions))

    def pick(self, day: int, chance: float) -> int:
        """Return the position of a product on sale on a day; the first on the shelves sell best, with a long tail."""
        return int(self.known[day] * chance * chance)

    def unit_price(self, position: int, currency: str) -> int:
        """Return a product's present price in cents of an order's currency, by the shop's price lists."""
        return price_in(currency, self._cents[position], own_currency(self._seed, position))

    def write_day(self, day: int, root: Path, books: Books) -> None:
        """Write the file of a landing day: arrivals, later versions, and the day's dirt."""
        planned = self._plan.on(kinds.PRODUCTS, day)
        first = self.known[day - 1] if day else 0
        rnd = stream(self._seed, kinds.PRODUCTS, day).random
        repeats = Counter(
            of_class(_IS_REPEATED, first, self.known[day], rnd) for name, _ in planned if name == kinds.REPEAT_SAME_FILE
        )
        path = landing_path(kinds.PRODUCTS, self._timeline.text(day), "products.jsonl.gz")
        with JsonLinesFile(root, path, books[kinds.PRODUCTS]) as file:
            for position in range(first, self.known[day]):
                self._write(file, position, self._first_seen(position))
                for _ in range(repeats[position]):
                    self._write(file, position, self._first_seen(position), kinds.REPEAT_SAME_FILE)
            for place, (name, number) in enumerate(planned):
                moment = day * DAY + 3_600 + place * 80_000 // len(planned)
                self._plant(file, day, moment, name, number, rnd)
            rnd = stream(self._seed, kinds.PRODUCTS, day, "beside").random
            for kind, number in self._plan.beside(kinds.PRODUCTS, day):
                position = of_class(_IS_REPEATED, first, self.known[day], rnd)
                record, names = self._valid(position, self._first_seen(position))
                file.write(as_sent(record, kind, number), record["product_id"], *names, kind.name)

    def _plant(
        self, file: JsonLinesFile, day: int, moment: int, name: str, number: int, rnd: Callable[[], float]
    ) -> None:
        if name == kinds.REPEAT_SAME_FILE:
            return  # written beside its original
        if name == kinds.REPEAT_LATER_FILE:
            position = of_class(_IS_REPEATED, 0, self.known[day - 1], rnd)
            self._write(file, position, self._first_seen(position), name)
        elif name == kinds.LATE_RECORD:
            position = of_class(_CHANGES, 0, self.known[day - 1], rnd)
            earlier = self._first_seen(position) - 30 * DAY - 60 * number
            self._write(file, position, earlier, name, cents=self._cents[position] * 4 // 5)
        elif name == kinds.CORRECTED_RECORD:
            position = of_class(_CHANGES, 0, self.known[day - 1], rnd)
            if number % 3 < 2:
                self._cents[position] = new_price(self._cents[position], rnd)
            else:
                self._shelves[position] = below(rnd, len(SHELVES))
            self._write(file, position, moment, name)
        else:
            self._write_spoiled(file, day, moment, name, number, rnd)

    def _write_spoiled(
        self, file: JsonLinesFile, day: int, moment: int, name: str, number: int, rnd: Callable[[], float]
    ) -> None:
        """Write a record that breaks one rule: by turns a new key, or a newer version of a good one that must stay."""
        is_version = number % 2 == 1 and day > 0 and name != kinds.MALFORMED_JSON
        position = of_class(_IS_SPOILED, 0, self.known[day - 1], rnd) if is_version else SPOILED_IDS + below(rnd, 10**4)
        record = self._record(position, moment, first_shelf(self._seed, position), first_cents(self._seed, position))
        key = record["product_id"]
        if name == kinds.MALFORMED_JSON:
            line = to_json(record)
            file.write_text(line[: len(line) * 2 // 3], key, name)
            return
        if name == "product_id_missing":
            key = ""
            record["product_id"] = None
            if number % 2:
                del record["product_id"]
        else:
            column, values = _SPOILED_VALUES[name]
            record[column] = values[number % len(values)]
        file.write(record, key, name)

    def _write(self, file: JsonLinesFile, position: int, moment: int, *names: str, cents: int | None = None) -> None:
        """Write a valid record of a product of the shop."""
        record, shown = self._valid(position, moment, cents)
        file.write(record, record["product_id"], *names, *shown)

    def _valid(self, position: int, moment: int, cents: int | None = None) -> tuple[dict[str, Any], tuple[str, ...]]:
        """Return a valid record of a product of the shop, with what its position always shows."""
        cents = self._cents[position] if cents is None else cents
        record = self._record(position, moment, self._shelves[position], cents)
        if position % 40 == 5:
            record["name"] = f" {record['name']}  "
            record["category"] = record["category"].upper() if position % 80 == 5 else record["category"].lower()
            return record, (kinds.UNTIDY,)
        return record, ()

    def _record(self, position: int, moment: int, shelf: int, cents: int) -> dict[str, Any]:
        return {**ware(self._seed, position, shelf, cents), "updated_at": self._timeline.iso(moment)}

    def _first_seen(self, position: int) -> int:
        """Return the instant of listing: on the landing day, or up to a year before for the first stock."""
        bits = trait(self._seed, _TRAIT + 2, position)
        if position < self._initial:
            return -DAY - bits % (365 * DAY)
        day = min(bisect_right(self.known, position), self._timeline.days - 1)
        return day * DAY + bits % DAY


def ware(seed: int, position: int, shelf: int, cents: int) -> dict[str, Any]:
    """Return what the product at a position is, on a shelf (a position in SHELVES) and at a price."""
    bits = trait(seed, _TRAIT, position)
    category, subcategory = SHELVES[shelf]
    # The name is the first shelf's: a product that moves to another category is still called the same.
    first_category, first_subcategory = SHELVES[first_shelf(seed, position)]
    nouns = first_category.subcategories[first_subcategory]
    tags = [tag for place, tag in enumerate(category.tags) if bits >> (24 + place) & 1]
    return {
        "product_id": product_id(position),
        "name": f"{ADJECTIVES[(bits >> 8) % len(ADJECTIVES)]} {nouns[(bits >> 16) % len(nouns)]} {position + 1}",
        "category": category.name,
        "subcategory": subcategory,
        "price": cents / 100,
        "currency": own_currency(seed, position),
        "active": bits >> 56 & 31 != 0,
        "tags": tags,
    }


def first_shelf(seed: int, position: int) -> int:
    """Return the position in SHELVES of where a product stands at first."""
    return trait(seed, _TRAIT, position) % len(SHELVES)


def first_cents(seed: int, position: int) -> int:
    """Return the price a product starts with: around its category's typical price, at 49 or 99 cents."""
    category, _ = SHELVES[first_shelf(seed, position)]
    bits = trait(seed, _TRAIT + 1, position)
    about = category.typical_cents * lognormal_thousandths(bits) // 1000
    return about // 100 * 100 + (99 if bits >> 20 & 3 else 49)


def new_price(cents: int, rnd: Callable[[], float]) -> int:
    """Draw the price that follows one."""
    return max(99, cents * (80 + below(rnd, 45)) // 100)


def price_in(currency: str, cents: int, own: str) -> int:
    """Return a price in its own currency as cents of another one, by the shop's price lists."""
    return max(1, cents * PRICE_LIST_HUNDREDTHS[currency] // PRICE_LIST_HUNDREDTHS[own])


def own_currency(seed: int, position: int) -> str:
    """Return the currency in which a product's price is told."""
    return _CURRENCIES[(trait(seed, _TRAIT + 1, position) >> 24) % len(_CURRENCIES)]


def product_id(position: int) -> str:
    """Return the key of the product at a position."""
    return f"P{position + 1:06d}"
