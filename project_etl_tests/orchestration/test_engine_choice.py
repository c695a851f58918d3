"""`engine: auto`: small tables are computed embedded, what is too large or cannot be done there by Spark."""

from __future__ import annotations

import logging
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from project_etl.catalog import tables
from project_etl.core.engine.base import Engine, Larger
from project_etl.core.gold.stage import GoldJob, stage_gold
from project_etl.core.lake import TableStore
from project_etl.core.model.staged import Run, Staged
from project_etl.core.model.table import Table
from project_etl.gold import daily_aov
from project_etl.orchestration.factory import staged_by_who_can
from project_etl_tests.orchestration.test_runs import D1, D2, land_two_days
from project_etl_tests.small_shop import PARAMETERS, SmallShop

LOG = logging.getLogger("of a run")
AOV = "gold/daily_aov"
DECLARED = {table.name: table for table in tables()}
AVERAGES = [(1, 20), (2, 20)]


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory, embedded_engine: Engine) -> Path:
    """Two days of a shop up to the facts, loaded embedded."""
    folder = tmp_path_factory.mktemp("loaded")
    shop = SmallShop(folder, embedded_engine)
    land_two_days(shop)
    shop.load(D1, D2)
    shop.gold("fact_order_items", D1, D2)
    shop.gold("fact_orders", D1, D2)
    return folder


@pytest.fixture
def shop(tmp_path: Path, loaded: Path, embedded_engine: Engine, jvm_engine: Engine) -> SmallShop:
    """A copy of it; Spark stands by for what reads more than a gigabyte."""
    shutil.copytree(loaded, tmp_path, dirs_exist_ok=True)
    shop = SmallShop(tmp_path, embedded_engine)
    shop.lake = replace(shop.lake, larger=Larger(jvm_engine, 1024**3))
    return shop


def published(lake: TableStore, table: Table, days: tuple[str, ...] = (D1, D2)) -> Staged:
    """A Gold table of the orders, computed by whoever can, and published."""
    job = GoldJob(lake, table, DECLARED, days, Run("run", parameters=PARAMETERS))
    staged = staged_by_who_can(lake, lambda there: stage_gold(replace(job, lake=there)), LOG)
    staged.publish()
    staged.discard()
    return staged


def engine_of(staged: Staged) -> str:
    assert staged.lake.engine is not None
    return staged.lake.engine.name


def test_a_small_table_is_computed_embedded(shop: SmallShop) -> None:
    assert engine_of(published(shop.lake, shop.tables[AOV])) == "embedded"
    assert shop.rows(AOV, "orders", "aov") == AVERAGES


def test_a_table_that_reads_too_much_is_computed_by_spark(shop: SmallShop, caplog: pytest.LogCaptureFixture) -> None:
    orders = shop.lake.state("gold/fact_orders")
    assert shop.lake.larger is not None
    lake = replace(shop.lake, larger=replace(shop.lake.larger, above_bytes=orders.size_bytes - 1))
    with caplog.at_level(logging.INFO):
        assert engine_of(published(lake, shop.tables[AOV])) == "spark"
    assert "larger than the setting engine_max_bytes" in caplog.text
    assert shop.rows(AOV, "orders", "aov") == AVERAGES


def test_only_files_that_may_hold_an_asked_day_count(shop: SmallShop) -> None:
    state = shop.lake.state("bronze/shop/orders")
    sizes = [state.size_on("_landing_date", days) for days in ([D1], [D2], [D1, D2], [], ["2025-01-03"])]
    assert all(sizes[:2])
    assert sizes[2:] == [sizes[0] + sizes[1], 0, 0]
    assert sizes[2] == state.size_bytes
    orders = shop.lake.state("silver/orders")
    assert orders.size_on("order_date", [D2]) == orders.size_bytes
    assert orders.size_on("order_date", ["2025-01-03"]) == 0


def test_what_the_embedded_engine_cannot_do_is_handed_to_spark(
    shop: SmallShop, caplog: pytest.LogCaptureFixture
) -> None:
    table = replace(shop.tables[AOV], transform=with_a_function_that_sail_lacks, conserves=())
    assert engine_of(published(shop.lake, table)) == "spark"
    assert "Spark computes this table: the embedded engine cannot. It says: function: zip_with" in caplog.text
    assert shop.rows(AOV, "orders", "aov") == [(2, 20), (3, 20)]


def test_without_another_engine_what_it_cannot_do_is_an_error(shop: SmallShop) -> None:
    table = replace(shop.tables[AOV], transform=with_a_function_that_sail_lacks, conserves=())
    with pytest.raises(Exception, match="zip_with"):
        published(replace(shop.lake, larger=None), table)
    assert shop.version(AOV) == 0


def with_a_function_that_sail_lacks(orders: DataFrame) -> DataFrame:
    """Average order values, with one order more than there is."""
    one_more = F.zip_with(F.array("orders"), F.array(F.lit(1)), lambda number, more: number + more)[0]
    return daily_aov.transform(orders).withColumn("orders", one_more.cast("long"))
