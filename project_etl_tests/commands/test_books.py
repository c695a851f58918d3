"""`project-etl status --books`: a row that is dropped in any layer is found, and the line names the table."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import deltalake
import pytest

from project_etl.commands.status import books
from project_etl.core.engine.base import Engine
from project_etl.settings import Settings
from project_etl_tests.commands.given import dagster_home_in, paper, settings_in, text_of
from project_etl_tests.small_shop import CUSTOMER, ITEM, ORDER, PRODUCT, SmallShop

pytestmark = pytest.mark.long

D1, D2 = "2025-01-01", "2025-01-02"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, engine: Engine) -> SmallShop:
    """Two days with an order each, and a bad one."""
    shop = SmallShop(tmp_path_factory.mktemp("books"), engine)
    shop.land_rows("customers", D1, CUSTOMER)
    shop.land_rows("products", D1, PRODUCT)
    second = {**ORDER, "order_id": "O2", "order_ts": f"{D2}T10:00:00Z"}
    shop.land_rows("orders", D1, ORDER, second, {**ORDER, "order_id": "O9", "status": "LOST"})
    shop.land_rows("order_items", D1, ITEM, {**ITEM, "order_item_id": "I2", "order_id": "O2"})
    shop.everything(D1, D2)
    return shop


@pytest.fixture
def settings(shop: SmallShop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings over a copy of the lake, which may be spoiled."""
    shutil.copytree(shop.lake.root, tmp_path / "lake")
    monkeypatch.setenv("DAGSTER_HOME", dagster_home_in(tmp_path))
    return settings_in(tmp_path, LANDING_ROOT=str(shop.landing), LAKE_ROOT=str(tmp_path / "lake"))


def said(settings: Settings) -> tuple[bool, str]:
    console = paper()
    return books.run(console, settings), text_of(console)


def delete(settings: Settings, table: str, where: str) -> None:
    deltalake.DeltaTable(f"{settings.lake_root}/{table}").delete(where)


def cells(text: str, *first: str) -> list[str]:
    """The numbers of the line that begins with some words."""
    line = next(line for line in text.splitlines() if line.split()[: len(first)] == list(first))
    return line.split()[len(first) :]


def test_the_books_show_the_way_of_rows_and_money(settings: Settings) -> None:
    is_right, text = said(settings)
    assert is_right, text
    assert cells(text, "bronze/shop/orders") == ["3", "3"]
    assert cells(text, "silver/orders") == ["3", "2", "0", "0", "1"]
    assert cells(text, *["gold/fact_order_items", "net_amount", "of", "silver/order_items"]) == ["40.0000"] * 2 + [
        "0.0000"
    ]
    assert cells(text, *["gold/fact_orders", "rows", "of", "silver/orders"]) == ["2", "2", "0"]
    assert cells(text, *["gold/daily_aov", "net_amount_reporting", "of", "gold/fact_orders"])[:2] == ["40.0000"] * 2
    assert "not compared" not in text


def test_a_row_dropped_from_bronze_and_from_kpis_is_found_and_so_is_another_amount(settings: Settings) -> None:
    delete(settings, "bronze/shop/orders", "order_id = 'O1'")
    delete(settings, "gold/daily_aov", f"order_date = DATE'{D1}'")
    delete(settings, "gold/customer_ltv", "true")
    items = deltalake.DeltaTable(f"{settings.lake_root}/gold/fact_order_items")
    items.update({"net_amount": "CAST(21 AS DECIMAL(18,4))"}, predicate="order_id = 'O2'")
    is_right, text = said(settings)
    assert not is_right
    assert f"Bronze: bronze/shop/orders should have 3 rows and has 2 ({D1})." in text
    assert "silver/orders is not what its records say: 1 rows differ" in text
    for table in (f"gold/daily_aov is not what its inputs say ({D1})", "gold/customer_ltv is not what its inputs say"):
        assert f"{table}: 1 rows are missing, and 0 are there that should not be." in text
    assert f"gold/daily_aov does not keep its inputs on {D1}: 0 here, 1 in gold/fact_orders (conserves_orders)." in text
    assert f"gold/fact_order_items is not what its inputs say ({D2}): 1 rows are missing, and 1 are there" in text
    lost = f"{D2}: 21.0000 here, 20.0000 in silver/order_items (conserves_order_items_net_amount)"
    assert f"gold/fact_order_items does not keep its inputs on {lost}." in text
    wrong = re.findall(r"^gold/(\w+) is not what", text, re.MULTILINE)
    assert sorted(wrong) == ["customer_ltv", "daily_aov", "fact_order_items"]


def test_a_row_dropped_from_silver_is_found_and_what_reads_it_waits(settings: Settings) -> None:
    delete(settings, "silver/orders", "order_id = 'O1'")
    is_right, text = said(settings)
    assert not is_right
    assert "silver/orders is not what its records say: 1 rows differ, and 0 in its quarantine." in text
    assert f"gold/fact_orders was not compared for {D1}, {D2}: its inputs have changed." in text
    assert "is not what its inputs say" not in text


def test_a_row_dropped_from_a_fact_is_found(settings: Settings) -> None:
    delete(settings, "gold/fact_orders", "order_id = 'O1'")
    is_right, text = said(settings)
    assert not is_right
    assert f"gold/fact_orders is not what its inputs say ({D1}): 1 rows are missing, and 0 are there" in text
    assert f"gold/fact_orders does not keep its inputs on {D1}: 0 here, 1 in silver/orders (conserves_orders)." in text
    # What reads it is computed anew by the next run.
    assert f"gold/daily_aov was not compared for {D1}, {D2}: its inputs have changed." in text
