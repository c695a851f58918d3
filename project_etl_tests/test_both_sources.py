"""Both sources at once: they feed the same Silver tables, and Gold adds them up in one currency.

A generated shop in three currencies and order lines of `online_retail`, in pounds, on the same days; expected is what
the oracle makes of both.
"""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from project_etl.core.engine.base import Engine
from project_etl.demo import generate
from project_etl_tests.oracle import expected_gold
from project_etl_tests.oracle.compare import assert_gold_equal
from project_etl_tests.oracle.given import land_invoices, land_lines
from project_etl_tests.oracle.gold import GOLD_TABLES, GoldTable
from project_etl_tests.small_shop import SmallShop

SOURCES = ("shop", "online_retail")
DAYS = [date(2025, 1, 1) + timedelta(days=n) for n in range(3)]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory, engine: Engine) -> SmallShop:
    shop = SmallShop(tmp_path_factory.mktemp("both"), engine, SOURCES)
    generate(shop.landing, days=len(DAYS), scale=0.01)
    land_invoices(shop.landing)
    shop.everything(*(day.isoformat() for day in DAYS))
    return shop


@pytest.fixture(scope="module")
def expected(both: SmallShop) -> dict[str, GoldTable]:
    return expected_gold(both.landing, SOURCES, "EUR", DAYS)


def test_orders_of_both_sources_are_in_one_table(both: SmallShop) -> None:
    sources = {file.split("/")[0] for (file,) in both.rows("silver/orders", "_source_file")}
    currencies = {currency for (currency,) in both.rows("silver/orders", "currency")}
    assert (sources, currencies) == (set(SOURCES), {"EUR", "GBP", "USD"})


@pytest.mark.parametrize("table", GOLD_TABLES)
def test_gold_adds_them_up(both: SmallShop, expected: dict[str, GoldTable], table: str) -> None:
    assert expected[table].rows
    assert_gold_equal(both.lake.root, {table: expected[table]})


def test_orders_whose_lines_land_on_two_days_are_the_same_loaded_at_once_or_day_by_day(
    tmp_path: Path, engine: Engine
) -> None:
    # The first names the customer, the second is the earliest line of its order, the third says nothing new.
    late = [
        ("536366", "84029G", "HOT WATER BOTTLE", 1, "2025-01-01 09:02:00", "1.85", "17850", "United Kingdom"),
        ("536365", "84029G", "HOT WATER BOTTLE", 1, "2025-01-01 08:00:00", "1.85", "", "Germany"),
        ("536381", "84029G", "HOT WATER BOTTLE", 1, "not a day", "1.85", "13047", "EIRE"),
    ]
    at_once, by_day = (SmallShop(tmp_path / name, engine, ("online_retail",)) for name in ("at_once", "by_day"))
    for shop in (at_once, by_day):
        land_invoices(shop.landing)
        land_lines(shop.landing, *late, day="2025-01-03", name="late.csv")
    days = [day.isoformat() for day in DAYS]
    whole = at_once.load(*days)["silver/orders"]
    for day in days:
        by_day.load(day)
    assert at_once.state() == by_day.state()
    assert by_day.load(*days)["silver/orders"].days == whole.days
    orders = at_once.rows("silver/orders", "order_id", "customer_id", "country", "_source_files")
    late_file = "online_retail/online_retail/2025-01-03/late.csv"
    assert [(order, customer, country) for order, customer, country, files in orders if late_file in files] == [
        ("536365", "17850", "DE"),
        ("536366", "17850", "FR"),
        ("536381", "13047", "IE"),
    ]
