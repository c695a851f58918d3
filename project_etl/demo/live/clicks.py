"""What a tracker sees in an interval: visits that end with one of its orders, and others until there are enough."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from project_etl.demo.customers import customer_id
from project_etl.demo.draws import below
from project_etl.demo.live.interval import Interval, Row, amount
from project_etl.demo.live.orders import Placed
from project_etl.demo.live.tables import EVENTS
from project_etl.demo.live.traffic import ANONYMOUS, NO_SESSION, OF_CUSTOMERS, STRANGERS, visitor_id
from project_etl.demo.products import product_id
from project_etl.demo.visits import REPORTING_CURRENCY, Step, browse, buy

# A tracker misses most orders.
_ONE_IN = 5
_LONGEST_PURCHASE = timedelta(seconds=60)


def click(interval: Interval, number: int, placed: Sequence[Placed]) -> None:
    """Insert events.

    Args:
        interval: The interval.
        number: How many; a few more where the purchases alone are more.
        placed: Orders of the interval.
    """
    rnd = interval.rnd
    first = interval.last_number(EVENTS) + 1
    rows: list[Row] = []
    # One that is not paid may yet be deleted.
    for order in [order for order in placed if order.status == "PAID"][::_ONE_IN]:
        bought = [(line.product, line.quantity) for line in order.lines]
        steps, seconds = buy(rnd, interval.product, order.order_id, bought)
        times = _squeezed(seconds, order.at, _LONGEST_PURCHASE)
        rows += _events(interval, first + len(rows), order.customer, steps, times)
    while len(rows) < number:
        customer = interval.customer() if rnd() < OF_CUSTOMERS else None
        steps, seconds = browse(rnd, interval.product)
        length = min(timedelta(seconds=seconds[-1]), interval.length)
        (end,) = interval.moments(1, max(interval.length - length, timedelta(seconds=1)))
        times = _squeezed([each - seconds[-1] for each in seconds], end, length)
        rows += _events(interval, first + len(rows), customer, steps, times)[: number - len(rows)]
    interval.insert(EVENTS, rows)


def _squeezed(seconds: Sequence[int], end: datetime, longest: timedelta) -> list[datetime]:
    """The instants of steps, given in seconds before the end; a longer visit is made as quick as it must be."""
    span = timedelta(seconds=-seconds[0])
    share = min(1.0, longest / span) if span else 1.0
    return [end + timedelta(seconds=each) * share for each in seconds]


def _events(
    interval: Interval, number: int, customer: int | None, steps: Sequence[Step], times: Sequence[datetime]
) -> list[Row]:
    """The events of a visit, of which the first has the number given."""
    rnd = interval.rnd
    visitor = ANONYMOUS + below(rnd, STRANGERS) if customer is None else customer
    # A customer is known at once, or logs in on the way.
    known_from = below(rnd, len(steps)) if rnd() < 0.5 else 0
    session = None if rnd() < NO_SESSION else f"s{number:010d}"
    return [
        {
            "event_id": f"E{number + place:010d}",
            "visitor_id": visitor_id(interval.seed, visitor),
            "customer_id": None if customer is None or place < known_from else customer_id(customer),
            "session_id": session,
            "event_type": step.type,
            "product_id": product_id(step.product),
            "order_id": step.order_id,
            "quantity": step.quantity,
            "price": amount(interval.unit_price(step.product, REPORTING_CURRENCY)),
            "event_ts": at,
        }
        for place, (step, at) in enumerate(zip(steps, times, strict=True))
    ]
