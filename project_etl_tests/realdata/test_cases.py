"""Inputs that people have really sent, in two orders of arrival: what a user expects of each is in its `expected.txt`.

`PROJECT_ETL_CASES` names their folder, `<case>/landing/…`. All are loaded into one lake, which must say the same
whichever way they came, and agree with the oracle. `make realdata` runs this; the ordinary test run does not.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from project_etl.core.engine.base import Engine
from project_etl_tests.oracle import expected_gold
from project_etl_tests.oracle.compare import assert_gold_equal
from project_etl_tests.small_shop import SmallShop

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "cases"
SOURCES = ("shop", "online_retail")
NAMESPACES = {"shop": "", "online_retail": "or-"}
# These are about landing folders and the lake's path, and no records.
WITHOUT_RECORDS = ("26", "38")
# One fixture loads all of them.
pytestmark = pytest.mark.timeout(900)


def _shop(folder: Path, engine: Engine) -> SmallShop:
    """A shop to which all cases have been sent; a file's name begins with its case's number."""
    cases = Path(os.environ.get("PROJECT_ETL_CASES", FOLDER))
    found = [case for case in sorted(cases.glob("*/landing")) if case.parent.name[:2] not in WITHOUT_RECORDS]
    assert found, f"{cases}: expected <case>/landing there; set PROJECT_ETL_CASES to the folder that has them"
    shop = SmallShop(folder, engine, SOURCES, NAMESPACES)
    for case in found:
        for file in sorted(path for path in case.rglob("*") if path.is_file()):
            place = shop.landing / file.relative_to(case).parent
            place.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, place / f"{case.parent.name[:2]}_{file.name}")
    return shop


def _days(shop: SmallShop) -> list[str]:
    return sorted({path.name for path in shop.landing.glob("*/*/*")})


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, engine: Engine) -> SmallShop:
    """All cases, loaded at once."""
    shop = _shop(tmp_path_factory.mktemp("cases"), engine)
    shop.everything(*_days(shop))
    return shop


def test_later_days_first_gives_the_same(shop: SmallShop, tmp_path: Path, engine: Engine) -> None:
    other = _shop(tmp_path, engine)
    days = _days(other)
    # Of each case's days the later one comes first, and what all of them refer to comes last.
    for first in (2, 1, 0):
        other.load(*days[first::3])
    assert other.state() == shop.state()


def test_gold_is_what_the_oracle_says(shop: SmallShop) -> None:
    days = [date.fromisoformat(day) for day in _days(shop)]
    assert_gold_equal(shop.lake.root, expected_gold(shop.landing, SOURCES, "EUR", days, NAMESPACES))


# Case → revenue orders of its day, and their net revenue in euros.
REVENUE = {
    "02 words for nothing": ("2025-01-03", 13, "260.00"),
    "03 padded keys": ("2025-01-04", 4, "70.00"),
    "04 floats of pandas": ("2025-01-06", 3, "50.00"),
    "05 guards of spreadsheets": ("2025-01-07", 3, "60.00"),
    "07 no-break spaces": ("2025-01-09", 7, "140.00"),
    "08 joined files": ("2025-01-10", 3, "60.00"),
    "10 real countries": ("2025-01-12", 1, "20.00"),
    "11 weak currencies": ("2025-01-13", 3, "299997.84"),
    "15 line numbers": ("2025-01-19", 5, "200.00"),
    "17 refunds": ("2025-01-21", 3, "79.23"),
    # 12 orders of case 01, 1 of case 30, 2 of case 35.
    "01 offsets, 30 long category, 35 for ever": ("2025-01-02", 15, "300.00"),
}


@pytest.mark.parametrize("case", REVENUE)
def test_a_day_has_its_revenue(shop: SmallShop, case: str) -> None:
    day, orders, revenue = REVENUE[case]
    found = {
        str(when): (number, net)
        for when, number, net in shop.rows("gold/daily_aov", "order_date", "orders", "net_revenue")
    }
    assert found[day] == (orders, Decimal(revenue))


@pytest.mark.parametrize("day", ["2025-01-08", "2025-01-14"])
def test_a_day_of_rounded_keys_or_of_cancelled_orders_has_none(shop: SmallShop, day: str) -> None:
    assert day not in {str(when) for (when,) in shop.rows("gold/daily_aov", "order_date")}


def test_two_sources_with_equal_numbers_are_two_shops(shop: SmallShop) -> None:
    numbers = ("700001", "or-700001", "or-700002")
    assert {(number,) for number in numbers} <= set(shop.rows("silver/orders", "order_id"))
    assert {("17850",), ("or-17850",)} <= set(shop.rows("silver/customers", "customer_id"))
    assert {("88001",), ("or-88001",)} <= set(shop.rows("silver/products", "product_id"))


# Records that are kept out, by file and row, with the rules that say why. Nothing else is.
KEPT_OUT: dict[str, Sequence[tuple[str, int, list[str]]]] = {
    "orders": [
        *(("shop/orders/2025-01-08/06_orders.csv", row, ["keys_not_rounded"]) for row in (1, 2, 3)),
        ("shop/orders/2025-01-12/10_orders.csv", 2, ["country_isin"]),
        ("shop/orders/2025-01-14/12_orders.csv", 1, ["updated_at_in_range"]),
    ],
    "order_items": [
        *(
            ("shop/order_items/2025-01-08/06_order_items.csv", row, ["keys_not_rounded", "order_exists"])
            for row in (1, 2, 3)
        ),
        ("shop/order_items/2025-01-12/10_order_items.csv", 2, ["order_exists"]),
        ("shop/order_items/2025-01-22/17_order_items.csv", 2, ["quantity_greater_than"]),
    ],
    "customers": [
        ("shop/customers/2025-01-02/35_customers.jsonl", 1, ["updated_at_in_range"]),
        *(("shop/customers/2025-01-12/10_customers.jsonl", row, ["country_isin"]) for row in (2, 3)),
        ("shop/customers/2025-01-14/12_customers.jsonl", 1, ["updated_at_in_range"]),
    ],
    "products": [("shop/products/2025-01-09/07_products.jsonl", 3, ["name_not_null"])],
}


@pytest.mark.parametrize("table", KEPT_OUT)
def test_nothing_else_is_kept_out(shop: SmallShop, table: str) -> None:
    assert [(file, row, list(rules)) for file, row, rules in shop.quarantined(table)] == KEPT_OUT[table]


def test_what_means_something_stays(shop: SmallShop) -> None:
    customers = dict(shop.rows("silver/customers", "customer_id", "country"))
    assert (customers["C-NA"], customers["C-XK"], customers["C-U2"]) == ("NA", "XK", "FR")
    assert ("C-NA", "Null") in shop.rows("silver/customers", "customer_id", "last_name")
    names = {str(customer).lower() for (customer,) in shop.rows("gold/customer_ltv", "customer_id")}
    assert not names & {"null", "none", "nan", "n/a", "#n/a", "\\n", "<na>", "\u00a0"}


def test_fractions_of_offsets_are_kept(shop: SmallShop) -> None:
    at = {order: ts for order, ts in shop.rows("silver/orders", "order_id", "order_ts") if order.startswith("T-")}
    assert len(at) == 12
    assert {str(ts)[:19] for ts in at.values()} == {"2025-01-02 10:00:00"}
