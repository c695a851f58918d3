"""The ticks of `changed_days`, over Silver tables written without an engine: what they ask for, and when they wait."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from project_etl.catalog import tables
from project_etl.core.lake import WHOLE, TableStore
from project_etl.core.model.order import gold_order
from project_etl.core.silver.plan import silver_schema
from project_etl.core.staleness import Staleness, days_of_data
from project_etl.orchestration import daily_load
from project_etl.orchestration.factory import parameters_of
from project_etl.orchestration.partitions import RANGE_END, RANGE_START
from project_etl.orchestration.run_tags import ASKER_TAG, WHY_TAG
from project_etl.orchestration.sensors.changed_days import PATIENCE_SECONDS, Gold, tick
from project_etl.orchestration.sensors.new_files import Loads
from project_etl.sources import clickstream
from project_etl_tests.commands.given import an_order, lake_in, land_until, settings_in, write
from project_etl_tests.core.bronze.landing_files import land
from project_etl_tests.core.staleness import returns

pytestmark = pytest.mark.long

TABLES = tables()
ORDERS = "silver/orders"
GOLD = {table.name for table in TABLES if table.layer == "gold"}
# What is asked for on a day in January 2025 is looked at from there.
NOW = datetime(2025, 1, 31, 12, tzinfo=UTC).timestamp()


def begin(instance: dg.DagsterInstance, tags: Mapping[str, str], keys: Collection[dg.AssetKey]) -> dg.DagsterRun:
    """A run that is under way from now on."""
    started = dg.DagsterRunStatus.STARTED
    return instance.add_run(dg.DagsterRun("job", tags=tags, asset_selection=frozenset(keys), status=started))


@dataclass
class Place:
    """A lake with all Silver tables and one order, and Dagster's memory."""

    gold: Gold
    instance: dg.DagsterInstance
    now: float = NOW
    runs: list[dg.DagsterRun] = field(default_factory=list)

    @property
    def lake(self) -> TableStore:
        return self.gold.lake

    def tick(self) -> dg.RunRequest | str:
        return tick(self.gold, self.instance, self.now)

    def asked(self) -> tuple[str, str]:
        """Days of what the tick asks for, whose run then is under way."""
        found = self.tick()
        assert isinstance(found, dg.RunRequest), found
        self.runs.append(begin(self.instance, found.tags, found.asset_selection or ()))
        return found.tags[RANGE_START], found.tags[RANGE_END]

    def order(self, number: int, **more: Any) -> None:
        """An order of a day of January 2025 comes to Silver; it landed on that day."""
        land_until(self.lake, f"2025-01-{number:02}")
        note = {"table": ORDERS, "touched": [f"2025-01-{number:02}"]}
        write(self.lake, ORDERS, [an_order(number) | more], note)

    def compute(self, until: date = date(2025, 1, 31)) -> None:
        """Leave the notes of a computation of all of Gold."""
        days = [str(day) for day in days_of_data(self.lake, TABLES, date(2025, 1, 1), until)]
        parameters = parameters_of(self.gold.settings)
        for table in gold_order(TABLES):
            self.lake.create(table.name, table.schema)
            now = Staleness(self.lake, {each.name: each for each in TABLES}, parameters).made_from(table)
            units = dict.fromkeys(days if table.is_daily else [WHOLE], now.identity)
            note = {"table": table.name, "reads": now.versions, "days": units, "touched": []}
            write(self.lake, table.name, [], note)


def make(lake: TableStore, *names: str) -> None:
    for table in TABLES:
        if table.name in names or (not names and table.layer == "silver"):
            properties = {"delta.enableChangeDataFeed": "true"}
            lake.create(table.name, silver_schema(table), partition_by=table.partition_by, properties=properties)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    settings = settings_in(tmp_path, START_DATE="2025-01-01", SETTLE_SECONDS="0", LANDING_ROOT=f"{tmp_path}/landing")
    lake = lake_in(settings)
    make(lake)
    with dg.DagsterInstance.ephemeral() as instance:
        place = Place(Gold(settings, lake, TABLES), instance)
        place.order(3)
        yield place


def test_the_first_look_asks_for_all_that_was_never_computed(place: Place) -> None:
    asked = place.tick()
    assert isinstance(asked, dg.RunRequest)
    assert {"/".join(key.path) for key in asked.asset_selection or ()} == GOLD
    assert asked.tags[WHY_TAG] == "not computed yet"
    assert place.asked() == ("2025-01-03", "2025-01-03")


def test_a_change_asks_for_what_is_stale_in_one_run(place: Place) -> None:
    place.compute()
    assert place.tick() == "Gold is up to date with Silver"
    place.order(5)
    asked = place.tick()
    assert isinstance(asked, dg.RunRequest)
    assert asked.tags[WHY_TAG] == "changed: silver/orders"
    assert place.asked() == ("2025-01-04", "2025-01-05")
    assert place.tick() == f"waits for run {place.runs[0].run_id[:8]} for 2025-01-04 to 2025-01-05"


def test_what_changes_meanwhile_is_asked_for_afterwards(place: Place) -> None:
    place.compute()
    place.order(5)
    place.asked()
    place.compute()
    place.order(20)
    assert "waits for run" in str(place.tick())
    place.instance.report_run_canceled(place.runs[0])
    assert place.asked() == ("2025-01-06", "2025-01-20")


def test_a_day_is_computed_once_landing_has_reached_it_though_nothing_changed(place: Place) -> None:
    place.compute()
    # A window looks back on the 3rd until the 16th; nothing of those days has landed.
    assert place.tick() == "Gold is up to date with Silver"
    land_until(place.lake, "2025-01-05")
    assert place.asked() == ("2025-01-04", "2025-01-05")


def test_no_day_after_the_end_is_computed(place: Place) -> None:
    place.order(8)
    ended = place.gold.settings.model_copy(update={"end_date": date(2025, 1, 6)})
    place.gold = Gold(ended, place.lake, TABLES)
    assert place.asked() == ("2025-01-03", "2025-01-06")


def test_a_table_that_was_made_anew_makes_all_days_stale(place: Place) -> None:
    place.compute()
    shutil.rmtree(place.lake.path(ORDERS))
    make(place.lake, ORDERS)
    place.order(7)
    # The third is computed again: its order is gone.
    assert place.asked() == ("2025-01-03", "2025-01-03")


def test_days_far_outside_of_the_partitions_are_not_asked_for(place: Place) -> None:
    days = (date(1900, 1, 1), date(9998, 12, 31))

    def put(kind: str) -> None:
        rows = [an_order(1) | {"order_id": f"{kind} {day}", "order_date": day} for day in days]
        write(place.lake, ORDERS, rows, {"table": ORDERS, "touched": [str(day) for day in days]})

    put("first")
    place.order(5)
    assert place.asked() == ("2025-01-01", "2025-01-05")
    place.instance.report_run_canceled(place.runs[0])
    place.compute()
    put("corrected")
    assert place.tick() == "Gold is up to date with Silver"
    place.order(6)
    assert place.asked()[0] == "2025-01-06"
    # Neither does the other sensor look at them.
    loads = Loads(place.gold.settings, place.lake, TABLES)
    assert all(day.year == 2025 for day in loads.goal(loads.look(NOW, is_full=True), NOW).days)


def test_the_last_days_of_all_can_be_in_silver(place: Place) -> None:
    place.order(3, order_id="late", order_date=date.max)
    assert place.asked() == ("2025-01-03", "2025-01-03")


def test_maintenance_is_no_change(place: Place) -> None:
    place.order(3, order_id="other")
    place.compute()
    place.lake.state(ORDERS).release().optimize.compact()
    assert place.tick() == "Gold is up to date with Silver"


def test_what_failed_waits_until_its_days_change(place: Place) -> None:
    place.compute()
    place.order(5)
    place.now = datetime.now(UTC).timestamp()
    place.asked()
    place.instance.report_run_failed(place.runs[0])
    assert "to try again 2025-01-04 to 2025-01-05" in str(place.tick())
    place.order(19)
    # What is new goes its way; commits have times of the real clock, in milliseconds.
    assert place.asked() == ("2025-01-06", "2025-01-19")
    place.instance.report_run_canceled(place.runs[1])
    place.order(5, order_id="other")
    assert place.asked()[0] == "2025-01-05"


def test_without_silver_there_is_nothing_to_follow(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    with dg.DagsterInstance.ephemeral() as instance:
        assert tick(Gold(settings, lake_in(settings), TABLES), instance, NOW) == "Silver has not been computed yet"


def test_a_day_counts_as_changed_when_one_that_its_rows_name_has(tmp_path: Path) -> None:
    lake, third = returns.made(str(tmp_path)), date(2025, 1, 3)
    returns.compute(lake, returns.DAILY)
    returns.change(lake, returns.FACTS, returns.sale(9, 1))
    changed = lake.state(returns.FACTS.name).made_by.timestamp / 1000
    returns.change(lake, returns.FACTS, returns.sale(10, 8))
    goal = Gold(settings_in(tmp_path), lake, (*returns.OTHERS, returns.DAILY)).goal(third)
    assert returns.DAILY.name in goal.days[third].tables
    assert goal.changed_at([third]) == {third: changed}


# --- loads ------------------------------------------------------------------------------------------------------------


def test_a_load_under_way_is_waited_for_but_not_for_ever(place: Place) -> None:
    place.compute()
    place.order(5)
    tags = {RANGE_START: "2025-01-05", RANGE_END: "2025-01-05", ASKER_TAG: "new_files"}
    load = begin(place.instance, tags, {dg.AssetKey(["silver", "orders"])})
    place.now = datetime.now(UTC).timestamp()
    assert place.tick() == f"waits for files that run {load.run_id[:8]} loads"
    place.now += PATIENCE_SECONDS + 1
    assert place.asked()[0] == "2025-01-04"


def test_gold_follows_a_stream_at_once(place: Place) -> None:
    place.compute()
    place.order(5)
    tags = {RANGE_START: "2025-01-05", RANGE_END: "2025-01-05", ASKER_TAG: "new_files"}
    begin(place.instance, tags, {dg.AssetKey(["silver", "orders"])})
    given = clickstream.SOURCE.pull
    assert given
    pull = (("clickstream", given.options.model_validate({"brokers": "nowhere:9092", "topic": "clicks"})),)
    update = {"sources": ("shop", "clickstream"), "pull": pull}
    place.gold = replace(place.gold, settings=place.gold.settings.model_copy(update=update))
    place.now = datetime.now(UTC).timestamp()
    assert place.asked()[0] == "2025-01-04"


def test_a_file_that_has_landed_and_is_not_loaded_is_waited_for_once(place: Place) -> None:
    place.compute()
    place.order(5)
    root = Path(place.gold.settings.landing_root)
    file = land(root, "items.csv", "order_id\n1\n", day="2025-01-05")
    assert place.tick() == f"waits for files to be loaded: {file}"
    place.now += PATIENCE_SECONDS + 1
    assert place.asked()[0] == "2025-01-04"
    place.instance.report_run_canceled(place.runs[0])
    # It is still there as it was, and holds up nothing any more.
    place.compute()
    place.order(6)
    assert place.asked()[0] == "2025-01-06"


# --- without sensors --------------------------------------------------------------------------------------------------


def test_the_schedule_asks_for_yesterdays_landing_and_then_for_gold(place: Place) -> None:
    loads = Loads(place.gold.settings, place.lake, TABLES)
    at = datetime(2025, 1, 31, 2, tzinfo=UTC)
    root = Path(place.gold.settings.landing_root)
    for day in ("2025-01-29", "2025-01-30", "2025-01-31"):
        land(root, "a.csv", "order_id\n1\n", day=day)

    def tick() -> dg.RunRequest | str:
        return daily_load.tick(loads, place.gold, place.instance, at)

    asked = tick()
    assert isinstance(asked, dg.RunRequest)
    assert (asked.tags[RANGE_START], asked.tags[RANGE_END]) == ("2025-01-29", "2025-01-30")
    assert dg.AssetKey(["bronze", "shop", "orders"]) in (asked.asset_selection or ())
    run = begin(place.instance, asked.tags, asked.asset_selection or ())
    assert "waits for run" in str(tick())
    place.instance.report_run_canceled(run)
    # What earlier nights left, too; while it fails, Gold is computed all the same.
    (root / "shop/orders/2025-01-31/a.csv").unlink()
    at = datetime.now(UTC)
    asked = tick()
    assert isinstance(asked, dg.RunRequest)
    assert (asked.tags[RANGE_START], asked.tags[RANGE_END]) == ("2025-01-03", "2025-01-03")
    place.compute()
    assert "to try again 2025-01-29 to 2025-01-30" in str(tick())
    shutil.rmtree(root)
    assert tick() == "nothing has landed before today that is not loaded, and Gold is up to date with Silver"
