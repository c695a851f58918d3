"""Bad files followed all the way: no record is lost, and Gold counts those that are good and no others.

The files of `sources/bad_files.py` land together on one day, with records whose values are bad. Expected is read off
the files by hand, and the oracle, which reads them on its own, must come to the same Gold.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import pytest

from project_etl.core.contracts.report import Report
from project_etl.core.engine.base import Engine
from project_etl_tests.core.bronze.bad_files import BAD_CUSTOMERS, BAD_ORDERS, NOT_READ, order, orders
from project_etl_tests.oracle import expected_gold
from project_etl_tests.oracle.compare import assert_gold_equal
from project_etl_tests.oracle.gold import GOLD_TABLES, GoldTable
from project_etl_tests.small_shop import CUSTOMER, ITEM, PRODUCT, SmallShop

DAY = "2025-01-01"
BAD_VALUES = {
    "V1": ({"order_ts": "2025-02-30T10:00:00Z"}, ["order_ts_type"]),
    "V2": ({"order_total": "1" + "0" * 40}, ["order_total_type"]),
    "V3": ({"order_total": "twenty"}, ["order_total_type"]),
    "V4": ({"order_ts": "99999-01-01T00:00:00Z"}, ["order_ts_type"]),
    "V5": ({"order_total": "-0.01"}, ["order_total_greater_than_or_equal_to"]),
    "V6": ({"updated_at": "yesterday"}, ["updated_at_type"]),
    "V7": ({"order_total": ""}, []),
}
GOOD_ORDERS = ["A1", "A2", "B1", "L1", "L2", "N1", "Q1", "R1", "S1", "V7"]
# File and row → the rules that the record breaks.
KEPT_OUT = {
    ("dropped_column.csv", 1): ["currency_not_null", "customer_id_not_null", "order_ts_not_null"],
    ("nul.csv", 2): ["well_formed"],
    ("ragged.csv", 2): ["well_formed"],
    ("ragged.csv", 3): ["well_formed"],
    **{("values.csv", n): rules for n, (_, rules) in enumerate(BAD_VALUES.values(), start=1) if rules},
}
GOOD_CUSTOMERS = ["C1", "J1", "J4", "J7"]


@dataclass(frozen=True)
class Followed:
    """The shop after all of it was loaded, and what was reported."""

    shop: SmallShop
    reports: dict[str, Report]


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory, engine: Engine) -> Followed:
    shop = SmallShop(tmp_path_factory.mktemp("bad_input"), engine)
    for name, content in {**BAD_ORDERS, **NOT_READ}.items():
        shop.land("orders", DAY, content, name)
    shop.land("orders", DAY, orders(*[order(key, **changes) for key, (changes, _) in BAD_VALUES.items()]), "values.csv")
    shop.land("customers", DAY, BAD_CUSTOMERS)
    shop.land_rows("customers", DAY, CUSTOMER, name="good.jsonl")
    shop.land_rows("products", DAY, PRODUCT)
    bought = ["D1", "S2", *GOOD_ORDERS, *BAD_VALUES]
    items = {key: {**ITEM, "order_item_id": f"of {key}", "order_id": key} for key in bought}
    shop.land_rows("order_items", DAY, *items.values())
    return Followed(shop, shop.everything(DAY))


@pytest.fixture(scope="module")
def expected(followed: Followed) -> dict[str, GoldTable]:
    return expected_gold(followed.shop.landing, ("shop",), "EUR", [date.fromisoformat(DAY)])


@pytest.mark.parametrize("table", ["customers", "customers_history", "orders", "order_items", "products"])
def test_every_record_of_every_file_is_in_silver_or_in_quarantine(followed: Followed, table: str) -> None:
    bronze = f"bronze/shop/{table.removesuffix('_history')}"
    read = Counter(file for (file,) in followed.shop.rows(bronze, "_source_file"))
    published = Counter(file for (file,) in followed.shop.rows(f"silver/{table}", "_source_file"))
    kept_out = Counter(file for file, *_ in followed.shop.quarantined(table))
    assert read == published + kept_out
    (counts,) = followed.reports[f"silver/{table}"].days.values()
    assert counts["read"] == sum(read.values())
    assert (counts["accepted"], counts["quarantined"]) == (sum(published.values()), sum(kept_out.values()))


def test_good_records_of_bad_files_are_published_and_bad_ones_say_why(followed: Followed) -> None:
    assert [key for (key,) in followed.shop.rows("silver/orders", "order_id")] == GOOD_ORDERS
    held = {(file.split("/")[-1], row): sorted(rules) for file, row, rules in followed.shop.quarantined("orders")}
    assert held == KEPT_OUT
    assert [key for (key,) in followed.shop.rows("silver/customers", "customer_id")] == GOOD_CUSTOMERS


def test_items_wait_for_orders_that_were_kept_out(followed: Followed) -> None:
    orphans = {rule for *_, rules in followed.shop.quarantined("order_items") for rule in rules}
    assert orphans == {"order_exists"}
    assert len(followed.shop.rows("silver/order_items", "order_item_id")) == len(set(GOOD_ORDERS))


def test_gold_counts_the_good_orders_and_no_others(followed: Followed) -> None:
    number = len(GOOD_ORDERS)
    assert followed.shop.rows("gold/daily_aov", "orders", "net_revenue") == [(number, Decimal(20 * number))]


@pytest.mark.parametrize("table", GOLD_TABLES)
def test_gold_is_the_oracles(followed: Followed, expected: dict[str, GoldTable], table: str) -> None:
    assert_gold_equal(followed.shop.lake.root, {table: expected[table]})
