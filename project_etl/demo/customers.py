"""The dataset `customers`: who signs up, moves, changes address, and how their records go wrong.

Record fields stand as in the landing file; ids, countries and arrival days are what orders ask for.
"""

from __future__ import annotations

import math
import zlib
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from project_etl.demo import kinds
from project_etl.demo.as_sent import CUSTOMERS_BESIDE, as_sent
from project_etl.demo.dirt import DirtPlan
from project_etl.demo.draws import below, of_class, stream, trait
from project_etl.demo.files import JsonLinesFile, landing_path, to_json
from project_etl.demo.manifest import Books
from project_etl.demo.timeline import DAY, Timeline, known_ids
from project_etl.demo.vocabulary import (
    COUNTRIES,
    COUNTRY_PICKS,
    EMAIL_DOMAINS,
    EMAIL_FIRST_NAMES,
    EMAIL_LAST_NAMES,
    FIRST_NAMES,
    LAST_NAMES,
    LOYALTY_TIERS,
)

# Ids from here on belong to records that are wrong from the start, or to nobody at all.
SPOILED_IDS = 9_000_000
UNKNOWN_IDS = 9_900_000

_TRAIT = 1
_SPREAD = 1_000_003  # prime, so that it visits every id of the first stock once
# The position of an id says what may happen to it; so no two kinds of dirt meet in one record.
_CHANGES, _IS_REPEATED, _IS_SPOILED = 0, 1, 2  # the position modulo 3
_BAD_EMAILS = ("{}.at.example.com", "@example.com", "{}@", "{}@example", "{} @example.com")
_COUNTRY_NAMES = ("Germany", "United Kingdom", "DEU", "D")


class Customers:
    """The customers of the shop, as compact arrays by position; position 0 is `C0000001`."""

    def __init__(self, timeline: Timeline, plan: DirtPlan, scale: float, seed: int) -> None:
        self._timeline, self._plan, self._seed = timeline, plan, seed
        self._initial = max(60, round(4_000 * scale))
        self.known = known_ids(
            "customers", self._initial, 6_000 * scale / 89, timeline.days, at_least=3, limit=SPOILED_IDS
        )
        total = self.known[-1]
        self._countries = bytearray(self._first_country(position) for position in range(total))
        self._email_numbers = bytearray(total)
        # What is said of customers beside the shop's own: their keys, and deletions with what follows, by day.
        self._number_beside = CUSTOMERS_BESIDE
        self._gone: dict[int, list[tuple[dict[str, Any], str]]] = {}
        self._spread = _SPREAD if math.gcd(_SPREAD, self._initial) == 1 else 1

    def pick(self, day: int, chance: float) -> int:
        """Return the position of a customer known on a day; a few buy far more often than the rest."""
        position = int(self.known[day] * chance * math.sqrt(chance))
        return position * self._spread % self._initial if position < self._initial else position

    def country(self, position: int) -> int:
        """Return the position in COUNTRIES of where a customer lives now."""
        return self._countries[position]

    def write_day(self, day: int, root: Path, books: Books) -> None:
        """Write the file of a landing day: arrivals, later versions, and the day's dirt."""
        planned = self._plan.on(kinds.CUSTOMERS, day)
        first = self.known[day - 1] if day else 0
        rnd = stream(self._seed, kinds.CUSTOMERS, day).random
        repeats = Counter(
            of_class(_IS_REPEATED, first, self.known[day], rnd) for name, _ in planned if name == kinds.REPEAT_SAME_FILE
        )
        extra = ("loyalty_tier", _loyalty_tier) if day == self._plan.extra_column_day else None
        path = landing_path(kinds.CUSTOMERS, self._timeline.text(day), "customers.jsonl")
        with JsonLinesFile(root, path, books[kinds.CUSTOMERS], extra) as file:
            for position in range(first, self.known[day]):
                self._write(file, position, self._first_seen(position))
                for _ in range(repeats[position]):
                    self._write(file, position, self._first_seen(position), kinds.REPEAT_SAME_FILE)
            for place, (name, number) in enumerate(planned):
                moment = day * DAY + 3_600 + place * 80_000 // len(planned)
                self._plant(file, day, moment, name, number, rnd)
            for record, name in self._gone.pop(day, []):
                file.write(record, record["customer_id"], name)
            rnd = stream(self._seed, kinds.CUSTOMERS, day, "beside").random
            for kind, number in self._plan.beside(kinds.CUSTOMERS, day):
                if kind.outcome is kinds.Outcome.DEDUPLICATED:
                    position = of_class(_IS_REPEATED, first, self.known[day], rnd)
                    record, names = self._valid(position, self._first_seen(position))
                    file.write(as_sent(record, kind, number), record["customer_id"], *names, kind.name)
                else:
                    self._write_beside(file, day, kind, number)

    def _write_beside(self, file: JsonLinesFile, day: int, kind: kinds.Kind, number: int) -> None:
        """Write a customer of whom the shop knows nothing else; one that goes does so in the next file."""
        position, moment = self._number_beside, day * DAY + 7_200
        self._number_beside += 1
        record = self._record(position, moment, self._first_country(position), 0)
        key = record["customer_id"]
        if kind.name in (kinds.DELETED, kinds.RESTORED):
            file.write(record, key)
            told = {"customer_id": key, "updated_at": self._timeline.iso(moment + DAY), "_deleted": True}
            following = self._gone.setdefault(day + 1, [])
            following.append((told, kinds.DELETED))
            if kind.name == kinds.RESTORED:
                following.append((record | {"updated_at": self._timeline.iso(moment + DAY + 60)}, kinds.RESTORED))
            return
        if kind.outcome is kinds.Outcome.TIDIED:
            key = record["customer_id"] = str(position)
        sent = as_sent(record, kind, number)
        file.write(sent, sent["customer_id"] if kind.outcome is kinds.Outcome.QUARANTINED else key, kind.name)

    def _plant(
        self, file: JsonLinesFile, day: int, moment: int, name: str, number: int, rnd: Callable[[], float]
    ) -> None:
        if name == kinds.REPEAT_SAME_FILE:
            return  # written beside its original
        if name == kinds.REPEAT_LATER_FILE:
            position = of_class(_IS_REPEATED, 0, self._initial, rnd)
            self._write(file, position, self._first_seen(position), name)
        elif name == kinds.LATE_RECORD:
            position = of_class(_CHANGES, 0, self.known[day - 1], rnd)
            country = COUNTRY_PICKS[below(rnd, len(COUNTRY_PICKS))]
            earlier = self._first_seen(position) - 30 * DAY - 60 * number
            self._write(file, position, earlier, name, country=country)
        elif name == kinds.CORRECTED_RECORD:
            position = of_class(_CHANGES, 0, self.known[day - 1], rnd)
            if number % 5 < 3:
                self._countries[position] = COUNTRY_PICKS[below(rnd, len(COUNTRY_PICKS))]
            else:
                self._email_numbers[position] = (self._email_numbers[position] + 1) % 256
            self._write(file, position, moment, name)
        else:
            self._write_spoiled(file, day, moment, name, number, rnd)

    def _write_spoiled(
        self, file: JsonLinesFile, day: int, moment: int, name: str, number: int, rnd: Callable[[], float]
    ) -> None:
        """Write a record that breaks one rule: by turns a new key, or a newer version of a good one that must stay."""
        is_version = number % 2 == 1 and day > 0 and name != kinds.MALFORMED_JSON
        position = of_class(_IS_SPOILED, 0, self.known[day - 1], rnd) if is_version else SPOILED_IDS + below(rnd, 10**5)
        record = self._record(position, moment, self._first_country(position), 0)
        key = record["customer_id"]
        if name == kinds.MALFORMED_JSON:
            line = to_json(record)
            file.write_text(line[: len(line) * 2 // 3], key, name)
            return
        if name == "customer_id_missing":
            key = ""
            record["customer_id"] = None
            if number % 2:
                del record["customer_id"]
        elif name == "updated_at_missing":
            record["updated_at"] = None
        elif name == "updated_at_unparsable":
            record["updated_at"] = "unknown"
        elif name == "signup_date_unparsable":
            record["signup_date"] = f"{record['signup_date'][:4]}-13-41"
        elif name == "email_malformed":
            record["email"] = _BAD_EMAILS[number % len(_BAD_EMAILS)].format(record["email"].split("@")[0])
        elif name == "country_not_iso":
            record["country"] = _COUNTRY_NAMES[number % len(_COUNTRY_NAMES)]
        file.write(record, key, name)

    def _write(self, file: JsonLinesFile, position: int, moment: int, *names: str, country: int | None = None) -> None:
        """Write a valid record of a customer of the shop."""
        record, shown = self._valid(position, moment, country)
        file.write(record, record["customer_id"], *names, *shown)

    def _valid(self, position: int, moment: int, country: int | None = None) -> tuple[dict[str, Any], tuple[str, ...]]:
        """Return a valid record of a customer of the shop, with what its position always shows."""
        country = self._countries[position] if country is None else country
        record = self._record(position, moment, country, self._email_numbers[position])
        if position % 51 == 3:  # a multiple of 3: such a customer is neither repeated nor spoiled
            record["email"] = None
            return record, ("email_missing",)
        if position % 40 == 5:
            record |= {"first_name": f"  {record['first_name'].lower()} ", "last_name": record["last_name"].upper()}
            record["email"] = record["email"].upper()
            return record, (kinds.UNTIDY,)
        return record, ()

    def _record(self, position: int, moment: int, country: int, email_number: int) -> dict[str, Any]:
        signup = self._first_seen(position) if position < len(self._countries) else moment
        return {
            **person(self._seed, position, country, email_number),
            "signup_date": self._timeline.text(signup // DAY),
            "updated_at": self._timeline.iso(moment),
        }

    def _first_country(self, position: int) -> int:
        return first_country(self._seed, position)

    def _first_seen(self, position: int) -> int:
        """Return the instant of sign-up: on the landing day, or up to two years before for the first stock."""
        bits = trait(self._seed, _TRAIT + 1, position)
        if position < self._initial:
            return -DAY - bits % (700 * DAY)
        day = min(bisect_right(self.known, position), self._timeline.days - 1)
        return day * DAY + bits % DAY


def person(seed: int, position: int, country: int, email_number: int = 0) -> dict[str, Any]:
    """Return who the customer at a position is, and how to reach them.

    Args:
        seed: The shop's seed.
        position: The position.
        country: Position in COUNTRIES of where they live.
        email_number: How often they have changed their address.
    """
    bits = trait(seed, _TRAIT, position)
    first, last = bits % len(FIRST_NAMES), (bits >> 8) % len(LAST_NAMES)
    place = COUNTRIES[country]
    address = f"{EMAIL_FIRST_NAMES[first]}.{EMAIL_LAST_NAMES[last]}{position % 10_000 + email_number * 10_000}"
    digits = (bits >> 16) % 10**8
    return {
        "customer_id": customer_id(position),
        "first_name": FIRST_NAMES[first],
        "last_name": LAST_NAMES[last],
        "email": f"{address}@{EMAIL_DOMAINS[(bits >> 44) % len(EMAIL_DOMAINS)]}",
        "phone": f"{place.phone_prefix} {digits // 10**5:03d} {digits % 10**5:05d}",
        "country": place.code,
        "city": place.cities[(bits >> 46) % len(place.cities)],
    }


def first_country(seed: int, position: int) -> int:
    """Return the position in COUNTRIES of where a customer lives at first."""
    return COUNTRY_PICKS[(trait(seed, _TRAIT, position) >> 50) % len(COUNTRY_PICKS)]


def customer_id(position: int) -> str:
    """Return the key of the customer at a position."""
    return f"C{position + 1:07d}"


def _loyalty_tier(key: str) -> str:
    return LOYALTY_TIERS[zlib.crc32(key.encode()) % len(LOYALTY_TIERS)]
