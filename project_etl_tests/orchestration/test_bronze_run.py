"""A Bronze table as Dagster materializes it: without an engine, and without a lock while it waits for files."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace

import dagster as dg
import deltalake
import pytest

from project_etl.core.bronze import plan as load_plan
from project_etl.core.engine.embedded import EmbeddedEngine
from project_etl.core.lake import locks
from project_etl.orchestration import resources
from project_etl.orchestration.build import build_defs
from project_etl.orchestration.failures import failures_of
from project_etl.orchestration.metadata import counts_of
from project_etl.settings import Settings
from project_etl_tests.orchestration.given import Done, settings_of
from project_etl_tests.small_shop import ORDER, SmallShop

D1 = "2025-01-01"
TABLE = "bronze/shop/orders"


def no_engine(*_: object) -> None:
    raise AssertionError("an engine was started")


def test_bronze_starts_no_engine_and_waits_for_files_without_its_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = SmallShop(tmp_path)
    shop.land_rows("orders", D1, ORDER)
    waited: list[float] = []
    now = time.time

    def sleep(seconds: float) -> None:
        with shop.lake.lock(TABLE):
            waited.append(seconds)

    monkeypatch.setattr(locks, "LOCK_TIMEOUT_SECONDS", 0.1)
    # Only for who waits for files: other threads sleep as ever.
    monkeypatch.setattr(load_plan, "time", SimpleNamespace(sleep=sleep, time=lambda: now() + sum(waited)))
    monkeypatch.setattr(resources, "started_apart", no_engine)
    monkeypatch.setattr(EmbeddedEngine, "session", no_engine)
    done = Done(bronze_run(settings_of(tmp_path).model_copy(update={"settle_seconds": 60.0})))
    assert done.metadata(TABLE, D1)["read"] == 1
    assert len(waited) == 1
    assert [key for (key,) in shop.rows(TABLE, "order_id")] == ["O1"]


def test_bronze_refuses_another_landing_before_it_waits_for_its_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = SmallShop(tmp_path)
    shop.land_rows("orders", D1, ORDER)
    shop.bronze("orders", D1)
    monkeypatch.setattr(load_plan, "list_landing", no_engine)
    other = settings_of(tmp_path).model_copy(update={"landing_root": str(tmp_path / "other")})
    result = bronze_run(other)
    assert not result.success
    ((table, why),) = failures_of(result.all_events).items()
    assert table == TABLE
    assert why.startswith(f"The lake in {shop.lake.root} was loaded from {shop.landing}, and landing_root is now ")


def test_a_row_that_is_gone_turns_a_check_red_and_stops_nothing(tmp_path: Path) -> None:
    shop, settings = SmallShop(tmp_path), settings_of(tmp_path)
    shop.land_rows("orders", D1, ORDER, {**ORDER, "order_id": "O2"})
    kept = Done(bronze_run(settings)).checks[TABLE, "rows_kept"]
    assert (kept.passed, kept.description) == (True, f"{TABLE} has all of its 0 rows")
    deltalake.DeltaTable(shop.lake.path(TABLE)).delete("order_id = 'O2'")
    done = Done(bronze_run(settings))
    kept = done.checks[TABLE, "rows_kept"]
    assert done.succeeded
    assert (kept.passed, kept.severity, kept.blocking) == (False, dg.AssetCheckSeverity.ERROR, False)
    assert (kept.description or "").startswith(f"Bronze: {TABLE} should have 2 rows and has 1 ({D1}).")
    assert counts_of(kept) == {"action": "error", "broken": 1, "judged": 2, "share": "50.00%"}


def bronze_run(settings: Settings) -> dg.ExecuteInProcessResult:
    """A run of the one Bronze table on one day."""
    defs = build_defs(settings)
    assets = [asset for asset in defs.assets or () if isinstance(asset, dg.AssetsDefinition)]
    bronze = [asset for asset in assets if asset.key == dg.AssetKey(TABLE.split("/"))]
    return dg.materialize(bronze, partition_key=D1, resources=dict(defs.resources or {}), raise_on_error=False)
