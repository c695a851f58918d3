"""Arrivals: files that are not in Bronze, by name, size and time alone, and which folders are looked at again."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from fsspec.implementations.local import LocalFileSystem

from project_etl.core.bronze import arrivals
from project_etl.core.bronze.arrivals import RECENT_DAYS, Arrivals, Watch, Watcher
from project_etl.core.bronze.file_table import FILES, SCHEMA, FileRow, Status, write
from project_etl.core.bronze.landing import LandingFile, Listing, list_files, list_landing
from project_etl.core.bronze.landing_root import LandingRoot
from project_etl.core.lake import Append, TableStore
from project_etl.core.model.source import Dataset
from project_etl.sources.shop import DATASETS
from project_etl_tests.core.bronze.landing_files import land

LONG_AGO = time.time() - 3600
(ORDERS,) = [dataset for dataset in DATASETS if dataset.name == "orders"]


@dataclass
class Place:
    """A landing, a lake, and a watcher."""

    root: Path
    lake: TableStore
    watch: Watch
    watcher: Watcher = field(default_factory=Watcher)

    @property
    def landing(self) -> LandingRoot:
        return LandingRoot(self.lake.root, str(self.root))

    def put(self, name: str, content: str = "a", day: str = "2025-01-15", at: float = LONG_AGO) -> str:
        path = land(self.root, name, content, day=day)
        os.utime(self.root / path, (at, at))
        os.utime((self.root / path).parent, (at, at))
        return path

    def look(self, now: float | None = None, *, is_full: bool = False) -> Arrivals:
        return self.watcher.look(self.watch, self.lake, now or time.time(), is_full=is_full)

    def load(self, paths: Iterable[str] | None = None) -> None:
        """Make files known, as a run does."""
        files = list_files(self.root, "shop", "orders")
        self.lake.create(ORDERS.bronze, ORDERS.schema, partition_by="_landing_date")
        write(
            self.lake,
            ORDERS.bronze,
            self.landing,
            [row_of(file) for file in files if paths is None or file.path in paths],
        )


def row_of(file: LandingFile) -> FileRow:
    seen = datetime.now(UTC)
    return FileRow(
        ORDERS.bronze,
        file.path,
        date.fromisoformat(file.day),
        "v",
        file.size,
        file.modified_at,
        Status.LOADED,
        seen,
        seen,
        "run",
    )


def names(found: Arrivals) -> dict[str, list[str]]:
    return {str(day): [file.name for file in tables[ORDERS.bronze]] for day, tables in found.new.items()}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    landing = tmp_path / "landing"
    watch = Watch(landing, (ORDERS,), 5, date(2025, 1, 1), date(2025, 1, 31))
    return Place(landing, TableStore(str(tmp_path / "lake")), watch)


def test_a_file_is_new_until_it_is_loaded(place: Place) -> None:
    place.put("a.csv")
    place.put("b.csv", day="2025-01-17")
    for _ in range(2):
        assert names(place.look()) == {"2025-01-15": ["a.csv"], "2025-01-17": ["b.csv"]}
    place.load(["shop/orders/2025-01-15/a.csv"])
    assert names(place.look()) == {"2025-01-17": ["b.csv"]}
    place.load()
    assert names(place.look()) == {}


@pytest.mark.parametrize("change", ["another name", "more bytes", "a later time", "an earlier time"])
def test_a_file_that_changed_is_new_again(place: Place, change: str) -> None:
    place.put("a.csv")
    place.load()
    place.look()
    if change == "another name":
        place.put("b.csv")
    elif change == "more bytes":
        place.put("a.csv", "ab")
    else:
        place.put("a.csv", at=LONG_AGO + (1 if change == "a later time" else -1))
    assert names(place.look()) == {"2025-01-15": ["b.csv" if change == "another name" else "a.csv"]}


def test_when_a_file_arrived_is_not_when_its_original_was_written(place: Place) -> None:
    place.put("a.csv")
    (tables,) = place.look().new.values()
    (file,) = tables[ORDERS.bronze]
    assert file.modified == pytest.approx(LONG_AGO)
    assert file.arrived == pytest.approx(time.time(), abs=60)


def test_a_file_that_still_changes_waits_and_does_not_hold_up_the_others(place: Place) -> None:
    now = time.time()
    place.put("a.csv")
    path = place.put("b.csv", at=now - 1)
    found = place.look(now)
    assert (names(found), [file.path for file in found.settling]) == ({"2025-01-15": ["a.csv"]}, [path])
    later = place.look(now + 10)
    assert (names(later), later.settling) == ({"2025-01-15": ["b.csv", "a.csv"]}, ())


def test_days_without_a_partition_are_named(place: Place) -> None:
    place.put("a.csv", day="2024-12-31")
    place.put("a.csv", day="2025-02-01")
    found = place.look()
    assert (names(found), found.outside) == ({}, ("2024-12-31", "2025-02-01"))
    # Tomorrow its partition is there.
    place.watch = replace(place.watch, last_day=date(2025, 2, 1))
    assert names(place.look()) == {"2025-02-01": ["a.csv"]}


def test_names_that_are_not_there_yet_are_not_seen(place: Place) -> None:
    for name in (".a.csv", "_a.csv", "a.csv.tmp", "a.csv.part"):
        place.put(name)
    assert names(place.look()) == {}


def test_a_folder_that_may_not_be_read_holds_up_no_other(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    # Root may read everything, so that the file system has to be asked to refuse.
    place.put("a.csv")
    place.put("b.csv", day="2025-01-16")
    ls = LocalFileSystem.ls

    def refusing(fs: LocalFileSystem, path: str, *args: Any, **options: Any) -> Any:
        if path.endswith("2025-01-15"):
            raise PermissionError(13, "Permission denied", path)
        return ls(fs, path, *args, **options)

    monkeypatch.setattr(LocalFileSystem, "ls", refusing)
    found = place.look()
    assert names(found) == {"2025-01-16": ["b.csv"]}
    assert found.unread == ("shop/orders/2025-01-15: a folder that may not be read; let the platform's user read it",)


def test_a_file_that_may_be_read_now_is_new(place: Place) -> None:
    path = place.put("a.csv")
    (file,) = list_files(place.root, "shop", "orders")
    place.lake.create(ORDERS.bronze, ORDERS.schema, partition_by="_landing_date")
    row = replace(row_of(file), status=Status.DENIED, version=None)
    write(place.lake, ORDERS.bronze, place.landing, [replace(row, last_seen=datetime.now(UTC) + timedelta(seconds=1))])
    assert names(place.look()) == {}
    write(place.lake, ORDERS.bronze, place.landing, [replace(row, last_seen=datetime.now(UTC) - timedelta(hours=1))])
    (place.root / path).chmod(0o640)
    assert names(place.look()) == {"2025-01-15": ["a.csv"]}


# --- folders of long ago ----------------------------------------------------------------------------------------------


def day_of(number: int) -> str:
    return (date(2025, 1, 1) + timedelta(days=number)).isoformat()


@pytest.fixture
def years(place: Place, monkeypatch: pytest.MonkeyPatch) -> tuple[Place, list[str]]:
    """A landing of some more days than are recent, all loaded and looked at; the days that later looks list."""
    for number in range(RECENT_DAYS + 3):
        place.put("a.csv", day=day_of(number))
    place.watch = replace(place.watch, last_day=date(2025, 12, 31))
    place.load()
    assert names(place.look()) == {}
    listed: list[str] = []

    def listing(root: Path, source: str, dataset: str, days: Iterable[str]) -> Listing:
        days = list(days)
        listed.extend(days)
        return list_landing(root, source, dataset, days)

    monkeypatch.setattr(arrivals, "list_landing", listing)
    return place, listed


def test_folders_of_long_ago_are_listed_when_their_time_changes(years: tuple[Place, list[str]]) -> None:
    place, listed = years
    place.look()
    assert listed == [day_of(number) for number in range(3, RECENT_DAYS + 3)]
    listed.clear()
    place.put("late.csv", day=day_of(1), at=LONG_AGO + 5)
    for _ in range(2):
        # It is wanted until it is loaded, though its folder does not change any more.
        assert names(place.look()) == {day_of(1): ["late.csv"]}
    place.load()
    assert names(place.look()) == {}
    listed.clear()
    place.look()
    assert day_of(1) not in listed


def test_a_file_that_still_changes_in_a_folder_of_long_ago_is_not_forgotten(years: tuple[Place, list[str]]) -> None:
    place, _ = years
    now = time.time()
    path = place.put("late.csv", day=day_of(1), at=now - 1)
    os.utime((place.root / path).parent, (LONG_AGO + 5, LONG_AGO + 5))
    assert [file.path for file in place.look(now).settling] == [path]
    assert names(place.look(now + 10)) == {day_of(1): ["late.csv"]}


def test_a_folder_that_has_just_changed_is_listed_again(years: tuple[Place, list[str]]) -> None:
    # Another file may come within the same time stamp.
    place, listed = years
    folder = place.root / "shop" / "orders" / day_of(1)
    now = time.time()
    os.utime(folder, (now, now))
    place.look(now + 1)
    listed.clear()
    place.look(now + 1)
    assert day_of(1) in listed
    place.look(now + 10)
    listed.clear()
    place.look(now + 10)
    assert day_of(1) not in listed


def test_what_is_written_in_place_long_ago_is_found_by_a_full_look(years: tuple[Place, list[str]]) -> None:
    place, _ = years
    path = place.root / "shop" / "orders" / day_of(1)
    (path / "a.csv").write_text("other")
    os.utime(path / "a.csv", (LONG_AGO, LONG_AGO))
    assert names(place.look()) == {}
    for _ in range(2):
        assert names(place.look(is_full=True)) == {day_of(1): ["a.csv"]}
        # And it stays wanted.
        assert names(place.look()) == {day_of(1): ["a.csv"]}


def test_a_dataset_without_a_folder_holds_nothing(place: Place) -> None:
    place.watch = replace(place.watch, datasets=(Dataset("shop", "none", {"a": "b"}),))
    assert place.look() == Arrivals({}, (), (), ())


# --- five years of five datasets --------------------------------------------------------------------------------------


def looks_at_years(root: Path) -> tuple[list[int], list[float], float]:
    """What three looks at years of loaded files find, the CPU seconds that each took, and the MiB of the later ones."""
    days = [date(2020, 1, 1) + timedelta(days=number) for number in range(5 * 365 + 1)]
    datasets = tuple(Dataset("shop", f"dataset{number}", {"a": "b"}) for number in range(5))
    lake, seen = TableStore(str(root / "lake")), datetime.now(UTC)
    lake.create(FILES, SCHEMA, partition_by="month")
    rows: list[dict] = []
    for dataset in datasets:
        lake.create(dataset.bronze, dataset.schema, partition_by="_landing_date")
        known = {"bronze_id": lake.state(dataset.bronze).table_id, "bronze_version": 0}
        os.makedirs(root / "landing/shop" / dataset.name)  # noqa: PTH103 - a second for all of them
        for day in days:
            path = f"shop/{dataset.name}/{day}/a.csv"
            folder = f"{root}/landing/shop/{dataset.name}/{day}"
            os.mkdir(folder)  # noqa: PTH102
            os.close(os.open(f"{folder}/a.csv", os.O_CREAT))
            for each in (f"{folder}/a.csv", folder):
                os.utime(each, (LONG_AGO, LONG_AGO))
            at = datetime.fromtimestamp(LONG_AGO, UTC)
            row = FileRow(dataset.bronze, path, day, "v", 0, at, Status.LOADED, seen, seen, "run")
            rows.append(asdict(row) | known | {"month": row.month})
    note = {"table": FILES, "days": {each.bronze: f"{lake.state(each.bronze).table_id}/0" for each in datasets}}
    lake.commit(FILES, Append(), pa.Table.from_pylist(rows, lake.state(FILES).arrow_schema), note)
    del rows
    watch, watcher = Watch(root / "landing", datasets, 5, days[0], days[-1]), Watcher()
    found, seconds, peaks = list[int](), list[float](), list[float]()
    for _ in range(3):
        before = time.process_time()
        found.append(len(watcher.look(watch, lake, time.time(), is_full=False).new))
        seconds.append(time.process_time() - before)
        peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    return found, seconds, peaks[-1] - peaks[0]


def test_a_look_at_five_years_of_five_datasets_costs_little(tmp_path: Path) -> None:
    # A process of its own: of this one the peak is already high.
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        found, seconds, mebibytes = pool.submit(looks_at_years, tmp_path).result()
    assert found == [0, 0, 0]
    # The first look lists all. A quarter of a second on a quiet machine.
    assert min(seconds[1:]) < 1.2
    assert mebibytes < 40
