"""The dataset `refunds`: what is paid back, days or weeks after the order, and how the records go wrong.

An order whose refunds reach its total becomes REFUNDED, one with less PARTIALLY_REFUNDED. That lands in a further file
of the dataset `orders` on the day of the refund. Amounts are whole cents until they are written.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

from project_etl.demo import kinds
from project_etl.demo.as_sent import as_sent
from project_etl.demo.dirt import DirtPlan
from project_etl.demo.draws import below, cents, money, stream, take, trait
from project_etl.demo.files import CsvFile, landing_path
from project_etl.demo.kinds import Kind, Outcome
from project_etl.demo.manifest import Books, Planted
from project_etl.demo.order_rows import (
    DISCOUNT,
    ITEM_ID,
    ORDER_COLUMNS,
    ORDER_ID,
    ORDER_UPDATED,
    PRICE,
    STATUS,
    TOTAL,
    UNKNOWN_ORDERS,
    Order,
    Waiting,
)
from project_etl.demo.order_rows import QUANTITY as ITEM_QUANTITY
from project_etl.demo.timeline import DAY, Timeline
from project_etl.demo.vocabulary import REFUND_REASONS

COLUMNS = (
    "refund_id", "order_id", "order_item_id", "quantity", "amount", "reason", "refunded_at", "updated_at",
)  # fmt: skip
REFUND_ID, OF_ORDER, OF_ITEM, QUANTITY, AMOUNT, REASON, REFUNDED_AT, UPDATED_AT = range(8)

# An order in so many is refunded, within so many days; refunds beyond the last landing day never land.
_ONE_IN = 50
_WITHIN_DAYS = 45
# Smaller orders are not refunded, so that a part of one is never all of it but for rounding.
_LEAST_CENTS = 500
_ORDERS_AFTER_REFUNDS = 2
# Pieces of dirt at most, so that the orders of a block suffice; the next block takes the rest.
_PLANTED_IN_A_BLOCK = 40
_TRAIT = 31
_ALL, _PART = "REFUNDED", "PARTIALLY_REFUNDED"
_SPOILED: dict[str, dict[int, str]] = {
    "refund_id_missing": {REFUND_ID: ""},
    "order_id_missing": {OF_ORDER: ""},
    "refunded_at_missing": {REFUNDED_AT: ""},
    "refunded_at_nonexistent": {REFUNDED_AT: "2025-02-30T10:00:00Z"},
    "quantity_zero": {QUANTITY: "0"},
    "quantity_negative": {QUANTITY: "-1"},
    "quantity_not_a_number": {QUANTITY: "one"},
    "amount_zero": {AMOUNT: "0.00"},
    "amount_negative": {AMOUNT: "-12.50"},
    "amount_not_a_number": {AMOUNT: "all of it"},
    "updated_at_unparsable": {UPDATED_AT: "2025-01-15T25:61:00Z"},
}


class Refunds:
    """The refunds of the shop, made when their orders are; what lands later waits as rows."""

    def __init__(self, timeline: Timeline, plan: DirtPlan, seed: int) -> None:
        self._timeline, self._plan, self._seed = timeline, plan, seed
        self._numbers = 0
        self._rnd = stream(seed, kinds.REFUNDS).random
        self._day_begun = -1
        self._planned: deque[tuple[Kind, int]] = deque()
        self._refunds = Waiting(fault_at=AMOUNT)
        # Orders by the landing day that tells their new status, and whether there is no refund for it.
        self._statuses: dict[int, list[tuple[list[str], bool]]] = {}

    def see(self, day: int, block: Sequence[Order], free: Sequence[Order]) -> None:
        """Refund some of the orders of a block to which nothing else happens."""
        if day != self._day_begun:
            self._day_begun = day
            self._rnd = stream(self._seed, kinds.REFUNDS, day).random
            self._planned.extend(self._plan.planned(kinds.REFUNDS, day))
            if day == self._plan.truncated_day:
                self._refund_late_orders(day, block)
        spare: list[Order] = []
        for order in _large(free):
            bits = trait(self._seed, _TRAIT, int(order.row[ORDER_ID][1:]))
            if bits % _ONE_IN:
                spare.append(order)
            else:
                self._refund(day, order, bits >> 8)
        for _ in range(min(_PLANTED_IN_A_BLOCK, len(self._planned))):
            self._plant(day, spare, *self._planned.popleft(), self._rnd)

    def _refund_late_orders(self, day: int, block: Sequence[Order]) -> None:
        """Refund orders on the day before they land; on this day there are some for sure."""
        late = [order for order in _large(block) if order.lands_later and not (order.names or order.items_land_first)]
        for order in late[:_ORDERS_AFTER_REFUNDS]:
            row = self._row(order, order.placed + 30, _part_of(order))
            self._refunds.add(day, row, "order_lands_later")

    def write_day(self, day: int, root: Path, books: Books) -> None:
        """Write what is refunded on a landing day, and which orders are called so; a day without has no files."""
        text = self._timeline.text(day)
        if self._refunds.has(day):
            path = landing_path(kinds.REFUNDS, text, "refunds.csv")
            with CsvFile(root, path, books[kinds.REFUNDS], COLUMNS) as file:
                self._refunds.write(day, file)
        statuses = self._statuses.pop(day, [])
        if not statuses:
            return
        path = landing_path(kinds.ORDERS, text, "refunded_orders.csv")
        with CsvFile(root, path, books[kinds.ORDERS], ORDER_COLUMNS) as file:
            for row, is_alone in statuses:
                file.write(row, row[ORDER_ID], kinds.CORRECTED_RECORD)
                if is_alone:
                    place = Planted(path, file.rows, row[ORDER_ID])
                    books[kinds.REFUNDS].kinds["status_without_refunds"].add(place)

    def _refund(self, day: int, order: Order, bits: int) -> None:
        """Refund an order as shops do: most of them whole, some a line, a few in two goes."""
        last = self._timeline.days - 1
        lands = day + 1 + (bits % _WITHIN_DAYS) * ((bits >> 8) % _WITHIN_DAYS) // _WITHIN_DAYS
        if lands > last:
            return
        shape = (bits >> 32) % 10
        if shape < 6:
            self._pay_all(lands, order)
        elif shape < 9:
            self._pay_line(lands, order, bits >> 40)
        else:
            self._pay_part(lands, order)
            later = lands + 1 + (bits >> 40) % 20
            if later <= last:
                rest = cents(order.row[TOTAL]) - _part_of(order)
                self._refunds.add(later, self._row(order, self._instant(later, order), rest))
                self._tell(later, order, _ALL)

    def _pay_all(self, lands: int, order: Order, *, is_told: bool = True) -> list[str]:
        row = self._row(order, self._instant(lands, order), cents(order.row[TOTAL]))
        self._refunds.add(lands, row, *(() if is_told else ("full_without_status",)))
        if is_told:
            self._tell(lands, order, _ALL)
        return row

    def _pay_part(self, lands: int, order: Order, *names: str) -> list[str]:
        """Refund a fifth of an order, for no line of it."""
        row = self._row(order, self._instant(lands, order), _part_of(order))
        self._refunds.add(lands, row, *names)
        self._tell(lands, order, _PART)
        return row

    def _pay_line(self, lands: int, order: Order, bits: int) -> list[str]:
        """Refund some or all pieces of an order's first line, which can be all of the order."""
        item = order.items[0]
        ordered = int(item[ITEM_QUANTITY])
        pieces = 1 + bits % ordered
        amount = max(1, (ordered * cents(item[PRICE]) - cents(item[DISCOUNT])) * pieces // ordered)
        row = self._row(order, self._instant(lands, order), amount)
        row[OF_ITEM], row[QUANTITY] = item[ITEM_ID], str(pieces)
        self._refunds.add(lands, row)
        self._tell(lands, order, _ALL if amount == cents(order.row[TOTAL]) else _PART)
        return row

    def _plant(self, day: int, spare: list[Order], kind: Kind, number: int, rnd: Callable[[], float]) -> None:
        name = kind.name
        left = self._timeline.days - 1 - day - kind.days_after
        lands = day + min(left, 1 + below(rnd, 20))
        if name == "item_unknown":
            order = take(spare, rnd)
            row = self._row(order, self._instant(lands, order), _part_of(order))
            row[OF_ITEM], row[QUANTITY] = f"{order.row[ORDER_ID]}-99", "1"
            self._refunds.add(lands, row, name)
            self._tell(lands, order, _PART)
        elif name == "before_order":
            order = take(spare, rnd)
            row = self._row(order, max(0, order.placed - 60 * (1 + number % 50)), _part_of(order))
            self._refunds.add(lands, row, name)
            self._tell(lands, order, _PART)
        elif name == "above_order":
            order = take(spare, rnd)
            self._pay_all(lands, order)
            again = self._row(order, self._instant(lands, order) + 30, _part_of(order))
            self._refunds.add(lands, again, name)
        elif name == "full_without_status":
            self._pay_all(lands, take(spare, rnd), is_told=False)
        elif name == "status_without_refunds":
            self._tell(lands, take(spare, rnd), _ALL, is_alone=True)
        elif kind.outcome is Outcome.QUARANTINED:
            self._plant_spoiled(lands, spare, kind, number, rnd)
        else:
            self._plant_again(lands, take(spare, rnd), kind, number, rnd)

    def _plant_again(self, lands: int, order: Order, kind: Kind, number: int, rnd: Callable[[], float]) -> None:
        """Say a refund twice: the same, spelled otherwise, or another version of it."""
        name = kind.name
        if name == kinds.CORRECTED_RECORD:
            right = list(self._pay_part(lands, order))
            later = self._later(lands, rnd)
            right[AMOUNT] = money(cents(right[AMOUNT]) // 2)
            right[UPDATED_AT] = self._timeline.iso(later * DAY + 60 + below(rnd, DAY - 60))
            self._refunds.add(later, right, name)
        elif name == kinds.LATE_RECORD:
            row = self._pay_part(lands, order)
            older = list(row)
            older[AMOUNT], older[UPDATED_AT] = money(cents(row[AMOUNT]) // 2), row[REFUNDED_AT]
            self._refunds.add(self._later(lands, rnd), older, name)
        elif kind.is_beside:
            row = self._pay_line(lands, order, number)
            sent = as_sent(dict(zip(COLUMNS, row, strict=True)), kind, number)
            self._refunds.add(lands, list(sent.values()), name, key=row[REFUND_ID])
        else:
            row = self._pay_part(lands, order)
            self._refunds.add(lands if name == kinds.REPEAT_SAME_FILE else self._later(lands, rnd), row, name)

    def _plant_spoiled(self, lands: int, spare: list[Order], kind: Kind, number: int, rnd: Callable[[], float]) -> None:
        """Add a record that breaks one rule: by turns a refund of its own, or a newer version of one that must stay.

        An order that never lands is named by refunds of their own only.
        """
        name, is_version = kind.name, number % 2 == 1 and not (kind.is_beside or kind.name == "order_unknown")
        order = take(spare, rnd) if is_version else spare[below(rnd, len(spare))]
        if is_version:
            row = list(self._pay_part(lands, order))
            row[UPDATED_AT] = self._timeline.iso(self._instant(lands, order) + 90)
        else:
            row = self._row(order, self._instant(lands, order), _part_of(order))
        # A malformed line is written without quotes.
        row[REASON] = REFUND_REASONS[0]
        if name == "refunded_at_in_future":
            row[REFUNDED_AT] = self._timeline.iso((lands + 3) * DAY + below(rnd, DAY))
        elif name == "order_unknown":
            row[OF_ORDER] = f"O{UNKNOWN_ORDERS + number:09d}"
        elif kind.is_beside:
            row = list(as_sent(dict(zip(COLUMNS, row, strict=True)), kind, number).values())
        for place, value in _SPOILED.get(name, {}).items():
            row[place] = value
        self._refunds.add(lands, row, name)

    def _row(self, order: Order, at: int, amount: int) -> list[str]:
        """Return the refund of an amount, of no line, at an instant."""
        self._numbers += 1
        reason = REFUND_REASONS[trait(self._seed, _TRAIT + 1, self._numbers) % len(REFUND_REASONS)]
        changed = self._timeline.iso(at + 20)
        return [
            f"F{self._numbers:09d}", order.row[ORDER_ID], "", "", money(amount), reason, self._timeline.iso(at),
            changed,
        ]  # fmt: skip

    def _instant(self, lands: int, order: Order) -> int:
        """Return an instant of a landing day, after the order has been paid."""
        bits = trait(self._seed, _TRAIT + 2, order.placed)
        return max(order.changed + 30, lands * DAY + bits % (DAY - 200))

    def _tell(self, lands: int, order: Order, status: str, *, is_alone: bool = False) -> None:
        """Keep the order with its new status for a landing day."""
        row = list(order.row)
        row[STATUS], row[ORDER_UPDATED] = status, self._timeline.iso(self._instant(lands, order) + 60)
        self._statuses.setdefault(lands, []).append((row, is_alone))

    def _later(self, day: int, rnd: Callable[[], float]) -> int:
        return day + 1 + below(rnd, min(3, self._timeline.days - 1 - day))


def _large(orders: Sequence[Order]) -> list[Order]:
    return [order for order in orders if cents(order.row[TOTAL]) >= _LEAST_CENTS]


def _part_of(order: Order) -> int:
    return cents(order.row[TOTAL]) // 5
