"""Which days of a Gold table are what they would be if they were computed now, as the commit notes tell it."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from project_etl.core.gold_inputs import inputs_now
from project_etl.core.lake import WHOLE, Journal, TableStore
from project_etl.core.silver_frames import silver_schema
from project_etl.core.table import Input, ReplaceDays, Snapshot, Table, WriteMode, same_day, whole, window
from project_etl.orchestration.build import tables
from project_etl_tests.commands.given import an_order, lake_in, settings_in, write

SOURCE, RESULT = "silver/orders", "gold/daily_aov"
DECLARED = {table.name: table for table in tables()}
DAYS = tuple(f"2025-01-{number:02}" for number in range(1, 10))
EUROS = {"reporting_currency": "EUR"}
SAME_DAY, WINDOW, WHOLE_TABLE = same_day(SOURCE), window(SOURCE, back=2), whole(SOURCE)


def reading(item: Input, mode: WriteMode) -> Table:
    """A table that reads orders in some way."""
    return replace(DECLARED[RESULT], inputs={"orders": item}, write=mode)


def converted(orders: DataFrame, *, reporting_currency: str) -> DataFrame:
    """A transform that takes a setting."""
    return orders.where(F.col("currency") == reporting_currency)


def source(lake: TableStore) -> None:
    schema = silver_schema(DECLARED[SOURCE])
    lake.create(SOURCE, schema, partition_by="order_date", properties={"delta.enableChangeDataFeed": "true"})


def change(lake: TableStore, *touched: str) -> None:
    """Orders change, and the note of the commit says on which days; without any, it says nothing of days."""
    write(lake, SOURCE, [an_order(1)], {"table": SOURCE, "touched": touched} if touched else {"table": SOURCE})


def compute(lake: TableStore, table: Table, *units: str) -> None:
    """Leave the note of a computation."""
    now = inputs_now(lake, table, EUROS)
    write(lake, RESULT, [], {"table": RESULT, "reads": now.versions, "days": dict.fromkeys(units, now.identity)})


def stale(lake: TableStore, table: Table, *units: str) -> tuple[str, ...]:
    return inputs_now(lake, table, EUROS).stale(units, lake.journal(RESULT))


@pytest.fixture
def lake(tmp_path: Path) -> TableStore:
    """Orders that changed once, and a Gold table without commits."""
    made = lake_in(settings_in(tmp_path))
    source(made)
    made.create(RESULT, DECLARED[RESULT].schema, partition_by="order_date")
    change(made, *DAYS)
    return made


@pytest.mark.parametrize(
    ("item", "mode", "expected"),
    [
        (SAME_DAY, ReplaceDays(), DAYS[3:4]),
        (WINDOW, ReplaceDays(reach=2), DAYS[3:6]),
        (WHOLE_TABLE, ReplaceDays(), DAYS),
        (WHOLE_TABLE, Snapshot(), (WHOLE,)),
    ],
)
def test_a_changed_day_concerns_the_days_that_are_made_from_it(
    lake: TableStore, item: Input, mode: WriteMode, expected: tuple[str, ...]
) -> None:
    table = reading(item, mode)
    units = DAYS if table.is_daily else (WHOLE,)
    assert stale(lake, table, *units) == units
    compute(lake, table, *units)
    assert stale(lake, table, *units) == ()
    change(lake, DAYS[3])
    assert stale(lake, table, *units) == expected
    # Some of them again: the others are still as they were.
    compute(lake, table, expected[0])
    assert stale(lake, table, *units) == expected[1:]


def test_a_change_that_does_not_say_where_may_be_everywhere(lake: TableStore) -> None:
    table = reading(SAME_DAY, ReplaceDays())
    compute(lake, table, *DAYS)
    change(lake)
    assert stale(lake, table, *DAYS) == DAYS


def test_other_parameters_and_other_code_make_other_results(lake: TableStore) -> None:
    table = reading(SAME_DAY, ReplaceDays())
    compute(lake, table, *DAYS)
    assert stale(lake, replace(table, code_version="2"), *DAYS) == DAYS
    converting = replace(table, transform=converted)
    compute(lake, converting, *DAYS)
    assert stale(lake, converting, *DAYS) == ()
    assert inputs_now(lake, converting, {"reporting_currency": "GBP"}).stale(DAYS, lake.journal(RESULT)) == DAYS


def test_a_table_that_was_made_again_is_another_one(lake: TableStore) -> None:
    table = reading(SAME_DAY, ReplaceDays())
    compute(lake, table, *DAYS)
    shutil.rmtree(lake.path(SOURCE))
    source(lake)
    change(lake, DAYS[0])
    assert inputs_now(lake, table, EUROS).versions == lake.journal(RESULT).last_note("reads")
    assert stale(lake, table, *DAYS) == DAYS


def test_what_the_log_has_forgotten_may_have_been_anything(lake: TableStore) -> None:
    table = reading(SAME_DAY, ReplaceDays())
    compute(lake, table, *DAYS)
    change(lake, DAYS[3])
    change(lake, DAYS[4])
    assert stale(lake, table, *DAYS) == DAYS[3:5]
    now = inputs_now(lake, table, EUROS)
    log = lake.commits(SOURCE)
    forgetful = replace(now, journals={SOURCE: Journal().after(SOURCE, log[:1])})
    assert forgetful.stale(DAYS, lake.journal(RESULT)) == DAYS
    # And a log that goes back, as one does that was put back from a copy: what comes next is another story.
    restored = replace(now, journals={SOURCE: Journal().after(SOURCE, log[-1:])})
    assert restored.stale(DAYS, lake.journal(RESULT)) == DAYS
