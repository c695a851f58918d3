"""Slices in landing: each once, whole or not at all, and what has landed is all that is remembered."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from threading import Thread

import pytest

from project_etl.core.extract import land as module_under_test
from project_etl.core.extract.land import land
from project_etl.core.model.pull import PullError, Slice
from project_etl.core.model.source import Dataset
from project_etl_tests.core.extract.given import FileShop

DATASET = Dataset("oltp", "orders", {"order_id": "Number."})
UNTIL = datetime(2025, 1, 2, 23, 59, 59, 5, UTC)


def nowhere(size: int, version: str) -> bool:  # noqa: ARG001 - the shape that is asked for
    return False


@pytest.fixture
def shop(tmp_path: Path) -> FileShop:
    return FileShop(tmp_path)


def test_a_slice_becomes_a_file_of_the_day_of_its_upper_end(tmp_path: Path) -> None:
    records = [{"order_id": 1, "note": 'é "\n'}, {"order_id": None}]
    landed = land(str(tmp_path), DATASET, Slice("a_b", UNTIL, lambda: iter(records)), nowhere)
    assert (landed.path, landed.records) == ("oltp/orders/2025-01-02/a_b.jsonl", 2)
    file = tmp_path / landed.path
    assert file.read_text(encoding="utf-8") == '{"order_id":1,"note":"é \\"\\n"}\n{"order_id":null}\n'
    assert file.stat().st_size == landed.size_bytes
    # So that nobody waits for it to be still.
    assert file.stat().st_mtime == pytest.approx(UNTIL.timestamp())


def test_a_slice_without_records_makes_no_file(tmp_path: Path) -> None:
    assert land(str(tmp_path), DATASET, Slice("a_b", UNTIL, lambda: iter(())), nowhere).path == ""
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_slice_whose_name_alone_is_remembered_always_makes_a_file_that_is_still(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    told = Slice("a_0_9", now, lambda: iter(['{"_lost":"x"}']), "x", lost=True, always=True)
    begun = Slice("a_0_begin", now, lambda: iter([""]), always=True)
    lines = Slice("a_10_11", now, lambda: iter(['{"a": 1.50}', "[]"]), always=True)
    landed = [land(str(tmp_path), DATASET, each, lambda *_: True) for each in (told, begun, lines)]
    assert [(each.path.rpartition("/")[2], each.records) for each in landed] == [
        ("a_0_9.lost.jsonl", 0),
        ("a_0_begin.jsonl", 0),
        ("a_10_11.jsonl", 2),
    ]
    assert (tmp_path / landed[2].path).read_text() == '{"a": 1.50}\n[]\n'
    assert all((tmp_path / each.path).stat().st_mtime < now.timestamp() - 5 for each in landed)


def test_a_slice_that_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    def records():
        yield {"order_id": 1}
        raise PullError("the server has gone")

    with pytest.raises(PullError, match="gone"):
        land(str(tmp_path), DATASET, Slice("a_b", UNTIL, records), nowhere)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_what_a_killed_pull_left_aside_is_written_over(tmp_path: Path) -> None:
    aside = tmp_path / "oltp/orders" / module_under_test.ASIDE
    aside.parent.mkdir(parents=True)
    aside.write_text("half of a rec")
    land(str(tmp_path), DATASET, Slice("a_b", UNTIL, lambda: iter([{"order_id": 1}])), nowhere)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["a_b.jsonl"]


def test_a_store_gets_the_whole_file_at_once() -> None:
    import fsspec

    memory = fsspec.filesystem("memory")
    landed = land("memory://pulled", DATASET, Slice("a_b", UNTIL, lambda: iter([{"order_id": 1}])), nowhere)
    assert memory.cat_file(f"/pulled/{landed.path}") == b'{"order_id":1}\n'
    memory.rm("/pulled", recursive=True)


def test_each_pull_goes_on_where_the_one_before_ended(shop: FileShop) -> None:
    shop.add(1, 2, seconds=4000)
    assert shop.pull().records == 2
    shop.add(3)
    assert shop.pull().records == 1
    assert not shop.pull().files
    assert shop.ids() == [[1, 2], [3]]
    ends = [path.stem.split("_")[1:] for path in shop.files()]
    assert ends[0][0] == "start"
    assert ends[1][0] == ends[0][1]


def test_what_is_loaded_may_be_removed_from_landing(shop: FileShop) -> None:
    shop.add(1, seconds=4000)
    shop.pull()
    shop.load()
    (file,) = shop.files()
    file.unlink()
    assert not shop.pull().files
    shop.add(2)
    shop.pull()
    assert shop.ids() == [[2]]


def test_what_is_removed_before_it_was_loaded_is_pulled_again_under_its_name(shop: FileShop) -> None:
    for number in (1, 2, 3):
        shop.add(number)
        shop.pull()
    names = [path.name for path in shop.files()]
    for file in shop.files()[:2]:
        file.unlink()
    done = shop.pull()
    assert [each.slice.gap for each in done.files] == [True]
    assert shop.ids() == [[1, 2], [3]]
    assert shop.files()[0].name == names[0].partition("_")[0] + "_start_" + names[1].rpartition("_")[2]
    assert done.notes[0].startswith("a slice from the beginning to 20")


def test_lag_leaves_the_newest_rows_to_the_next_pull_and_overlap_looks_back(tmp_path: Path) -> None:
    shop = FileShop(tmp_path, lag_seconds=60, overlap_seconds=3600)
    shop.add(1, seconds=120)
    shop.add(2, seconds=10)
    shop.pull()
    assert shop.ids() == [[1]]
    shop.database.execute("UPDATE orders SET updated_at = datetime('now', '-300 seconds') WHERE order_id = 2")
    shop.pull()
    # What comes again is dropped by Silver.
    assert shop.ids() == [[1], [1, 2]]


@pytest.mark.parametrize("is_loaded", [True, False])
def test_what_an_overlap_brings_alone_does_not_land_again(tmp_path: Path, is_loaded: bool) -> None:
    shop = FileShop(tmp_path, overlap_seconds=3600)
    shop.add(1, 2)
    shop.pull()
    if is_loaded:
        shop.load()
    assert not shop.pull().files
    shop.add(3)
    shop.pull()
    assert shop.ids() == [[1, 2], [1, 2, 3]]


def test_another_lake_pulls_from_the_start(shop: FileShop, tmp_path: Path) -> None:
    shop.add(1)
    shop.pull()
    other = FileShop.__new__(FileShop)
    other.shop = shop.shop.__class__(tmp_path / "other", None, ("oltp",), pull=dict(shop.shop.settings.pull))
    assert other.pull().records == 1


def test_how_far_a_source_has_been_read_is_known_also_where_there_is_nothing_new(shop: FileShop) -> None:
    found = [shop.pull().until]
    shop.add(1)
    found += [shop.pull().until, shop.pull().until]
    shop.load()
    found.append(shop.pull(recount=True).until)
    assert all(found)
    assert found == sorted(set(found), key=str)
    assert shop.ids() == [[1]]


def test_two_pulls_at_once_wait_for_each_other(shop: FileShop) -> None:
    shop.add(1)
    other = Thread(target=shop.pull)
    with shop.shop.lake.lock("landing/oltp/orders"):
        other.start()
        assert not shop.files()
    other.join()
    assert shop.ids() == [[1]]
