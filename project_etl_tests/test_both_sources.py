"""Both sources at once: they feed the same Silver tables, and Gold adds them up in one currency.

A generated shop in three currencies and order lines of `online_retail`, in pounds, on the same days; expected is what
the oracle makes of both.
"""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from pyspark.sql import SparkSession

from project_etl.generator import generate
from project_etl_tests.oracle import expected_gold
from project_etl_tests.oracle.compare import assert_gold_equal
from project_etl_tests.oracle.given import land_invoices
from project_etl_tests.oracle.gold import GOLD_TABLES, GoldTable
from project_etl_tests.small_shop import SmallShop

SOURCES = ("shop", "online_retail")
DAYS = [date(2025, 1, 1) + timedelta(days=n) for n in range(3)]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory, spark: SparkSession) -> SmallShop:
    shop = SmallShop(tmp_path_factory.mktemp("both"), spark, SOURCES)
    generate(shop.landing, days=len(DAYS), scale=0.01)
    land_invoices(shop.landing)
    days = [day.isoformat() for day in DAYS]
    shop.load(*days)
    for name in shop.gold_names():
        shop.gold(name, *days)
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
