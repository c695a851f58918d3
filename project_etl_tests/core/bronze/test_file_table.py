"""The file table: what is loaded, what is not read again, and that it is right whenever a run dies. Without an engine.

Belongs here: copies, corrections, names that come and go, crashes. Does not belong here: bad files (`test_load.py`).
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from types import SimpleNamespace

import pytest

from project_etl.catalog import datasets_of
from project_etl.core.bronze import file_table, spool
from project_etl.core.bronze import plan as load_plan
from project_etl.core.bronze import stage as load
from project_etl.core.bronze.file_table import FILES, Status
from project_etl.core.bronze.landing_store import LandingFile
from project_etl.core.bronze.plan import BronzeJob
from project_etl.core.lake import TableStore
from project_etl.core.model.staged import Run
from project_etl_tests.core.bronze.bad_files import order, orders
from project_etl_tests.promises.contents import assert_same, contents
from project_etl_tests.small_shop import CUSTOMER, SmallShop

D1, D2, D3 = "2025-01-01", "2025-01-02", "2025-02-01"
BRONZE = "bronze/shop/orders"
LONG_AGO = time.time() - 3600


@pytest.fixture
def shop(tmp_path: Path) -> SmallShop:
    return SmallShop(tmp_path)


def put(shop: SmallShop, name: str, *keys: str, day: str = D1, at: float = LONG_AGO) -> Path:
    """Land a file of orders that was written long ago."""
    path = shop.land("orders", day, orders(*[order(key) for key in keys]), name)
    os.utime(path, (at, at))
    return path


def held(shop: SmallShop) -> list[tuple[str, str]]:
    """File and key of each row of Bronze."""
    return [(file.split("/")[-1], key) for file, key in shop.rows(BRONZE, "_source_file", "order_id")]


def statuses(shop: SmallShop, *days: str) -> dict[str, str]:
    """File → status, as a reader sees it."""
    return {
        path.split("/")[-1]: row.status for path, row in file_table.files(shop.lake, [BRONZE], days or (D1,)).items()
    }


def broken(shop: SmallShop, *days: str) -> dict[str, int]:
    return {rule.name: rule.broken for rule in shop.bronze("orders", *days).rules if rule.broken}


def versions(shop: SmallShop) -> dict[str, int | None]:
    return {name: shop.version(name) for name in (BRONZE, FILES)}


def no_bytes(*_: object) -> None:
    raise AssertionError("a file was read")


# --- what is read -----------------------------------------------------------------------------------------------------


def test_a_day_that_is_run_again_costs_no_bytes(shop: SmallShop, monkeypatch: pytest.MonkeyPatch) -> None:
    put(shop, "a.csv", "O1")
    put(shop, "copy.csv", "O1")
    shop.land("orders", D1, "", "empty.csv")
    os.utime(shop.landing / "shop/orders" / D1 / "empty.csv", (LONG_AGO, LONG_AGO))
    first = shop.bronze("orders", D1)
    before = versions(shop)
    monkeypatch.setattr(load, "_version", no_bytes)
    again = shop.bronze("orders", D1)
    assert (again.days, again.rules, versions(shop)) == (first.days, first.rules, before)


def test_a_file_that_was_read_as_soon_as_it_was_written_is_read_again(shop: SmallShop) -> None:
    path = put(shop, "a.csv", "O1", at=(now := time.time()))
    shop.bronze("orders", D1)
    before = versions(shop)
    shop.bronze("orders", D1)
    assert versions(shop) == before
    # Other bytes, as many, at the same time.
    path.write_text(path.read_text().replace("O1", "O2"))
    os.utime(path, (now, now))
    shop.bronze("orders", D1)
    assert held(shop) == [("a.csv", "O2")]


def test_a_file_that_was_only_touched_changes_no_row_of_bronze(
    shop: SmallShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put(shop, "a.csv", "O1")
    shop.bronze("orders", D1)
    version = shop.version(BRONZE)
    os.utime(path, (LONG_AGO + 60, LONG_AGO + 60))
    assert shop.bronze("orders", D1).total("published") == 1
    monkeypatch.setattr(load, "_version", no_bytes)
    shop.bronze("orders", D1)
    assert shop.version(BRONZE) == version


def test_a_large_file_is_loaded_as_a_small_one_is(shop: SmallShop, monkeypatch: pytest.MonkeyPatch) -> None:
    put(shop, "a.csv", *[f"O{number}" for number in range(1000)])
    put(shop, "b.csv", "P1", day=D2)
    shop.bronze("orders", D1, D2)
    before = contents(shop.lake)
    monkeypatch.setattr(load, "READ_ONCE_BYTES", 10)
    monkeypatch.setattr(spool, "MEMORY_BYTES", 10)
    shutil.rmtree(shop.lake.path("bronze"))
    shop.bronze("orders", D1, D2)
    assert_same(contents(shop.lake), before)


def test_nothing_of_a_file_that_breaks_off_is_published(shop: SmallShop) -> None:
    good = orders(*[order(f"O{number}") for number in range(20_000)]).encode()
    shop.land("orders", D1, good + b"\xff\n", "half.csv")
    put(shop, "z.csv", "Z1")
    assert broken(shop, D1) == {"files_readable": 1}
    assert held(shop) == [("z.csv", "Z1")]


def test_a_file_that_changes_while_it_is_read_waits(shop: SmallShop, monkeypatch: pytest.MonkeyPatch) -> None:
    put(shop, "a.csv", "O1")
    shop.bronze("orders", D1)
    put(shop, "a.csv", "O2", at=LONG_AGO + 1)
    with monkeypatch.context() as patch:
        patch.setattr(load, "is_unchanged", lambda *_: False)
        assert broken(shop, D1) == {"files_settled": 1}
    assert held(shop) == [("a.csv", "O1")]
    shop.bronze("orders", D1)
    assert held(shop) == [("a.csv", "O2")]


# --- names and bytes --------------------------------------------------------------------------------------------------


def test_equal_bytes_are_held_under_the_first_name_whichever_came_first(shop: SmallShop) -> None:
    put(shop, "b.csv", "O1")
    shop.bronze("orders", D1)
    put(shop, "a.csv", "O1")
    assert broken(shop, D1) == {"files_unique": 1}
    assert (held(shop), statuses(shop)) == ([("a.csv", "O1")], {"a.csv": "loaded", "b.csv": "copy"})


def test_equal_bytes_of_another_landing_day_are_no_copy(shop: SmallShop) -> None:
    put(shop, "a.csv", "O1")
    put(shop, "a.csv", "O1", day=D2)
    shop.bronze("orders", D1, D2)
    assert held(shop) == [("a.csv", "O1"), ("a.csv", "O1")]


def test_a_copy_that_has_left_landing_counts_when_its_original_says_something_else(shop: SmallShop) -> None:
    put(shop, "a.csv", "O1", "O2")
    copy = put(shop, "b.csv", "O1", "O2")
    shop.bronze("orders", D1)
    copy.unlink()
    put(shop, "a.csv", "O3", at=LONG_AGO + 1)
    report = shop.bronze("orders", D1)
    assert held(shop) == [("a.csv", "O3"), ("b.csv", "O1"), ("b.csv", "O2")]
    assert report.days == {D1: {"files": 2, "read": 3, "published": 3}}


def test_a_file_that_left_landing_counts_and_its_name_may_come_back(shop: SmallShop) -> None:
    put(shop, "a.csv", "O1")
    put(shop, "b.csv", "O2")
    first = shop.bronze("orders", D1)
    (shop.landing / "shop/orders" / D1 / "a.csv").unlink()
    assert shop.bronze("orders", D1).days == first.days
    assert held(shop) == [("a.csv", "O1"), ("b.csv", "O2")]
    put(shop, "a.csv", "O7", at=LONG_AGO + 1)
    shop.bronze("orders", D1)
    assert held(shop) == [("a.csv", "O7"), ("b.csv", "O2")]


def test_a_file_that_becomes_unreadable_takes_its_rows_with_it(shop: SmallShop) -> None:
    put(shop, "a.csv", "O1")
    shop.bronze("orders", D1)
    shop.land("orders", D1, "one,two\n", "a.csv")
    assert broken(shop, D1) == {"files_readable": 1}
    assert (held(shop), statuses(shop)) == ([], {"a.csv": "unreadable"})


def test_each_file_has_one_row_over_days_months_and_datasets(shop: SmallShop) -> None:
    for day in (D1, D2, D3):
        put(shop, "a.csv", "O1", day=day)
        shop.bronze("orders", D1, D2, D3)
        shop.land_rows("customers", day, CUSTOMER)
        shop.bronze("customers", D1, D2, D3)
    put(shop, "a.csv", "O2", day=D2, at=LONG_AGO + 1)
    shop.bronze("orders", D2)
    found = shop.rows(FILES, "dataset", "month", "path", "status")
    assert [row[:2] for row in found] == [
        *[("bronze/shop/customers", month) for month in ("2025-01", "2025-01", "2025-02")],
        *[(BRONZE, month) for month in ("2025-01", "2025-01", "2025-02")],
    ]
    assert {row[3] for row in found} == {Status.LOADED}


def test_the_file_table_is_none_of_the_layers_tables(shop: SmallShop) -> None:
    put(shop, "a.csv", "O1")
    shop.bronze("orders", D1)
    assert shop.lake.exists(FILES)
    assert shop.lake.names("bronze") == [BRONZE]


# --- crashes ----------------------------------------------------------------------------------------------------------


def dies(*_: object) -> None:
    raise KeyboardInterrupt


def correct(shop: SmallShop) -> None:
    """A correction, a copy of what it replaces, an empty file, a new name."""
    put(shop, "a.csv", "O9", at=LONG_AGO + 1)
    put(shop, "b.csv", "O1")
    put(shop, "empty.csv")
    put(shop, "new.csv", "O5")


@pytest.mark.parametrize(("owner", "name"), [(TableStore, "commit"), (file_table, "write")])
def test_a_run_that_dies_is_made_good_by_the_next(
    owner: object, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lived, peer = SmallShop(tmp_path / "lived"), SmallShop(tmp_path / "peer")
    for shop in (lived, peer):
        put(shop, "a.csv", "O1")
        shop.bronze("orders", D1)
        correct(shop)
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, dies)
        with pytest.raises(KeyboardInterrupt):
            lived.bronze("orders", D1)
    for shop in (lived, peer):
        shop.bronze("orders", D1)
    assert_same(contents(lived.lake), contents(peer.lake))
    assert lived.version(BRONZE) == peer.version(BRONZE)


def test_what_died_before_the_file_table_was_written_is_known_though_its_files_are_gone(
    shop: SmallShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(shop, "a.csv", "O1")
    shop.bronze("orders", D1)
    correct(shop)
    with monkeypatch.context() as patch:
        patch.setattr(file_table, "write", dies)
        with pytest.raises(KeyboardInterrupt):
            shop.bronze("orders", D1)
    for file in (shop.landing / "shop/orders" / D1).iterdir():
        file.unlink()
    known = {"a.csv": "loaded", "b.csv": "loaded", "empty.csv": "empty", "new.csv": "loaded"}
    assert statuses(shop) == known
    assert {status for (status,) in shop.rows(FILES, "status")} == {"loaded"}
    shop.bronze("orders", D2)
    assert len(shop.rows(FILES, "status")) == 4
    assert statuses(shop) == known
    assert held(shop) == [("a.csv", "O9"), ("b.csv", "O1"), ("new.csv", "O5")]


def lose_the_file_table(shop: SmallShop) -> None:
    shutil.rmtree(shop.lake.path(FILES))


def lose_bronze(shop: SmallShop) -> None:
    shutil.rmtree(shop.lake.path(BRONZE))


@pytest.mark.parametrize("lose", [lose_the_file_table, lose_bronze])
def test_a_table_that_is_lost_is_made_anew(lose: Callable[[SmallShop], None], shop: SmallShop) -> None:
    put(shop, "a.csv", "O1")
    put(shop, "a.csv", "O1", day=D2)
    shop.bronze("orders", D1)
    shop.bronze("orders", D2)
    correct(shop)
    shop.bronze("orders", D1, D2)
    before = contents(shop.lake)
    lose(shop)
    shop.bronze("orders", D1, D2)
    assert_same(contents(shop.lake), before)


def test_a_reader_at_a_pin_knows_the_files_of_its_version(shop: SmallShop) -> None:
    put(shop, "a.csv", "O1")
    shop.bronze("orders", D1)
    # As Silver does: the file table first.
    early = shop.lake.pinned([FILES])
    put(shop, "b.csv", "O2")
    shop.bronze("orders", D1)
    both = early.pinned([BRONZE])
    put(shop, "c.csv", "O3")
    shop.bronze("orders", D1)
    assert [path[-5:] for path in file_table.files(both, [BRONZE], [D1])] == ["a.csv", "b.csv"]


# --- files that may still be written ----------------------------------------------------------------------------------

SETTLE_SECONDS = 0.5


@pytest.fixture
def job(shop: SmallShop) -> BronzeJob:
    (orders_dataset,) = (item for item in datasets_of(["shop"]) if item.bronze == BRONZE)
    return BronzeJob(shop.lake, orders_dataset, str(shop.landing), (D1,), Run("run"), SETTLE_SECONDS)


def names(files: Iterable[LandingFile]) -> list[str]:
    return [file.name for file in files]


def while_waiting(patch: pytest.MonkeyPatch, happens: Callable[[], object] = lambda: None) -> list[float]:
    """Let something happen during the wait, which takes no time; returns the list of waits."""
    waits: list[float] = []
    now = time.time

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        happens()

    # Only for who waits for files: other threads sleep as ever.
    patch.setattr(load_plan, "time", SimpleNamespace(sleep=sleep, time=lambda: now() + sum(waits)))
    return waits


def test_a_file_is_waited_for_once_and_then_known(
    shop: SmallShop, job: BronzeJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(shop, "a.csv", "O1", at=time.time())
    waits = while_waiting(monkeypatch)
    landing = load_plan.look(job)
    assert names(landing.files) == ["a.csv"]
    assert 0 < sum(waits) <= SETTLE_SECONDS
    with (staged := load.stage_bronze(job, landing)).kept:
        staged.publish()
    load_plan.look(job)
    assert len(waits) == 1


def test_a_file_that_is_written_while_it_is_waited_for_is_not_taken(
    shop: SmallShop, job: BronzeJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(shop, "a.csv", "O1", at=time.time())
    put(shop, "old.csv", "O2")
    while_waiting(monkeypatch, lambda: put(shop, "a.csv", "O1", "O3", at=time.time() + SETTLE_SECONDS))
    landing = load_plan.look(job)
    assert (names(landing.files), names(landing.changing)) == (["old.csv"], ["a.csv"])
    report = load.stage_bronze(job, landing).report
    assert {rule.name: rule.broken for rule in report.rules if rule.broken} == {"files_settled": 1}


@pytest.mark.parametrize(("grows", "taken"), [(False, ["a.csv"]), (True, [])])
def test_a_file_from_the_future_is_taken_when_two_looks_see_it_alike(
    grows: bool, taken: list[str], shop: SmallShop, job: BronzeJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    future = time.time() + 86400
    put(shop, "a.csv", "O1", at=future)
    waits = while_waiting(monkeypatch, lambda: put(shop, "a.csv", *(["O1", "O2"] if grows else ["O1"]), at=future))
    assert names(load_plan.look(job).files) == taken
    assert waits == [SETTLE_SECONDS]


def test_a_load_leaves_the_files_of_other_days_alone(shop: SmallShop) -> None:
    def files_of_the_table() -> set[str]:
        return set(shop.lake.state(FILES).delta.file_uris())

    # A stream loads every minute, and its month has a hundred thousand files.
    put(shop, "a.csv", "O1")
    put(shop, "b.csv", "O2", day=D2)
    broken(shop, D1)
    first = files_of_the_table()
    broken(shop, D2)
    both = files_of_the_table()
    assert first < both
    put(shop, "c.csv", "O3", day=D2)
    broken(shop, D2)
    assert first < files_of_the_table() != both
    assert statuses(shop, D1, D2) == {"a.csv": "loaded", "b.csv": "loaded", "c.csv": "loaded"}
