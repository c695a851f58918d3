"""Rows of `orders` and `order_items`: their columns, how one is spoiled, and what waits to be written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from project_etl.demo import kinds
from project_etl.demo.files import CsvFile

ORDER_COLUMNS = (
    "order_id", "customer_id", "order_ts", "status", "currency", "order_total", "country", "updated_at",
)  # fmt: skip
ITEM_COLUMNS = ("order_item_id", "order_id", "product_id", "quantity", "unit_price", "discount", "updated_at")

# Positions of the fields that something is done to.
ORDER_ID, CUSTOMER_ID, ORDER_TS, STATUS, TOTAL, ORDER_UPDATED = 0, 1, 2, 3, 5, 7
ITEM_ID, ITEM_ORDER, PRODUCT, QUANTITY, PRICE, DISCOUNT, ITEM_UPDATED = range(7)

# Orders that never land; the shop's own numbers stay far below.
UNKNOWN_ORDERS = 990_000_000

# How the fields of an order go wrong; the year of the nonexistent day does not matter.
_SPOILED_ORDERS: dict[str, dict[int, str]] = {
    "order_id_missing": {ORDER_ID: ""},
    "order_ts_missing": {ORDER_TS: ""},
    "order_ts_nonexistent": {ORDER_TS: "2025-02-30T10:00:00Z"},
    "status_unknown": {STATUS: "SHIPED"},
    "total_negative": {TOTAL: "-25.00"},
    "total_not_a_number": {TOTAL: "twelve"},
    "updated_at_unparsable": {ORDER_UPDATED: "2025-01-15T25:61:00Z"},
}
# How the fields of an item go wrong. The row they start from has quantity 1 and no discount, so that a limit on the
# discount is not broken by the way.
_SPOILED_ITEMS: dict[str, dict[int, str]] = {
    "order_item_id_missing": {ITEM_ID: ""},
    "order_id_missing": {ITEM_ORDER: ""},
    "quantity_zero": {QUANTITY: "0"},
    "quantity_negative": {QUANTITY: "-2"},
    "quantity_too_large": {QUANTITY: "100001"},
    "quantity_not_a_number": {QUANTITY: "two"},
    "unit_price_zero": {PRICE: "0.00"},
    "unit_price_too_large": {PRICE: "100001.00"},
    "unit_price_not_a_number": {PRICE: "abc"},
    "discount_negative": {DISCOUNT: "-1.00"},
    "discount_above_gross": {PRICE: "10.00", DISCOUNT: "10.01"},
    "discount_not_a_number": {DISCOUNT: "10 percent"},
    "updated_at_unparsable": {ITEM_UPDATED: "2025-01-15T25:61:00Z"},
}
MALFORMED = frozenset((kinds.TOO_FEW_FIELDS, kinds.TOO_MANY_FIELDS, kinds.BAD_QUOTE))


@dataclass(slots=True)
class Order:
    """An order with its items, as rows to write.

    Attributes:
        row: Fields in the order of ORDER_COLUMNS.
        items: Rows in the order of ITEM_COLUMNS.
        placed: Instant of the order.
        changed: Instant of this record, after `placed`.
        lands_later: The order lands on the day after it was placed.
        items_land_first: Then its items land without it on the day itself.
        names: Kinds of dirt that the order shows.
        first_item_names: Kinds of dirt that its first item shows.
    """

    row: list[str]
    items: list[list[str]]
    placed: int
    changed: int
    lands_later: bool = False
    items_land_first: bool = False
    names: tuple[str, ...] = ()
    first_item_names: tuple[str, ...] = ()


class Entry(NamedTuple):
    """A row that waits for its file, with its key and the kinds of dirt that it shows."""

    row: list[str]
    key: str
    names: tuple[str, ...]


class Waiting:
    """Rows by the day on which they are written, of one dataset."""

    def __init__(self, fault_at: int) -> None:
        self._fault_at = fault_at
        self._days: dict[int, list[Entry]] = {}

    def add(self, day: int, row: Sequence[str], *names: str, key: str | None = None) -> None:
        """Keep a copy of a row for a day; its key is its first field, unless another one is given."""
        self._days.setdefault(day, []).append(Entry(list(row), row[0] if key is None else key, names))

    def has(self, day: int) -> bool:
        """Tell whether something waits for a day."""
        return day in self._days

    def write(self, day: int, file: CsvFile) -> None:
        """Write what waits for a day; a malformed row as a line that no reader takes for a record."""
        for row, key, names in self._days.pop(day, ()):
            if MALFORMED.intersection(names):
                file.write_text(_malformed(file.widen(row, key), names, self._fault_at), key, *names)
            else:
                file.write(row, key, *names)


def write_items(file: CsvFile, order: Order, names: Iterable[str] = ()) -> None:
    """Write the items of an order, all of them under the kinds given."""
    shown = tuple(names)
    for place, item in enumerate(order.items):
        first = order.first_item_names if place == 0 else ()
        file.write(item, item[ITEM_ID], *shown, *first)


def spoil_order(row: list[str], name: str) -> None:
    """Make an order row wrong in the way of a kind; malformed kinds are made when the row is written."""
    for place, value in _SPOILED_ORDERS.get(name, {}).items():
        row[place] = value


def spoil_item(row: list[str], name: str) -> None:
    """Make an item row wrong in the way of a kind; malformed kinds are made when the row is written."""
    for place, value in _SPOILED_ITEMS.get(name, {}).items():
        row[place] = value


def _malformed(row: list[str], names: Sequence[str], fault_at: int) -> str:
    """Return the line of a row that cannot be read; a reader that forgives the quote still gets no valid value."""
    if kinds.TOO_FEW_FIELDS in names:
        return ",".join(row[:-1])
    if kinds.TOO_MANY_FIELDS in names:
        return ",".join((*row, "0"))
    return ",".join((*row[:fault_at], f'"{row[fault_at]}"x', *row[fault_at + 1 :]))
