"""A shop whose tables were purged: nothing is stale, new days load, and nothing names a person who is in no row.

The rows of that person are taken out by hand here, with one ordinary commit a table.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import pyarrow as pa
import pytest

from project_etl.core.bronze import file_table
from project_etl.core.bronze.landing_root import LandingRoot
from project_etl.core.engine.base import Engine
from project_etl.core.lake import Overwrite, TableStore
from project_etl.core.lake.purge import purge
from project_etl.orchestration.forget import REMOVED, forget
from project_etl_tests.commands.given import dagster_home_in, memory_in
from project_etl_tests.orchestration.given import definitions_of, run
from project_etl_tests.promises.contents import assert_same, contents, table_names
from project_etl_tests.small_shop import CUSTOMER, EVENT, ITEM, ORDER, PRODUCT, REFUND, REVIEW, SmallShop, made_of
from project_etl_tests.traces import traces_of

D1, D2 = "2025-01-01", "2025-01-02"
ID, EMAIL = "Q7Q7", "zelda.quist@example.org"
WORDS = (ID, EMAIL)
TABLES = made_of("gold/customer_ltv", "silver/reviews")


@dataclass
class Story:
    shop: SmallShop
    home: Path
    instance: dg.DagsterInstance
    defs: dg.Definitions

    def run(self, day: str) -> dict[str, set[str | None]]:
        """Load a day through Dagster; what was materialized."""
        done = run(self.defs, day, instance=self.instance)
        assert done.succeeded, done.failures
        return done.materialized

    def versions(self) -> dict[str, int | None]:
        """Versions of all tables, read anew."""
        lake = TableStore(self.shop.lake.root)
        return {name: lake.version(name) for name in table_names(lake)}


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory, engine: Engine) -> Iterator[Story]:
    """Two customers have loaded and been looked at; records of one of them break rules."""
    folder = tmp_path_factory.mktemp("shop")
    shop = SmallShop(folder, engine, only=TABLES)
    zelda = {**CUSTOMER, "customer_id": ID, "first_name": "Zelda", "email": EMAIL}
    shop.land_rows("customers", D1, CUSTOMER, zelda, {**zelda, "updated_at": "none", "loyalty": EMAIL})
    shop.land_rows("products", D1, PRODUCT)
    hers = {**ORDER, "order_id": "O2", "customer_id": ID}
    shop.land_rows("orders", D1, ORDER, hers, {**hers, "order_id": "O3", "status": "LOST"})
    shop.land_rows("order_items", D1, ITEM, {**ITEM, "order_item_id": "I2", "order_id": "O2"})
    shop.land_rows("events", D1, EVENT, {**EVENT, "event_id": "E2", "customer_id": ID, "visitor_id": "V2"})
    shop.land_rows("refunds", D1, REFUND)
    shop.land_rows("reviews", D1, REVIEW, {**REVIEW, "review_id": "R2", "customer_id": ID, "rating": "9"})
    home = Path(dagster_home_in(folder))
    with memory_in(folder) as instance:
        yield Story(shop, home, instance, definitions_of(folder, only=TABLES))


def test_a_purged_lake_is_up_to_date_and_takes_in_new_days(story: Story) -> None:
    story.run(D1)
    before = contents(story.shop.lake)
    lake = TableStore(story.shop.lake.root)
    for name in table_names(lake):
        purge(lake, name)
    purged, rows_of = story.versions(), {name: lake.data_version(name) for name in table_names(lake)}
    story.run(D1)
    assert story.versions() == purged
    assert_same(contents(TableStore(lake.root)), before)
    story.shop.land_rows("orders", D2, {**ORDER, "order_id": "O4", "order_ts": f"{D2}T10:00:00Z"})
    story.shop.land_rows("order_items", D2, {**ITEM, "order_item_id": "I4", "order_id": "O4"})
    story.run(D2)
    assert {row[0] for row in story.shop.rows("gold/fact_orders", "order_id")} == {"O1", "O2", "O4"}
    lake = TableStore(lake.root)
    same = ("silver/customers", "silver/products", "silver/reviews", "silver/refunds")
    assert {name for name in same if lake.data_version(name) != rows_of[name]} == set()


def test_nothing_names_who_is_in_no_row(story: Story) -> None:
    lake = TableStore(story.shop.lake.root)
    assert {trace.word for trace in traces_of(Path(lake.root), WORDS)} == {*WORDS}
    assert {trace.word for trace in traces_of(story.home, WORDS)} >= {ID}
    for name in table_names(lake):
        rows = lake.state(name).rows()
        kept = [row for row in rows.to_pylist() if not any(word in repr(row) for word in WORDS)]
        if len(kept) < rows.num_rows:
            lake.commit(name, Overwrite(), pa.Table.from_pylist(kept, schema=rows.schema), {})
    for name in lake.names("bronze"):
        file_table.write(lake, name, LandingRoot(lake.root, str(story.shop.landing)))
    for name in table_names(lake):
        purge(lake, name)
    assert forget(story.instance, story.home, WORDS).left == ()
    assert traces_of(Path(lake.root), WORDS) == []
    assert traces_of(story.home, WORDS) == []
    event = story.instance.get_latest_materialization_event(dg.AssetKey(["silver", "customers"]))
    assert event is not None
    assert event.asset_materialization is not None
    assert event.asset_materialization.metadata["preview"].value == REMOVED["text"]
