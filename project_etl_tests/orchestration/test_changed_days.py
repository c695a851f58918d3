"""The ticks of `changed_days`, over Silver tables written without Spark: what they ask for, and when they wait."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from project_etl.core.lake import WHOLE, TableStore
from project_etl.core.model.gold_order import gold_order
from project_etl.core.silver.frames import silver_schema
from project_etl.core.staleness import Staleness, days_of_data
from project_etl.orchestration.build import tables
from project_etl.orchestration.changed_days import PATIENCE_SECONDS, Cursor, Gold, tick
from project_etl.orchestration.request_book import MOST_ATTEMPTS, Book, Outcome
from project_etl.orchestration.requested_runs import is_underway
from project_etl_tests.commands.given import an_order, lake_in, settings_in, write
from project_etl_tests.small_shop import PARAMETERS

TABLES = tables()
ORDERS = "silver/orders"


def done(_: str) -> Outcome:
    return Outcome.DONE


def failed(_: str) -> Outcome:
    return Outcome.FAILED


def make(lake: TableStore, *names: str) -> None:
    for table in TABLES:
        if table.name in names or (not names and table.layer == "silver"):
            properties = {"delta.enableChangeDataFeed": "true"}
            lake.create(table.name, silver_schema(table), partition_by=table.partition_by, properties=properties)


@pytest.fixture
def lake(tmp_path: Path) -> TableStore:
    """All Silver tables, with one order."""
    lake = lake_in(settings_in(tmp_path))
    make(lake)
    write(lake, ORDERS, [an_order(3)])
    return lake


@pytest.fixture
def gold(lake: TableStore) -> Gold:
    return Gold(lake, TABLES, PARAMETERS, date(2025, 1, 1), date(2025, 1, 31))


@pytest.fixture
def followed(lake: TableStore, gold: Gold) -> Cursor:
    """The cursor of a sensor that has seen the tables as they are, of which all of Gold was computed."""
    compute(lake, gold)
    return Cursor(gold.versions(), until="2025-01-31")


def compute(lake: TableStore, gold: Gold) -> None:
    """Leave the notes of a computation of Gold, for all days there are."""
    days = [str(day) for day in days_of_data(lake, TABLES, gold.first_day, gold.last_day)]
    for table in gold_order(TABLES):
        lake.create(table.name, table.schema)
        now = Staleness(lake, {each.name: each for each in TABLES}, PARAMETERS).made_from(table)
        units = dict.fromkeys(days if table.is_daily else [WHOLE], now.identity)
        write(lake, table.name, [], {"table": table.name, "reads": now.versions, "days": units, "touched": []})


def on(number: int) -> dict[str, Any]:
    """The note of a commit that touched a day of January 2025."""
    return {"table": ORDERS, "touched": [f"2025-01-{number:02}"]}


def asked(cursor: Cursor) -> list[tuple[str, str]]:
    book = cursor.book
    return [(request.first, request.last) for request in (*((book.open,) if book.open else ()), *book.waiting)]


def test_the_first_look_asks_for_all_that_was_never_computed(gold: Gold) -> None:
    cursor, _ = tick(Cursor(), gold, done, 0)
    assert asked(cursor) == [("2025-01-03", "2025-01-16")]
    assert cursor.book.open is not None
    assert len(cursor.book.open.tables) == 13
    assert cursor.book.open.why == "first look at Silver"


def test_a_change_asks_for_what_is_stale_one_run_after_the_other(
    lake: TableStore, gold: Gold, followed: Cursor
) -> None:
    write(lake, ORDERS, [an_order(5)], on(5))
    cursor, _ = tick(followed, gold, done, 0)
    # The new order also lets windows go on for two more days.
    on_the_day, later = ("2025-01-05", "2025-01-05"), ("2025-01-17", "2025-01-18")
    assert asked(cursor) == [on_the_day, later, ("2025-01-05", "2025-01-11"), later, ("2025-01-05", "2025-01-18")]
    waiting, reason = tick(cursor, gold, lambda _: Outcome.UNDERWAY, 1)
    assert waiting == cursor
    assert reason == "waits for the run for 2025-01-05 of 10 tables (attempt 1); then 4 more runs"


def test_a_tick_that_died_asks_with_the_same_keys(lake: TableStore, gold: Gold, followed: Cursor) -> None:
    write(lake, ORDERS, [an_order(5)], on(5))
    first, second = (tick(followed, gold, done, now)[0] for now in (0, 100))
    assert first.book == second.book


def test_what_changes_meanwhile_is_followed_afterwards(lake: TableStore, gold: Gold, followed: Cursor) -> None:
    write(lake, ORDERS, [an_order(5)], on(5))
    cursor, _ = tick(followed, gold, done, 0)
    write(lake, ORDERS, [an_order(9)], on(9))
    while not cursor.book.is_idle:
        cursor, _ = tick(cursor, gold, done, 1)
    compute(lake, gold)
    write(lake, ORDERS, [an_order(10)], on(10))
    cursor, _ = tick(cursor, gold, done, 2)
    assert asked(cursor)[0] == ("2025-01-10", "2025-01-10")


def test_what_is_computed_in_between_is_looked_at_anew(lake: TableStore, gold: Gold, followed: Cursor) -> None:
    write(lake, ORDERS, [an_order(5)], on(5))
    cursor, reason = tick(followed, gold, done, 0)
    compute(lake, gold)
    while not cursor.book.is_idle:
        cursor, reason = tick(cursor, gold, done, 1)
    # The runs have changed Gold, which others read; nothing is stale by that.
    assert reason == "Gold is up to date with Silver"
    assert tick(cursor, gold, done, 3) == (cursor, "Silver is as it was")


def test_a_day_that_has_begun_is_computed_though_nothing_changed(gold: Gold) -> None:
    # A window looks back on the 3rd until the 16th.
    early = replace(gold, last_day=date(2025, 1, 14))
    compute(early.lake, early)
    cursor = Cursor(early.versions(), until="2025-01-14")
    cursor, reason = tick(cursor, replace(gold, last_day=date(2025, 1, 15)), done, 0)
    assert asked(cursor) == [("2025-01-15", "2025-01-15")]
    assert cursor.book.open is not None
    assert cursor.book.open.why == "2025-01-15 has begun"
    assert len(cursor.book.open.tables) == 13
    while not cursor.book.is_idle:
        cursor, reason = tick(cursor, replace(gold, last_day=date(2025, 1, 15)), done, 1)
    assert reason == "Silver is as it was"


def asked_tables(cursor: Cursor) -> set[str]:
    requests = (cursor.book.open, *cursor.book.waiting)
    return {name for request in requests if request for name in request.tables}


def test_a_load_under_way_is_waited_for_but_not_for_ever(lake: TableStore, gold: Gold, followed: Cursor) -> None:
    write(lake, ORDERS, [an_order(5)], on(5))
    cursor, reason = tick(followed, gold, done, 1000, is_loading=True)
    assert (asked(cursor), reason) == ([], "waits for files that are being loaded")
    assert Cursor.from_text(cursor.to_text("a lake"), "a lake", 7) == cursor
    assert Cursor.from_text(cursor.to_text("a lake"), "another", 7) == Cursor(book=Book(begun=7))
    assert Cursor.from_text('{"lake": "a lake", "read": {}}', "a lake", 7) == Cursor(book=Book(begun=7))
    cursor, _ = tick(cursor, gold, done, 1000 + PATIENCE_SECONDS - 1, is_loading=True)
    assert asked(cursor) == []
    cursor, _ = tick(cursor, gold, done, 1000 + PATIENCE_SECONDS, is_loading=True)
    assert asked(cursor)
    assert cursor.held_since is None


def test_a_table_that_was_made_anew_makes_all_days_stale(lake: TableStore, gold: Gold, followed: Cursor) -> None:
    shutil.rmtree(lake.path(ORDERS))
    make(lake, ORDERS)
    write(lake, ORDERS, [an_order(7)])
    cursor, _ = tick(followed, gold, done, 0)
    assert cursor.book.open is not None
    assert cursor.book.open.why == "changed: silver/orders"
    assert asked(cursor) == [("2025-01-07", "2025-01-20")]


def test_a_table_that_is_gone_is_not_asked_for(lake: TableStore, gold: Gold, followed: Cursor) -> None:
    write(lake, ORDERS, [an_order(7)], on(7))
    cursor, _ = tick(followed, gold, done, 0)
    assert "gold/top_users" in asked_tables(cursor)
    fewer = replace(gold, tables=[table for table in gold.tables if table.name != "gold/top_users"])
    while not cursor.book.is_idle:
        cursor, _ = tick(replace(cursor, book=replace(cursor.book, open=None)), fewer, done, 1)
        assert "gold/top_users" not in asked_tables(cursor)


def test_days_that_failed_too_often_come_back_with_the_next_change(
    lake: TableStore, gold: Gold, followed: Cursor
) -> None:
    write(lake, ORDERS, [an_order(5)], on(5))
    cursor, reason = tick(followed, gold, done, 0)
    now = ticks = 0
    while not cursor.book.is_idle:
        now, ticks = now + 10_000, ticks + 1
        cursor, reason = tick(cursor, gold, failed, now)
    # It fails in one tick, and is asked for again in the next.
    assert ticks == 2 * MOST_ATTEMPTS - 1
    assert "Set aside after failing too often, until Silver changes: 2025-01-05 of 10 tables; " in reason
    write(lake, ORDERS, [an_order(9)], on(9))
    cursor, _ = tick(cursor, gold, done, now)
    assert asked(cursor)[:2] == [("2025-01-05", "2025-01-05"), ("2025-01-09", "2025-01-09")]
    assert cursor.book.aside == ()


def test_maintenance_is_no_change(lake: TableStore, gold: Gold) -> None:
    write(lake, ORDERS, [an_order(3) | {"order_id": "other"}], on(3))
    compute(lake, gold)
    cursor = Cursor(gold.versions(), until="2025-01-31")
    lake.state(ORDERS).release().optimize.compact()
    assert gold.versions() != cursor.read
    cursor, reason = tick(cursor, gold, done, 0)
    assert (asked(cursor), reason) == ([], "Gold is up to date with Silver")


def test_without_silver_there_is_nothing_to_follow(tmp_path: Path) -> None:
    empty = Gold(lake_in(settings_in(tmp_path)), TABLES, PARAMETERS, date(2025, 1, 1), date(2025, 1, 31))
    assert tick(Cursor(), empty, done, 0) == (Cursor(), "Silver has not been computed yet")


def test_a_sensors_unended_runs_are_found() -> None:
    @dg.job
    def nothing() -> None:
        pass

    with dg.DagsterInstance.ephemeral() as instance:
        run = instance.create_run_for_job(nothing, tags={"dagster/sensor_name": "new_files"})
        assert is_underway(instance, "new_files")
        assert not is_underway(instance, "changed_days")
        instance.report_run_canceled(run)
        assert not is_underway(instance, "new_files")
