"""The day of which snapshot tables speak moves on with each day, and makes no earlier day stale."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from project_etl.catalog import staleness_of
from project_etl.core.engine.base import Engine
from project_etl_tests.small_shop import CUSTOMER, ITEM, ORDER, PRODUCT, SmallShop

pytestmark = pytest.mark.long

D1, D2, D3 = "2025-01-01", "2025-01-02", "2025-01-03"
FIRST_ORDERS = "gold/customer_first_order"


def order_on(shop: SmallShop, day: str, customer: str) -> None:
    """Land an order of a day, with its item, and compute all of that day."""
    shop.land_rows("orders", day, {**ORDER, "order_id": day, "customer_id": customer, "order_ts": f"{day}T10:00:00Z"})
    shop.land_rows("order_items", day, {**ITEM, "order_id": day})
    shop.everything(day)


@pytest.fixture
def shop(tmp_path: Path, engine: Engine) -> SmallShop:
    """C1 orders on two days."""
    shop = SmallShop(tmp_path, engine)
    shop.land_rows("customers", D1, CUSTOMER, {**CUSTOMER, "customer_id": "C2"})
    shop.land_rows("products", D1, PRODUCT)
    order_on(shop, D1, "C1")
    order_on(shop, D2, "C1")
    return shop


@pytest.mark.parametrize(("customer", "touched"), [("C1", []), ("C2", [D3])])
def test_a_new_day_makes_no_earlier_day_stale(shop: SmallShop, customer: str, touched: list[str]) -> None:
    assert shop.rows(FIRST_ORDERS, "as_of") == [(date(2025, 1, 2),)]
    order_on(shop, D3, customer)
    assert {day for (day,) in shop.rows(FIRST_ORDERS, "as_of")} == {date(2025, 1, 3)}
    assert shop.lake.commits(FIRST_ORDERS)[0].note["touched"] == touched
    staleness = staleness_of(shop.lake, shop.settings, tuple(shop.tables.values()))
    for name in ("gold/repeat_customers", "gold/new_vs_returning"):
        assert staleness.units_of(shop.tables[name], [D1, D2, D3]) == ()


def test_every_snapshot_speaks_of_the_same_day(shop: SmallShop) -> None:
    said = {
        name: {day for (day,) in shop.rows(name, "as_of")}
        for name, table in shop.tables.items()
        if table.layer == "gold" and not table.is_daily and shop.lake.state(name).row_count
    }
    assert {"gold/dim_date", "gold/dim_customers", "gold/customer_ltv"} <= said.keys()
    assert set.union(*said.values()) == {date(2025, 1, 2)}
