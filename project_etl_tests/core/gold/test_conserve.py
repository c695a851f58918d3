"""A day that does not keep the rows and amounts of its inputs is held back: a transform that loses some is found."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from functools import wraps
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from deltalake import Schema
from pyspark.sql import DataFrame

from project_etl.catalog import tables
from project_etl.core.engine.base import Engine
from project_etl.core.gold.conserve import balances, conservation_rules
from project_etl.core.gold.stage import GoldJob, stage_gold
from project_etl.core.lake import LakeError, Overwrite
from project_etl.core.lake.schema import stored_schema
from project_etl.core.model.staged import Run
from project_etl.core.model.table import Conserves, Table, TableError, window
from project_etl.core.model.transform import call
from project_etl_tests.small_shop import CUSTOMER, ITEM, ORDER, PARAMETERS, PRODUCT, SmallShop

D1, D2, D3 = "2025-01-01", "2025-01-02", "2025-01-03"
TABLES = {table.name: table for table in tables()}
FACT, AOV = TABLES["gold/fact_orders"], TABLES["gold/daily_aov"]


@pytest.fixture
def shop(tmp_path: Path, engine: Engine) -> SmallShop:
    """Two days with two orders each, up to the fact of their items."""
    shop = SmallShop(tmp_path, engine)
    shop.land_rows("customers", D1, CUSTOMER)
    shop.land_rows("products", D1, PRODUCT)
    for day in (D1, D2):
        orders = [{**ORDER, "order_id": f"{day}/{n}", "order_ts": f"{day}T1{n}:00:00Z"} for n in range(2)]
        items = [{**ITEM, "order_item_id": row["order_id"], "order_id": row["order_id"]} for row in orders]
        shop.land_rows("orders", day, *orders)
        shop.land_rows("order_items", day, *items)
    shop.load(D1, D2)
    shop.gold("fact_order_items", D1, D2)
    return shop


def losing(table: Table, where: str) -> Table:
    """The table with a transform that loses rows of its result."""
    made = table.transform
    assert made is not None

    @wraps(made)
    def transform(*frames: DataFrame, **settings: str) -> DataFrame:
        return made(*frames, **settings).where(where)

    return replace(table, transform=transform, code_version="lost")


def test_a_transform_that_loses_a_row_is_found_before_it_publishes(shop: SmallShop) -> None:
    shop.tables[FACT.name] = losing(FACT, f"order_id <> '{D2}/1'")
    report = shop.gold("fact_orders", D1, D2)
    broken = {rule.name: rule.by_day for rule in report.failed}
    assert broken == {
        "conserves_orders": {D2: 1},
        "conserves_order_items_net_amount": {D2: 1},
        "conserves_order_items_net_amount_reporting": {D2: 1},
    }
    (rows, *_) = report.failed
    assert rows.description == "of each day, the number of rows must be the number of rows of silver/orders"
    assert rows.samples == (f"{D2}: 1 here, 2 in silver/orders",)
    assert {str(day) for (day,) in shop.rows(FACT.name, "order_date")} == {D1}
    shop.tables[FACT.name] = FACT
    assert shop.gold("fact_orders", D1, D2).failed == ()
    assert len(shop.rows(FACT.name, "order_id")) == 4


def test_a_day_that_loses_all_of_its_rows_is_held_back(shop: SmallShop) -> None:
    shop.gold("fact_orders", D1, D2)
    shop.tables[AOV.name] = losing(AOV, f"order_date <> DATE'{D2}'")
    report = shop.gold("daily_aov", D1, D2)
    assert {rule.name: rule.by_day for rule in report.failed} == {
        "conserves_orders": {D2: 2},
        "conserves_orders_net_amount_reporting": {D2: 1},
    }


def test_days_without_rows_of_an_input_that_is_counted_are_published_without_an_engine(shop: SmallShop) -> None:
    shop.gold("fact_orders", D1, D2)
    orders = shop.lake.state("silver/orders").rows()
    first = orders.filter(pc.field("order_date") == date.fromisoformat(D1))
    shop.lake.commit("silver/orders", Overwrite(), first, {})
    looking = replace(shop.lake, engine=None)
    staged = stage_gold(GoldJob(looking, FACT, shop.tables, (D2, D3), Run("run", parameters=PARAMETERS)))
    staged.publish()
    assert staged.good == (D2, D3)
    assert staged.report.days == {}
    assert {str(day) for (day,) in shop.rows(FACT.name, "order_date")} == {D1}
    again = stage_gold(GoldJob(looking, FACT, shop.tables, (D2, D3), Run("run", parameters=PARAMETERS)))
    assert again.commit is None
    with pytest.raises(LakeError, match="no engine"):
        stage_gold(GoldJob(looking, FACT, shop.tables, (D1,), Run("run", parameters=PARAMETERS)))


COUNTING = [table for table in TABLES.values() if any(not each.amount for each in table.conserves)]


@pytest.mark.parametrize("table", COUNTING, ids=lambda table: table.short_name)
def test_a_table_that_counts_the_rows_of_an_input_has_none_without_them(engine: Engine, table: Table) -> None:
    counted = {each.of for each in table.conserves if not each.amount}
    with engine.active():
        frames: list[DataFrame] = []
        for name, item in table.inputs.items():
            fields = stored_schema(TABLES[item.table].schema).json()
            row = pa.Table.from_pylist([{}], pa.schema(Schema.from_json(fields).to_arrow()))
            frames.append(engine.frame(row).select(*(item.columns or "*")).limit(0 if name in counted else 1))
        assert call(table, frames, PARAMETERS).count() == 0


@pytest.mark.parametrize(("net_revenue", "is_kept"), [("10.03", True), ("10.04", False), (None, True)])
def test_a_sum_is_kept_but_for_rounding_and_one_that_is_not_known_is_not_judged(
    engine: Engine, net_revenue: str | None, is_kept: bool
) -> None:
    table = TABLES["gold/country_revenue_share"]
    here = engine.session().createDataFrame(
        [(D1, "DE", Decimal("20.00")), (D1, "FR", Decimal(net_revenue) if net_revenue else None)],
        "order_date string, country string, net_revenue decimal(20,2)",
    )
    there = engine.session().createDataFrame(
        [(D1, True, Decimal("20.0049")), (D1, True, Decimal("10.0151")), (D1, False, Decimal(5))],
        "order_date string, is_revenue boolean, net_amount_reporting decimal(28,4)",
    )
    (found,) = balances(table, here, {"orders": (there, "order_date")})
    assert (found.is_kept, found.there, found.rows) == (is_kept, Decimal("30.0200"), 2)


def test_a_rule_of_conservation_says_what_must_be_kept() -> None:
    (orders, revenue) = conservation_rules(AOV)
    assert orders.description == "of each day, Σ orders must be the number of rows of gold/fact_orders where is_revenue"
    assert revenue.description == (
        "of each day, Σ net_revenue must be Σ net_amount_reporting of gold/fact_orders where is_revenue"
        " (± 0.005 a row, for rounding)"
    )


@pytest.mark.parametrize("of", ["order_items", "nothing"])
def test_only_what_is_read_by_the_same_day_can_be_conserved(of: str) -> None:
    inputs = {"order_items": window("gold/fact_order_items", back=6), "orders": AOV.inputs["orders"]}
    with pytest.raises(TableError, match=f"gold/daily_aov conserves {of}: .* there is orders"):
        replace(AOV, inputs=inputs, conserves=(Conserves(of),))
    with pytest.raises(TableError, match="there is none"):
        replace(TABLES["gold/customer_ltv"], conserves=(Conserves("orders"),))
