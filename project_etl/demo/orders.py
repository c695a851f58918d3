"""The datasets `orders` and `order_items`: what is bought on a day, by whom, and when it lands.

Items land with their order; the order's total is the sum of their quantity × price - discount. Amounts are whole cents
until they are written. Dirt is planted by `order_dirt`.
"""

from __future__ import annotations

import gzip
import shutil
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from project_etl.demo import kinds
from project_etl.demo.customers import Customers, customer_id
from project_etl.demo.dirt import DirtPlan
from project_etl.demo.draws import below, money, stream
from project_etl.demo.files import CsvFile, landing_path
from project_etl.demo.manifest import Books, DatasetBooks, FileBooks, Planted
from project_etl.demo.order_beside import OrdersBeside
from project_etl.demo.order_dirt import OrderDirt
from project_etl.demo.order_rows import (
    ITEM_COLUMNS,
    ORDER_COLUMNS,
    ORDER_ID,
    Order,
    write_items,
)
from project_etl.demo.products import Products, product_id
from project_etl.demo.timeline import DAY, Timeline, per_day
from project_etl.demo.vocabulary import (
    CHANNELS,
    COUNTRIES,
    COUNTRY_PICKS,
    HOUR_PICKS,
    LINES_PICKS,
    QUANTITY_PICKS,
    STATUS_PICKS,
)

# Orders held in memory at once; a day at a large scale is made of many blocks.
_BLOCK = 250
_ORDERS_A_DAY_AT_LEAST = 40
_LAST_SECOND = DAY - 100  # leaves a minute to pay in
_LANDS_LATER = 0.03
_CHANNEL_COLUMN = 3

Onlooker = Callable[[int, Sequence[Order], Sequence[Order]], None]


class Orders:
    """The orders of the shop, made block by block; only late and corrected ones are kept for other days.

    Attributes:
        onlookers: Who is shown each block before it is written: the day, all its orders, and those of them to which
            nothing else happens.
    """

    def __init__(
        self, timeline: Timeline, plan: DirtPlan, customers: Customers, products: Products, scale: float, seed: int
    ) -> None:
        self._timeline, self._plan, self._seed = timeline, plan, seed
        self._customers, self._products = customers, products
        self._numbers = 0
        self._late: list[Order] = []
        self._dirt = OrderDirt(timeline, plan, products, self._next_id)
        self._beside = OrdersBeside(timeline, plan, seed)
        self.onlookers: list[Onlooker] = []
        total = round(20_000 * scale * timeline.days / 90)
        chance = stream(seed, "orders per day").random
        self._per_day = per_day(timeline, total, chance, at_least=_ORDERS_A_DAY_AT_LEAST)

    def write_day(self, day: int, root: Path, books: Books) -> None:
        """Write both files of a landing day, and the files that are broken or repeated on it."""
        orders, items = books[kinds.ORDERS], books[kinds.ORDER_ITEMS]
        text = self._timeline.text(day)
        extra = (_CHANNEL_COLUMN, "channel", _channel) if day == self._plan.extra_column_day else None
        orders_path = landing_path(kinds.ORDERS, text, "orders.csv")
        items_path = landing_path(kinds.ORDER_ITEMS, text, "order_items.csv")
        with ExitStack() as stack:
            order_file = stack.enter_context(CsvFile(root, orders_path, orders, ORDER_COLUMNS, extra))
            item_file = stack.enter_context(CsvFile(root, items_path, items, ITEM_COLUMNS))
            self._write_orders(day, order_file, item_file)
        self._beside.write_deletions(day, root, orders)
        if day == self._plan.truncated_day:
            self._write_truncated(root, landing_path(kinds.ORDERS, text, "orders_extra.csv.gz"), orders)
        if day == self._plan.copied_day:
            copy = landing_path(kinds.ORDER_ITEMS, text, "order_items_copy.csv")
            shutil.copyfile(root / items_path, root / copy)
            items.files.append(FileBooks(copy, items.files[-1].records, "repeated"))
            items.kinds["file_under_two_names"].add(Planted(copy, None, ""))

    def _write_orders(self, day: int, order_file: CsvFile, item_file: CsvFile) -> None:
        rnd = stream(self._seed, kinds.ORDERS, day).random
        yesterdays, self._late = self._late, []
        for order in yesterdays:
            _write(order_file, order)
            if not order.items_land_first:
                write_items(item_file, order)
        planned = [
            (dataset, name, number)
            for dataset in (kinds.ORDERS, kinds.ORDER_ITEMS)
            for name, number in self._plan.on(dataset, day)
        ]
        blocks = -(-self._per_day[day] // _BLOCK)
        for number in range(blocks):
            size = self._per_day[day] * (number + 1) // blocks - self._per_day[day] * number // blocks
            block = self._place_block(day, size, rnd)
            free = self._dirt.plant(day, block, planned[number::blocks], rnd, is_first=number == 0)
            for look in self.onlookers:
                look(day, block, free)
            for order in block:
                if order.lands_later:
                    self._late.append(order)
                else:
                    _write(order_file, order)
                if order.items_land_first:
                    write_items(item_file, order, ("order_lands_later",))
                elif not order.lands_later:
                    write_items(item_file, order)
            if number == 0:
                self._beside.write(day, block, order_file, item_file)
        self._dirt.orders.write(day, order_file)
        self._dirt.items.write(day, item_file)

    def _place_block(self, day: int, size: int, rnd: Callable[[], float]) -> list[Order]:
        """Make orders of a day in the order of their times."""
        seconds = sorted(
            min(HOUR_PICKS[below(rnd, len(HOUR_PICKS))] * 3600 + below(rnd, 3600), _LAST_SECOND) for _ in range(size)
        )
        return [self._place(day, day * DAY + second, rnd) for second in seconds]

    def _place(self, day: int, placed: int, rnd: Callable[[], float]) -> Order:
        order_id = self._next_id()
        customer, country, currency, names = self._buyer(day, rnd)
        changed = min(placed + 60 + below(rnd, 2_400), (day + 1) * DAY - 1)
        updated_at = self._timeline.iso(changed)
        total, items = 0, []
        lines = lines_of(
            rnd,
            lambda chance: self._products.pick(day, chance),
            lambda product: self._products.unit_price(product, currency),
        )
        for number, (product, quantity, price, discount) in enumerate(lines, start=1):
            total += quantity * price - discount
            line_id = f"{order_id}-{number}"
            items.append(
                [line_id, order_id, product_id(product), str(quantity), money(price), money(discount), updated_at]
            )
        status = STATUS_PICKS[below(rnd, len(STATUS_PICKS))]
        if self._numbers % 40 == 9:
            status = status.lower()
            names = (*names, kinds.UNTIDY)
        row = [
            order_id, customer, self._timeline.iso(placed), status, currency, money(total), country, updated_at,
        ]  # fmt: skip
        lands_later = rnd() < _LANDS_LATER and day < self._timeline.days - 1
        return Order(row, items, placed, changed, lands_later=lands_later, names=names)

    def _buyer(self, day: int, rnd: Callable[[], float]) -> tuple[str, str, str, tuple[str, ...]]:
        """Return customer id, country of delivery (often left empty), currency, and what is odd about the buyer."""
        elsewhere = COUNTRIES[COUNTRY_PICKS[below(rnd, len(COUNTRY_PICKS))]]
        chance = rnd()
        if self._numbers % 25 == 7:
            return "", elsewhere.code if chance < 0.9 else "", elsewhere.currency, ("guest",)
        position = self._customers.pick(day, rnd())
        home = COUNTRIES[self._customers.country(position)]
        if chance < 0.85:
            return customer_id(position), home.code, home.currency, ()
        return customer_id(position), elsewhere.code if chance < 0.88 else "", home.currency, ()

    def _next_id(self) -> str:
        self._numbers += 1
        return f"O{self._numbers:09d}"

    def _write_truncated(self, root: Path, path: str, books: DatasetBooks) -> None:
        """Write a gzip that breaks off, with the orders that land whole on the next day."""
        lines = [",".join(ORDER_COLUMNS), *(",".join(order.row) for order in self._late)]
        packed = gzip.compress(("\n".join(lines) + "\n").encode(), mtime=0)
        (root / path).write_bytes(packed[: len(packed) * 2 // 3])
        books.files.append(FileBooks(path, len(self._late), "unreadable"))
        books.kinds["truncated_gzip"].add(Planted(path, None, ""))


class Line(NamedTuple):
    """What is bought of a product: its position, and whole cents."""

    product: int
    quantity: int
    unit_price: int
    discount: int


def lines_of(
    rnd: Callable[[], float], pick: Callable[[float], int], unit_price: Callable[[int], int]
) -> Iterator[Line]:
    """Draw the lines of an order.

    Args:
        rnd: Draws in `0 <= x < 1`.
        pick: A draw → the position of a product.
        unit_price: Position of a product → its price in cents of the order's currency.
    """
    for _ in range(LINES_PICKS[below(rnd, len(LINES_PICKS))]):
        product = pick(rnd())
        quantity = QUANTITY_PICKS[below(rnd, len(QUANTITY_PICKS))]
        price = unit_price(product)
        discount = quantity * price * (5 + below(rnd, 26)) // 100 if rnd() < 0.15 else 0
        yield Line(product, quantity, price, discount)


def _write(file: CsvFile, order: Order) -> None:
    file.write(order.row, order.row[ORDER_ID], *order.names)


def _channel(key: str) -> str:
    return CHANNELS[zlib.crc32(key.encode()) % len(CHANNELS)]
