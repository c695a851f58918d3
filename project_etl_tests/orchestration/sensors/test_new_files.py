"""The sensor `new_files`, tick by tick: what it asks for, and what it says when it asks for nothing."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import pytest

from project_etl.catalog import table_names, tables
from project_etl.core.engine.base import Engine
from project_etl.orchestration.partitions import RANGE_END, RANGE_START
from project_etl.orchestration.run_tags import WHY_TAG
from project_etl.orchestration.sensors.new_files import FULL_LOOK_SECONDS, Loads, tick
from project_etl_tests.commands.given import lake_in, settings_in
from project_etl_tests.core.bronze.landing_files import land
from project_etl_tests.orchestration.autopilot import Autopilot, autopilot
from project_etl_tests.small_shop import CUSTOMER, ITEM, ORDER, PRODUCT, SmallShop

pytestmark = pytest.mark.long

NOW = time.time()
LONG_AGO = NOW - 3600
# All that comes before Gold.
LOADED = {name for name in table_names(("shop",)) if not name.startswith("gold/")}


@dataclass
class Sensor:
    """The sensor over the landing of a folder, and Dagster's memory."""

    loads: Loads
    instance: dg.DagsterInstance
    cursor: str | None = None
    now: float = NOW

    def tick(self) -> dg.RunRequest | str:
        """Tick once: what is asked for, or why nothing is."""
        result = tick(self.loads, self.instance, self.cursor, self.now)
        self.cursor = result.cursor
        if result.run_requests:
            return result.run_requests[0]
        assert isinstance(result.skip_reason, dg.SkipReason)
        return result.skip_reason.skip_message or ""

    def put(self, content: str, at: float = LONG_AGO, *, name: str = "a.csv", day: str = "2025-01-15") -> Path:
        """A file lands, last changed at an instant."""
        root = Path(self.loads.settings.landing_root)
        path = root / land(root, name, content, day=day)
        os.utime(path, (at, at))
        return path


@pytest.fixture
def sensor(tmp_path: Path) -> Iterator[Sensor]:
    settings = settings_in(tmp_path, LANDING_ROOT=f"{tmp_path}/landing", START_DATE="2025-01-01", SETTLE_SECONDS="5")
    with dg.DagsterInstance.ephemeral() as instance:
        yield Sensor(Loads(settings, lake_in(settings), tables()), instance)


def days(asked: dg.RunRequest | str) -> tuple[str, str]:
    assert isinstance(asked, dg.RunRequest), asked
    return asked.tags[RANGE_START], asked.tags[RANGE_END]


def test_what_lands_is_asked_for_with_the_tables_that_were_never_made(sensor: Sensor) -> None:
    sensor.put("a")
    sensor.put("b", name="b.csv")
    asked = sensor.tick()
    assert days(asked) == ("2025-01-15", "2025-01-15")
    assert isinstance(asked, dg.RunRequest)
    assert {"/".join(key.path) for key in asked.asset_selection or ()} == LOADED
    assert asked.tags[WHY_TAG] == "new: shop/orders/2025-01-15 (a.csv and 1 more)"


def test_a_tick_that_asks_for_nothing_says_what_it_does_not_take(sensor: Sensor) -> None:
    assert sensor.tick() == "nothing new in landing"
    sensor.put("a", NOW - 1)
    sensor.put("a", day="2024-02-01")
    assert sensor.tick() == (
        "nothing new in landing. 1 files are still changing: shop/orders/2025-01-15/a.csv. "
        "1 landing days have no partition: 2024-02-01. "
        "`project-etl status` names all that is not read, with what to do"
    )


def test_the_landing_of_another_lake_is_not_asked_for(sensor: Sensor, tmp_path: Path) -> None:
    shop = SmallShop(tmp_path)
    shop.land_rows("orders", "2025-01-15", ORDER)
    shop.bronze("orders", "2025-01-15")
    shop.landing.rename(tmp_path / "other")
    roots = {"landing_root": str(tmp_path / "other"), "lake_root": shop.lake.root}
    settings = sensor.loads.settings.model_copy(update=roots)
    sensor.loads = Loads(settings, lake_in(settings), tables())
    said = sensor.tick()
    assert isinstance(said, str)
    assert said.startswith(f"The lake in {shop.lake.root} was loaded from {shop.landing}, and landing_root is now ")
    # All days are looked at when it has been set right.
    assert sensor.cursor is None


def test_a_day_that_failed_is_tried_again_at_once_when_its_files_change(sensor: Sensor) -> None:
    sensor.put("a")
    asked = sensor.tick()
    assert isinstance(asked, dg.RunRequest)
    status = dg.DagsterRunStatus.STARTED
    run = sensor.instance.add_run(dg.DagsterRun("load", tags=asked.tags, status=status))
    assert sensor.tick() == f"waits for run {run.run_id[:8]} for 2025-01-15"
    sensor.instance.report_run_failed(run)
    sensor.now = time.time()
    assert f"to try again 2025-01-15 of {len(LOADED)} tables (failed 1 times)" in str(sensor.tick())
    # Others go on.
    sensor.put("b", day="2025-01-20")
    assert days(sensor.tick()) == ("2025-01-20", "2025-01-20")
    # A copy with the time of the original has arrived now.
    sensor.put("b", name="b.csv")
    sensor.now = time.time()
    assert days(sensor.tick()) == ("2025-01-15", "2025-01-15")


def test_all_landing_days_are_looked_at_hourly_and_on_request(sensor: Sensor, monkeypatch: pytest.MonkeyPatch) -> None:
    full: list[bool] = []
    look = sensor.loads._watcher.look

    def watched(*args, is_full: bool):
        full.append(is_full)
        return look(*args, is_full=is_full)

    monkeypatch.setattr(sensor.loads._watcher, "look", watched)
    sensor.tick()
    sensor.tick()
    sensor.now += FULL_LOOK_SECONDS
    sensor.tick()
    sensor.tick()
    # Somebody resets it in the UI; an earlier version left it; the clock was ahead.
    for cursor in (None, '{"days": []}', "9998-01-01T00:00:00+00:00"):
        sensor.cursor = cursor
        sensor.tick()
        sensor.tick()
    assert full == [True, False, True, False, *[True, False] * 3]


# --- what a run left undone -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, engine: Engine) -> Iterator[tuple[SmallShop, Autopilot]]:
    """A shop whose first day is loaded, and its sensors."""
    folder = tmp_path_factory.mktemp("undone")
    shop = SmallShop(folder, engine)
    with autopilot(folder) as pilot:
        shop.land_rows("customers", "2025-01-01", CUSTOMER)
        shop.land_rows("products", "2025-01-01", PRODUCT)
        shop.land_rows("orders", "2025-01-01", ORDER)
        shop.land_rows("order_items", "2025-01-01", ITEM)
        pilot.until_quiet(["new_files"])
        yield shop, pilot


def materialize(pilot: Autopilot, day: str, *tables: str) -> None:
    """A person makes some tables."""
    job = pilot.defs.resolve_implicit_global_asset_job_def()
    keys = [dg.AssetKey(table.split("/")) for table in tables]
    tags = {"dagster/partition": day}
    assert job.execute_in_process(asset_selection=keys, tags=tags, instance=pilot.instance).success


def test_what_bronze_holds_and_silver_has_not_judged_is_asked_for(shop: tuple[SmallShop, Autopilot]) -> None:
    small, pilot = shop
    small.land_rows("orders", "2025-01-02", {**ORDER, "order_id": "O2"})
    materialize(pilot, "2025-01-02", "bronze/shop/orders")
    (ran,) = pilot.until_quiet(["new_files"])
    assert ran.done.succeeded
    assert ran.days == ("2025-01-02", "2025-01-02")
    assert ran.tables == {"silver/orders", "silver/order_items", "silver/refunds"}
    assert ran.request.tags[WHY_TAG] == "not judged yet: silver/orders 2025-01-02"
    assert pilot.why_nothing("new_files") == "nothing new in landing"


def test_a_table_whose_parent_was_judged_without_it_is_asked_for(shop: tuple[SmallShop, Autopilot]) -> None:
    small, pilot = shop
    small.land_rows("order_items", "2025-01-03", {**ITEM, "order_item_id": "I3", "order_id": "O3"})
    pilot.until_quiet(["new_files"])
    assert ("I3",) not in small.rows("silver/order_items", "order_item_id")
    small.land_rows("orders", "2025-01-03", {**ORDER, "order_id": "O3"})
    materialize(pilot, "2025-01-03", "bronze/shop/orders", "silver/orders")
    (ran,) = pilot.until_quiet(["new_files"])
    assert ran.tables == {"silver/order_items"}
    assert ran.request.tags[WHY_TAG] == "judged before what they refer to: silver/order_items"
    assert ("I3",) in small.rows("silver/order_items", "order_item_id")
    assert pilot.why_nothing("new_files") == "nothing new in landing"


def test_the_first_look_of_a_process_names_and_loads_what_is_new_alone(shop: tuple[SmallShop, Autopilot]) -> None:
    small, _ = shop
    file = small.land_rows("orders", "2025-01-04", {**ORDER, "order_id": "O4"})
    with autopilot(small.landing.parent) as fresh:
        (asked,) = [*(fresh.tick("new_files").run_requests or ())]
    file.unlink()
    assert days(asked) == ("2025-01-04", "2025-01-04")
    assert asked.tags[WHY_TAG] == f"new: shop/orders/2025-01-04 ({file.name})"
    # All that it keeps is when it looked at all of landing.
    assert len(fresh.cursors["new_files"] or "") < 30
