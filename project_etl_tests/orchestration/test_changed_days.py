"""The ticks of `changed_days`, over Silver tables written without Spark: what they ask for, and when they wait."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from project_etl.core.gold_work import all_changes_since, reached_days
from project_etl.core.lake import TableStore
from project_etl.core.silver_frames import silver_schema
from project_etl.orchestration import changed_days
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
def followed(gold: Gold) -> Cursor:
    """The cursor of a sensor that has seen Silver as it is, and has nothing to do."""
    return Cursor(gold.silver(), until="2025-01-31")


def asked(cursor: Cursor) -> list[tuple[str, str]]:
    book = cursor.book
    return [(request.first, request.last) for request in (*((book.open,) if book.open else ()), *book.waiting)]


def test_the_first_look_asks_for_all_that_was_never_computed(gold: Gold) -> None:
    cursor, _ = tick(Cursor(), gold, done, 0)
    assert asked(cursor) == [("2025-01-03", "2025-01-16")]
    assert cursor.book.open is not None
    assert len(cursor.book.open.tables) == 13
    assert cursor.book.open.why == "all days that are out of date: first look at Silver"


def test_a_change_asks_for_what_it_reaches_one_run_after_the_other(
    lake: TableStore, gold: Gold, followed: Cursor
) -> None:
    write(lake, ORDERS, [an_order(5)])
    cursor, _ = tick(followed, gold, done, 0)
    assert asked(cursor) == [("2025-01-05", "2025-01-05"), ("2025-01-05", "2025-01-11"), ("2025-01-05", "2025-01-18")]
    waiting, reason = tick(cursor, gold, lambda _: Outcome.UNDERWAY, 1)
    assert waiting == cursor
    assert reason == "waits for the run for 2025-01-05 of 10 tables (attempt 1); then 2 more runs"
    for left in (2, 1):
        cursor, _ = tick(cursor, gold, done, 2)
        assert len(asked(cursor)) == left
    cursor, reason = tick(cursor, gold, done, 3)
    assert (asked(cursor), reason) == ([], "Silver is as it was")


def test_a_tick_that_died_asks_with_the_same_keys(lake: TableStore, gold: Gold, followed: Cursor) -> None:
    write(lake, ORDERS, [an_order(5)])
    first, second = (tick(followed, gold, done, now)[0] for now in (0, 100))
    assert first.book == second.book


def test_what_changes_meanwhile_is_followed_afterwards(lake: TableStore, gold: Gold, followed: Cursor) -> None:
    write(lake, ORDERS, [an_order(5)])
    cursor, _ = tick(followed, gold, done, 0)
    write(lake, ORDERS, [an_order(9)])
    while not cursor.book.is_idle:
        cursor, _ = tick(cursor, gold, done, 1)
        if asked(cursor) and asked(cursor)[0] == ("2025-01-09", "2025-01-09"):
            return
    pytest.fail("the second change was never followed")


def test_what_is_committed_after_a_feed_was_read_does_not_hide_what_the_feed_says(lake: TableStore, gold: Gold) -> None:
    history = "silver/customers_history"
    write(lake, ORDERS, [an_order(20)])
    write(lake, history, [a_version(1, "FR")])
    since = {name: version for name, (_, version) in gold.silver().items()}
    write(lake, history, [a_version(2, "GB")])
    changes = all_changes_since(lake, since)
    found = reached_days(lake, TABLES, changes, gold.first_day, gold.last_day)
    # She says the same again, which changes nothing from then on.
    write(lake, history, [a_version(10, "GB")])
    assert reached_days(lake, TABLES, changes, gold.first_day, gold.last_day) == found
    assert found["gold/fact_orders"] == {date(2025, 1, 3), date(2025, 1, 20)}


def a_version(day: int, country: str) -> dict[str, Any]:
    """A row of the customer's history, from that day of January 2025 on."""
    at = datetime(2025, 1, day, tzinfo=UTC)
    names = dict.fromkeys(("first_name", "last_name", "email"), "ann")
    lineage = {name: value for name, value in an_order(day).items() if name.startswith("_")}
    valid = {"updated_at": at, "valid_from": at, "is_current": True}
    return {"customer_id": "ann", "country": country, **names, **valid, **lineage}


def test_a_day_that_has_begun_is_computed_though_nothing_changed(gold: Gold, followed: Cursor) -> None:
    later = replace(gold, last_day=date(2025, 2, 2))
    cursor, reason = tick(followed, later, done, 0)
    assert asked(cursor) == [("2025-02-01", "2025-02-02")]
    assert cursor.book.open is not None
    assert cursor.book.open.why == "2025-02-02 has begun"
    assert len(cursor.book.open.tables) == 11
    while not cursor.book.is_idle:
        cursor, reason = tick(cursor, later, done, 1)
    assert reason == "Silver is as it was"


def asked_tables(cursor: Cursor) -> set[str]:
    requests = (cursor.book.open, *cursor.book.waiting)
    return {name for request in requests if request for name in request.tables}


def test_a_load_under_way_is_waited_for_but_not_for_ever(lake: TableStore, gold: Gold, followed: Cursor) -> None:
    write(lake, ORDERS, [an_order(5)])
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


def test_a_table_that_was_made_anew_is_noticed_and_said(lake: TableStore, gold: Gold, followed: Cursor) -> None:
    shutil.rmtree(lake.path(ORDERS))
    make(lake, ORDERS)
    write(lake, ORDERS, [an_order(7)])
    cursor, _ = tick(followed, gold, done, 0)
    assert cursor.book.open is not None
    assert cursor.book.open.why == "all days that are out of date: silver/orders made anew or restored"
    assert asked(cursor) == [("2025-01-07", "2025-01-20")]


def test_a_table_that_is_older_than_it_was_is_from_a_backup(lake: TableStore, gold: Gold, followed: Cursor) -> None:
    write(lake, ORDERS, [an_order(7)])
    identity, version = gold.silver()[ORDERS]
    ahead = replace(followed, read={**followed.read, ORDERS: (identity, version + 1)})
    cursor, _ = tick(ahead, gold, done, 0)
    assert cursor.book.open is not None
    assert cursor.book.open.why == "all days that are out of date: silver/orders made anew or restored"


def test_a_table_that_is_gone_is_not_asked_for(lake: TableStore, gold: Gold, followed: Cursor) -> None:
    write(lake, ORDERS, [an_order(7)])
    cursor, _ = tick(followed, gold, done, 0)
    assert "gold/top_users" in asked_tables(cursor)
    fewer = replace(gold, tables=[table for table in gold.tables if table.name != "gold/top_users"])
    while not cursor.book.is_idle:
        cursor, _ = tick(replace(cursor, book=replace(cursor.book, open=None)), fewer, done, 1)
        assert "gold/top_users" not in asked_tables(cursor)


def test_a_vacuumed_feed_is_noticed_and_said(lake: TableStore, gold: Gold, followed: Cursor) -> None:
    write(lake, ORDERS, [an_order(5)])
    lake.state(ORDERS).release().delete("order_id = 'o5'")
    for file in Path(lake.path(ORDERS)).rglob("*.parquet"):
        file.unlink()
    cursor, _ = tick(followed, gold, done, 0)
    assert cursor.book.open is not None
    assert cursor.book.open.why.startswith(
        "all days that are out of date: The change feed of silver/orders does not go"
    )


def test_more_rows_than_a_tick_can_follow_are_not_followed(
    lake: TableStore, gold: Gold, followed: Cursor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changed_days, "MOST_ROWS", 2)
    write(lake, ORDERS, [an_order(5), an_order(6)])
    cursor, _ = tick(followed, gold, done, 0)
    assert cursor.book.open is not None
    assert cursor.book.open.why == "silver/orders: 2 rows of 2025-01-05 to 2025-01-06"
    write(lake, ORDERS, [an_order(7)])
    cursor, _ = tick(followed, gold, done, 0)
    assert cursor.book.open is not None
    since = followed.read[ORDERS][1]
    assert cursor.book.open.why == (
        f"all days that are out of date: more than 2 rows of silver/orders have changed since version {since}"
    )
    # No run has made Gold of the days before either.
    assert asked(cursor) == [("2025-01-03", "2025-01-20")]


def test_days_that_failed_too_often_come_back_with_the_next_change(
    lake: TableStore, gold: Gold, followed: Cursor
) -> None:
    write(lake, ORDERS, [an_order(5)])
    cursor, reason = tick(followed, gold, done, 0)
    now = ticks = 0
    while not cursor.book.is_idle:
        now, ticks = now + 10_000, ticks + 1
        cursor, reason = tick(cursor, gold, failed, now)
    # It fails in one tick, and is asked for again in the next.
    assert ticks == 2 * MOST_ATTEMPTS - 1
    assert "Set aside after failing too often, until Silver changes: 2025-01-05 of 10 tables; " in reason
    write(lake, ORDERS, [an_order(9)])
    cursor, _ = tick(cursor, gold, done, now)
    assert asked(cursor)[:2] == [("2025-01-05", "2025-01-05"), ("2025-01-09", "2025-01-09")]
    assert cursor.book.aside == ()


def test_maintenance_is_no_change(lake: TableStore, gold: Gold, followed: Cursor) -> None:
    write(lake, ORDERS, [an_order(3) | {"order_id": "other"}])
    cursor = Cursor(gold.silver(), until="2025-01-31")
    lake.state(ORDERS).release().optimize.compact()
    assert gold.silver() != followed.read
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
