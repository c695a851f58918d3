"""Rows of days before the first one that Gold has: they are published, and a check counts them."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from project_etl.catalog import feeds_of, tables
from project_etl.core.contracts.report import RuleResult
from project_etl.core.engine.base import Engine
from project_etl.core.model.staged import Staged
from project_etl.core.silver.rules import WITHIN_PARTITIONS, silver_rules
from project_etl_tests.small_shop import CUSTOMER, ITEM, ORDER, PRODUCT, SmallShop, settings_of

D1, D2 = "2025-01-01", "2025-01-02"
FIRST = date(2025, 1, 1)


def staged(shop: SmallShop, name: str, first_day: date, *days: str) -> Staged:
    """Stage a Silver table as a run with that start_date does."""
    shop.settings = shop.settings.model_copy(update={"start_date": first_day})
    return shop.stage_silver(name, *days)


def outside(found: Staged) -> RuleResult:
    (rule,) = [rule for rule in found.report.rules if rule.name == WITHIN_PARTITIONS]
    return rule


@pytest.fixture
def shop(tmp_path: Path, engine: Engine) -> SmallShop:
    """Orders of the first day, of the day before, of long ago, and a bad one of long ago; on two landing days."""
    shop = SmallShop(tmp_path, engine)
    shop.land_rows("customers", D1, CUSTOMER)
    shop.land_rows("products", D1, PRODUCT)
    shop.land_rows("orders", D1, ORDER, {**ORDER, "order_id": "O2", "order_ts": "2024-12-31T23:59:59Z"})
    shop.land_rows(
        "orders",
        D2,
        {**ORDER, "order_id": "O3", "order_ts": "1900-01-01T00:00:00Z"},
        {**ORDER, "order_id": "O4", "order_ts": "1900-01-01T00:00:00Z", "status": "LOST"},
    )
    shop.land_rows("order_items", D1, ITEM, {**ITEM, "order_item_id": "I2", "order_id": "O2"})
    for name in ("customers", "products", "orders", "order_items"):
        shop.bronze(name, D1, D2)
    for name in ("customers", "products", "products_history"):
        shop.silver(name, D1, D2)
    return shop


def test_rows_of_earlier_days_are_published_and_counted_by_landing_day(shop: SmallShop) -> None:
    orders = staged(shop, "orders", FIRST, D1, D2)
    assert outside(orders).by_day == {D1: 1, D2: 1}
    assert '"order_id":"O3"' in " ".join(outside(orders).samples)
    assert "not before start_date, 2025-01-01" in outside(orders).description
    orders.publish()
    items = staged(shop, "order_items", FIRST, D1, D2)
    assert outside(items).by_day == {D1: 1}
    items.publish()
    assert [key for (key,) in shop.rows("silver/orders", "order_id")] == ["O1", "O2", "O3"]
    # A record that is kept out lies in no partition anyway, and its verdict does not depend on a setting.
    assert [rules for *_, rules in shop.quarantined("orders")] == [["status_isin"]]
    assert shop.books("orders").are_right


def test_another_start_date_judges_nothing_again(shop: SmallShop) -> None:
    staged(shop, "orders", FIRST, D1, D2).publish()
    again = staged(shop, "orders", date(1900, 1, 1), D1, D2)
    assert again.commit is None
    # The report of a day is that of the run that judged it.
    assert outside(again).by_day == {D1: 1, D2: 1}


def test_only_tables_with_a_business_day_have_the_rule() -> None:
    silver = [table for table in tables() if table.layer == "silver"]
    with_rule = {
        table.name
        for table in silver
        if WITHIN_PARTITIONS in {rule.name for rule in silver_rules(table, feeds_of(table, settings_of()), FIRST)}
    }
    assert with_rule == {table.name for table in silver if table.day_column}
    of_days = ("orders", "order_items", "events", "refunds", "reviews", "crm_deals")
    assert with_rule == {f"silver/{name}" for name in of_days}
