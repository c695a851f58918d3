"""`project-etl stream`: which source, what is said, and what Dagster is told."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from click.testing import CliRunner, Result

from project_etl.cli import main
from project_etl.commands.stream import run as code
from project_etl.core.extract.streaming import streaming
from project_etl.orchestration.pulls import pull_schedules
from project_etl.settings import Settings
from project_etl.sources import oltp
from project_etl_tests.commands.given import dagster_home_in, memory_in, settings_in
from project_etl_tests.core.extract.given import FileShop

WITHOUT = "[customers, events, fx_rates, order_items, products, refunds, reviews]"


@pytest.fixture(autouse=True)
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FileShop:
    found = FileShop(tmp_path)
    settings_in(
        tmp_path,
        f"landing_root: landing\nlake_root: lake\nsources: [oltp, ecb]\npull:\n  oltp:\n"
        f"    url: sqlite:///{tmp_path}/shop.db\n    lag_seconds: 0\n    without: {WITHOUT}\n",
    )
    monkeypatch.setenv("PROJECT_ETL_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("DAGSTER_HOME", dagster_home_in(tmp_path))
    return found


@pytest.fixture
def stream(monkeypatch: pytest.MonkeyPatch) -> None:
    """The database is read without an end."""
    pull = oltp.SOURCE.pull
    assert pull
    monkeypatch.setattr(oltp, "SOURCE", replace(oltp.SOURCE, pull=replace(pull, stream=pull.connect)))


@pytest.fixture
def rounds(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What came of each round so far."""
    seen: list[object] = []
    original = code.rounds

    def counted(*arguments: Any) -> Iterator[Any]:
        for each in original(*arguments):
            seen.append(each)
            yield each

    monkeypatch.setattr(code, "rounds", counted)
    return seen


def call(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["stream", *arguments])


def stopped_when(is_so: Callable[[], bool], *arguments: str) -> Result:
    """The command, stopped with a signal as soon as something is so."""

    before = signal.getsignal(signal.SIGTERM)

    def watch() -> None:
        until = time.monotonic() + 30
        # A signal that comes before the command minds it ends the tests.
        while (signal.getsignal(signal.SIGTERM) is before or not is_so()) and time.monotonic() < until:
            time.sleep(0.02)
        if signal.getsignal(signal.SIGTERM) is not before:
            os.kill(os.getpid(), signal.SIGTERM)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        return call(*arguments)
    finally:
        watcher.join()


def test_where_nothing_is_a_stream_it_says_what_to_write() -> None:
    said = call()
    assert said.exit_code == 2
    assert "No source that is on is a stream: `sources` of the environment local is oltp, ecb." in said.output
    assert "`pull: {clickstream: {brokers: HOST:PORT, topic: NAME}}`" in said.output


@pytest.mark.usefixtures("stream")
def test_a_source_that_is_no_stream_is_told() -> None:
    said = call("ecb")
    assert said.exit_code == 2
    assert "There is no stream 'ecb' that is on" in said.output
    assert "It is pulled, and has an end: use `project-etl pull`." in said.output
    assert "There is no stream 'oltpp' that is on; did you mean oltp?" in call("oltpp").output


@pytest.mark.usefixtures("stream")
def test_what_lands_is_said_and_reported_without_a_run(shop: FileShop, tmp_path: Path) -> None:
    shop.add(1, 2, seconds=1)
    said = stopped_when(lambda: bool(shop.files()))
    assert said.exit_code == 0, said.output
    lines = said.output.splitlines()
    assert lines[0].startswith("Reads oltp until Ctrl+C.")
    assert "oltp/orders: 2 records in oltp/orders/" in lines[1]
    assert lines[-1] == "Stopped."
    with memory_in(tmp_path) as instance:
        key = dg.AssetKey(["landing", "oltp", "orders"])
        (record,) = instance.fetch_materializations(key, limit=5).records
        assert record.asset_materialization
        assert record.asset_materialization.metadata["read"].value == 2
        checks = instance.event_log_storage.get_latest_asset_check_execution_by_key(
            [dg.AssetCheckKey(key, name) for name in ("is_fresh", "no_gaps", "nothing_missed")]
        )
        assert len(checks) == 3
        assert not instance.get_run_ids()


@pytest.mark.usefixtures("stream")
def test_a_round_in_which_nothing_happens_is_reported_once_an_hour(
    shop: FileShop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rounds: list[object]
) -> None:
    def reports() -> int:
        with memory_in(tmp_path) as instance:
            return len(instance.fetch_materializations(dg.AssetKey(["landing", "oltp", "orders"]), limit=50).records)

    assert not shop.files()
    stopped_when(lambda: len(rounds) > 2)
    # That nothing has been read yet is a news, once.
    assert reports() == 1
    monkeypatch.setattr(code, "REPORTED_EVERY_SECONDS", 0)
    rounds.clear()
    stopped_when(lambda: len(rounds) > 2)
    assert reports() >= 3


@pytest.mark.usefixtures("stream")
def test_a_source_that_does_not_answer_is_said(shop: FileShop, rounds: list[object]) -> None:
    shop.database.execute("ALTER TABLE orders RENAME TO sales")
    said = stopped_when(lambda: bool(rounds))
    assert said.exit_code == 0
    assert "oltp is not read: sqlite:///" in said.output
    assert "Tries again in 1 s." in said.output


@pytest.mark.usefixtures("stream")
def test_a_second_stream_says_that_it_is_useless(tmp_path: Path, rounds: list[object]) -> None:
    with streaming(str(tmp_path / "lake"), "oltp"):
        said = stopped_when(lambda: bool(rounds))
    assert "Another `project-etl stream` reads oltp on this machine." in said.output


def test_the_schedule_leaves_a_source_to_its_stream(shop: FileShop, tmp_path: Path) -> None:
    settings: Settings = shop.shop.settings
    lake = shop.shop.lake.root
    schedule = next(each for each in pull_schedules(settings, lake) if each.name == "oltp_etl")
    with memory_in(tmp_path) as instance:
        context = dg.build_schedule_context(instance)
        with streaming(lake, "oltp"):
            assert "`project-etl stream` reads oltp" in str(schedule(context))
        assert isinstance(schedule(context), dg.RunRequest)
