"""What is stale is exported, and nothing else; what must not leave does not."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from shutil import copytree

import duckdb
import pytest

from project_etl.core.export import CSV, DUCKDB, SQLITE, TARGETS
from project_etl.core.export.push import compare, is_stale
from project_etl_tests.core.export.given import BY_DAY, D1, D2, D3, FULL, SALES, SELLERS, Shop, sale, shop_in

WITH_DAYS = (SQLITE, DUCKDB)
MAIN_FILES = [(SQLITE, "star.sqlite"), (DUCKDB, "star.duckdb"), (CSV, "csv/manifest.json")]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shop_in(tmp_path_factory.mktemp("made")).folder


@pytest.fixture
def shop(tmp_path: Path, made: Path) -> Shop:
    return Shop(copytree(made, tmp_path / "shop"))


def wrong_in(shop: Shop, name: str) -> list[str]:
    """The tables of a target that are not what they should be."""
    compared = compare(shop.exported(name), shop.target(name))
    return [each.name for each in compared if each.wrong_units or each.damage or each.columns != each.found_columns]


@pytest.mark.parametrize("name", TARGETS)
def test_a_second_push_writes_nothing(shop: Shop, name: str) -> None:
    assert is_stale(shop.exported(name), shop.target(name))
    shop.push(name)
    mark = shop.target(name).mark
    assert not is_stale(shop.exported(name), shop.target(name))
    assert not any(each.is_stale for each in shop.push(name).values())
    assert shop.target(name).mark == mark
    assert wrong_in(shop, name) == []


@pytest.mark.parametrize("name", WITH_DAYS)
def test_a_changed_day_is_written_alone(shop: Shop, name: str) -> None:
    shop.push(name)
    shop.sales(D2, sale(D2, "s4"), sale(D2, "s5"))
    shop.sales(D3, sale(D3, "s6"))
    assert is_stale(shop.exported(name), shop.target(name))
    pushed = shop.push(name)
    assert pushed["sales"].written == (D2, D3)
    assert not pushed["sellers"].is_stale
    assert pushed["by_day"].written == ("all",)
    assert shop.target(name).found([shop.exported(name)[0].table])["sales"].rows == {D1: 2, D2: 2, D3: 1}
    assert wrong_in(shop, name) == []


@pytest.mark.parametrize("name", WITH_DAYS)
def test_a_day_that_becomes_empty_goes(shop: Shop, name: str) -> None:
    shop.push(name)
    shop.sales(D2)
    pushed = shop.push(name)["sales"]
    assert (pushed.written, pushed.dropped) == ((), (D2,))
    assert shop.target(name).held()["sales"].keys() == {D1}
    assert wrong_in(shop, name) == []


@pytest.mark.parametrize("name", TARGETS)
def test_a_table_without_rows_has_its_columns(shop: Shop, name: str) -> None:
    shop.sales(D1)
    shop.sales(D2)
    shop.push(name)
    assert wrong_in(shop, name) == []
    assert not any(each.is_stale for each in shop.push(name).values())


@pytest.mark.parametrize("name", TARGETS)
def test_another_declaration_makes_all_of_it_stale(shop: Shop, name: str) -> None:
    shop.push(name)
    others = [replace(SALES, allow_pii=("email",)), SELLERS, BY_DAY]
    assert shop.push(name, others)["sales"].written
    found = shop.target(name).found([shop.exported(name, others)[0].table])["sales"]
    assert "email" in found.columns
    assert shop.push(name, [*others[:2], replace(BY_DAY, query=f"{BY_DAY.query} DESC")])["by_day"].written


@pytest.mark.parametrize("name", TARGETS)
def test_personal_data_does_not_leave_and_leaves_no_trace_when_it_may_no_more(shop: Shop, name: str) -> None:
    def holds(address: bytes) -> bool:
        return any(address in path.read_bytes() for path in (shop.folder / "exports").rglob("*") if path.is_file())

    shop.push(name)
    assert not holds(b"ada@example.org")
    shop.push(name, [replace(SALES, allow_pii=("email",)), SELLERS])
    assert holds(b"ada@example.org")
    shop.push(name)
    assert not holds(b"ada@example.org")


@pytest.mark.parametrize("name", TARGETS)
def test_what_is_exported_no_more_goes(shop: Shop, name: str) -> None:
    shop.push(name)
    assert shop.push(name, [SALES])["sellers"].is_gone
    assert shop.target(name).held().keys() == {"sales"}
    shop.push(name, [SALES, SELLERS])
    assert shop.target(name).held().keys() == {"sales", "sellers"}


@pytest.mark.parametrize("name", TARGETS)
def test_a_table_that_is_not_in_the_lake_is_left_out_and_said(shop: Shop, name: str) -> None:
    other = replace(SELLERS, table="gold/sellers")
    (shop.folder / "lake/gold/sellers").rename(shop.folder / "elsewhere")
    pushed = shop.push(name, [SALES, other])
    assert pushed["sellers"].missing == ("gold/sellers",)
    assert not pushed["sellers"].is_stale
    (shop.folder / "elsewhere").rename(shop.folder / "lake/gold/sellers")
    assert shop.push(name, [SALES, other])["sellers"].is_new


@pytest.mark.parametrize("name", TARGETS)
def test_rows_that_somebody_changed_are_found(shop: Shop, name: str) -> None:
    shop.push(name)
    folder = shop.folder / "exports"
    if name == SQLITE:
        with closing(sqlite3.connect(folder / "star.sqlite")) as there, there:
            there.execute("DELETE FROM sales WHERE sale_id = 's2'")
    elif name == DUCKDB:
        with duckdb.connect(str(folder / "star.duckdb")) as there:
            there.execute("DELETE FROM sales WHERE sale_id = 's2'")
    else:
        file = folder / "csv/sales.csv"
        file.write_bytes(file.read_bytes().replace(b"0.10", b"9.10"))
    assert wrong_in(shop, name) == ["sales"]
    shop.target(name).remove()
    shop.push(name)
    assert wrong_in(shop, name) == []


def test_a_csv_file_of_another_size_is_written_again(shop: Shop) -> None:
    shop.push(CSV)
    (shop.folder / "exports/csv/sales.csv").write_text("gone")
    pushed = shop.push(CSV)
    assert [name for name, each in pushed.items() if each.is_stale] == ["sales"]
    assert wrong_in(shop, CSV) == []


@pytest.mark.parametrize(("name", "file"), MAIN_FILES)
def test_a_file_that_cannot_be_read_is_made_again(shop: Shop, name: str, file: str) -> None:
    shop.push(name)
    (shop.folder / "exports" / file).write_bytes(b"\0torn" * 5000)
    shop.push(name)
    assert wrong_in(shop, name) == []


def test_a_lake_that_was_made_again_makes_all_stale(shop: Shop, tmp_path: Path) -> None:
    shop.push(SQLITE)
    (shop.folder / "lake").rename(tmp_path / "old")
    shop_in(shop.folder)
    shop.sales(D1, FULL)
    pushed = shop.push(SQLITE)
    assert pushed["sales"].written == (D1, D2)
    assert wrong_in(shop, SQLITE) == []
