"""The events of a generated shop: a plausible funnel, and what is planted about sessions, counted over the files."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

VIEWS = {"view", "page_view", "view_item"}


@pytest.fixture(scope="module")
def events(counted) -> list[dict[str, Any]]:
    """The events that hold in the end."""
    return list(counted["events"].newest.values())


@pytest.fixture(scope="module")
def visits(events) -> list[list[dict[str, Any]]]:
    """Events of one visitor on one day, in order."""
    found: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for event in sorted(events, key=lambda event: (_instant(event), event["event_id"])):
        found[event["visitor_id"], event["event_ts"][:10]].append(event)
    return list(found.values())


def test_views_are_far_more_than_carts_and_carts_than_purchases(events):
    types = Counter("view" if event["event_type"] in VIEWS else event["event_type"] for event in events)

    assert types["view"] > 3 * types["add_to_cart"]
    assert types["add_to_cart"] > 1.5 * types["purchase"] > 0
    assert set(types) == {"view", "add_to_cart", "purchase"}


def test_purchases_are_lines_of_orders_by_their_customers(events, counted, planted):
    orders, items = counted["orders"].newest, counted["order_items"].newest
    lines = Counter((item["order_id"], item["product_id"], item["quantity"]) for item in items.values())
    purchases = [event for event in events if event["event_type"] == "purchase"]
    of_orders = [event for event in purchases if (event["order_id"],) in orders]

    assert len(purchases) - len(of_orders) == planted["events"]["order_unknown"]
    assert Counter((e["order_id"], e["product_id"], e["quantity"]) for e in of_orders) <= lines
    assert all(event["order_id"] is None for event in events if event["event_type"] != "purchase")
    for event in of_orders:
        order = orders[event["order_id"],]
        assert (event["customer_id"], event["event_ts"]) == (order["customer_id"], order["order_ts"])
        assert counted["orders"].landed[event["order_id"],] == event["event_ts"][:10]


def test_customers_are_known_when_they_come_and_guests_are_many(events, visits, counted):
    landed = counted["customers"].landed
    known = [visit for visit in visits if any(event["customer_id"] for event in visit)]

    assert 0.2 < len(known) / len(visits) < 0.6
    assert all(landed[e["customer_id"],] <= e["event_ts"][:10] for e in events if e["customer_id"])


def test_a_visitor_is_one_customer_at_most(visits):
    customers: dict[str, set[str]] = defaultdict(set)
    for visit in visits:
        customers[visit[0]["visitor_id"]] |= {event["customer_id"] for event in visit if event["customer_id"]}

    assert {len(found) for found in customers.values()} == {0, 1}
    assert max(Counter(visit[0]["visitor_id"] for visit in visits).values()) > 1


def test_what_is_planted_about_sessions_is_all_there_is_of_it(visits, planted):
    gaps: Counter[float] = Counter()
    found: Counter[str] = Counter()
    for visit in visits:
        gaps.update((_instant(later) - _instant(earlier)).total_seconds() for earlier, later in pairwise(visit))
        found["becomes_known"] += sum(
            bool(later["customer_id"]) and not earlier["customer_id"] for earlier, later in pairwise(visit)
        )
        found["bot"] += sum(event["event_type"] in VIEWS for event in visit) >= 200
    found["equal_instants"] = gaps[0]
    found["gap_of_1800_s"], found["gap_of_1800_5_s"], found["gap_of_1801_s"] = gaps[1800], gaps[1800.5], gaps[1801]

    assert found == {name: planted["events"][name] for name in found}
    assert sum(number for gap, number in gaps.items() if gap > 1801) > 0


def test_sessions_go_over_midnight_only_where_planted(events, planted):
    days: dict[str, set[str]] = defaultdict(set)
    for event in events:
        if event["session_id"]:
            days[event["session_id"]].add(event["event_ts"][:10])

    assert sum(len(found) > 1 for found in days.values()) == planted["events"]["over_midnight"]
    assert any(event["session_id"] is None for event in events)


def test_late_events_land_within_five_days(counted, planted):
    found = counted["events"]
    delays = [
        datetime.fromisoformat(found.landed[key]) - datetime.fromisoformat(event["event_ts"][:10])
        for key, event in found.newest.items()
    ]

    assert sum(delay > timedelta(0) for delay in delays) == planted["events"]["late_event"]
    assert max(delays) <= timedelta(days=5)
    assert min(delays) == timedelta(0)


def test_what_silver_fills_in_or_warns_of_agrees(events, counted, planted):
    products = counted["products"].newest
    found = Counter(
        name
        for event in events
        for name, holds in {
            "product_unknown": (event["product_id"],) not in products,
            "purchase_without_price": event["price"] is None and event["event_type"] == "purchase",
            "price_missing": event["price"] is None and event["event_type"] in VIEWS,
            "quantity_missing": event["quantity"] is None and event["event_type"] == "add_to_cart",
            "type_of_a_tracker": event["event_type"] in VIEWS - {"view"},
        }.items()
        if holds
    )
    assert found == {name: planted["events"][name] for name in found}
    assert len(found) == 5


def _instant(event: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(event["event_ts"])
