"""Live traffic: what a tracker sends of many visitors at once, who browse, put into the cart, and buy.

Customers and products are among the first of the demo's shop and of the living one, so both know them. Visitors of both
have the ids of the living shop. The tracker is told no order's number.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from project_etl.demo.customers import customer_id
from project_etl.demo.draws import below, stream, trait
from project_etl.demo.products import first_cents, own_currency, price_in, product_id
from project_etl.demo.visits import REPORTING_CURRENCY, Step, browse, buy
from project_etl.demo.vocabulary import QUANTITY_PICKS

# A new living shop has so many.
CUSTOMERS, PRODUCTS = 200, 80
# Shares of visits by customers, and of visits of which the tracker has no session.
OF_CUSTOMERS, NO_SESSION = 0.45, 0.1
# Visitors whom nobody knows come from so many, and so some of them come back.
ANONYMOUS, STRANGERS = 50_000_000, 5_000
_BUYS = 0.06
_SECONDS_PER_STEP = 30
_TRAIT = 71
# Pauses are no shorter, so that a high rate does not cost a core.
_TICK_SECONDS = 0.02


def visitor_id(seed: int, visitor: int) -> str:
    """The id of a visitor, who is a customer's position or has a number from `ANONYMOUS` on."""
    return f"v{trait(seed, _TRAIT, visitor):016x}"


@dataclass
class _Visit:
    """A visit and how far it is."""

    visitor: int
    customer: int | None
    known_from: int
    session: str | None
    steps: list[Step]
    place: int = 0


class Traffic:
    """Visitors who are in the shop; each event is the next step of one of them."""

    def __init__(self, seed: int, rate: float) -> None:
        """Open the shop.

        Args:
            seed: The shop's seed.
            rate: Events a second; as many visitors are there as it needs.
        """
        # No two runs give the same keys, whoever runs at the same time.
        self._run = uuid4().hex[:16]
        self._seed, self._rnd = seed, stream(seed, "traffic", self._run).random
        self._events = self._sessions = 0
        self._visits = [self._visit() for _ in range(max(2, math.ceil(rate * _SECONDS_PER_STEP)))]

    def event(self, at: datetime) -> dict[str, Any]:
        """The next event, which happens at an instant."""
        place = below(self._rnd, len(self._visits))
        visit = self._visits[place]
        step = visit.steps[visit.place]
        is_known = visit.customer is not None and visit.place >= visit.known_from
        self._events += 1
        visit.place += 1
        if visit.place == len(visit.steps):
            self._visits[place] = self._visit()
        return {
            "event_id": f"E{self._run}-{self._events}",
            "visitor_id": visitor_id(self._seed, visit.visitor),
            "customer_id": customer_id(visit.visitor) if is_known else None,
            "session_id": visit.session,
            "event_type": step.type,
            "product_id": product_id(step.product),
            "order_id": step.order_id,
            "quantity": step.quantity,
            "price": self._cents(step.product) / 100,
            "event_ts": f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z",
        }

    def _visit(self) -> _Visit:
        rnd = self._rnd
        chance = rnd()
        # A few customers come far more often than the rest.
        customer = int(CUSTOMERS * chance * math.sqrt(chance)) if rnd() < OF_CUSTOMERS else None
        if rnd() < _BUYS:
            steps, _ = buy(rnd, _product, "", [(_product(rnd()), QUANTITY_PICKS[below(rnd, len(QUANTITY_PICKS))])])
            steps = [step._replace(order_id=None) for step in steps]
        else:
            steps, _ = browse(rnd, _product)
        known_from = below(rnd, len(steps)) if rnd() < 0.5 else 0
        self._sessions += 1
        session = None if rnd() < NO_SESSION else f"s{self._run}-{self._sessions}"
        visitor = ANONYMOUS + below(rnd, STRANGERS) if customer is None else customer
        return _Visit(visitor, customer, known_from, session, steps)

    def _cents(self, product: int) -> int:
        return price_in(REPORTING_CURRENCY, first_cents(self._seed, product), own_currency(self._seed, product))


def _product(chance: float) -> int:
    """The position of a product; the first on the shelves sell best."""
    return int(PRODUCTS * chance * chance)


def due(
    rate: float,
    seconds: float | None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[int]:
    """How many events are due now, again and again, evenly.

    Whoever is held up makes up for a second at most.

    Args:
        rate: Events a second.
        seconds: After how many seconds' worth of events it ends; None for never.
        clock: Seconds since some instant.
        sleep: Waits so many seconds.
    """
    begun, sent = clock(), 0
    total = math.inf if seconds is None else round(rate * seconds)
    while sent < total:
        sleep(max(_TICK_SECONDS, (sent + 1) / rate - (clock() - begun)))
        most = max(1, int(rate))
        number = int((clock() - begun) * rate) - sent
        if number > most:
            begun += (number - most) / rate
        number = int(min(number, most, total - sent))
        if number:
            sent += number
            yield number
