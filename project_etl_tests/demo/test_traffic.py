"""Live traffic: who comes, what they do, and at which pace."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, datetime
from itertools import islice

import pytest

from project_etl.demo.live.traffic import CUSTOMERS, PRODUCTS, Traffic, due

AT = datetime(2026, 11, 28, 12, 0, 0, 123_456, UTC)


def test_events_are_those_of_the_shop() -> None:
    shop = Traffic(7, rate=2)
    events = [shop.event(AT) for _ in range(5_000)]
    assert events[0].keys() == {
        *("event_id", "visitor_id", "customer_id", "session_id", "event_type"),
        *("product_id", "order_id", "quantity", "price", "event_ts"),
    }
    assert events[0]["event_ts"] == "2026-11-28T12:00:00.123Z"
    types = Counter(event["event_type"] for event in events)
    assert types["view"] > types["add_to_cart"] > types["purchase"] > 50
    customers = {event["customer_id"] for event in events} - {None}
    assert "C0000001" in customers
    assert max(customers) <= f"C{CUSTOMERS:07d}"
    products = {event["product_id"] for event in events}
    assert "P000001" in products
    assert max(products) <= f"P{PRODUCTS:06d}"
    # Both know each other: the tracker of files and that of a topic tell the same price.
    assert len({(event["product_id"], event["price"]) for event in events}) == len(products)


def test_a_visitor_buys_what_was_put_into_the_cart_before() -> None:
    shop = Traffic(7, rate=1)
    of_session = defaultdict[str, list[tuple[str, str]]](list)
    for event in (shop.event(AT) for _ in range(5_000)):
        if event["session_id"]:
            of_session[event["session_id"]].append((event["event_type"], event["product_id"]))
    bought = [steps for steps in of_session.values() if steps[-1][0] == "purchase"]
    assert len(bought) > 30
    assert all(("add_to_cart", steps[-1][1]) in steps for steps in bought)


def test_no_two_runs_give_the_same_keys() -> None:
    shops = [Traffic(7, rate=1) for _ in range(2)]
    keys = [shop.event(AT)["event_id"] for shop in shops for _ in range(1_000)]
    assert len(set(keys)) == 2_000


class Clock:
    """A clock that runs while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now += seconds


@pytest.mark.parametrize(("rate", "seconds", "total"), [(100, 3, 300), (0.5, 8, 4), (5_000, 1.5, 7_500), (3, 0.1, 0)])
def test_the_pace_is_even(rate: float, seconds: float, total: int) -> None:
    clock, sent = Clock(), 0
    for number in due(rate, seconds, lambda: clock.now, clock.sleep):
        sent += number
        # No event comes early, and none a moment late.
        assert clock.now * rate - 1 - rate * 0.03 <= sent <= clock.now * rate + 1e-6
    assert sent == total
    assert clock.now == pytest.approx(total / rate, abs=0.03)


def test_who_was_held_up_makes_up_for_a_second() -> None:
    clock = Clock()
    ticks = due(100, None, lambda: clock.now, clock.sleep)
    next(ticks)
    clock.now += 60
    assert next(ticks) == 100
    assert list(islice(ticks, 3)) == [2, 2, 2]
