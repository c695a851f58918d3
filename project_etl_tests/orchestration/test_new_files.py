"""The sensor `new_files`, tick by tick: what it asks for, and what it says when it asks for nothing."""

from __future__ import annotations

import os
import resource
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import date
from multiprocessing import get_context
from pathlib import Path

import dagster as dg
import pytest

from project_etl.core.bronze.arrivals import Watch, arrivals
from project_etl.orchestration.build import tables
from project_etl.orchestration.new_files import Cursor, Loadable, new_files_sensor, tick, waiting_for
from project_etl.orchestration.partitions import RANGE_END, RANGE_START
from project_etl.orchestration.request_book import MOST_ATTEMPTS, Book, Outcome, Request
from project_etl.sources.catalog import datasets_of
from project_etl_tests.commands.given import lake_in, settings_in
from project_etl_tests.core.bronze.landing_files import land

NOW = time.time()
LONG_AGO = NOW - 3600


@dataclass
class Sensor:
    """The sensor over the landing of a folder, and what became of the run that it asked for last."""

    watch: Watch
    loadable: Loadable
    cursor: Cursor
    outcome: Outcome = Outcome.DONE
    now: float = NOW

    def tick(self) -> Request | None:
        """Tick once; the request whose run is under way then."""
        found = arrivals(self.watch, self.cursor.seen, self.now)
        self.cursor = tick(self.cursor, found, lambda _: self.outcome, self.loadable, self.now)
        return self.cursor.book.open

    def why_nothing(self) -> str:
        """What a tick says that asks for nothing."""
        return waiting_for(self.cursor.book, arrivals(self.watch, self.cursor.seen, self.now))

    def put(self, content: str, at: float = LONG_AGO, *, name: str = "a.csv", day: str = "2025-01-15") -> None:
        """A file lands, last changed at an instant."""
        path = land(Path(self.watch.root), name, content, day=day)
        os.utime(Path(self.watch.root) / path, (at, at))


@pytest.fixture
def sensor(tmp_path: Path) -> Sensor:
    settings = settings_in(tmp_path)
    watch = Watch(tmp_path / "landing", datasets_of(["shop"]), 5, date(2025, 1, 1), date(2025, 1, 31))
    return Sensor(watch, Loadable(lake_in(settings), tables(), settings), Cursor({}, Book()))


def days(request: Request | None) -> tuple[str, str] | None:
    return (request.first, request.last) if request else None


def test_a_correction_that_is_taken_back_is_loaded(sensor: Sensor) -> None:
    # The old bytes come back with their old time, as `rsync -t` and `cp -p` put them.
    keys: list[str] = []
    for content, at in (("old", LONG_AGO), ("new", LONG_AGO + 60), ("old", LONG_AGO)):
        sensor.put(content, at)
        asked = sensor.tick()
        assert asked is not None
        keys.append(asked.key)
        assert sensor.tick() is None
    # Dagster makes no second run of a key.
    assert len(set(keys)) == 3


def test_what_lands_during_a_run_makes_the_next(sensor: Sensor) -> None:
    sensor.put("a")
    sensor.outcome = Outcome.UNDERWAY
    first = sensor.tick()
    sensor.put("b", day="2025-01-16")
    assert sensor.tick() == first
    assert sensor.why_nothing() == (
        "waits for the run for 2025-01-15 of 12 tables (attempt 1); 1 landing days have news for the next"
    )
    sensor.outcome = Outcome.DONE
    assert days(sensor.tick()) == ("2025-01-16", "2025-01-16")


def test_a_tick_that_asks_for_nothing_says_what_it_waits_for(sensor: Sensor) -> None:
    sensor.tick()
    assert sensor.why_nothing() == "nothing new in landing"
    sensor.put("a", NOW - 1)
    sensor.put("a", day="2025-02-01")
    sensor.tick()
    assert sensor.why_nothing() == (
        "1 files are still changing: shop/orders/2025-01-15/a.csv. "
        "1 landing days are before the first partition or yet to come: 2025-02-01"
    )


def test_a_day_that_fails_is_tried_again_set_aside_and_tried_when_its_files_change(sensor: Sensor) -> None:
    sensor.put("a")
    sensor.outcome = Outcome.FAILED
    sensor.tick()
    sensor.tick()
    assert "to try again 2025-01-15 of 12 tables" in sensor.why_nothing()
    for _ in range(2 * MOST_ATTEMPTS):
        sensor.now += 1000
        sensor.tick()
    assert sensor.why_nothing().startswith(
        "set aside after failing too often: 2025-01-15 of 12 tables; tried again from "
    )
    # Others go on, and the day comes back with its next file.
    sensor.outcome = Outcome.DONE
    sensor.put("b", day="2025-01-20")
    assert days(sensor.tick()) == ("2025-01-20", "2025-01-20")
    assert sensor.tick() is None
    sensor.put("b", name="b.csv")
    assert days(sensor.tick()) == ("2025-01-15", "2025-01-15")


def tick_twice(folder: Path) -> tuple[list[tuple[str, str]], str, float, float]:
    """Days the first tick asks for, what the second says when they are loaded, its CPU seconds, MiB of both."""
    settings = settings_in(folder, LANDING_ROOT=str(folder / "landing"), SETTLE_SECONDS="0")
    sensor = new_files_sensor(settings, lake_in(settings), tables())
    with dg.DagsterInstance.ephemeral() as instance:
        before = resource.getrusage(resource.RUSAGE_SELF)
        first = sensor(dg.build_sensor_context(instance))
        assert isinstance(first, dg.SensorResult)
        asked = first.run_requests or ()
        for request in asked:
            instance.add_run(dg.DagsterRun("load", tags=request.tags, status=dg.DagsterRunStatus.SUCCESS))
        between = resource.getrusage(resource.RUSAGE_SELF)
        second = sensor(dg.build_sensor_context(instance, cursor=first.cursor))
        after = resource.getrusage(resource.RUSAGE_SELF)
    assert isinstance(second, dg.SensorResult)
    assert isinstance(second.skip_reason, dg.SkipReason)
    seconds = after.ru_utime + after.ru_stime - between.ru_utime - between.ru_stime
    days = [(request.tags[RANGE_START], request.tags[RANGE_END]) for request in asked]
    return days, second.skip_reason.skip_message or "", seconds, (after.ru_maxrss - before.ru_maxrss) / 1024


def test_a_hundred_thousand_known_files_cost_little(tmp_path: Path) -> None:
    # Few a day, as from a shop, and thousands, as from a stream.
    for number in range(520):
        folder = tmp_path / "landing" / "shop" / ("orders", "customers", "products", "fx_rates")[number % 4]
        folder = folder / date.fromordinal(date(2025, 1, 1).toordinal() + number // 4).isoformat()
        folder.mkdir(parents=True)
        for name in range(100 if number >= 20 else 2500):
            (folder / f"{name}.csv").touch()
    # A process of its own: of this one the peak is already high.
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        asked, said, seconds, mebibytes = pool.submit(tick_twice, tmp_path).result()
    assert (asked, said) == ([("2025-01-01", "2025-05-10")], "nothing new in landing")
    assert seconds < 10
    assert mebibytes < 300
