"""`project-etl check`: what it says of a file is what a load says, and the lake stays as it is."""

from __future__ import annotations

import gzip
import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from project_etl.cli import main
from project_etl.commands.check.lines import line_numbers
from project_etl.core.bronze.readers.records import read_batches
from project_etl.core.model.names import RESCUED
from project_etl.silver import order_items
from project_etl_tests.commands.given import dagster_home_in, settings_in
from project_etl_tests.small_shop import ITEM, ORDER, PRODUCT, SmallShop, record_columns

DAY = "2025-01-02"
ITEMS = (
    ITEM,
    ITEM | {"order_item_id": "I2", "quantity": "-3"},
    ITEM | {"order_item_id": "I3", "quantity": "0", "unit_price": "much"},
    ITEM | {"order_item_id": "I4", "order_id": "O9"},
    ITEM | {"order_item_id": "I5", "order_id": "O9", "product_id": ""},
)


@pytest.fixture(scope="module")
def project(engine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose lake holds an order and a product."""
    folder = tmp_path_factory.mktemp("project")
    shop = SmallShop(folder / "data", engine)
    shop.land_rows("products", DAY, PRODUCT)
    shop.land_rows("orders", DAY, ORDER)
    for name in ("products", "orders"):
        shop.bronze(name, DAY)
        if name == "products":
            shop.silver(name, DAY)
    shop.lake.create("silver/customers", shop.tables["silver/customers"].schema)
    shop.silver("orders", DAY)
    settings_in(folder, "sources: [shop, online_retail]\nnamespaces: {shop: '', online_retail: or-}\n")
    return folder


@pytest.fixture
def check(project: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PROJECT_ETL_CONFIG_DIR", str(project / "config"))
    monkeypatch.setenv("DAGSTER_HOME", dagster_home_in(project))

    def call(file: Path, *arguments: str):
        return CliRunner().invoke(main, ["check", str(file), *arguments])

    return call


def items_in(folder: Path) -> Path:
    columns = record_columns("order_items")
    lines = [",".join(str(row[name]) for name in columns) for row in ITEMS]
    file = folder / "mine.csv"
    file.write_text("\n".join([",".join([*columns, "colour"]), *(f"{line},red" for line in lines), "O1,broken", ""]))
    return file


def digest_of(folder: Path) -> str:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return hashlib.sha256(b"".join(str(path).encode() + path.read_bytes() for path in files)).hexdigest()


def test_each_line_that_would_be_kept_out_is_named_with_what_stands_there(check, project, tmp_path):
    before = digest_of(project / "data")
    done = check(items_in(tmp_path), "--as", "order_items")
    assert done.exit_code == 1, done.output
    said = done.output.splitlines()
    assert said[0].endswith("as shop/order_items: 6 records; 1 would be loaded, 4 kept out, 1 would wait for a parent.")
    assert "Columns that nobody declared, and that no table shows: colour." in said
    kept_out = said[said.index("Kept out:") : said.index("Loaded once the missing parent arrives:")]
    found = {
        line.split()[0]: kept_out[number + 1].strip() for number, line in enumerate(kept_out) if " (silver/" in line
    }
    assert found == {
        "well_formed": "line 7: found 2 fields; expected 8, as many as the header has",
        "product_id_not_null": "line 6: found nothing",
        "quantity_greater_than": "line 3: found '-3'",
        "unit_price_type": "line 4: found 'much'",
    }
    assert said[-2:] == ["    line 5: found 'O9'", "    line 6: found 'O9'"]
    assert digest_of(project / "data") == before


def test_the_verdict_is_there_as_json(check, tmp_path):
    done = check(items_in(tmp_path), "--as", "shop/order_items", "--json", "--limit", "1")
    verdict = json.loads(done.output)
    assert (verdict["read"], verdict["kept_out"], verdict["waiting"], verdict["is_fine"]) == (6, 4, 1, False)
    quantity = next(each for each in verdict["broken"] if each["rule"] == "quantity_greater_than")
    assert (quantity["records"], quantity["lines"], quantity["effect"]) == (2, [[3, "'-3'"]], "kept out")


def test_a_file_of_which_too_much_is_kept_out_is_refused_as_a_whole(check, monkeypatch, tmp_path):
    monkeypatch.setattr(order_items, "TABLE", replace(order_items.TABLE, min_score=0.5))
    done = check(items_in(tmp_path), "--as", "order_items")
    assert "Nothing of the landing day would be loaded:\n  quality_score (silver/order_items): " in done.output


def test_references_to_what_the_lake_does_not_hold_are_not_checked(check, monkeypatch, tmp_path):
    monkeypatch.setenv("PROJECT_ETL_LAKE_ROOT", str(tmp_path / "none"))
    file = tmp_path / "items.csv"
    file.write_text(f"{','.join(record_columns('order_items'))}\nI1,O9,P9,1,1,0,2025-01-01\n")
    done = check(file, "--as", "order_items")
    assert done.exit_code == 0, done.output
    assert "does not hold these parents yet: order_exists, product_exists." in done.output
    assert "Next: put it into " in done.output
    assert not (tmp_path / "none").exists()


def test_a_file_that_feeds_several_tables_is_checked_for_all_of_them(check, tmp_path):
    file = tmp_path / "lines.csv"
    file.write_text(
        "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
        "489434,85048,LIGHTS,12,2009-12-01 07:45:00,6.95,13085,United Kingdom\n"
        "489434,79323P,CHERRY,x,2009-12-01 07:45:00,6.75,13085,United Kingdom\n"
    )
    done = check(file, "--as", "online_retail")
    assert "2 records" in done.output
    assert "quantity_type (silver/order_items)" in done.output


@pytest.mark.parametrize(
    ("name", "content", "dataset", "said"),
    [
        ("orders.csv", b"PK\x03\x04", "shop/orders", "cannot be read as shop/orders: file_format:"),
        ("orders.csv", b"a;b\n1;2\n", "shop/orders", "found 'a;b'; expected at least one of order_id"),
        ("orders.xlsx", b"x", "shop/orders", "orders.xlsx"),
        (".orders.csv", b"x", "shop/orders", "a name that begins with . or _"),
        ("orders.csv", b"x", "order", "no dataset 'order' of the sources that are on; did you mean shop/orders?"),
    ],
)
def test_what_cannot_be_read_at_all_exits_2(check, tmp_path, name, content, dataset, said):
    file = tmp_path / name
    file.write_bytes(content)
    done = check(file, "--as", dataset)
    assert done.exit_code == 2
    assert said in done.output


def test_a_header_alone_is_nothing_to_load(check, tmp_path):
    file = tmp_path / "orders.csv"
    file.write_text("order_id,status\n")
    done = check(file, "--as", "shop/orders")
    assert done.exit_code == 1
    assert "a header and no records" in done.output


@pytest.mark.parametrize(
    ("name", "text", "lines"),
    [
        ("a.csv", "a,b\n1,2\n3,4\n", [2, 3]),
        ("a.csv", "\n\na,b\n\n1,2\n\n\n3,4\n", [5, 8]),
        ("a.csv", 'a,b\r\n1,"x\r\ny"\r\n3,4\r\n', [2, 4]),
        ("a.csv", "a,b\n1,2\na,b\n3,4\n", [2, 4]),
        ("a.csv", 'a,b\n1,"open\n3,4\n5,6\n', [2, 3, 4]),
        ("a.csv", 'a,b\n1,2,"x\ny"\n3,4\n', [2, 4]),
        ("a.csv", 'a,b\n1,"x" y\n3\n5,6\n', [2, 3, 4]),
        ("a.csv.gz", "a,b\n1,2\n", [2]),
        ("a.jsonl", '\n{"a":1}\n\nnot json\n{"a":2}\n', [2, 4, 5]),
    ],
)
def test_records_are_found_on_their_lines(tmp_path, name, text, lines):
    content = text.encode()
    path = f"shop/orders/{DAY}/{name}"
    (tmp_path / path).parent.mkdir(parents=True)
    (tmp_path / path).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    batches = read_batches(tmp_path, path, ("a", "b"), expect_version=None)
    rescued = [text for batch in batches for text in batch.column(RESCUED).to_pylist()]
    assert line_numbers(tmp_path, path, rescued) == lines
