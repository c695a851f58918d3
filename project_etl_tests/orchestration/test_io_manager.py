"""A user's own assets that take and return DataFrames: days are replaced, emptied, and read as the mapping asks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from project_etl.core.engine.base import Engine
from project_etl.orchestration.factory import IO_MANAGER_KEY
from project_etl.orchestration.io_manager import PARTITION_COLUMN, DeltaIOManager
from project_etl.orchestration.partitions import daily_partitions
from project_etl_tests.orchestration.given import settings_of
from project_etl_tests.small_shop import SmallShop

D1, D2, D3, D4 = (f"2025-01-0{day}" for day in range(1, 5))
VISITS = "custom/visits"
Content = dict[str, list[str]]


@pytest.fixture
def shop(tmp_path: Path, engine: Engine) -> SmallShop:
    """An empty lake."""
    return SmallShop(tmp_path, engine)


def visits_asset(shop: SmallShop, content: Content) -> dg.AssetsDefinition:
    """A daily asset whose rows are what `content` has for the run's days at that moment."""

    @dg.asset(
        key=VISITS.split("/"),
        partitions_def=daily_partitions(settings_of(shop.landing.parent)),
        backfill_policy=dg.BackfillPolicy.single_run(),
        metadata={PARTITION_COLUMN: "day"},
        io_manager_key=IO_MANAGER_KEY,
    )
    # Dagster takes no annotation of `context` but the class itself, which this module has only by its name.
    def visits(context) -> DataFrame:
        rows = [(day, visitor) for day in context.partition_keys for visitor in content.get(day, [])]
        assert shop.lake.engine is not None
        return (
            shop.lake.engine.session()
            .createDataFrame(rows, "day string, visitor string")
            .withColumn("day", F.col("day").cast("date"))
        )

    return visits


def materialize(shop: SmallShop, assets: list[dg.AssetsDefinition], first: str, last: str | None = None) -> None:
    """Run the last of the assets, for a day or a range of days; the others are there to be read."""
    days = {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last or first}
    done = dg.materialize(
        assets,
        selection=[assets[-1].key],
        resources={IO_MANAGER_KEY: DeltaIOManager(shop.lake)},
        tags=days if assets[-1].partitions_def else {},
    )
    assert done.success


def stored(shop: SmallShop) -> Content:
    """What the lake holds, by day."""
    found: Content = {}
    for day, visitor in shop.rows(VISITS, "day", "visitor"):
        found.setdefault(str(day), []).append(visitor)
    return found


def test_a_run_replaces_its_days_and_no_other(shop: SmallShop) -> None:
    content = {D1: ["ann"], D2: ["bob", "cy"], D3: ["dee"]}
    visits = visits_asset(shop, content)
    materialize(shop, [visits], D1, D3)
    assert stored(shop) == content
    content |= {D1: ["eve"], D2: ["fay"], D3: ["gus"]}
    materialize(shop, [visits], D2)
    assert stored(shop) == {D1: ["ann"], D2: ["fay"], D3: ["dee"]}


def test_a_day_without_rows_becomes_empty(shop: SmallShop) -> None:
    content = {D1: ["ann"], D2: ["bob"], D3: ["cy"]}
    visits = visits_asset(shop, content)
    materialize(shop, [visits], D1, D3)
    del content[D2]
    materialize(shop, [visits], D1, D2)
    assert stored(shop) == {D1: ["ann"], D3: ["cy"]}
    content.clear()
    materialize(shop, [visits], D1, D3)
    assert stored(shop) == {}


def read_days(
    shop: SmallShop, visits: dg.AssetsDefinition, mapping: dg.PartitionMapping | None
) -> Callable[[], set[str]]:
    """Read visits through a partition mapping from an asset without partitions, and tell the days that arrived."""
    seen: set[str] = set()

    @dg.asset(ins={"visits": dg.AssetIn(visits.key, partition_mapping=mapping)}, io_manager_key=IO_MANAGER_KEY)
    def days_seen(visits: DataFrame) -> DataFrame:
        seen.update(str(row.day) for row in visits.select("day").collect())
        return visits.groupBy("day").count()

    materialize(shop, [visits, days_seen], D1)
    return lambda: seen


def test_only_the_days_that_the_mapping_asks_for_are_read(shop: SmallShop) -> None:
    visits = visits_asset(shop, {D1: ["ann"], D2: ["bob"], D3: ["cy"], D4: ["dee"]})
    materialize(shop, [visits], D1, D4)
    assert read_days(shop, visits, dg.SpecificPartitionsPartitionMapping([D1, D3, D4]))() == {D1, D3, D4}
    assert read_days(shop, visits, dg.LastPartitionMapping())() == set()
    assert read_days(shop, visits, None)() == {D1, D2, D3, D4}


def test_a_daily_asset_reads_its_own_days_or_those_of_its_window(shop: SmallShop) -> None:
    visits = visits_asset(shop, {D1: ["ann"], D2: ["bob"], D3: ["cy"], D4: ["dee"]})
    materialize(shop, [visits], D1, D4)
    seen: dict[str, set[str]] = {}

    def reader(name: str, mapping: dg.PartitionMapping | None) -> dg.AssetsDefinition:
        @dg.asset(
            name=name,
            ins={"visits": dg.AssetIn(visits.key, partition_mapping=mapping)},
            partitions_def=visits.partitions_def,
            backfill_policy=dg.BackfillPolicy.single_run(),
            metadata={PARTITION_COLUMN: "day"},
            io_manager_key=IO_MANAGER_KEY,
        )
        def read(visits: DataFrame) -> DataFrame:
            seen[name] = {str(row.day) for row in visits.select("day").collect()}
            return visits.where("false")

        return read

    materialize(shop, [visits, reader("same_days", None)], D2, D3)
    materialize(shop, [visits, reader("window", dg.TimeWindowPartitionMapping(start_offset=-1))], D3)
    assert seen == {"same_days": {D2, D3}, "window": {D2, D3}}
