"""Which files have arrived: real folders, and an in-memory store for the way of URLs."""

from __future__ import annotations

import os
from pathlib import Path

import fsspec
import pytest

from project_etl.core.bronze.landing import (
    LandingFile,
    Unrecognized,
    content_version,
    list_files,
    list_landing,
    open_bytes,
)
from project_etl.core.bronze.readers.records import read_batches
from project_etl_tests.core.bronze.landing_files import DAY, land


def names(root, days=None) -> list[str]:
    return [file.name for file in list_files(root, "shop", "orders", days)]


def test_a_file_knows_where_it_landed(tmp_path):
    path = land(tmp_path, "orders.csv", "order_id\n1\n")
    os.utime(tmp_path / path, (1_700_000_000, 1_700_000_000))

    (file,) = list_files(tmp_path, "shop", "orders")

    assert file == LandingFile("shop/orders/2025-01-15/orders.csv", 11, 1_700_000_000.0, None)
    assert (file.day, file.name) == (DAY, "orders.csv")


def test_files_of_all_kinds_come_sorted_by_path(tmp_path):
    land(tmp_path, "b.csv", "x", day="2025-01-16")
    for name in ("z.json", "a.jsonl.gz", "B.CSV.GZ", "c.csv"):
        land(tmp_path, name, "x")
    assert names(tmp_path) == ["B.CSV.GZ", "a.jsonl.gz", "c.csv", "z.json", "b.csv"]


@pytest.mark.parametrize("name", [".orders.csv", "_orders.csv", "orders.csv.tmp", "orders.csv.part", "orders.csv.TMP"])
def test_a_temporary_name_is_not_there_yet(tmp_path, name):
    land(tmp_path, name, "x")
    assert list_landing(tmp_path, "shop", "orders").files == ()
    assert list_landing(tmp_path, "shop", "orders").unrecognized == ()


def test_only_the_days_that_are_asked_for_are_listed(tmp_path):
    for day in ("2025-01-15", "2025-01-16", "2025-01-17"):
        land(tmp_path, f"{day}.csv", "x", day=day)
    assert names(tmp_path, {"2025-01-17", "2025-01-15", "2025-02-01"}) == ["2025-01-15.csv", "2025-01-17.csv"]
    assert names(tmp_path, []) == []


def test_a_missing_root_dataset_or_day_holds_nothing(tmp_path):
    assert list_files(tmp_path / "nowhere", "shop", "orders") == []
    assert list_files(tmp_path, "shop", "orders") == []
    assert list_files(tmp_path, "shop", "orders", ["2025-01-15"]) == []


def test_what_is_not_read_is_reported_with_its_reason(tmp_path):
    land(tmp_path, "orders.csv", "x")
    land(tmp_path, "orders.xlsx", "x")
    land(tmp_path, "orders", "x")
    land(tmp_path, "nested/orders.csv", "x")
    land(tmp_path, "uploading/orders.csv.part", "x")
    land(tmp_path, "orders.csv", "x", day="15.01.2025")
    land(tmp_path, "orders.csv", "x", day="20250115")
    land(tmp_path, "orders.csv", "x", day="2025-02-30")
    (tmp_path / "shop/orders/loose.csv").write_text("x")
    os.mkfifo(tmp_path / f"shop/orders/{DAY}/pipe.csv")

    listing = list_landing(tmp_path, "shop", "orders")

    assert [file.name for file in listing.files] == ["orders.csv"]
    reasons = {found.path.removeprefix("shop/orders/"): found.in_words() for found in listing.unrecognized}
    assert reasons.keys() == {
        *("15.01.2025", "20250115", "2025-02-30", "loose.csv"),
        *(f"{DAY}/{name}" for name in ("orders.xlsx", "orders", "nested", "pipe.csv")),
    }
    assert "save it as one of .csv, .json, .jsonl, each also with .gz" in reasons[f"{DAY}/orders.xlsx"]
    assert "YYYY-MM-DD" in reasons["2025-02-30"]
    assert "folder inside a day folder" in reasons[f"{DAY}/nested"]
    assert "regular file" in reasons[f"{DAY}/pipe.csv"]


def test_a_day_or_dataset_that_is_a_file_is_reported(tmp_path):
    (tmp_path / "shop/orders").mkdir(parents=True)
    (tmp_path / "shop/orders" / DAY).write_text("x")
    (tmp_path / "shop/items").write_text("x")

    said = ("a file where a folder is expected", "move it into a day folder")
    assert list_landing(tmp_path, "shop", "orders", [DAY]).unrecognized == (Unrecognized(f"shop/orders/{DAY}", *said),)
    assert list_landing(tmp_path, "shop", "items").unrecognized == (Unrecognized("shop/items", *said),)
    assert list_landing(tmp_path, "shop", "items", [DAY]).files == ()


@pytest.mark.parametrize("name", ["a[1]*?.csv", "with space.csv", "größe-注文.csv", "a::b.csv", "~x.csv", "a%20#b.csv"])
def test_any_name_can_be_read(tmp_path, name):
    path = land(tmp_path, name, "order_id\n1\n")
    assert names(tmp_path) == [name]
    with open_bytes(tmp_path, path) as stream:
        assert stream.read() == b"order_id\n1\n"


def test_a_name_that_is_not_utf8_is_reported(tmp_path):
    land(tmp_path, "orders.csv", "x")
    Path(os.fsdecode(os.fsencode(tmp_path / f"shop/orders/{DAY}") + b"/bad\xff.csv")).write_text("x")
    listing = list_landing(tmp_path, "shop", "orders")
    assert [file.name for file in listing.files] == ["orders.csv"]
    assert listing.unrecognized[0].path.endswith(r"bad\udcff.csv")


def test_a_link_inside_the_root_is_a_file_and_one_that_leads_out_is_refused(tmp_path):
    root = tmp_path / "landing"
    land(root, "orders.csv", "order_id\n1\n")
    folder = root / f"shop/orders/{DAY}"
    (tmp_path / "secret.csv").write_text("order_id\n2\n")
    (folder / "inside.csv").symlink_to(folder / "orders.csv")
    (folder / "outside.csv").symlink_to("../../../../secret.csv")
    (folder / "dangling.csv").symlink_to(folder / "nothing.csv")
    (folder / "folder.csv").symlink_to(folder)

    listing = list_landing(root, "shop", "orders")

    assert [(file.name, file.size) for file in listing.files] == [("inside.csv", 11), ("orders.csv", 11)]
    reasons = {Path(found.path).name: found.reason for found in listing.unrecognized}
    assert reasons.keys() == {"dangling.csv", "folder.csv", "outside.csv"}
    assert "leads out of the landing root" in reasons["outside.csv"]
    with pytest.raises(ValueError, match="leads out"), open_bytes(root, f"shop/orders/{DAY}/outside.csv"):
        pass


def test_a_day_folder_that_leads_out_is_refused_and_a_root_may_be_a_link(tmp_path):
    land(tmp_path / "elsewhere", "orders.csv", "x")
    (tmp_path / "landing/shop/orders").mkdir(parents=True)
    (tmp_path / "landing/shop/orders" / DAY).symlink_to(tmp_path / f"elsewhere/shop/orders/{DAY}")
    listing = list_landing(tmp_path / "landing", "shop", "orders")
    assert (listing.files, [found.path for found in listing.unrecognized]) == ((), [f"shop/orders/{DAY}"])

    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    assert names(tmp_path / "link") == ["orders.csv"]


@pytest.mark.parametrize(
    "path",
    [
        "../secret.csv",
        "shop/orders/../../secret.csv",
        "shop/orders/2025-01-15/..",
        "/etc/shop/orders/hosts",
        "shop/orders/2025-01-15/a/b.csv",
        "shop//2025-01-15/b.csv",
        "shop/orders/2025-01-15/b\0.csv",
    ],
)
def test_a_path_that_is_not_a_landing_path_is_refused(tmp_path, path):
    with pytest.raises(ValueError, match="landing path"), open_bytes(tmp_path, path):
        pass


@pytest.mark.parametrize("name", ["", "..", "a/b", "a\\b", "_x", "a\0"])
def test_a_source_or_dataset_that_is_no_folder_name_is_refused(tmp_path, name):
    with pytest.raises(ValueError, match="is not a folder name"):
        list_files(tmp_path, name, "orders")
    with pytest.raises(ValueError, match="is not a folder name"):
        list_files(tmp_path, "shop", name)


@pytest.mark.parametrize("day", ["2025-1-15", "2025-02-30", "..", "20250115"])
def test_a_day_that_is_no_date_is_refused(tmp_path, day):
    with pytest.raises(ValueError, match="expected YYYY-MM-DD"):
        list_files(tmp_path, "shop", "orders", [day])


def test_the_version_is_that_of_the_bytes_whatever_the_name(tmp_path):
    for name, content in (("a.csv", "x"), ("b.csv", "x"), ("c.csv", "y")):
        land(tmp_path, name, content)
    a, b, c = (content_version(tmp_path, file) for file in list_files(tmp_path, "shop", "orders"))
    assert a == b != c
    assert len(a) == 32


def test_an_etag_is_the_version(tmp_path):
    assert content_version(tmp_path, LandingFile(f"shop/orders/{DAY}/gone.csv", 1, 0.0, "abc")) == "abc"


def test_a_url_is_listed_and_read_like_a_folder():
    store = fsspec.filesystem("memory")
    store.pipe(f"/landing/shop/orders/{DAY}/orders.csv", b"order_id\n1\n")
    store.pipe(f"/landing/shop/orders/{DAY}/_tmp.csv", b"x")
    try:
        (file,) = list_files("memory://landing", "shop", "orders")
        assert (file.path, file.size, file.modified > 0) == (f"shop/orders/{DAY}/orders.csv", 11, True)
        version = content_version("memory://landing", file)
        (batch,) = read_batches("memory://landing", file.path, ("order_id",), expect_version=version)
        assert batch.column("order_id").to_pylist() == ["1"]
        store.pipe(f"/landing/shop/orders/{DAY}/later.csv", b"x")
        assert len(list_files("memory://landing", "shop", "orders", [DAY])) == 2
    finally:
        store.rm("/landing", recursive=True)
