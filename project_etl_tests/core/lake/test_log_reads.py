"""A run reads each log once, and no log after its own commit."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import deltalake
import pytest

from project_etl.core.engine.base import Engine
from project_etl.core.lake import TableStore
from project_etl_tests.core.lake.given import CHANGES, PARTITIONED, changed, lake_in
from project_etl_tests.small_shop import CUSTOMER, ITEM, ORDER, PRODUCT, SmallShop

DAY, NEXT = "2025-01-01", "2025-01-02"


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each table has been opened, by whomever."""
    found: Counter[str] = Counter()
    init = deltalake.DeltaTable.__init__

    def counting(table: deltalake.DeltaTable, table_uri: str, *args: Any, **options: Any) -> None:
        parts = Path(table_uri).parts
        layer = next(number for number, part in enumerate(parts) if part in ("bronze", "silver", "quarantine"))
        found["/".join(parts[layer:])] += 1
        init(table, table_uri, *args, **options)

    monkeypatch.setattr(deltalake.DeltaTable, "__init__", counting)
    return found


@pytest.mark.parametrize("how", CHANGES)
def test_a_commit_reads_no_log_that_is_known(tmp_path: Path, opened: Counter[str], how: str) -> None:
    lake_in(str(tmp_path))
    lake = TableStore(str(tmp_path))
    opened.clear()
    for number in range(3):
        lake.commits(PARTITIONED)
        changed(lake, how, number)
        state = lake.state(PARTITIONED)
        assert (state.version, len(state.commits), len(state.files) > 0) == (number + 1, number + 2, True)
        assert state.row_count
        assert lake.pinned([PARTITIONED]).data_version(PARTITIONED) == number + 1
    assert opened == {PARTITIONED: 1}


def test_a_silver_table_reads_each_log_once(tmp_path: Path, engine: Engine, opened: Counter[str]) -> None:
    shop = SmallShop(tmp_path, engine)
    for dataset, row in (("customers", CUSTOMER), ("products", PRODUCT), ("orders", ORDER), ("order_items", ITEM)):
        shop.land_rows(dataset, DAY, row)
    shop.land_rows("fx_rates", DAY, {"rate_date": DAY, "base_currency": "EUR", "quote_currency": "GBP", "rate": "0.5"})
    shop.load(DAY)
    # An item that is corrected, one that is new, and one that waits for its order.
    shop.land_rows(
        "order_items",
        NEXT,
        {**ITEM, "quantity": "3", "updated_at": f"{NEXT}T10:00:00Z"},
        {**ITEM, "order_item_id": "I2"},
        {**ITEM, "order_item_id": "I3", "order_id": "O9"},
    )
    shop.bronze("order_items", NEXT)
    # As a run of its own, which knows nothing yet.
    shop.lake.known.clear()
    opened.clear()
    report = shop.silver("order_items", NEXT)
    assert report.days[NEXT] == {"read": 3, "accepted": 2, "deduplicated": 0, "superseded": 0, "quarantined": 1}
    assert opened == dict.fromkeys(opened, 1)
    # Quarantine is made by this run.
    parents = {"silver/orders", "silver/products"}
    assert opened.keys() == {
        "bronze/_files",
        "bronze/shop/order_items",
        "silver/order_items",
        "quarantine/order_items",
        *parents,
    }
    # What a run leaves known, the next one does not read.
    opened.clear()
    shop.silver("order_items", NEXT)
    assert not opened
