"""The manifest against an independent count over the files: every kind, every total, every place."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from project_etl.demo import KINDS, Manifest, Outcome
from project_etl_tests.demo import plain_reading as plain
from project_etl_tests.demo import plain_rules as rules
from project_etl_tests.demo.plain_reading import PLAIN


@pytest.mark.parametrize("dataset", PLAIN)
def test_totals_agree_and_balance(manifest, counted, dataset):
    books, found = manifest.datasets[dataset], counted[dataset]

    assert books.records == found.records == sum(file.records for file in books.files if file.state == "loaded")
    assert (books.published, books.rows) == (len(found.newest) + len(found.gone), len(found.newest))
    assert (books.quarantined, books.deduplicated, books.superseded) == (
        found.quarantined,
        found.deduplicated,
        found.superseded,
    )
    assert books.records == books.published + books.deduplicated + books.superseded + books.quarantined


@pytest.mark.parametrize("dataset", PLAIN)
def test_rejected_repeated_late_and_corrected_records_agree_kind_by_kind(manifest, counted, dataset):
    told_by_a_record = {Outcome.QUARANTINED, Outcome.DEDUPLICATED, Outcome.SUPERSEDES, Outcome.SUPERSEDED}
    told_by_a_record |= {Outcome.RESCUED, Outcome.NOT_LOADED, Outcome.DELETES, Outcome.RESTORES}
    planted = {
        name: kind.count for name, kind in manifest.datasets[dataset].kinds.items() if kind.outcome in told_by_a_record
    }
    assert planted == {name: counted[dataset].kinds[name] for name in planted}
    assert set(+counted[dataset].kinds) <= set(planted)


def test_warnings_and_untidy_text_agree(landing, manifest, counted):
    customers, products = _records(landing, "customers"), _records(landing, "products")
    orders = _records(landing, "orders")
    known = counted["customers"].newest
    valid = [order for order in orders if rules.order_rule(order, date.max.replace(year=9000)) is None]

    assert _count(manifest, "customers", "email_missing") == sum(r["email"] is None for r in customers)
    assert _count(manifest, "customers", "untidy_text") == sum(
        r["first_name"] != r["first_name"].strip() for r in customers
    )
    assert _count(manifest, "products", "untidy_text") == sum((r["name"] or "").endswith(" ") for r in products)
    assert _count(manifest, "orders", "untidy_text") == sum(r["status"].islower() for r in orders)
    assert _count(manifest, "orders", "guest") == sum(not r["customer_id"] for r in valid)
    unknown = [r for r in valid if r["customer_id"] and (r["customer_id"],) not in known]
    assert _count(manifest, "orders", "customer_unknown") == len(unknown)


def test_totals_are_the_sum_of_the_items_unless_planted(manifest, counted):
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for item in counted["order_items"].newest.values():
        sums[item["order_id"]] += int(item["quantity"]) * Decimal(item["unit_price"]) - Decimal(item["discount"])
    orders = counted["orders"].newest
    differing = [key for (key,), order in orders.items() if Decimal(order["order_total"]) != sums[key]]

    assert set(sums) == {key for (key,) in orders}
    kind = manifest.datasets["orders"].kinds["total_mismatch"]
    assert sorted(differing) == sorted(place.key for place in kind.planted)


def test_items_wait_for_a_parent_only_where_planted(manifest, counted):
    items, orders, products = (counted[name] for name in ("order_items", "orders", "products"))
    waiting: Counter[str] = Counter()
    for key, item in items.newest.items():
        landed = items.landed[key]
        waiting["order_lands_later"] += landed < orders.landed[item["order_id"],]
        waiting["product_lands_later"] += landed < products.landed[item["product_id"],]
    assert waiting == {name: _count(manifest, "order_items", name) for name in waiting}


def test_orders_never_wait_for_their_customer(counted):
    orders, customers = counted["orders"], counted["customers"]
    for key, order in orders.newest.items():
        if (order["customer_id"],) in customers.newest:
            assert customers.landed[order["customer_id"],] <= orders.landed[key]


def test_records_of_the_truncated_file_land_the_next_day(landing, manifest, counted):
    kind = manifest.datasets["orders"].kinds["truncated_gzip"]
    path = landing / kind.planted[0].file
    next_day = sorted(folder.name for folder in path.parents[1].iterdir() if folder.name > path.parent.name)[0]
    late = [key for key, day in counted["orders"].landed.items() if day == next_day]
    file = next(f for f in manifest.datasets["orders"].files if f.state == "unreadable")

    assert file.path == kind.planted[0].file
    placed_before = [key for key in late if counted["orders"].newest[key]["order_ts"][:10] == path.parent.name]
    assert file.records == len(placed_before) >= 3


def test_the_first_order_day_has_rates_and_one_gap_is_carried(landing, manifest, counted):
    days = sorted(folder.name for folder in (landing / "shop/orders").iterdir())
    rated = {day for day, _, _ in counted["fx_rates"].newest}
    gap = {place.key for place in manifest.datasets["fx_rates"].kinds["day_without_rates"].planted}

    assert days[0] in rated
    assert set(days) - rated == gap != set()
    assert {pair for _, *pair in map(tuple, counted["fx_rates"].newest) for pair in [tuple(pair)]} == {
        ("EUR", "USD"),
        ("EUR", "GBP"),
    }


@pytest.mark.parametrize("dataset", PLAIN)
def test_every_place_names_the_record_that_stands_there(manifest, counted, dataset):
    for kind in manifest.datasets[dataset].kinds.values():
        assert len(kind.planted) == min(kind.count, 5_000)
        for place in kind.planted:
            if place.row is None:
                continue
            # A record of one dataset can break a rule of another.
            found = counted[place.file.split("/")[1]].keys[place.file, place.row]
            assert found in (place.key, ""), f"{place}: found {found!r}"


def test_every_kind_is_planted(manifest):
    missing = [f"{kind.dataset}.{kind.name}" for kind in KINDS if not _count(manifest, kind.dataset, kind.name)]
    assert missing == []
    assert set(manifest.datasets) == set(PLAIN)


def _count(manifest: Manifest, dataset: str, kind: str) -> int:
    return manifest.datasets[dataset].kinds[kind].count


def _records(landing: Path, dataset: str) -> list[dict[str, str]]:
    paths = [path for path in (landing / "shop" / dataset).rglob("*.*") if "extra" not in path.name]
    found = [record for path in paths for record in plain.records(path) if isinstance(record, dict)]
    return [plain.cleaned(record) for record in found if not record.get("_deleted")]
