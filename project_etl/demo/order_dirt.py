"""Plants the dirt of `orders` and `order_items` into a block of orders that is about to be written."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from project_etl.demo import kinds
from project_etl.demo.customers import UNKNOWN_IDS as UNKNOWN_CUSTOMERS
from project_etl.demo.customers import customer_id
from project_etl.demo.dirt import DirtPlan
from project_etl.demo.draws import below, cents, money, take
from project_etl.demo.order_rows import (
    CUSTOMER_ID,
    DISCOUNT,
    ITEM_ID,
    ITEM_ORDER,
    ITEM_UPDATED,
    ORDER_ID,
    ORDER_TS,
    ORDER_UPDATED,
    PRODUCT,
    QUANTITY,
    STATUS,
    TOTAL,
    UNKNOWN_ORDERS,
    Order,
    Waiting,
    spoil_item,
    spoil_order,
)
from project_etl.demo.products import UNKNOWN_IDS as UNKNOWN_PRODUCTS
from project_etl.demo.products import Products, product_id
from project_etl.demo.timeline import DAY, Timeline
from project_etl.demo.vocabulary import NEXT_STATUSES

_TRUNCATED_AT_LEAST = 3
# Orders in these states are the ones that something is planted on: they count as revenue.
_CARRYING = frozenset(("PAID", "SHIPPED", "DELIVERED", "COMPLETED"))


class OrderDirt:
    """Spoils, repeats, delays and corrects orders; what is written later waits in `orders` and `items`."""

    def __init__(
        self, timeline: Timeline, plan: DirtPlan, products: Products, next_order_id: Callable[[], str]
    ) -> None:
        self._timeline, self._plan, self._products = timeline, plan, products
        self._next_order_id = next_order_id
        self._extra_lines = 0
        self.orders = Waiting(fault_at=ORDER_TS)
        self.items = Waiting(fault_at=QUANTITY)

    def plant(
        self,
        day: int,
        block: Sequence[Order],
        planned: Sequence[tuple[str, str, int]],
        rnd: Callable[[], float],
        *,
        is_first: bool,
    ) -> list[Order]:
        """Plant dirt into some orders of a block.

        Args:
            day: The landing day.
            block: Orders placed on that day; changed in place.
            planned: Dataset, kind and running number of each piece.
            rnd: Draws of the day.
            is_first: Whether this is the first block of the day.

        Returns:
            The orders of the block that nothing happens to: as they are now, they count as revenue for good.
        """
        spare = [order for order in block if not (order.lands_later or order.names) and order.row[STATUS] in _CARRYING]
        placed = [order for order in block if not (order.lands_later or order.names) and order.row[STATUS] == "PLACED"]
        if is_first and day == self._plan.truncated_day:
            for _ in range(_TRUNCATED_AT_LEAST):
                take(spare, rnd).lands_later = True
        for dataset, name, number in planned:
            if dataset == kinds.ORDER_ITEMS:
                self._plant_item(day, spare, name, number, rnd)
            elif name == kinds.CORRECTED_RECORD:
                self._plant_updates(day, placed.pop() if placed else take(spare, rnd), rnd)
            else:
                self._plant_order(day, spare, name, number, rnd)
        return spare

    def _plant_updates(self, day: int, order: Order, rnd: Callable[[], float]) -> None:
        """Let an order go on to its next status on a later landing day, and one in four twice."""
        row, lands = list(order.row), day
        for step in range(2):
            following = NEXT_STATUSES.get(row[STATUS])
            left = self._timeline.days - 1 - lands
            if following is None or left < 1 or (step and rnd() >= 0.25):
                return
            lands += 1 + below(rnd, min(10, left))
            row[STATUS] = following[below(rnd, len(following))]
            row[ORDER_UPDATED] = self._timeline.iso(lands * DAY + below(rnd, DAY))
            self.orders.add(lands, row, kinds.CORRECTED_RECORD)

    def _plant_order(self, day: int, spare: list[Order], name: str, number: int, rnd: Callable[[], float]) -> None:
        if name == "customer_unknown":
            order = take(spare, rnd)
            order.row[CUSTOMER_ID] = customer_id(UNKNOWN_CUSTOMERS + number)
            order.names = (name,)
        elif name == "total_mismatch":
            order = take(spare, rnd)
            order.row[TOTAL] = money(cents(order.row[TOTAL]) + 100 * (1 + number % 7))
            order.names = (name,)
        elif name in (kinds.REPEAT_SAME_FILE, kinds.REPEAT_LATER_FILE):
            self.orders.add(self._repeat_day(kinds.ORDERS, day, name), take(spare, rnd).row, name)
        elif name == kinds.LATE_RECORD:
            order = take(spare, rnd)
            row = list(order.row)
            row[STATUS], row[ORDER_UPDATED] = "PLACED", self._timeline.iso(order.placed)
            self.orders.add(self._later(day, rnd), row, name)
        elif name == "moved_to_another_day":
            order = take(spare, rnd)
            lands = self._later(day, rnd)
            row = list(order.row)
            row[ORDER_TS] = self._timeline.iso(order.placed - DAY)
            row[ORDER_UPDATED] = self._timeline.iso(lands * DAY + below(rnd, DAY))
            self.orders.add(lands, row, name)
        else:
            self._plant_spoiled_order(day, _look(spare, rnd), name, number)

    def _plant_spoiled_order(self, day: int, like: Order, name: str, number: int) -> None:
        """Add a record that breaks one rule: by turns a new order without items, or a newer version that must lose."""
        row = list(like.row)
        if number % 2:
            row[ORDER_UPDATED] = self._timeline.iso(day * DAY + DAY - 1)
        else:
            row[ORDER_ID] = self._next_order_id()
        if name == "order_ts_in_future":
            row[ORDER_TS] = self._timeline.iso(like.placed + 3 * DAY)
        else:
            spoil_order(row, name)
        self.orders.add(day, row, name)

    def _plant_item(self, day: int, spare: list[Order], name: str, number: int, rnd: Callable[[], float]) -> None:
        if name == "order_lands_later":
            order = take(spare, rnd)
            order.lands_later = order.items_land_first = True
        elif name == "product_lands_later":
            order = take(spare, rnd)
            order.items[0][PRODUCT] = product_id(self._products.known[day])
            order.first_item_names = (name,)
        elif name in (kinds.REPEAT_SAME_FILE, kinds.REPEAT_LATER_FILE):
            self.items.add(self._repeat_day(kinds.ORDER_ITEMS, day, name), take(spare, rnd).items[0], name)
        elif name == kinds.LATE_RECORD:
            order = take(spare, rnd)
            row = list(order.items[0])
            row[QUANTITY] = str(int(row[QUANTITY]) + 1)
            row[ITEM_UPDATED] = self._timeline.iso(order.changed - 30)
            self.items.add(self._later(day, rnd), row, name)
        elif name == kinds.CORRECTED_RECORD:
            item = take(spare, rnd).items[0]
            lands = self._later(day, rnd)
            self.items.add(lands, [*item[:-1], self._timeline.iso(lands * DAY + below(rnd, DAY))], name)
            # The product was wrong at first, at the right price: the order's total holds before and after.
            right = int(item[PRODUCT][1:]) - 1
            item[PRODUCT] = product_id((right + 1) % self._products.known[day])
        else:
            self._plant_spoiled_item(day, _look(spare, rnd), name, number)

    def _plant_spoiled_item(self, day: int, order: Order, name: str, number: int) -> None:
        """Add a record that breaks one rule: by turns a line of its own, or a newer version that must lose.

        A parent that never lands is named by lines of their own only.
        """
        row = list(order.items[0])
        row[QUANTITY], row[DISCOUNT] = "1", "0.00"
        if number % 2 and name not in ("order_unknown", "product_unknown"):
            row[ITEM_UPDATED] = self._timeline.iso(day * DAY + DAY - 1)
        else:
            self._extra_lines += 1
            row[ITEM_ID] = f"{order.row[ORDER_ID]}-{100 + self._extra_lines % 900}"
        if name == "order_unknown":
            row[ITEM_ORDER] = f"O{UNKNOWN_ORDERS + number:09d}"
        elif name == "product_unknown":
            row[PRODUCT] = product_id(UNKNOWN_PRODUCTS + number)
        else:
            spoil_item(row, name)
        self.items.add(day, row, name)

    def _repeat_day(self, dataset: str, day: int, name: str) -> int:
        """Return when a repeat lands: now, or on the next day whose file says it in the same columns."""
        if name == kinds.REPEAT_SAME_FILE:
            return day
        plain = self._plan.next_plain_day(day) if dataset == kinds.ORDERS else None
        return day + 1 if plain is None else plain

    def _later(self, day: int, rnd: Callable[[], float]) -> int:
        return day + 1 + below(rnd, min(3, self._timeline.days - 1 - day))


def _look(spare: list[Order], rnd: Callable[[], float]) -> Order:
    return spare[below(rnd, len(spare))]
