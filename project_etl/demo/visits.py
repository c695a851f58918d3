"""What visitors of the shop do: events of single visits, in the order of their times. Dirt is planted by `events`.

No visitor comes twice on a day but for a second visit that begins more than 1,801 s after the first, and visits end
before midnight. So what is planted about sessions stands out, and can be counted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from project_etl.demo.customers import Customers, customer_id
from project_etl.demo.draws import below, trait
from project_etl.demo.order_rows import CUSTOMER_ID, ORDER_ID, PRODUCT, QUANTITY, Order
from project_etl.demo.products import Products, product_id
from project_etl.demo.timeline import DAY, Timeline
from project_etl.demo.vocabulary import HOUR_PICKS, QUANTITY_PICKS, VIEWS_PICKS

# Trackers tell prices in one currency.
REPORTING_CURRENCY = "EUR"
VIEW, CART, PURCHASE = "view", "add_to_cart", "purchase"
# A purchase within this time of midnight has no room for the views before it.
EARLIEST_PURCHASE = 3_600

_TRAIT = 41
# Visitors have numbers: a customer's is its position, then come those whom nobody knows, then those of planted visits.
_ANONYMOUS, _PLANTED = 50_000_000, 80_000_000
# Shares of visits by customers, of others by visitors who come back, and of visits of which the tracker has no session.
_OF_CUSTOMERS, _COMES_BACK, _NO_SESSION = 0.45, 0.3, 0.1
# Shares of customers who are known at once, of views that lead to the cart, and of visits with a second one.
_KNOWN_AT_ONCE, _PUTS_INTO_CART, _SECOND_VISIT = 0.5, 0.16, 0.08
_BOT_VIEWS = 200
_GAPS = {"gap_of_1800_s": "1800", "gap_of_1800_5_s": "1800.5", "gap_of_1801_s": "1801"}


@dataclass(slots=True, eq=False)
class Event:
    """A record of `events` with its key, and the kinds of dirt that it shows."""

    record: dict[str, Any]
    key: str
    names: tuple[str, ...] = ()


class Step(NamedTuple):
    """What a visitor does with a product, by the product's position."""

    type: str
    product: int
    quantity: int | None = None
    order_id: str | None = None


class Visits:
    """Makes visits; of the visitors it keeps who has come on the day."""

    def __init__(self, timeline: Timeline, customers: Customers, products: Products, seed: int) -> None:
        self._timeline, self._customers, self._products, self._seed = timeline, customers, products, seed
        self._events = self._sessions = self._anonymous = self._planted = 0
        self._came: set[int] = set()

    def begin(self, buyers: Sequence[Order]) -> None:
        """Begin a day on which these orders are seen: their customers come for them, and for nothing else."""
        self._came = {_position(order) for order in buyers if order.row[CUSTOMER_ID]}

    def next_id(self) -> str:
        """Return the key of a further event."""
        self._events += 1
        return f"E{self._events:010d}"

    def purchase(self, day: int, order: Order, rnd: Callable[[], float]) -> list[Event]:
        """Return the visit that ends with an order: each line is looked at, put into the cart, and bought."""
        bought = [(int(item[PRODUCT][1:]) - 1, int(item[QUANTITY])) for item in order.items]
        steps, times = buy(rnd, lambda chance: self._products.pick(day, chance), order.row[ORDER_ID], bought)
        times = [order.placed + time for time in times]
        is_known = bool(order.row[CUSTOMER_ID])
        visitor = _position(order) if is_known else self._new_anonymous()
        known_from = below(rnd, 2) if is_known else len(steps)
        events = self._events_of(visitor, order.row[CUSTOMER_ID], known_from, steps, times, self._session(rnd))
        for event in events[len(events) - len(order.items) + 1 :]:
            event.names = ("equal_instants",)
        return events

    def visit(self, day: int, rnd: Callable[[], float]) -> list[Event]:
        """Return an ordinary visit, or two of the same visitor."""
        visitor = self._visitor(day, rnd)
        customer = customer_id(visitor) if visitor < _ANONYMOUS else ""
        steps, times = self._browse(day, rnd)
        known_from = len(steps)
        if customer:
            known_from = 0 if rnd() < _KNOWN_AT_ONCE else 1 + below(rnd, len(steps))
        start = HOUR_PICKS[below(rnd, len(HOUR_PICKS))] * 3_600 + below(rnd, 3_600)
        start = day * DAY + min(start, DAY - 1 - times[-1])
        times = [start + time for time in times]
        events = self._events_of(visitor, customer, known_from, steps, times, self._session(rnd))
        if rnd() < _SECOND_VISIT:
            is_known = known_from < len(steps)
            steps, later = self._browse(day, rnd)
            start = times[-1] + 1_802 + below(rnd, 5_400)
            if start + later[-1] < (day + 1) * DAY:
                later = [start + time for time in later]
                known_from = 0 if is_known else len(steps)
                events += self._events_of(visitor, customer, known_from, steps, later, self._session(rnd))
        return events

    def with_gap(self, day: int, name: str, rnd: Callable[[], float]) -> list[Event]:
        """Return events of a visitor of whom the second, which shows the kind, comes so long after the first."""
        product = self._products.pick(day, rnd())
        start = day * DAY + 8 * 3_600 + below(rnd, 12 * 3_600)
        gap = _GAPS[name]
        second = start + int(float(gap))
        steps = [Step(VIEW, product), Step(VIEW, product), Step(CART, product, 1)]
        events = self._events_of(self._new_planted(), "", 3, steps, [start, second, second + 60], None)
        events[1].names = (name,)
        if gap.endswith(".5"):
            events[1].record["event_ts"] = f"{self._timeline.iso(second).removesuffix('Z')}.500Z"
        return events

    def over_midnight(self, day: int, rnd: Callable[[], float]) -> tuple[list[Event], list[Event]]:
        """Return what a visitor does before midnight and after it, in one session of the tracker's."""
        product, midnight = self._products.pick(day, rnd()), (day + 1) * DAY
        before, after = midnight - 1 - below(rnd, 600), midnight + below(rnd, 600)
        steps = [Step(VIEW, product)] * 3 + [Step(CART, product, 1)]
        times = [before - 90, before, after, after + 30]
        events = self._events_of(self._new_planted(), "", 4, steps, times, self._new_session())
        events[2].names = ("over_midnight",)
        return events[:2], events[2:]

    def bot(self, day: int, rnd: Callable[[], float]) -> list[Event]:
        """Return the views of a visitor that is a machine."""
        time, times = day * DAY + below(rnd, 20 * 3_600), list[int]()
        for _ in range(_BOT_VIEWS + below(rnd, _BOT_VIEWS)):
            time += 1 + below(rnd, 4)
            times.append(time)
        steps = [Step(VIEW, self._products.pick(day, rnd())) for _ in times]
        events = self._events_of(self._new_planted(), "", len(steps), steps, times, self._new_session())
        events[0].names = ("bot",)
        return events

    def _browse(self, day: int, rnd: Callable[[], float]) -> tuple[list[Step], list[int]]:
        return browse(rnd, lambda chance: self._products.pick(day, chance))

    def _visitor(self, day: int, rnd: Callable[[], float]) -> int:
        """Return a visitor who has not come on the day."""
        if rnd() < _OF_CUSTOMERS and len(self._came) < self._customers.known[day]:
            visitor = self._customers.pick(day, rnd())
            while visitor in self._came:
                visitor = (visitor + 1) % self._customers.known[day]
            self._came.add(visitor)
            return visitor
        if rnd() < _COMES_BACK and self._anonymous:
            visitor = _ANONYMOUS + below(rnd, self._anonymous)
            if visitor not in self._came:
                self._came.add(visitor)
                return visitor
        return self._new_anonymous()

    def _new_anonymous(self) -> int:
        visitor = _ANONYMOUS + self._anonymous
        self._anonymous += 1
        self._came.add(visitor)
        return visitor

    def _new_planted(self) -> int:
        self._planted += 1
        return _PLANTED + self._planted

    def _session(self, rnd: Callable[[], float]) -> str | None:
        return None if rnd() < _NO_SESSION else self._new_session()

    def _new_session(self) -> str:
        self._sessions += 1
        return f"s{self._sessions:09d}"

    def _events_of(
        self,
        visitor: int,
        customer: str,
        known_from: int,
        steps: Sequence[Step],
        times: Sequence[int],
        session: str | None,
    ) -> list[Event]:
        """Return the events of steps; the visitor is known as a customer from one of them on."""
        visitor_id = f"v{trait(self._seed, _TRAIT, visitor):016x}"
        events: list[Event] = []
        for place, (step, time) in enumerate(zip(steps, times, strict=True)):
            key = self.next_id()
            record = {
                "event_id": key,
                "visitor_id": visitor_id,
                "customer_id": customer if customer and place >= known_from else None,
                "session_id": session,
                "event_type": step.type,
                "product_id": product_id(step.product),
                "order_id": step.order_id,
                "quantity": step.quantity,
                "price": self._products.unit_price(step.product, REPORTING_CURRENCY) / 100,
                "event_ts": self._timeline.iso(time),
            }
            events.append(Event(record, key, ("becomes_known",) if 0 < place == known_from else ()))
        return events


def browse(rnd: Callable[[], float], pick: Callable[[float], int]) -> tuple[list[Step], list[int]]:
    """Draw the steps of a visit, and their seconds since its first; `pick` makes a product's position of a draw."""
    views = VIEWS_PICKS[below(rnd, len(VIEWS_PICKS))]
    steps: list[Step] = []
    for _ in range(views):
        product = pick(rnd())
        steps.append(Step(VIEW, product))
        if views > 1 and rnd() < _PUTS_INTO_CART:
            steps.append(Step(CART, product, QUANTITY_PICKS[below(rnd, len(QUANTITY_PICKS))]))
    times = [0]
    for _ in steps[1:]:
        times.append(times[-1] + 5 + below(rnd, 240))
    return steps, times


def buy(
    rnd: Callable[[], float], pick: Callable[[float], int], order_id: str, bought: Sequence[tuple[int, int]]
) -> tuple[list[Step], list[int]]:
    """Draw the steps that end with an order, and their seconds since it, none of them positive.

    Args:
        rnd: Draws in `0 <= x < 1`.
        pick: A draw → the position of a product.
        order_id: The order.
        bought: Its products, by position, and how many of each.
    """
    steps: list[Step] = []
    for product, quantity in bought:
        if rnd() < 0.5:
            steps.append(Step(VIEW, pick(rnd())))
        steps += [Step(VIEW, product), Step(CART, product, quantity)]
    times = [0]
    for _ in steps:
        times.append(times[-1] - 5 - below(rnd, 120))
    steps += [Step(PURCHASE, s.product, s.quantity, order_id) for s in steps if s.type == CART]
    return steps, [*times[:0:-1], *[0] * len(bought)]


def _position(order: Order) -> int:
    return int(order.row[CUSTOMER_ID][1:]) - 1
