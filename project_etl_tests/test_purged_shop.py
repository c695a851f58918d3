"""A shop whose tables were purged: nothing is stale, new days load, and nothing names a person who is in no row.

The rows of that person are taken out by hand here, with one ordinary commit a table.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import dagster as dg
import pyarrow as pa
import pytest

from project_etl.core.bronze import file_table
from project_etl.core.bronze.landing_root import LandingRoot
from project_etl.core.engine.base import Engine
from project_etl.core.lake import Overwrite, TableStore
from project_etl.core.lake.purge import purge
from project_etl.core.trace import Tables, trace
from project_etl.orchestration.forget import REMOVED, forget
from project_etl_tests.commands.given import dagster_home_in, memory_in
from project_etl_tests.orchestration.given import definitions_of, run
from project_etl_tests.promises.contents import assert_same, contents, table_names
from project_etl_tests.small_shop import CUSTOMER, ITEM, ORDER, PRODUCT, REFUND, SmallShop, made_of
from project_etl_tests.traces import traces_of

pytestmark = pytest.mark.long

D1, D2 = "2025-01-01", "2025-01-02"
ID, EMAIL = "Q7Q7", "zelda.quist@example.org"
WORDS = (ID, EMAIL)
# Enough to have rows, parents, quarantine and Gold; all that Dagster runs here takes its time.
COMPUTED = made_of("gold/customer_ltv")
LOADED = made_of("silver/orders")


def land(shop: SmallShop) -> None:
    """Two customers, and records of one of them that break rules."""
    zelda = {**CUSTOMER, "customer_id": ID, "first_name": "Zelda", "email": EMAIL}
    shop.land_rows("customers", D1, CUSTOMER, zelda, {**zelda, "updated_at": "none", "loyalty": EMAIL})
    shop.land_rows("products", D1, PRODUCT)
    hers = {**ORDER, "order_id": "O2", "customer_id": ID}
    shop.land_rows("orders", D1, ORDER, hers, {**hers, "order_id": "O3", "status": "LOST"})
    shop.land_rows("order_items", D1, ITEM, {**ITEM, "order_item_id": "I2", "order_id": "O2"})
    shop.land_rows("refunds", D1, REFUND)


def anew(shop: SmallShop) -> TableStore:
    """The lake as another process reads it."""
    return TableStore(shop.lake.root)


def origins(shop: SmallShop, lake: TableStore) -> list[str]:
    """What a table is traced to, without the versions of now."""
    found = trace(Tables(lake, shop.tables, dict.fromkeys(shop.tables, ())), "gold/fact_orders", date.fromisoformat(D1))
    return [f"{made.commit.version} {made.commit.note['run_id']} {made.counts}" for made in found.made]


def test_a_purged_lake_is_up_to_date_and_takes_in_new_days(tmp_path: Path, engine: Engine) -> None:
    shop = SmallShop(tmp_path, engine, only=COMPUTED)
    land(shop)
    shop.everything(D1)
    names, before, made = table_names(shop.lake), contents(shop.lake), origins(shop, shop.lake)
    rows_of = {name: shop.lake.data_version(name) for name in names}
    for name in names:
        purge(shop.lake, name)
    purged = {name: anew(shop).version(name) for name in names}
    shop.everything(D1)
    assert {name: anew(shop).version(name) for name in names} == purged
    assert_same(contents(anew(shop)), before)
    assert made
    assert origins(shop, anew(shop)) == made
    shop.land_rows("orders", D2, {**ORDER, "order_id": "O4", "order_ts": f"{D2}T10:00:00Z"})
    shop.land_rows("order_items", D2, {**ITEM, "order_item_id": "I4", "order_id": "O4"})
    shop.everything(D2)
    assert {row[0] for row in shop.rows("gold/fact_orders", "order_id")} == {"O1", "O2", "O4"}
    same = ("silver/customers", "silver/products", "silver/refunds")
    assert {name: anew(shop).data_version(name) for name in same} == {name: rows_of[name] for name in same}


def test_nothing_names_who_is_in_no_row(tmp_path: Path, engine: Engine) -> None:
    shop = SmallShop(tmp_path, engine, only=LOADED)
    land(shop)
    home, lake = Path(dagster_home_in(tmp_path)), shop.lake
    with memory_in(tmp_path) as instance:
        assert run(definitions_of(tmp_path, only=LOADED), D1, instance=instance).succeeded
        assert {trace.word for trace in traces_of(Path(lake.root), WORDS)} == {*WORDS}
        assert {trace.word for trace in traces_of(home, WORDS)} == {*WORDS}
        for name in table_names(lake):
            rows = lake.state(name).rows()
            kept = [row for row in rows.to_pylist() if not any(word in repr(row) for word in WORDS)]
            if len(kept) < rows.num_rows:
                lake.commit(name, Overwrite(), pa.Table.from_pylist(kept, schema=rows.schema), {})
        for name in lake.names("bronze"):
            file_table.write(lake, name, LandingRoot(lake.root, str(shop.landing)))
        for name in table_names(lake):
            purge(lake, name)
        assert forget(instance, home, WORDS).left == ()
        assert traces_of(Path(lake.root), WORDS) == []
        assert traces_of(home, WORDS) == []
        event = instance.get_latest_materialization_event(dg.AssetKey(["silver", "customers"]))
        assert event is not None
        assert event.asset_materialization is not None
        assert event.asset_materialization.metadata["preview"].value == REMOVED["text"]
