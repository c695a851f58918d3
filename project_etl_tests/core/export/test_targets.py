"""Each target holds what was exported: every type, and what files get wrong."""

from __future__ import annotations

import csv
import json
import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from shutil import copytree
from typing import Any

import duckdb
import pytest

from project_etl.core.export import CSV, DUCKDB, SQLITE, TARGETS, Export, ExportError
from project_etl.core.export.push import compare, target_of
from project_etl_tests.core.export.given import D1, ODD, SALES, Shop, shop_in

FILES = {CSV: "csv/sales.csv", SQLITE: "star.sqlite", DUCKDB: "star.duckdb"}
PARTS = '[{"part_id": "p1", "amount": "1.10"}, {"part_id": "p2", "amount": null}]'
COLUMNS = ["day", "sale_id", "text", "amount", "units", "is_paid", "at", "parts", "part_ids"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shop_in(tmp_path_factory.mktemp("made")).folder


@pytest.fixture
def shop(tmp_path: Path, made: Path) -> Shop:
    return Shop(copytree(made, tmp_path / "shop"))


def asked(shop: Shop, query: str) -> list[tuple[Any, ...]]:
    """The answer of the SQLite file."""
    with closing(sqlite3.connect(shop.folder / "exports" / FILES[SQLITE])) as there:
        return there.execute(query).fetchall()


def test_csv_has_every_type_as_text_and_no_formula(shop: Shop) -> None:
    shop.push(CSV)
    content = (shop.folder / "exports" / FILES[CSV]).read_bytes()
    assert content.decode().startswith(",".join(COLUMNS) + "\r\n")
    with (shop.folder / "exports" / FILES[CSV]).open(encoding="utf-8", newline="") as file:
        rows = sorted(list(csv.reader(file))[1:], key=lambda row: row[1])
    full = [D1, "s1", ODD, "-1234567890123.45", "-5", "true", "2025-01-01 10:00:00.000250", PARTS, "p1,p2"]
    assert rows == [
        full,
        [D1, "s2", "'=1+2", "0.10", "", "false", "2025-01-01 00:00:00", "[]", ""],
        ["2025-01-02", "s3", "", "", "", "", "", "", ""],
    ]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_a_cell_of_text_that_begins_like_a_formula_is_made_safe(shop: Shop, start: str) -> None:
    shop.sales(D1, {**shop_row(), "text": f"{start}A1\n{start}B1"})
    shop.push(CSV)
    with (shop.folder / "exports" / FILES[CSV]).open(encoding="utf-8", newline="") as file:
        (found,) = [row["text"] for row in csv.DictReader(file) if row["sale_id"] == "x"]
    assert found == f"'{start}A1\n{start}B1"


def shop_row() -> dict[str, Any]:
    return {"day": date(2025, 1, 1), "sale_id": "x"}


def test_sqlite_has_numbers_that_can_be_summed_and_text_for_what_it_lacks(shop: Shop) -> None:
    shop.push(SQLITE)
    assert asked(shop, "SELECT * FROM sales ORDER BY sale_id") == [
        (D1, "s1", ODD, -1234567890123.45, -5, 1, "2025-01-01 10:00:00.000250", PARTS, "p1,p2"),
        (D1, "s2", "=1+2", 0.1, None, 0, "2025-01-01 00:00:00", "[]", ""),
        ("2025-01-02", "s3", *[None] * 7),
    ]
    assert asked(shop, "SELECT sum(amount) FROM sales") == [(pytest.approx(-1234567890123.35, abs=0.001),)]
    types = dict(asked(shop, "SELECT name, type FROM pragma_table_info('sales')"))
    assert (types["amount"], types["day"], types["is_paid"]) == ("REAL", "TEXT", "BOOLEAN")
    assert asked(shop, "SELECT name FROM pragma_table_info('sales') WHERE pk ORDER BY pk") == [("day",), ("sale_id",)]
    described = asked(shop, "SELECT description FROM _columns WHERE table_name = 'sales' AND column_name = 'amount'")
    assert described == [("Amount.",)]
    assert asked(shop, "SELECT unit, rows FROM _exports WHERE table_name = 'sales' ORDER BY unit") == [
        (D1, 2),
        ("2025-01-02", 1),
    ]


def test_duckdb_has_every_type_as_its_own(shop: Shop) -> None:
    shop.push(DUCKDB)
    with duckdb.connect(str(shop.folder / "exports" / FILES[DUCKDB]), read_only=True) as there:
        there.execute("SET TimeZone = 'UTC'")
        rows = there.sql("FROM sales ORDER BY sale_id").to_arrow_table().to_pylist()
        comment = there.sql(
            "SELECT comment FROM duckdb_columns() WHERE column_name = 'amount' AND table_name = 'sales'"
        )
        assert comment.fetchall() == [("Amount.",)]
    assert rows[0] == {
        "day": date(2025, 1, 1),
        "sale_id": "s1",
        "text": ODD,
        "amount": Decimal("-1234567890123.45"),
        "units": -5,
        "is_paid": True,
        "at": datetime(2025, 1, 1, 10, 0, 0, 250, tzinfo=UTC),
        "parts": [{"part_id": "p1", "amount": Decimal("1.10")}, {"part_id": "p2", "amount": None}],
        "part_ids": "p1,p2",
    }
    assert rows[1]["parts"] == []
    assert {*rows[2].values()} == {date(2025, 1, 2), "s3", None}


@pytest.mark.parametrize("name", TARGETS)
def test_a_query_makes_a_table_of_its_own(shop: Shop, name: str) -> None:
    shop.push(name)
    (by_day,) = [each for each in compare(shop.exported(name), shop.target(name)) if each.name == "by_day"]
    assert (by_day.found, by_day.found_columns, by_day.wrong_units) == ({"all": 2}, ("day", "amount"), ())


@pytest.mark.parametrize("name", TARGETS)
def test_a_reader_that_has_the_old_file_open_keeps_it(shop: Shop, name: str) -> None:
    shop.push(name)
    file = shop.folder / "exports" / FILES[name]
    before = file.read_bytes()
    with file.open("rb") as reader:
        shop.sales(D1)
        shop.push(name)
        assert reader.read() == before
    assert file.read_bytes() != before


@pytest.mark.parametrize("name", TARGETS)
def test_what_was_exported_can_be_removed(shop: Shop, name: str) -> None:
    shop.push(name)
    shop.target(name).remove()
    assert [path for path in (shop.folder / "exports").rglob("*") if path.is_file()] == []
    assert shop.target(name).held() == {}
    assert all(each.is_new for each in shop.push(name).values())


def test_sqlite_refuses_two_rows_of_one_key_and_keeps_the_old_file(shop: Shop) -> None:
    shop.push(SQLITE)
    before = asked(shop, "SELECT count(*) FROM sales")
    shop.sales(D1, shop_row(), shop_row())
    with pytest.raises(ExportError, match="two rows of one key \\(day, sale_id\\)"):
        shop.push(SQLITE)
    assert asked(shop, "SELECT count(*) FROM sales") == before
    assert not list((shop.folder / "exports").glob(".*"))


def test_the_manifest_names_each_file_with_rows_bytes_and_bookmark(shop: Shop) -> None:
    shop.push(CSV)
    said = json.loads((shop.folder / "exports/csv/manifest.json").read_text())["tables"]
    assert sorted(said) == ["by_day", "sales", "sellers"]
    assert said["sales"]["rows"] == 3
    assert said["sales"]["bytes"] == (shop.folder / "exports" / FILES[CSV]).stat().st_size


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"table": "gold/sales", "to": ("cvs",)}, "'cvs' is no target.*did you mean csv"),
        ({"to": (CSV,)}, "give either a `table`, or a `query`"),
        ({"query": "SELECT 1", "to": (CSV,)}, "give either a `table`, or a `query`"),
    ],
)
def test_an_export_that_is_declared_wrongly_says_how(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ExportError, match=message):
        Export(**wrong)


def test_ids_of_an_array_that_is_not_there_are_refused(shop: Shop) -> None:
    wrong = Export(table="gold/sales", name="sales", to=(CSV,), ids={"x": "parts.nothing"})
    with pytest.raises(ExportError, match="no array parts of structs with a field nothing"):
        shop.push(CSV, [wrong])


def test_targets_are_found_by_their_names(tmp_path: Path) -> None:
    assert [target_of(name, str(tmp_path)).name for name in SALES.to] == list(TARGETS)
