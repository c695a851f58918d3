"""A Bronze table as Dagster materializes it: without an engine, and without a lock while it waits for files."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace

import dagster as dg
import pytest

from project_etl.core.bronze import plan as load_plan
from project_etl.core.engine.embedded import EmbeddedEngine
from project_etl.core.lake import locks
from project_etl.orchestration import resources
from project_etl.orchestration.build import build_defs
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
    defs = build_defs(settings_of(tmp_path).model_copy(update={"settle_seconds": 60.0}))
    assets = [asset for asset in defs.assets or () if isinstance(asset, dg.AssetsDefinition)]
    bronze = [asset for asset in assets if asset.key == dg.AssetKey(TABLE.split("/"))]
    done = Done(dg.materialize(bronze, partition_key=D1, resources=dict(defs.resources or {})))
    assert done.metadata(TABLE, D1)["read"] == 1
    assert len(waited) == 1
    assert [key for (key,) in shop.rows(TABLE, "order_id")] == ["O1"]
