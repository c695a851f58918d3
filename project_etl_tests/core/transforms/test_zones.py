"""Business days and local times around the changes of clocks: what is computed is what Python's own calendar says."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from pyspark.sql import Column, SparkSession
from pyspark.sql import functions as F

from project_etl.core.model.days import instants_of
from project_etl.core.transforms.casts import to_utc
from project_etl.core.transforms.zones import DOUBLED, SKIPPED, business_day, business_hour, in_utc, oddity
from project_etl_tests.small_shop import settings_of

# Zone, and the local hours of 2025 that its clocks skip and show twice: first one, and how long.
CHANGES = {
    "Europe/Berlin": ("2025-03-30T02:00", "2025-10-26T02:00", 60),
    "Europe/London": ("2025-03-30T01:00", "2025-10-26T01:00", 60),
    "America/New_York": ("2025-03-09T02:00", "2025-11-02T01:00", 60),
    "Australia/Lord_Howe": ("2025-10-05T02:00", "2025-04-06T01:30", 30),
}
TICK = timedelta(microseconds=1)


def of_texts(spark: SparkSession, texts: Sequence[str], *found: Column) -> list[tuple[object, ...]]:
    table = pa.table({"row": pa.array(range(len(texts)), pa.int32()), "t": pa.array(texts, pa.string())})
    frame = spark.createDataFrame(table).select("row", *[column.alias(f"_{at}") for at, column in enumerate(found)])
    return [tuple(row)[1:] for row in frame.orderBy("row").collect()]


def read(spark: SparkSession, zone: str, texts: Sequence[str]) -> list[tuple[datetime, int]]:
    """Each text as an instant (naive UTC), and whether the clocks skip it or show it twice."""
    read_in_zone = of_texts(spark, texts, in_utc("t", zone), oddity("t", zone))
    plain = of_texts(spark, [str(text) for text, _ in read_in_zone], F.unix_micros(to_utc("t")))
    start = datetime(1970, 1, 1)
    found = zip((start + timedelta(microseconds=int(str(at))) for (at,) in plain), read_in_zone, strict=True)
    return [(at, int(str(odd))) for at, (_, odd) in found]


@pytest.mark.parametrize("zone", CHANGES)
def test_a_local_time_that_the_clocks_skip_has_the_offset_before_and_warns(spark: SparkSession, zone: str) -> None:
    first, minutes = datetime.fromisoformat(CHANGES[zone][0]), CHANGES[zone][2]
    gap = timedelta(minutes=minutes)
    before = ZoneInfo(zone).utcoffset(first - TICK)
    assert before is not None
    locals_ = [first - TICK, first, first + gap / 2, first + gap - TICK, first + gap]
    found = read(spark, zone, [str(at) for at in locals_])
    assert [odd for _, odd in found] == [0, SKIPPED, SKIPPED, SKIPPED, 0]
    assert [at for at, _ in found[:4]] == [at - before for at in locals_[:4]]
    # The first time that exists again is the instant at which the clocks changed.
    assert found[4][0] == first - before


@pytest.mark.parametrize("zone", CHANGES)
def test_a_local_time_that_the_clocks_show_twice_is_the_earlier_and_warns(spark: SparkSession, zone: str) -> None:
    first, minutes = datetime.fromisoformat(CHANGES[zone][1]), CHANGES[zone][2]
    overlap = timedelta(minutes=minutes)
    before = ZoneInfo(zone).utcoffset(first - TICK)
    assert before is not None
    locals_ = [first - TICK, first, first + overlap / 2, first + overlap - TICK, first + overlap]
    found = read(spark, zone, [at.isoformat() for at in locals_])
    assert [odd for _, odd in found] == [0, DOUBLED, DOUBLED, DOUBLED, 0]
    assert [at for at, _ in found[:4]] == [at - before for at in locals_[:4]]
    assert found[4][0] == locals_[4] - before + overlap


@pytest.mark.parametrize("zone", CHANGES)
def test_a_text_that_names_its_offset_means_that_whatever_the_zone(spark: SparkSession, zone: str) -> None:
    texts = [f"{at}:10{offset}" for at in CHANGES[zone][:2] for offset in ("Z", "+02:00", "-0530", "+02", " UTC", "z")]
    expected = of_texts(spark, texts, F.lit(0), in_utc("t", "UTC"))
    assert of_texts(spark, texts, oddity("t", zone), in_utc("t", zone)) == expected


@pytest.mark.parametrize("zone", [*CHANGES, "America/St_Johns", "America/Sao_Paulo", "Pacific/Apia", "Asia/Kathmandu"])
def test_the_day_and_hour_of_an_instant_are_those_that_python_shows(spark: SparkSession, zone: str) -> None:
    # Every quarter of an hour around changes of clocks and of the date line, and a tick before each.
    days = [datetime(year, month, day) for year in (1950, 2011, 2025) for month in range(1, 13) for day in (1, 28)]
    days += [datetime.fromisoformat(at) for of in CHANGES.values() for at in of[:2]]
    instants = [
        day + timedelta(minutes=15 * step) - ago for day in days for step in range(192) for ago in (TICK, 0 * TICK)
    ]
    shown = [at.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)) for at in instants]
    at = F.col("t").cast("timestamp")
    found = of_texts(spark, [f"{each}Z" for each in instants], business_day(at, zone), business_hour(at, zone))
    assert found == [(each.date(), each.hour) for each in shown]


def test_a_local_time_is_read_in_all_its_forms_and_what_is_none_stays(spark: SparkSession) -> None:
    zone = "America/New_York"
    texts = [
        "2025-01-02",
        "2025-01-02 3:04",
        "2025-01-02t03:04:05",
        "2025-01-02 03:04:05.123456",
        "1900-01-01 00:00:00",
    ]
    hours = [at for at, _ in read(spark, zone, texts)]
    assert hours == [
        datetime(2025, 1, 2, 5),
        datetime(2025, 1, 2, 8, 4),
        datetime(2025, 1, 2, 8, 4, 5),
        datetime(2025, 1, 2, 8, 4, 5, 123456),
        datetime(1900, 1, 1, 5),
    ]
    others = ["2025-02-30 10:00", "soon", "", "10:00", "0001-01-01", "9999-12-31 23:59"]
    assert of_texts(spark, others, in_utc("t", zone), oddity("t", zone)) == [(text, 0) for text in others]


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Berlin", "2025-03-30", 23),
        ("Europe/Berlin", "2025-10-26", 25),
        ("Australia/Lord_Howe", "2025-10-05", 23.5),
        ("Australia/Lord_Howe", "2025-04-06", 24.5),
        ("America/Sao_Paulo", "2018-11-04", 23),  # without a midnight
        ("Atlantic/Azores", "2025-10-26", 25),  # with two of them
        ("UTC", "2025-03-30", 24),
    ],
)
def test_a_day_is_as_long_as_its_clocks_make_it(zone: str, day: str, hours: float) -> None:
    first, after = instants_of(date.fromisoformat(day), zone)
    assert (after - first).total_seconds() / 3600 == hours
    of = ZoneInfo(zone)
    around = [first - TICK, first, after - TICK, after]
    shown = [str(at.astimezone(of).date()) == day for at in around]
    assert shown == [False, True, True, False]


def test_today_begins_at_midnight_of_the_reporting_time_zone() -> None:
    now = datetime(2025, 3, 30, 22, 30, tzinfo=UTC).timestamp()
    days = {zone: str(settings_of(reporting_timezone=zone).last_day(now)) for zone in ("UTC", *CHANGES)}
    assert days == {
        "UTC": "2025-03-30",
        "Europe/Berlin": "2025-03-31",
        "Europe/London": "2025-03-30",
        "America/New_York": "2025-03-30",
        "Australia/Lord_Howe": "2025-03-31",
    }
