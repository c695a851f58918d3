"""Orders of an interval: new ones, those that move on, are cancelled or deleted, and what is paid back.

An order that is cancelled before it is paid is deleted with its items. One that comes back is refunded, whole or a line
of it. Amounts are whole cents until they are written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from project_etl.demo.customers import customer_id
from project_etl.demo.draws import below
from project_etl.demo.live.interval import Interval, Row, amount
from project_etl.demo.live.tables import CUSTOMERS, ORDER_ITEMS, ORDERS, REFUNDS
from project_etl.demo.orders import Line, lines_of
from project_etl.demo.products import product_id
from project_etl.demo.vocabulary import COUNTRIES, COUNTRY_PICKS, NEXT_STATUSES, REFUND_REASONS

# Half of the orders are paid at once.
NEW_STATUSES = ("PLACED", "PAID")
_MOVING = ("PLACED", "PAID", "SHIPPED", "DELIVERED")
# Orders of a status that an interval looks at, and the share of them that move on: more than come in.
_AT_MOST, _MOVES = 100, 0.7
_RETURNS_AT_MOST, _REFUNDED, _REFUNDED_WHOLE = 50, 0.8, 0.6
_GUESTS, _ELSEWHERE = 0.04, 0.12
_CURRENCY_OF = {country.code: country.currency for country in COUNTRIES}


@dataclass(frozen=True)
class Placed:
    """An order that has come in; `customer` is a position, and None for a guest."""

    order_id: str
    customer: int | None
    at: datetime
    status: str
    lines: Sequence[Line]


def place(interval: Interval, number: int, length: timedelta, statuses: Sequence[str] = NEW_STATUSES) -> list[Placed]:
    """Insert orders with their items.

    Args:
        interval: The interval.
        number: How many.
        length: How long ago the first may have come in.
        statuses: What to draw their status from.
    """
    rnd, last = interval.rnd, interval.last_number(ORDERS)
    buyers = [None if rnd() < _GUESTS else interval.customer() for _ in range(number)]
    homes = _homes(interval, {buyer for buyer in buyers if buyer is not None})
    orders: list[Row] = []
    items: list[Row] = []
    placed: list[Placed] = []
    for offset, (buyer, at) in enumerate(zip(buyers, interval.moments(number, length), strict=True), start=1):
        order_id = f"O{last + offset:09d}"
        elsewhere = COUNTRIES[COUNTRY_PICKS[below(rnd, len(COUNTRY_PICKS))]].code
        home = elsewhere if buyer is None else homes[buyer]
        currency = _CURRENCY_OF[home]
        status = statuses[below(rnd, len(statuses))]
        lines = list(lines_of(rnd, interval.product, lambda product, to=currency: interval.unit_price(product, to)))
        placed.append(Placed(order_id, buyer, at, status, lines))
        orders.append(
            {
                "order_id": order_id,
                "customer_id": None if buyer is None else customer_id(buyer),
                "order_ts": at,
                "status": status,
                "currency": currency,
                "order_total": amount(sum(line.quantity * line.unit_price - line.discount for line in lines)),
                "country": elsewhere if rnd() < _ELSEWHERE else home,
            }
        )
        items += [
            {
                "order_item_id": f"{order_id}-{place}",
                "order_id": order_id,
                "product_id": product_id(line.product),
                "quantity": line.quantity,
                "unit_price": amount(line.unit_price),
                "discount": amount(line.discount),
            }
            for place, line in enumerate(lines, start=1)
        ]
    interval.insert(ORDERS, orders)
    interval.insert(ORDER_ITEMS, items)
    return placed


def move_on(interval: Interval) -> None:
    """Give orders of earlier intervals their next status, or delete them."""
    rnd = interval.rnd
    moved: list[Row] = []
    deleted: list[str] = []
    for status in _MOVING:
        following = NEXT_STATUSES[status]
        for (order_id,) in _oldest(interval, status, _AT_MOST, ORDERS.c.order_id):
            if rnd() >= _MOVES:
                continue
            becomes = following[below(rnd, len(following))]
            if status == "PLACED" and becomes == "CANCELLED":
                deleted.append(order_id)
            else:
                moved.append({"order_id": order_id, "status": becomes})
    interval.update(ORDERS, moved)
    interval.delete(ORDER_ITEMS, ORDER_ITEMS.c.order_id, deleted)
    interval.delete(ORDERS, ORDERS.c.order_id, deleted)


def refund(interval: Interval) -> None:
    """Pay back orders that have come back in earlier intervals."""
    rnd, last = interval.rnd, interval.last_number(REFUNDS)
    returned = _oldest(interval, "RETURNED", _RETURNS_AT_MOST, ORDERS.c.order_id, ORDERS.c.order_total)
    refunds: list[Row] = []
    told: list[Row] = []
    for order_id, total in returned:
        if rnd() >= _REFUNDED:
            continue
        item, pieces, paid = (None, None, total) if rnd() < _REFUNDED_WHOLE else _part(interval, order_id)
        refunds.append(
            {
                "refund_id": f"F{last + len(refunds) + 1:09d}",
                "order_id": order_id,
                "order_item_id": item,
                "quantity": pieces,
                "amount": paid,
                "reason": REFUND_REASONS[below(rnd, len(REFUND_REASONS))],
                "refunded_at": interval.now,
            }
        )
        told.append({"order_id": order_id, "status": "REFUNDED" if paid == total else "PARTIALLY_REFUNDED"})
    interval.insert(REFUNDS, refunds)
    interval.update(ORDERS, told)


def _part(interval: Interval, order_id: str) -> tuple[str, int, object]:
    """Some or all pieces of an order's first line: its key, how many, and what they have cost."""
    of = ORDER_ITEMS.c
    first = sa.select(of.order_item_id, of.quantity, of.unit_price, of.discount).where(of.order_id == order_id)
    item, quantity, price, discount = interval.connection.execute(first.order_by(of.order_item_id).limit(1)).one()
    pieces = 1 + below(interval.rnd, quantity)
    return item, pieces, amount(max(1, int((quantity * price - discount) * 100) * pieces // quantity))


def _oldest(interval: Interval, status: str, number: int, *columns: sa.Column) -> Sequence[sa.Row]:
    """The orders of earlier intervals that have had a status for longest."""
    return interval.connection.execute(
        sa.select(*columns)
        .where(ORDERS.c.status == status, ORDERS.c.updated_at < interval.now)
        .order_by(ORDERS.c.updated_at, ORDERS.c.order_id)
        .limit(number)
    ).all()


def _homes(interval: Interval, positions: set[int]) -> dict[int, str]:
    """Position of a customer → country."""
    keys = [customer_id(position) for position in sorted(positions)]
    found = sa.select(CUSTOMERS.c.customer_id, CUSTOMERS.c.country).where(CUSTOMERS.c.customer_id.in_(keys))
    return {int(key[1:]) - 1: country for key, country in interval.connection.execute(found)}
