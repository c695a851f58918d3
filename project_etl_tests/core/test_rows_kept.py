"""A table holds as many rows as its own commits say: who deletes a row turns one check red, which names the layer."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import deltalake
import pytest

from project_etl.catalog import datasets_of
from project_etl.core.engine.base import Engine
from project_etl.core.lake import WHOLE, Append, Overwrite, TableStore
from project_etl.core.lake.maintenance import tidy
from project_etl.core.rows_kept import RowsKept, bronze_rows_kept, gold_rows_kept, silver_rows_kept
from project_etl_tests.small_shop import CUSTOMER, ITEM, ORDER, PRODUCT, SmallShop

pytestmark = pytest.mark.long

D1, D2 = "2025-01-01", "2025-01-02"
BRONZE = "bronze/shop/orders"


@dataclass
class Desk:
    """A shop of two days, loaded and computed, whose lake may be spoiled."""

    shop: SmallShop

    def kept(self) -> dict[str, RowsKept]:
        """The verdict of each table."""
        lake = TableStore(self.shop.lake.root)
        silver = [name for name in self.shop.tables if name.startswith("silver/")]
        gold = [table for table in self.shop.tables.values() if table.layer == "gold"]
        found = [
            *(bronze_rows_kept(lake, dataset.bronze) for dataset in datasets_of(self.shop.sources)),
            *(silver_rows_kept(lake, name) for name in silver),
            *(gold_rows_kept(lake, table) for table in gold),
        ]
        return {kept.table: kept for kept in found}

    def wrong(self) -> dict[str, str]:
        """What the tables that are not as they should be say."""
        return {name: kept.in_words() for name, kept in self.kept().items() if kept.wrong}

    def load_orders(self) -> None:
        """Materialize Bronze and Silver of the orders."""
        self.shop.bronze("orders", D1, D2)
        self.shop.silver("orders", D1, D2)

    def delete(self, table: str, where: str) -> None:
        """Delete rows behind the platform's back."""
        assert deltalake.DeltaTable(self.shop.lake.path(table)).delete(where)["num_deleted_rows"] == 1


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory, engine: Engine) -> Path:
    folder = tmp_path_factory.mktemp("kept")
    shop = SmallShop(folder, engine)
    shop.land_rows("customers", D1, CUSTOMER)
    shop.land_rows("products", D1, PRODUCT)
    for number, day in enumerate((D1, D2), 1):
        orders = [{**ORDER, "order_id": f"O{number}{n}", "order_ts": f"{day}T1{n}:00:00Z"} for n in range(2)]
        items = [{**ITEM, "order_item_id": row["order_id"], "order_id": row["order_id"]} for row in orders]
        shop.land_rows("orders", day, *orders)
        shop.land_rows("order_items", day, *items)
    shop.everything(D1)
    shop.everything(D2)
    return folder


@pytest.fixture
def desk(loaded: Path, tmp_path: Path, engine: Engine) -> Desk:
    shutil.copytree(loaded, tmp_path, dirs_exist_ok=True)
    return Desk(SmallShop(tmp_path, engine))


def test_a_table_that_nobody_else_has_written_is_as_it_should_be(desk: Desk) -> None:
    assert desk.wrong() == {}
    unknown = [name for name, kept in desk.kept().items() if kept.expected is None]
    assert unknown == []
    # Other records of a file, a row that moves to another day, one that is deleted, and rules that are tried again.
    at = {"updated_at": f"{D2}T12:00:00Z"}
    desk.shop.land_rows("orders", D1, {**ORDER, "order_id": "O10"})
    desk.shop.land_rows("orders", D2, {**ORDER, "order_id": "O20", **at, "_deleted": "true"}, name="later.csv")
    desk.shop.land_rows("orders", D2, {**ORDER, "order_id": "O10", **at, "order_ts": f"{D2}T01:00:00Z"}, name="and.csv")
    desk.load_orders()
    assert desk.wrong() == {}
    assert desk.kept()["silver/orders"].found == 2


@pytest.mark.parametrize(
    ("table", "where", "said"),
    [
        (BRONZE, "order_id = 'O20'", f"Bronze: {BRONZE} should have 4 rows and has 3 ({D2})."),
        ("silver/orders", "order_id = 'O20'", "Silver: silver/orders should have 4 rows and has 3."),
        ("gold/fact_orders", "order_id = 'O20'", f"Gold: gold/fact_orders should have 4 rows and has 3 ({D2})."),
        ("gold/daily_aov", f"order_date = DATE'{D1}'", f"Gold: gold/daily_aov should have 2 rows and has 1 ({D1})."),
        ("gold/customer_ltv", "true", "Gold: gold/customer_ltv should have 1 rows and has 0."),
    ],
)
def test_a_row_that_is_gone_turns_one_check_red_that_names_the_layer(
    desk: Desk, table: str, where: str, said: str
) -> None:
    desk.delete(table, where)
    wrong = desk.wrong()
    assert wrong.keys() == {table}
    assert wrong[table].startswith(said)


@pytest.mark.parametrize("table", [BRONZE, "silver/orders"])
def test_it_stays_red_until_the_table_is_made_right(desk: Desk, table: str) -> None:
    desk.delete(table, "order_id = 'O20'")
    desk.shop.land_rows("orders", D2, {**ORDER, "order_id": "O3", "order_ts": f"{D2}T09:00:00Z"}, name="more.csv")
    desk.load_orders()
    assert desk.wrong().keys() == {table}
    shutil.rmtree(desk.shop.lake.path(table))
    desk.load_orders()
    assert desk.wrong() == {}
    assert desk.kept()[table].found == 5


def test_a_day_or_a_whole_table_that_is_computed_again_is_right_again(desk: Desk) -> None:
    desk.delete("gold/customer_ltv", "true")
    assert desk.kept()["gold/customer_ltv"].wrong == {WHOLE: 1}
    desk.delete("gold/fact_orders", "order_id = 'O20'")
    desk.shop.land_rows("orders", D2, {**ORDER, "order_id": "O3", "order_ts": f"{D2}T09:00:00Z"}, name="more.csv")
    desk.load_orders()
    for name in ("fact_orders", "customer_ltv"):
        desk.shop.gold(name, D2)
    assert desk.wrong() == {}


def test_a_row_too_many_is_found_and_maintenance_changes_nothing(desk: Desk) -> None:
    for name in ("silver/orders", "gold/fact_orders", BRONZE):
        tidy(desk.shop.lake, name, 1)
    assert desk.wrong() == {}
    lake, name = desk.shop.lake, "gold/fact_orders"
    lake.commit(name, Append(), lake.state(name).rows().slice(0, 1), {})
    assert desk.wrong().keys() == {name}


def test_where_the_commits_do_not_say_there_is_no_verdict(desk: Desk) -> None:
    lake, orders = desk.shop.lake, "silver/orders"
    # An earlier version of the platform said no total. The next commit begins with what is there.
    lake.commit(orders, Overwrite(), lake.state(orders).rows().slice(1), {"table": orders, "days": {}})
    kept = desk.kept()[orders]
    assert (kept.expected, kept.wrong) == (None, {})
    assert kept.in_words() == f"not known: the commits of {orders} do not say how many rows it should have"
    desk.shop.land_rows("orders", D2, {**ORDER, "order_id": "O3"}, name="more.csv")
    desk.load_orders()
    kept = desk.kept()[orders]
    assert kept.expected == kept.found
