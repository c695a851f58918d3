"""Arrivals: landing days that hold anything new, by name, size and time alone."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from project_etl.core.bronze.arrivals import Watch, arrivals
from project_etl.sources.catalog import datasets_of
from project_etl_tests.core.bronze.landing_files import land

LONG_AGO = time.time() - 3600


@pytest.fixture
def watch(tmp_path: Path) -> Watch:
    return Watch(tmp_path, datasets_of(["shop"]), 5, date(2025, 1, 1), date(2025, 1, 31))


def still(root: Path, path: str, at: float = LONG_AGO) -> None:
    os.utime(root / path, (at, at))


def put(watch: Watch, name: str, content: str = "a", day: str = "2025-01-15") -> str:
    path = land(Path(watch.root), name, content, day=day)
    still(Path(watch.root), path)
    return path


def test_a_day_is_new_once(watch: Watch) -> None:
    put(watch, "a.csv")
    put(watch, "b.csv", day="2025-01-17")
    first = arrivals(watch, {}, time.time())
    assert first.days == {"2025-01-15": {"bronze/orders": ["a.csv"]}, "2025-01-17": {"bronze/orders": ["b.csv"]}}
    assert arrivals(watch, first.seen, time.time()).days == {}


@pytest.mark.parametrize("change", ["another name", "more bytes", "a later time"])
def test_a_day_is_new_again_when_its_files_are(watch: Watch, change: str) -> None:
    path = put(watch, "a.csv")
    known = arrivals(watch, {}, time.time()).seen
    if change == "another name":
        put(watch, "b.csv")
    elif change == "more bytes":
        put(watch, "a.csv", "ab")
    else:
        still(Path(watch.root), path, LONG_AGO + 1)
    assert list(arrivals(watch, known, time.time()).days) == ["2025-01-15"]


def test_a_file_that_still_changes_waits_and_does_not_hold_up_the_others(watch: Watch) -> None:
    put(watch, "a.csv")
    path = land(Path(watch.root), "b.csv", "b")
    now = time.time()
    still(Path(watch.root), path, now - 1)
    found = arrivals(watch, {}, now)
    assert (found.days, found.settling) == ({"2025-01-15": {"bronze/orders": ["a.csv"]}}, (path,))
    later = arrivals(watch, found.seen, now + 10)
    assert (later.days, later.settling) == ({"2025-01-15": {"bronze/orders": ["b.csv", "a.csv"]}}, ())


def test_days_without_a_partition_are_named(watch: Watch) -> None:
    put(watch, "a.csv", day="2024-12-31")
    put(watch, "a.csv", day="2025-02-01")
    found = arrivals(watch, {}, time.time())
    assert (found.days, found.outside) == ({}, ("2024-12-31", "2025-02-01"))
    # Tomorrow its partition is there.
    assert list(arrivals(replace(watch, last_day=date(2025, 2, 1)), found.seen, time.time()).days) == ["2025-02-01"]


def test_names_that_are_not_there_yet_are_not_seen(watch: Watch) -> None:
    for name in (".a.csv", "_a.csv", "a.csv.tmp", "a.csv.part"):
        put(watch, name)
    assert arrivals(watch, {}, time.time()).days == {}
