"""The dataset `events`: what visitors look at, put into the cart and buy, and how a tracker tells it wrong.

Most orders are not seen by the tracker. There are as many visits as it takes for an exact number of rows in Silver,
unless the dirt of a very small shop is more than that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any

from project_etl.demo import kinds
from project_etl.demo.as_sent import as_sent
from project_etl.demo.customers import Customers
from project_etl.demo.dirt import DirtPlan
from project_etl.demo.draws import below, stream, take, trait
from project_etl.demo.files import JsonLinesFile, landing_path, to_json
from project_etl.demo.kinds import Kind, Outcome
from project_etl.demo.manifest import Books
from project_etl.demo.order_rows import CUSTOMER_ID, ORDER_ID, UNKNOWN_ORDERS, Order
from project_etl.demo.products import UNKNOWN_IDS as UNKNOWN_PRODUCTS
from project_etl.demo.products import Products, product_id
from project_etl.demo.timeline import DAY, Timeline, per_day
from project_etl.demo.visits import CART, EARLIEST_PURCHASE, PURCHASE, VIEW, Event, Visits

# With the other datasets of scale 1, 90 days and seed 7, the star schema has 170,525 rows.
_PER_90_DAYS = 80_122
_A_DAY_AT_LEAST = 160
# Events in memory at once; a day at a large scale is made of many blocks.
_BLOCK = 2_000
# Events of ordinary visits in a block, however small the shop, to carry its dirt.
_ORDINARY_AT_LEAST = 60
# The tracker sees one order in so many, and so many a day at least.
_ONE_IN = 16
_ORDERS_A_DAY_AT_LEAST = 3
_TRAIT = 51
# By turns, where there are several.
_SPOILED: dict[str, tuple[str, tuple[Any, ...]]] = {
    "event_id_missing": ("event_id", (None,)),
    "visitor_id_missing": ("visitor_id", (None, "")),
    "event_ts_missing": ("event_ts", (None,)),
    "event_ts_nonexistent": ("event_ts", ("2025-02-30T10:00:00Z",)),
    "event_type_unknown": ("event_type", ("scroll", "view_cart")),
    "quantity_zero": ("quantity", (0,)),
    "quantity_negative": ("quantity", (-1,)),
    "quantity_not_a_number": ("quantity", ("two",)),
    "price_negative": ("price", (-9.99,)),
    "price_not_a_number": ("price", ("free", "12,50 EUR")),
    "purchase_without_price": ("price", (None,)),
    "type_of_a_tracker": ("event_type", ("page_view", "view_item")),
    "quantity_missing": ("quantity", (None,)),
    "price_missing": ("price", (None,)),
}
# The events that a kind is planted on; any where it is not named.
_ON = {
    "order_unknown": PURCHASE,
    "purchase_without_price": PURCHASE,
    "product_unknown": VIEW,
    "type_of_a_tracker": VIEW,
    "price_missing": VIEW,
    "quantity_missing": CART,
    "quantity_as_float": CART,
    kinds.CORRECTED_RECORD: CART,
}
_GAPS = ("gap_of_1800_s", "gap_of_1800_5_s", "gap_of_1801_s")


class Events:
    """The events of the shop, made block by block; only late and repeated ones are kept for other days."""

    def __init__(
        self, timeline: Timeline, plan: DirtPlan, customers: Customers, products: Products, scale: float, seed: int
    ) -> None:
        self._timeline, self._plan, self._seed = timeline, plan, seed
        self._visits = Visits(timeline, customers, products, seed)
        # By buyer, or by order where the buyer is a guest.
        self._seen: dict[str, Order] = {}
        self._later: dict[int, list[Event]] = {}
        self._second_file: list[Event] = []
        total = round(_PER_90_DAYS * scale * timeline.days / 90)
        chance = stream(seed, "events per day").random
        self._rows_by = list(accumulate(per_day(timeline, total, chance, at_least=_A_DAY_AT_LEAST)))

    def see(self, day: int, block: Sequence[Order], free: Sequence[Order]) -> None:
        """Keep the orders of a block that the tracker sees; no customer is seen twice on a day."""
        guests = [order for order in block if order.names == ("guest",) and not order.lands_later]
        able = [order for order in (*free, *guests) if order.placed >= day * DAY + EARLIEST_PURCHASE]
        for order in able:
            if not trait(self._seed, _TRAIT, int(order.row[ORDER_ID][1:])) % _ONE_IN:
                self._seen.setdefault(_buyer(order), order)
        # With several lines, for their purchases are at one instant.
        for order in (order for order in able if len(order.items) > 1):
            if len(self._seen) < _ORDERS_A_DAY_AT_LEAST:
                self._seen.setdefault(_buyer(order), order)

    def write_day(self, day: int, root: Path, books: Books) -> None:
        """Write the file of a landing day, and a second one where the tracker sends some events again."""
        mine, text = books[kinds.EVENTS], self._timeline.text(day)
        seen, self._seen = list(self._seen.values()), {}
        self._visits.begin(seen)
        rnd = stream(self._seed, kinds.EVENTS, day).random
        planned = list(self._plan.planned(kinds.EVENTS, day))
        with JsonLinesFile(root, landing_path(kinds.EVENTS, text, "events.jsonl.gz"), mine) as file:
            _write(file, self._later.pop(day, []))
            blocks = max(1, -(-(self._rows_by[day] - mine.rows) // _BLOCK))
            for number in range(blocks):
                size = (self._rows_by[day] - mine.rows) // (blocks - number)
                _write(file, self._block(day, size, seen[number::blocks], planned[number::blocks], rnd))
        again, self._second_file = self._second_file, []
        if again:
            with JsonLinesFile(root, landing_path(kinds.EVENTS, text, "events_again.jsonl.gz"), mine) as file:
                _write(file, again)

    def _block(
        self, day: int, size: int, seen: Sequence[Order], planned: Sequence[tuple[Kind, int]], rnd: Callable[[], float]
    ) -> Iterator[Event]:
        """Make events of a day of which `size` land now and hold, in the order of their times; dirt comes last."""
        planted = [event for kind, _ in planned for event in self._planted_visit(day, kind.name, rnd)]
        late = sum(kind.name == "late_event" for kind, _ in planned)
        events = [event for order in seen for event in self._visits.purchase(day, order, rnd)]
        missing = max(_ORDINARY_AT_LEAST, size + late - len(planted) - len(events))
        while missing > 0:
            visit = self._visits.visit(day, rnd)[:missing]
            events += visit
            missing -= len(visit)
        # By type: the events that show nothing yet.
        plain: dict[str, list[Event]] = {VIEW: [], CART: [], PURCHASE: []}
        for event in events:
            if not event.names:
                plain[event.record["event_type"]].append(event)
        further: list[Event] = []
        for kind, number in planned:
            further += self._plant(day, kind, number, plain, rnd)
        landing = [event for event in events if event.names != ("late_event",)]
        yield from sorted((*planted, *landing), key=lambda event: event.record["event_ts"])
        yield from further

    def _planted_visit(self, day: int, name: str, rnd: Callable[[], float]) -> list[Event]:
        if name in _GAPS:
            return self._visits.with_gap(day, name, rnd)
        if name == "bot":
            return self._visits.bot(day, rnd)
        if name == "over_midnight":
            before, after = self._visits.over_midnight(day, rnd)
            self._keep(day + 1, *after)
            return before
        return []

    def _plant(
        self, day: int, kind: Kind, number: int, plain: dict[str, list[Event]], rnd: Callable[[], float]
    ) -> Iterable[Event]:
        """Plant a piece of dirt on a plain event, and return the records that it adds to the day's file."""
        name = kind.name
        if name in (*_GAPS, "bot", "over_midnight"):
            return ()
        pool = plain[_ON.get(name, VIEW)]
        if kind.outcome is Outcome.QUARANTINED:
            return (self._spoil(day, pool[below(rnd, len(pool))], kind, number),)
        if name == "customer_id_as_word":
            event = take([event for event in pool if event.record["customer_id"] is None], rnd)
            pool.remove(event)
        else:
            event = take(pool, rnd)
        again = Event(event.record, event.key, (name,))
        if name == kinds.REPEAT_SAME_FILE:
            return (again,)
        if name == kinds.REPEAT_SECOND_FILE:
            self._second_file.append(again)
        elif name == kinds.REPEAT_LATER_FILE:
            self._keep(self._lands(day, rnd), again)
        elif name == kinds.CORRECTED_RECORD:
            event.record = {**event.record, "quantity": event.record["quantity"] + 1}
            self._keep(self._lands(day, rnd), again)
        elif name == "late_event":
            event.names = (name,)
            self._keep(self._lands(day, rnd), event)
        elif kind.is_beside:
            again.record = as_sent(event.record, kind, number)
            return (again,)
        else:
            event.names = (name,)
            self._change(event, name, number)
        return ()

    def _spoil(self, day: int, like: Event, kind: Kind, number: int) -> Event:
        """Return a record that breaks one rule: by turns an event of its own, or one again that must stay."""
        record = dict(like.record)
        if kind.is_beside or number % 2 == 0 or kind.name == kinds.MALFORMED_JSON:
            record["event_id"] = self._visits.next_id()
        if kind.is_beside:
            record = as_sent(record, kind, number)
        spoiled = Event(record, record["event_id"], (kind.name,))
        if kind.name == "event_ts_in_future":
            record["event_ts"] = self._timeline.iso((day + 3) * DAY + number % DAY)
        else:
            self._change(spoiled, kind.name, number)
        return spoiled

    def _change(self, event: Event, name: str, number: int) -> None:
        """Change the field of a kind in the way of the kind."""
        record = event.record
        if name == "product_unknown":
            record["product_id"] = product_id(UNKNOWN_PRODUCTS + number)
        elif name == "order_unknown":
            record["order_id"] = f"O{UNKNOWN_ORDERS + number:09d}"
        elif name in _SPOILED:
            column, values = _SPOILED[name]
            record[column] = values[number % len(values)]
            if name == "event_id_missing":
                event.key = ""
                if number % 2:
                    del record["event_id"]

    def _lands(self, day: int, rnd: Callable[[], float]) -> int:
        return day + 1 + below(rnd, min(5, self._timeline.days - 1 - day))

    def _keep(self, day: int, *events: Event) -> None:
        self._later.setdefault(day, []).extend(events)


def _buyer(order: Order) -> str:
    return order.row[CUSTOMER_ID] or order.row[ORDER_ID]


def _write(file: JsonLinesFile, events: Iterable[Event]) -> None:
    for event in events:
        if kinds.MALFORMED_JSON in event.names:
            line = to_json(event.record)
            file.write_text(line[: len(line) * 2 // 3], event.key, *event.names)
        else:
            file.write(event.record, event.key, *event.names)
