"""Exports through Dagster: a run takes them along, sensors find what is stale, checks find what somebody changed."""

from __future__ import annotations

import csv
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster_pyspark import LazyPySparkResource

from project_etl import catalog
from project_etl.catalog import exports, stale_exports
from project_etl.core.engine.base import Engine
from project_etl.core.export import CSV, SQLITE
from project_etl.orchestration import build
from project_etl.orchestration.build import build_defs
from project_etl.orchestration.sensors.changed_days import EXPORTS_BEHIND, Gold
from project_etl.settings import Settings
from project_etl_tests.orchestration.given import Done, run, settings_of
from project_etl_tests.small_shop import ITEM, ORDER, PRODUCT, SmallShop, made_of

pytestmark = pytest.mark.long

D1, D2 = "2025-01-01", "2025-01-02"
ONLY = made_of("gold/top_products_7d", "gold/dim_products", "gold/daily_revenue_by_category")
NAMES = {table.name for table in ONLY}
TAKEN = tuple(export for export in exports() if NAMES.issuperset(export.inputs))
TARGETS = {"export/csv", "export/sqlite"}


@dataclass(frozen=True)
class Story:
    """A shop that was loaded twice, the second time with an order more, and then with nothing new."""

    shop: SmallShop
    settings: Settings
    defs: dg.Definitions
    first: Done
    late: Done
    again: Done


@pytest.fixture(scope="module", autouse=True)
def few_tables() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(build, "tables", lambda: ONLY)
        for module in (build, catalog):
            patch.setattr(module, "exports", lambda: TAKEN)
        yield


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory, engine: Engine) -> Story:
    folder = tmp_path_factory.mktemp("exports")
    shop = SmallShop(folder, engine, only=ONLY)
    on = {"exports": (CSV, SQLITE), "export_root": str(folder / "exports")}
    settings = settings_of(folder).model_copy(update=on)
    defs = build_defs(settings, resources={"spark": LazyPySparkResource(spark_config={})})
    shop.land_rows("products", D1, PRODUCT)
    shop.land_rows("orders", D1, ORDER)
    shop.land_rows("order_items", D1, ITEM)
    first = run(defs, D1)
    shop.land_rows("orders", D2, {**ORDER, "order_id": "O2", "order_ts": f"{D2}T10:00:00Z"})
    shop.land_rows("order_items", D2, {**ITEM, "order_id": "O2"})
    return Story(shop, settings, defs, first, run(defs, D2), export(defs))


def export(defs: dg.Definitions) -> Done:
    """Bring the exports up to date, and nothing else."""
    job, keys = defs.resolve_implicit_global_asset_job_def(), [dg.AssetKey(name.split("/")) for name in sorted(TARGETS)]
    return Done(job.execute_in_process(asset_selection=keys, raise_on_error=False))


def asked(story: Story, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(Path(story.settings.export_root) / "star.sqlite")) as there:
        return there.execute(query).fetchall()


def test_a_run_takes_the_exports_along(story: Story) -> None:
    assert story.first.succeeded
    assert story.first.materialized.keys() >= TARGETS
    assert asked(story, "SELECT order_date, orders FROM daily_revenue_by_category ORDER BY 1") == [(D1, 1), (D2, 1)]
    checks = {name: check.passed for name, check in story.late.checks.items() if name[0] in TARGETS}
    assert all(checks.values())
    assert {name for table, name in checks if table == "export/csv"} == {"rows_match", "columns_match", "files_whole"}


def test_a_range_of_days_may_be_asked_for_on_the_command_line(story: Story) -> None:
    graph = story.defs.resolve_asset_graph()
    policies = {graph.get(key).backfill_policy for key in graph.materializable_asset_keys}
    assert policies == {dg.BackfillPolicy.single_run()}


def test_the_tables_for_slides_have_sums_and_names(story: Story) -> None:
    folder = Path(story.settings.export_root) / "csv"
    with (folder / "gold_category_sales.csv").open(encoding="utf-8", newline="") as file:
        assert list(csv.reader(file)) == [["category", "orders", "units", "net_revenue"], ["Home", "2", "4", "40.00"]]
    with (folder / "gold_top_products.csv").open(encoding="utf-8", newline="") as file:
        assert list(csv.DictReader(file)) == [
            {"rank": "1", "product_id": "P1", "name": "Lamp", "units": "4", "net_revenue": "40.00"}
        ]


def test_a_run_writes_the_days_that_changed_and_says_so(story: Story) -> None:
    told = story.late.metadata("export/sqlite")
    by_table = {record.data["table"]: record.data for record in told["tables"].records}
    assert by_table["daily_revenue_by_category"]["units_written"] == 1
    assert by_table["daily_revenue_by_category"]["rows"] == 2
    nothing = story.again.metadata("export/sqlite")
    assert (nothing["units_written"], nothing["is_unchanged"]) == (0, True)
    assert nothing["bytes"] == (Path(story.settings.export_root) / "star.sqlite").stat().st_size


def test_the_sensor_asks_for_exports_that_are_behind_and_for_nothing_else(story: Story) -> None:
    gold = Gold(story.settings, story.shop.lake, ONLY)
    assert gold.goal(date(2025, 1, 2)).days == {}
    (Path(story.settings.export_root) / "csv/dim_products.csv").write_text("changed")
    (wanted,) = gold.goal(date(2025, 1, 2)).days.values()
    assert (wanted.tables, wanted.why) == ({"export/csv"}, (EXPORTS_BEHIND,))
    export(story.defs)
    assert gold.goal(date(2025, 1, 2)).days == {}


def test_an_export_is_behind_when_a_table_that_it_reads_is(story: Story) -> None:
    lake, settings = story.shop.lake, story.settings
    assert stale_exports(lake, settings, ONLY) == ()
    assert set(stale_exports(lake, settings, ONLY, ["gold/dim_products"])) == TARGETS
    # Only CSV has the table that is made from it.
    assert stale_exports(lake, settings, ONLY, ["gold/top_products_7d"]) == ("export/csv",)


def test_rows_that_somebody_changed_fail_the_step_and_the_message_says_what_to_do(story: Story) -> None:
    with closing(sqlite3.connect(Path(story.settings.export_root) / "star.sqlite")) as there, there:
        there.execute("DELETE FROM daily_revenue_by_category WHERE order_date = ?", [D1])
    done = export(story.defs)
    assert "daily_revenue_by_category on 2025-01-01: 0 rows, Gold has 1" in done.failure
    assert "Delete it and run again" in done.failure
    assert not done.checks[("export/sqlite", "rows_match")].passed
    (Path(story.settings.export_root) / "star.sqlite").unlink()
    assert export(story.defs).succeeded
