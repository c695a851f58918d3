"""What lies in landing and is not read: in a real folder, and in an object store by the same code."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import fsspec
import pytest
from fsspec.implementations.local import LocalFileSystem

from project_etl.core.bronze.survey import Survey, survey
from project_etl.core.model.source import Dataset
from project_etl_tests.core.bronze.landing_files import land

FIRST, LAST = date(2025, 1, 1), date(2025, 6, 30)
DATASETS = [Dataset("shop", name, {}) for name in ("orders", "order_items", "customers")]
READ = "shop/orders/2025-03-01/orders.csv"
FORMATS = "save it as one of .csv, .json, .jsonl, each also with .gz"
BACK = "move start_date back in the settings, or correct the name"
WAIT = "wait for that day, or correct the name"

# Files, and how they are named: each thing once, with what to do.
UNREAD: dict[str, tuple[Sequence[str], Sequence[str]]] = {
    "nothing": ([], []),
    "what is read": (["shop/order_items/2025-01-01/a.JSONL.GZ", "shop/orders/2025-06-30/x.json"], []),
    "what is not there yet": (
        [
            "_manifest.json",
            ".trash/orders.csv",
            "shop/_old/2025-01-01/orders.csv",
            "shop/orders/2025-01-01/orders.csv.part",
            "shop/orders/2024-01-01/.orders.csv",
            "shop/refunds/2025-01-01/refunds.csv.tmp",
            "crm/_new/2025-01-01/leads.csv",
        ],
        [],
    ),
    "endings": (
        [f"shop/customers/2025-02-01/{name}" for name in ("a.parquet", "a.csv.zst", "a.xml", "a", "a.csv~")],
        [
            f"shop/customers/2025-02-01/{name}: not a known kind of file; {FORMATS}"
            for name in ("a", "a.csv.zst", "a.csv~", "a.parquet", "a.xml")
        ],
    ),
    "a source that is not on": (
        ["web/clicks/2025-01-01/a.csv", "web/clicks/2025-01-02/a.csv", "web/readme.md"],
        ["web (3 files): a source that is not on; turn the source on in the settings: sources: [shop, web]"],
    ),
    "a source that is not on, in capitals": (
        ["WEB/clicks/2025-01-01/a.csv"],
        ["WEB: no source is called so; rename it to web, and turn the source on in the settings: sources: [shop, web]"],
    ),
    "sources that nobody knows": (
        ["crm/leads/2025-01-01/a.csv", "2025-01-01/orders.csv"],
        [
            "2025-01-01: no source is called so; expected shop, web: move it into one of them, or out of landing",
            "crm: no source is called so; expected shop, web: move it into one of them, or out of landing",
        ],
    ),
    "names that are nearly right": (
        [
            "SHOP/orders/2025-01-01/a.csv",
            "shop/Order-Items/2025-01-01/a.csv",
            "shop/order/2025-01-01/a.csv",
            "shop/costumers/2025-01-01/a.csv",
        ],
        [
            "SHOP: no source is called so; move its files into shop",
            "shop/Order-Items: no dataset of shop; rename it to order_items, if that is meant",
            "shop/costumers: no dataset of shop; rename it to customers, if that is meant",
            "shop/order: no dataset of shop; move its files into orders, if that is meant",
        ],
    ),
    "a dataset that nobody knows": (
        ["shop/stock/2025-01-01/a.csv", "shop/stock/2025-01-01/b.csv"],
        [
            "shop/stock (2 files): no dataset of shop; expected customers, order_items, orders: move it into one of "
            "them, or out of landing"
        ],
    ),
    "folders that are no day": (
        [
            f"shop/orders/{name}/a.csv"
            for name in ("2025-2-3", "20250204", "day=2025-02-05", "2025_3_1", "2025-02-30", "05.02.2025", "latest")
        ],
        [
            "shop/orders/05.02.2025: not a landing day; rename it to its landing day, YYYY-MM-DD",
            "shop/orders/2025-02-30: not a landing day; rename it to its landing day, YYYY-MM-DD",
            "shop/orders/2025-2-3: not a landing day; rename it to 2025-02-03",
            "shop/orders/20250204: not a landing day; rename it to 2025-02-04",
            "shop/orders/2025_3_1: not a landing day; move its files into 2025-03-01",
            "shop/orders/day=2025-02-05: not a landing day; rename it to 2025-02-05",
            "shop/orders/latest: not a landing day; rename it to its landing day, YYYY-MM-DD",
        ],
    ),
    "days without a partition": (
        [
            "shop/customers/2024-12-31/a.csv",
            "shop/orders/1999-12-31/a.csv",
            "shop/orders/2024-12-31/a.csv",
            "shop/orders/2024-12-31/b.csv",
            "shop/orders/2025-07-01/a.csv",
            "shop/orders/9998-01-01/a.csv",
        ],
        [
            f"shop/customers/2024-12-31: before start_date, 2025-01-01; {BACK}",
            f"shop/orders/1999-12-31 to 2024-12-31 (3 files): before start_date, 2025-01-01; {BACK}",
            f"shop/orders/2025-07-01 to 9998-01-01 (2 files): after today, 2025-06-30 UTC; {WAIT}",
        ],
    ),
    "loose and nested files": (
        [
            "orders.csv",
            "shop/orders.csv",
            "shop/orders/orders.csv",
            "shop/orders/2025-01-01/late/a.csv",
            "shop/orders/2025-01-01/late/again/b.csv",
        ],
        [
            "orders.csv: a file outside a day folder; move it to <source>/<dataset>/<YYYY-MM-DD>/",
            "shop/orders.csv: a file outside a day folder; move it to shop/<dataset>/<YYYY-MM-DD>/",
            "shop/orders/2025-01-01/late (2 files): a folder inside a day folder; move its files into the day folder",
            "shop/orders/orders.csv: a file outside a day folder; move it to shop/orders/<YYYY-MM-DD>/",
        ],
    ),
}


def look(root: str | Path) -> Survey:
    return survey(root, DATASETS, ["web"], FIRST, LAST)


def said(root: str | Path) -> list[str]:
    return [item.in_words() for item in look(root).unread]


@pytest.fixture(params=["folder", "store"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A landing root: a folder, or a URL."""
    if request.param == "folder":
        yield f"file://{tmp_path}"
        return
    yield "memory://landing"
    fsspec.filesystem("memory").rm("/landing", recursive=True)


@pytest.mark.parametrize("case", UNREAD)
def test_what_is_not_read_is_named_once_with_what_to_do(root: str, case: str) -> None:
    files, expected = UNREAD[case]
    fs, base = fsspec.url_to_fs(root)
    for path in (READ, *files):
        fs.makedirs(f"{base}/{path.rpartition('/')[0]}", exist_ok=True)
        fs.pipe_file(f"{base}/{path}", b"x")
    found = look(root)
    assert [item.in_words() for item in found.unread] == expected
    assert READ in [file.path for file in found.files]
    assert len(found.files) == (3 if case == "what is read" else 1)


def test_landing_days_after_the_end_ask_for_another_end(tmp_path: Path) -> None:
    for day in (LAST, LAST + timedelta(days=1)):
        land(tmp_path, "a.csv", "order_id\n", day=str(day))
    found = survey(tmp_path, DATASETS, [], FIRST, LAST, end=LAST)
    (said,) = (item.in_words() for item in found.unread)
    assert said.endswith(f"after end_date, {LAST}; move end_date forward in the settings, or correct the name")


def test_a_landing_that_is_not_there_holds_nothing(tmp_path: Path) -> None:
    assert look(tmp_path / "nowhere") == Survey((), ())


def test_empty_folders_are_nothing(tmp_path: Path) -> None:
    for folder in ("crm/leads", "shop/stock/2025-01-01", "shop/orders/2025-1-1", "shop/orders/2025-01-01/late"):
        (tmp_path / folder).mkdir(parents=True)
    assert said(tmp_path) == []


def test_links_are_looked_at_where_they_lead(tmp_path: Path) -> None:
    root = tmp_path / "landing"
    for path in ("shop/orders/2025-01-01/a.csv", "shop/orders/2024-01-01/a.csv"):
        (root / path).parent.mkdir(parents=True)
        (root / path).write_text("x")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "b.csv").write_text("x")
    (root / "Shop").symlink_to(root / "shop")
    (root / "shop/customers").symlink_to(elsewhere)
    (root / "shop/orders/2025-01-02").symlink_to(elsewhere)
    (root / "shop/orders/2025-01-03").symlink_to(root / "shop/orders/2025-01-01")
    found = look(root)
    days = [file.day for file in found.files]
    assert days == ["2025-01-01", "2025-01-03"]
    assert [item.path for item in found.unread] == [
        "shop/customers",
        "shop/orders/2024-01-01",
        "shop/orders/2025-01-02",
    ]


def test_a_folder_that_may_not_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Root may read everything, so that the file system has to be asked to refuse.
    (tmp_path / "crm/leads").mkdir(parents=True)
    ls = LocalFileSystem.ls

    def refusing(fs: LocalFileSystem, path: str, *args: Any, **options: Any) -> Any:
        if path.endswith("leads"):
            raise PermissionError(13, "Permission denied", path)
        return ls(fs, path, *args, **options)

    monkeypatch.setattr(LocalFileSystem, "ls", refusing)
    assert said(tmp_path) == ["crm/leads: a folder that may not be read; let the platform's user read it"]


def test_each_folder_is_listed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in (READ, "shop/orders/2025-01-01/a.csv", "shop/stock/2025-01-01/a.csv", "shop/orders/2024-01-01/a.csv"):
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).write_text("x")
    listed: list[str] = []
    ls = LocalFileSystem.ls

    def counting(fs: LocalFileSystem, path: str, *args: Any, **options: Any) -> Any:
        listed.append(path)
        return ls(fs, path, *args, **options)

    monkeypatch.setattr(LocalFileSystem, "ls", counting)
    look(tmp_path)
    assert len(listed) == len(set(listed))
    assert {Path(path) for path in listed} == {tmp_path, *(path for path in tmp_path.rglob("*") if path.is_dir())}
