"""The refunds of a generated shop agree with its orders, but where it is planted that they do not."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from project_etl.demo import generate
from project_etl.demo.kinds import EVENTS, REVIEWS
from project_etl_tests.demo import plain_reading as plain
from project_etl_tests.demo import plain_rules as rules


@pytest.fixture(scope="module")
def refunds(counted) -> list[dict[str, Any]]:
    """The refunds that hold in the end."""
    return list(counted["refunds"].newest.values())


@pytest.fixture(scope="module")
def refunded(refunds) -> dict[str, Decimal]:
    """Σ amount of an order."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for refund in refunds:
        sums[refund["order_id"]] += Decimal(refund["amount"])
    return sums


@pytest.fixture(scope="module")
def totals(counted) -> dict[str, Decimal]:
    """Σ net amount of an order."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for item in counted["order_items"].newest.values():
        sums[item["order_id"]] += int(item["quantity"]) * Decimal(item["unit_price"]) - Decimal(item["discount"])
    return sums


def test_statuses_and_sums_agree_unless_planted(counted, manifest, refunds, refunded, totals):
    statuses = {key: order["status"] for (key,), order in counted["orders"].newest.items()}
    newest = {refund["order_id"]: refund["refund_id"] for refund in sorted(refunds, key=lambda r: r["refunded_at"])}
    found = {
        "status_without_refunds": {
            key for key, status in statuses.items() if status == "REFUNDED" and key not in refunded
        },
        "full_without_status": {
            newest[key] for key, sum_ in refunded.items() if sum_ >= totals[key] and statuses[key] != "REFUNDED"
        },
        "above_order": {newest[key] for key, sum_ in refunded.items() if sum_ > totals[key] + Decimal("0.01")},
    }
    kinds = manifest.datasets["refunds"].kinds

    assert found == {name: {place.key for place in kinds[name].planted} for name in found}
    assert all(found.values())


def test_refunds_in_part_have_their_status_too(counted, manifest, refunded, totals):
    planted = {place.key for place in manifest.datasets["refunds"].kinds["order_lands_later"].planted}
    early = {counted["refunds"].newest[key,]["order_id"] for key in planted}
    in_part = {key for key, sum_ in refunded.items() if sum_ < totals[key]} - early
    called = {key for (key,), o in counted["orders"].newest.items() if o["status"] == "PARTIALLY_REFUNDED"}

    assert in_part == called != set()


def test_items_and_times_agree_unless_planted(counted, refunds, planted):
    orders, items = counted["orders"].newest, counted["order_items"].newest
    found: Counter[str] = Counter()
    for refund in refunds:
        item = items.get((refund["order_item_id"],))
        found["item_unknown"] += bool(refund["order_item_id"]) and item is None
        found["before_order"] += refund["refunded_at"] < orders[refund["order_id"],]["order_ts"]
        if item:
            assert item["order_id"] == refund["order_id"]
            assert 0 < int(refund["quantity"]) <= int(item["quantity"])

    assert found == {name: planted["refunds"][name] for name in found}
    assert {bool(refund["order_item_id"]) for refund in refunds} == {True, False}


def test_a_refund_lands_before_its_order_only_where_planted(counted, planted):
    refunds, orders = counted["refunds"], counted["orders"]
    early = [key for key, r in refunds.newest.items() if refunds.landed[key] < orders.landed[r["order_id"],]]

    assert len(early) == planted["refunds"]["order_lands_later"] > 0


def test_some_refunds_come_weeks_later_and_in_the_next_month(tmp_path):
    generate(tmp_path, days=75, scale=0.1, without=[EVENTS, REVIEWS])
    orders = plain.count(tmp_path, "orders", rules.order_rule)
    refunds = plain.count(tmp_path, "refunds", rules.refund_rule(orders)).newest.values()
    days = [
        (date.fromisoformat(orders.newest[r["order_id"],]["order_ts"][:10]), date.fromisoformat(r["refunded_at"][:10]))
        for r in refunds
    ]

    assert sum((refunded - ordered).days >= 14 for ordered, refunded in days) > 0.2 * len(days)
    assert sum(refunded.month > ordered.month for ordered, refunded in days) > 0.2 * len(days)
