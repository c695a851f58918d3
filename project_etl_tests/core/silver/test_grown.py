"""A landing day that gains files: the new ones are judged alone, and the answer is that of the whole day."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame

from project_etl.core.contracts.report import Report
from project_etl.core.engine.base import Engine
from project_etl.core.silver import frames
from project_etl.core.silver.plan import SilverJob, SilverPlan, make_plan
from project_etl.core.silver.stage import bytes_read
from project_etl_tests.core.silver.given import die_before_quarantine
from project_etl_tests.small_shop import CUSTOMER, EVENT, ITEM, ORDER, PRODUCT, REFUND, SmallShop, made_of

pytestmark = pytest.mark.long

DAY, OTHER = "2025-01-01", "2025-01-02"
CUSTOMERS, ITEMS = made_of("silver/customers_history"), made_of("silver/order_items")


def customer(number: int, **said: Any) -> dict[str, Any]:
    return {**CUSTOMER, "customer_id": f"C{number}", **said}


def at(second: int) -> str:
    return f"2025-01-01T10:00:{second:02}Z"


def item(number: int, **said: Any) -> dict[str, Any]:
    return {**ITEM, "order_item_id": f"I{number}", **said}


BAD = {"country": "QQ"}
# What one file after another says of customers. The first name of a file is not the first in the alphabet.
FILES: Mapping[str, tuple[dict[str, Any], ...]] = {
    "m": (customer(1), customer(2, **BAD), customer(3), customer(4, city="Bath", updated_at=at(9))),
    # Repeated, newer, older, mended, bad, new; one that is gone, and one that comes back.
    "k": (
        customer(1),
        customer(3, city="York", updated_at=at(5)),
        customer(4, city="Hull", updated_at=at(1)),
        customer(2, updated_at=at(1)),
        customer(5, **BAD),
        customer(6),
        *({"customer_id": number, "updated_at": at(30), "_deleted": True} for number in ("C1", "C7")),
    ),
    "z": (
        customer(1, city="Deal", updated_at=at(40)),
        customer(7, updated_at=at(20)),
        customer(3, updated_at=at(5), city="Ware"),
        customer(2, **BAD),
        customer(4, email="none", updated_at=at(9)),
        {"customer_id": "C6", "updated_at": at(30), "_deleted": True},
    ),
}


def land_parents(shop: SmallShop) -> None:
    for dataset, record in {"customers": CUSTOMER, "products": PRODUCT, "orders": ORDER}.items():
        shop.land_rows(dataset, DAY, record)


def broken(report: Report) -> dict[str, dict[str, int]]:
    return {rule.name: dict(rule.by_day) for rule in report.rules if rule.broken}


def plan_of(shop: SmallShop, table: str, *days: str, **others: Any) -> SilverPlan:
    return make_plan(replace(shop.silver_job(table, *days), **others).pinned())


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many records each judging has looked at."""
    counts: list[int] = []

    def counted(job: SilverJob, records: DataFrame) -> DataFrame:
        counts.append(records.count())
        return judge(job, records)

    judge = frames.judged_records
    monkeypatch.setattr(frames, "judged_records", counted)
    return counts


def test_new_files_of_a_day_are_judged_alone_and_the_answer_is_that_of_all(
    tmp_path: Path, engine: Engine, judged: list[int]
) -> None:
    shop, at_once = (SmallShop(tmp_path / name, engine, only=CUSTOMERS) for name in ("a", "b"))
    for name, records in FILES.items():
        at_once.land_rows("customers", DAY, *records, name=f"{name}.jsonl")
    at_once.load(DAY)
    judged.clear()
    names = [item.short_name for item in CUSTOMERS if item.layer == "silver"]
    read = 0
    for name, records in FILES.items():
        shop.land_rows("customers", DAY, *records, name=f"{name}.jsonl")
        reports = shop.load(DAY)
        read += len(records)
        for table in names:
            counts = reports[f"silver/{table}"].days[DAY]
            assert counts["read"] == read == sum(counts[each] for each in counts if each != "read")
    # Of each file its records, and beside them those in quarantine, which a history has not, and the deletions.
    assert judged == [4, 4, 8 + 1, 0, 8, 0, 6 + 2, 2, 6, 2]
    assert shop.state() == at_once.state()
    for table in names:
        assert shop.books(table).are_right
        assert shop.stage_silver(table, DAY).commit is None
    # Three times a country that is none, and each time in a file of its own.
    assert broken(shop.silver("customers", DAY))["country_isin"] == {DAY: 3}


def gains(shop: SmallShop) -> None:
    shop.land_rows("customers", DAY, customer(2), name="b.jsonl")
    shop.bronze("customers", DAY)


def also_another_file(shop: SmallShop) -> None:
    shop.land_rows("customers", DAY, customer(1, city="York"))
    gains(shop)


def also_its_only_file_is_empty(shop: SmallShop) -> None:
    shop.land("customers", DAY, "")
    gains(shop)


CHANGES: dict[str, tuple[Callable[[SmallShop], None], dict[str, Any]]] = {
    "a file was replaced, too": (also_another_file, {}),
    "a file says nothing any more": (also_its_only_file_is_empty, {}),
    "other rules": (gains, {"zone": "Europe/Berlin"}),
    "a replay": (gains, {"replay": True}),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_day_of_which_anything_else_has_changed_is_judged_whole(tmp_path: Path, engine: Engine, what: str) -> None:
    shop = SmallShop(tmp_path, engine, only=CUSTOMERS)
    shop.land_rows("customers", DAY, customer(1))
    shop.load(DAY)
    change, others = CHANGES[what]
    change(shop)
    plan = plan_of(shop, "customers", DAY, **others)
    assert (plan.grown, plan.changed_days) == ({}, (DAY,))
    shop.silver("customers", DAY)
    assert ("C2",) in shop.rows("silver/customers", "customer_id")
    assert shop.books("customers").are_right


def test_beside_a_day_that_has_changed_one_that_has_grown_is_judged_whole(tmp_path: Path, engine: Engine) -> None:
    shop = SmallShop(tmp_path, engine, only=CUSTOMERS)
    for day in (DAY, OTHER):
        shop.land_rows("customers", day, customer(1), customer(3))
    shop.load(DAY, OTHER)
    shop.land_rows("customers", OTHER, customer(3, updated_at=at(7)))
    gains(shop)
    shop.bronze("customers", OTHER)
    assert [file.path for file in plan_of(shop, "customers", DAY).grown[DAY]] == [f"shop/customers/{DAY}/b.jsonl"]
    plan = plan_of(shop, "customers", DAY, OTHER)
    assert (plan.grown, plan.changed_days) == ({}, (DAY, OTHER))
    # Whether the other day is asked for or not: what has grown alone changes nothing of it.
    shop.silver("customers", DAY)
    assert plan_of(shop, "customers", DAY, OTHER).changed_days == (OTHER,)
    shop.silver("customers", OTHER)
    found = shop.rows("silver/customers", "customer_id", "_landing_date")
    assert [(number, str(day)) for number, day in found] == [("C1", DAY), ("C2", DAY), ("C3", OTHER)]
    assert shop.books("customers").are_right


def test_the_size_of_the_work_is_that_of_the_new_files_unless_rows_are_decided_anew(
    tmp_path: Path, engine: Engine
) -> None:
    shop = SmallShop(tmp_path, engine, only=CUSTOMERS)
    shop.land_rows("customers", DAY, customer(1))
    shop.load(DAY)
    gains(shop)
    job = shop.silver_job("customers", DAY).pinned()
    new = (shop.landing / "shop" / "customers" / DAY / "b.jsonl").stat().st_size
    assert bytes_read(job, make_plan(job)) == new
    all_rows = [shop.lake.state(name).size_bytes for name in ("bronze/shop/customers", "silver/customers")]
    assert bytes_read(job, make_plan(replace(job, replay=True))) == sum(all_rows)


def test_a_mapping_that_needs_lines_together_has_its_day_whole(tmp_path: Path, engine: Engine) -> None:
    shop = SmallShop(tmp_path, engine, ("online_retail",))
    header = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
    line = "536365,85123A,HOLDER,6,2025-01-01 08:26:00,2.50,17850,United Kingdom\n"
    for number, text in enumerate((line, line.replace("85123A", "71053"))):
        shop.land("online_retail", DAY, header + text, f"{number}.csv", "online_retail")
        shop.load(DAY)
    # An order is made of all lines of its invoice.
    ((files,),) = shop.rows("silver/orders", "_source_files")
    assert [file[-5:] for file in files] == ["0.csv", "1.csv"]
    assert shop.rows("silver/order_items", "product_id") == [("71053",), ("85123A",)]
    assert shop.books("orders").are_right


def test_an_item_of_an_earlier_file_waits_on_and_is_released_beside_a_later_one(
    tmp_path: Path, engine: Engine, judged: list[int]
) -> None:
    shop = SmallShop(tmp_path, engine, only=ITEMS)
    shop.land_rows("customers", DAY, CUSTOMER)
    shop.land_rows("products", DAY, PRODUCT)
    shop.land_rows("order_items", DAY, item(1), item(2, order_id="O2"), item(3, quantity="0"), name="0.csv")
    shop.load(DAY)
    assert [rules for *_, rules in shop.quarantined("order_items")] == [
        ["order_exists"],
        ["order_exists"],
        ["quantity_greater_than", "order_exists"],
    ]
    for number, order in enumerate(("O1", "O2"), start=1):
        shop.land_rows("orders", DAY, {**ORDER, "order_id": order}, name=f"{number}.csv")
        shop.land_rows(
            "order_items", DAY, item(3 + number, order_id=order), item(9, quantity="0"), name=f"{number}.csv"
        )
        for dataset in ("orders", "order_items"):
            shop.bronze(dataset, DAY)
        shop.silver("orders", DAY)
        judged.clear()
        report = shop.silver("order_items", DAY)
        # Two of the new file, and three in quarantine.
        assert judged == [2 + 3]
        counts = {"read": 3 + 2 * number, "accepted": 2 * number, "quarantined": 3, "deduplicated": 0, "superseded": 0}
        assert report.days[DAY] == counts
        assert report.totals["released"] == 1
        assert broken(report).get("order_exists", {}) == ({DAY: 1} if number == 1 else {})
    assert shop.rows("silver/order_items", "order_item_id") == [("I1",), ("I2",), ("I4",), ("I5",)]
    assert [(file[-5:], row) for file, row, _ in shop.quarantined("order_items")] == [
        ("0.csv", 3),
        ("1.csv", 2),
        ("2.csv", 2),
    ]
    raw = dict(shop.rows("quarantine/order_items", "_source_file", "raw"))
    assert all('"order_item_id":"I' in text for text in raw.values())
    assert shop.books("order_items").are_right


def test_what_a_released_record_is_warned_of_is_told(tmp_path: Path, engine: Engine) -> None:
    shop = SmallShop(tmp_path, engine, only=made_of("silver/refunds"))
    for dataset, record in {"customers": CUSTOMER, "products": PRODUCT, "order_items": ITEM}.items():
        shop.land_rows(dataset, DAY, record)
    early = {**REFUND, "refunded_at": "2025-01-01T01:00:00Z", "updated_at": at(1)}
    shop.land_rows("refunds", DAY, early)
    shop.load(DAY)
    shop.land_rows("orders", DAY, ORDER, name="b.csv")
    shop.land_rows("refunds", DAY, {**early, "refund_id": "F2", "refunded_at": at(30)}, name="b.csv")
    report = shop.load(DAY)["silver/refunds"]
    assert report.days[DAY]["accepted"] == 2
    assert broken(report) == {"refunded_after_order": {DAY: 1}}


def test_a_record_that_was_released_while_its_day_gained_nothing_counts_with_the_next_file(
    tmp_path: Path, engine: Engine
) -> None:
    shop = SmallShop(tmp_path, engine, only=ITEMS)
    land_parents(shop)
    shop.land_rows("order_items", DAY, item(1), item(2, order_id="O2"), item(3, order_id="O2", quantity="0"))
    shop.load(DAY)
    shop.land_rows("orders", DAY, {**ORDER, "order_id": "O2"}, name="b.csv")
    shop.load(DAY)
    assert [rules for *_, rules in shop.quarantined("order_items")] == [["quantity_greater_than"]]
    shop.land_rows("order_items", DAY, item(4), name="b.csv")
    report = shop.load(DAY)["silver/order_items"]
    assert broken(report) == {"quantity_greater_than": {DAY: 1}}
    counts = {"read": 4, "accepted": 3, "quarantined": 1, "deduplicated": 0, "superseded": 0}
    assert report.days[DAY] == counts


@pytest.mark.parametrize("again", [(item(1), item(1)), (item(1, updated_at=at(9)),)])
def test_copies_and_versions_that_lost_their_parent_count_as_in_quarantine(
    tmp_path: Path, engine: Engine, again: tuple[dict[str, Any], ...]
) -> None:
    shop = SmallShop(tmp_path, engine, only=ITEMS)
    land_parents(shop)
    shop.land_rows("order_items", DAY, item(1), *again, name="a.csv")
    shop.load(DAY)
    shop.land_rows("orders", OTHER, {"order_id": "O1", "updated_at": at(50), "_deleted": "true"})
    shop.load(OTHER)
    assert len(shop.quarantined("order_items")) == 1 + len(again)
    shop.land_rows("order_items", DAY, item(2), name="b.csv")
    counts = shop.load(DAY)["silver/order_items"].days[DAY]
    assert {name: count for name, count in counts.items() if count} == dict.fromkeys(
        ("read", "quarantined"), 2 + len(again)
    )


def test_a_parent_that_only_warns_is_missed_until_it_arrives(tmp_path: Path, engine: Engine, judged: list[int]) -> None:
    shop = SmallShop(tmp_path, engine, only=made_of("silver/events"))

    def missed(file: str, *orders: str) -> tuple[dict[str, dict[str, int]], list[str]]:
        events = [{**EVENT, "event_id": f"{file}{order}", "order_id": order} for order in orders]
        shop.land_rows("events", DAY, *events, name=f"{file}.jsonl")
        shop.bronze("events", DAY)
        report = shop.silver("events", DAY)
        samples = [sample for rule in report.rules for sample in rule.samples]
        return broken(report), [sample[-4:-2] for sample in samples]

    shop.land_rows("customers", DAY, CUSTOMER)
    shop.land_rows("products", DAY, PRODUCT)
    shop.land_rows("orders", OTHER, *({**ORDER, "order_id": number} for number in ("O1", "O2")))
    for dataset in ("customers", "products", "orders"):
        shop.bronze(dataset, DAY)
        shop.silver(dataset, DAY)
    assert missed("a", "O1", "O2", "O3", "O4")[0] == {"purchases_match_orders": {DAY: 4}}
    shop.bronze("orders", OTHER)
    shop.silver("orders", OTHER)
    judged.clear()
    # What is shown of them has no order either.
    assert missed("b", "O2") == ({"purchases_match_orders": {DAY: 2}}, ["O3"])
    assert missed("c", "O5")[0] == {"purchases_match_orders": {DAY: 3}}
    shop.land_rows("orders", OTHER, *({**ORDER, "order_id": f"O{number}"} for number in (3, 4, 5)), name="b.csv")
    shop.bronze("orders", OTHER)
    shop.silver("orders", OTHER)
    assert missed("d", "O1") == ({}, [])
    # Of events the new files alone are judged; beside them three orders.
    assert judged == [1, 1, 3, 1]


def test_a_newer_version_in_quarantine_is_told_while_its_row_goes_on(
    tmp_path: Path, engine: Engine, judged: list[int]
) -> None:
    shop = SmallShop(tmp_path, engine, only=made_of("silver/customers"))
    newer = {**CUSTOMER, "updated_at": at(5)}
    files = ({**newer, **BAD}, customer(2), CUSTOMER, customer(3), newer, customer(4))
    told: list[int] = []
    for number, record in enumerate(files):
        shop.land_rows("customers", DAY, record, name=f"{number}.jsonl")
        report = shop.load(DAY)["silver/customers"]
        told += [rule.broken for rule in report.rules if rule.name == "newer_version_quarantined"]
    # There is no row before the third file; the fifth is the correction.
    assert told == [0, 0, 1, 1, 0, 0]
    # The one in quarantine is looked at beside each new one, and no row is.
    assert judged == [1, 2, 2, 2, 2, 2]


def test_records_that_are_bad_for_themselves_stay_in_quarantine_as_they_are(tmp_path: Path, engine: Engine) -> None:
    shop = SmallShop(tmp_path, engine, only=made_of("silver/customers"))
    lines = ('{"customer_id": "C1"', json.dumps({**customer(2), "_deleted": "perhaps"}), json.dumps(customer(3)))
    shop.land("customers", DAY, "\n".join(lines), "a.jsonl")
    shop.load(DAY)
    before = shop.rows("quarantine/customers")
    gains(shop)
    report = shop.silver("customers", DAY)
    assert shop.rows("quarantine/customers") == before
    assert broken(report) == {"well_formed": {DAY: 1}, "deletion_readable": {DAY: 1}}
    assert report.days[DAY]["quarantined"] == 2


def test_what_a_source_says_and_nobody_knows_here_is_told_on(tmp_path: Path, engine: Engine) -> None:
    shop = SmallShop(tmp_path, engine, ("shopify",))

    def load(name: str, *customers: str) -> Report:
        lines = ("Customer ID,Email,Default Address Country Code", *customers)
        shop.land("customers", DAY, "\n".join(lines), f"{name}.csv", "shopify")
        shop.bronze("shopify/customers", DAY)
        return shop.silver("customers", DAY)

    # The e-mail address of the first is none either.
    told = {"email_str_matches": {DAY: 1}, "source_values_mapped": {DAY: 2}}
    assert broken(load("a", "1,nowhere,Q1", "2,ada@example.org,Q2")) == told
    report = load("b", "3,bob@example.org,GB")
    assert broken(report) == told
    assert [rules for *_, rules in shop.quarantined("customers")] == [[*told]]
    assert report.days[DAY]["accepted"] == 2


def test_a_parent_that_changes_beside_a_new_file_has_its_day_judged_whole(tmp_path: Path, engine: Engine) -> None:
    shop = SmallShop(tmp_path, engine, only=ITEMS)
    land_parents(shop)
    shop.land_rows("order_items", DAY, item(1))
    shop.load(DAY)
    # The order moves to another day.
    shop.land_rows("orders", DAY, {**ORDER, "order_ts": f"{OTHER}T00:00:00Z", "updated_at": at(50)}, name="b.csv")
    shop.land_rows("order_items", DAY, item(2), name="b.csv")
    report = shop.load(DAY)["silver/order_items"]
    assert report.days[DAY]["read"] == 2
    found = [(number, str(day)) for number, day in shop.rows("silver/order_items", "order_item_id", "order_date")]
    assert found == [("I1", OTHER), ("I2", OTHER)]
    assert shop.books("order_items").are_right


def test_too_many_bad_records_of_a_day_are_counted_over_all_its_files(tmp_path: Path, engine: Engine) -> None:
    shop = SmallShop(tmp_path, engine, only=CUSTOMERS)
    strict = replace(shop.tables["silver/customers"], min_score=0.6)
    files = (
        (customer(1), customer(2), customer(3)),
        # Of five records three are good.
        (customer(4, **BAD), customer(5, **BAD)),
        (customer(6, **BAD),),
        # Together with the file that was held back.
        (customer(7), customer(8)),
    )
    found: list[tuple[dict[str, int], int]] = []
    for number, records in enumerate(files):
        shop.land_rows("customers", DAY, *records, name=f"{number}.jsonl")
        shop.bronze("customers", DAY)
        report = shop.silver("customers", DAY, table=strict)
        found.append(({rule.name: rule.broken for rule in report.failed}, report.days[DAY]["read"]))
    assert found == [({}, 3), ({}, 5), ({"quality_score": 3}, 6), ({}, 8)]
    assert len(shop.rows("silver/customers", "customer_id")) == 5


def test_a_day_is_not_held_back_for_records_that_were_released_since(tmp_path: Path, engine: Engine) -> None:
    shop = SmallShop(tmp_path, engine, only=ITEMS)
    strict = replace(shop.tables["silver/order_items"], min_score=0.6)
    land_parents(shop)
    # Two of five wait for their order, which comes; of the day's eight, three are bad.
    waiting = [item(number, order_id="O2") for number in (4, 5)]
    shop.land_rows("order_items", DAY, item(1), item(2), item(3), *waiting)
    shop.load(DAY)
    shop.silver("order_items", DAY, table=strict)
    shop.land_rows("orders", DAY, {**ORDER, "order_id": "O2"}, name="b.csv")
    shop.land_rows("order_items", DAY, *(item(number, quantity="0") for number in (6, 7, 8)), name="b.csv")
    for dataset in ("orders", "order_items"):
        shop.bronze(dataset, DAY)
    shop.silver("orders", DAY)
    report = shop.silver("order_items", DAY, table=strict)
    assert (report.failed, report.days[DAY]["quarantined"]) == ((), 3)
    assert len(shop.rows("silver/order_items", "order_item_id")) == 5


@pytest.mark.parametrize("newer", [False, True])
def test_a_day_is_not_held_back_for_another_one(tmp_path: Path, engine: Engine, *, newer: bool) -> None:
    shop = SmallShop(tmp_path, engine, only=made_of("silver/customers"))
    strict = replace(shop.tables["silver/customers"], min_score=0.5)

    def load(day: str, *records: dict[str, Any], name: str) -> Report:
        shop.land_rows("customers", day, *records, name=f"{name}.jsonl")
        shop.bronze("customers", day)
        return shop.silver("customers", day, table=strict)

    load(DAY, customer(1), customer(2), *([customer(1, **BAD, updated_at=at(5))] if newer else []), name="a")
    load(OTHER, customer(3), name="a")
    assert load(OTHER, *(customer(number, **BAD) for number in (4, 5, 6)), name="b").failed_days == {OTHER}
    assert not load(DAY, customer(7), name="b").failed
    assert ("C7",) in shop.rows("silver/customers", "customer_id")


def test_a_run_that_died_between_the_two_commits_is_made_up_for(tmp_path: Path, engine: Engine) -> None:
    shop = SmallShop(tmp_path, engine, only=CUSTOMERS)
    shop.land_rows("customers", DAY, *FILES["m"], name="m.jsonl")
    shop.load(DAY)
    shop.land_rows("customers", DAY, *FILES["k"], name="k.jsonl")
    shop.bronze("customers", DAY)
    die_before_quarantine(shop, "customers", DAY)
    assert len(shop.quarantined("customers")) == 1
    assert plan_of(shop, "customers", OTHER).changed_days == (DAY,)
    shop.land_rows("customers", DAY, *FILES["z"], name="z.jsonl")
    shop.bronze("customers", DAY)
    report = shop.silver("customers", DAY)
    assert report.days[DAY]["read"] == sum(len(FILES[name]) for name in ("m", "k", "z"))
    assert len(shop.quarantined("customers")) == report.days[DAY]["quarantined"]
    assert shop.books("customers").are_right
