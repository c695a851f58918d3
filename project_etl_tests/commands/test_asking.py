"""`show`, `sql` and `export`: what people get on the screen and in files, from one small lake through the command line.

Does not belong here: what a query may ask (`core/test_views.py`).
"""

from __future__ import annotations

import csv
import json
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from project_etl.cli import main
from project_etl.commands.shared import answers
from project_etl.core.engine.base import Engine
from project_etl_tests.commands.given import surroundings
from project_etl_tests.small_shop import CUSTOMER, ITEM, ORDER, PRODUCT, SmallShop, made_of

ZONE = "Europe/Berlin"
D1, D2 = "2025-01-01", "2025-01-02"
FORMULA = "=1+2"
PERSONAL = "first_name,last_name,full_name,email,phone"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, engine: Engine) -> SmallShop:
    """Two orders on two business days of Berlin, late in the evening; a bad one; a city that looks like a formula."""
    shop = SmallShop(
        tmp_path_factory.mktemp("asked"),
        engine,
        only=made_of("gold/daily_aov", "gold/fact_orders", "gold/customer_360"),
        reporting_timezone=ZONE,
    )
    late = {**ORDER, "order_id": "O2", "order_ts": f"{D1}T23:30:00Z"}
    shop.land_rows("customers", D1, {**CUSTOMER, "city": FORMULA})
    shop.land_rows("products", D1, PRODUCT)
    shop.land_rows("orders", D1, ORDER, late, {**ORDER, "order_id": "O9", "status": "LOST"})
    shop.land_rows("order_items", D1, ITEM, {**ITEM, "order_item_id": "I2", "order_id": "O2"})
    shop.everything(D1, D2)
    return shop


class Asking:
    """The command line over the lake, and a folder for what it writes."""

    def __init__(self, shop: SmallShop, folder: Path) -> None:
        self.folder = folder
        self.environment = surroundings(shop.landing.parent, REPORTING_TIMEZONE=ZONE)

    def ask(self, *words: str, given: str | None = None) -> Result:
        """Ask, whatever comes of it."""
        return CliRunner().invoke(main, words, input=given, env=self.environment)

    def answer(self, *words: str, given: str | None = None) -> str:
        """What is printed when all is well."""
        result = self.ask(*words, given=given)
        assert result.exit_code == 0, result.output
        return result.output

    def refusal(self, *words: str) -> str:
        """What is printed when it cannot be done: nothing is written then."""
        result = self.ask(*words)
        assert result.exit_code == 2, result.output
        assert not list(self.folder.iterdir())
        return result.output.removeprefix("Error: ").strip()

    def file(self, name: str) -> str:
        """A file to write."""
        return str(self.folder / name)

    def document(self, *words: str) -> Any:
        """The JSON document that is printed."""
        return json.loads(self.answer(*words))

    def sheet(self, *words: str) -> list[tuple[Any, ...]]:
        """The cells of the Excel file that a command writes, the header first."""
        path = self.folder / "answer.xlsx"
        self.answer(*words, "--out", str(path))
        return list(openpyxl.load_workbook(path)["rows"].iter_rows(values_only=True))

    def lines(self, *words: str) -> list[list[str]]:
        """The lines of the CSV file that a command writes, the header first."""
        path = self.folder / "answer.csv"
        self.answer(*words, "--out", str(path))
        with path.open(encoding="utf-8", newline="") as file:
            return list(csv.reader(file))


@pytest.fixture
def asking(shop: SmallShop, tmp_path: Path) -> Asking:
    return Asking(shop, tmp_path)


# --- show -------------------------------------------------------------------------------------------------------------


def test_show_says_what_columns_mean_and_has_the_newest_day_first(asking: Asking) -> None:
    said = asking.answer("show", "daily_aov")
    assert "gold/daily_aov: 2 rows, " in said
    assert "Business day of the orders." in said
    assert [line.split() for line in said.splitlines() if line.strip().startswith("2025-")] == [
        [D2, "1", "20.00", "20.00"],
        [D1, "1", "20.00", "20.00"],
    ]


def test_show_of_a_day_and_with_a_limit(asking: Asking) -> None:
    assert D1 not in asking.answer("show", "daily_aov", "--limit", "1")
    said = asking.answer("show", "gold/daily_aov", "--day", D1)
    assert D2 not in said
    assert f"gold/daily_aov, {D1}" in said
    assert "gold/daily_aov has no row of 2025-03-01." in asking.answer("show", "daily_aov", "--day", "2025-03-01")


def test_show_has_everything_as_one_json_document(asking: Asking) -> None:
    found = asking.document("show", "daily_aov", "--day", D1, "--json")
    assert (found["table"], found["row_count"], found["day_column"]) == ("gold/daily_aov", 2, "order_date")
    assert found["columns"][0] == {
        "name": "order_date",
        "type": "date",
        "meaning": "Business day of the orders.",
        "is_pii": False,
    }
    assert found["rows"] == [{"order_date": D1, "orders": 1, "net_revenue": "20.00", "aov": "20.00"}]


def test_show_masks_personal_data_until_it_is_named(asking: Asking) -> None:
    said = asking.answer("show", "customers")
    assert "Given name. (personal data)" in said
    assert f"Masked: {PERSONAL.replace(',', ', ')}. --allow-pii {PERSONAL} shows them." in said
    assert "example.org" not in said
    (row,) = asking.document("show", "customers", "--json", "--allow-pii", "email")["rows"]
    assert (row["email"], row["full_name"]) == ("ada@example.org", "***")
    (row,) = asking.document("show", "customers", "--json", "--allow-pii", "*")["rows"]
    assert (row["email"], row["full_name"]) == ("ada@example.org", "Ada King")


def test_show_names_the_columns_for_which_there_is_no_room(asking: Asking) -> None:
    said = asking.answer("show", "customers")
    assert "Not shown, for there is no room: updated_at, " in said


@pytest.mark.parametrize("table", ["shop/orders", "bronze.shop.orders", "quarantine/orders"])
def test_show_of_text_as_received_needs_all_personal_data_to_be_allowed(asking: Asking, table: str) -> None:
    assert "--allow-pii '*'" in asking.refusal("show", table)
    assert "order_id" in asking.answer("show", table, "--allow-pii", "*")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("show", "daily_aovs"), "There is no table 'daily_aovs'; did you mean gold/daily_aov?"),
        (("show", "customer_360", "--day", D1), "gold/customer_360 has no days: leave out --day."),
        (("export", "daily_aovs", "--out"), "There is no table 'daily_aovs'; did you mean gold/daily_aov?"),
        (("export", "customer_360", "--from", D1, "--out"), "gold/customer_360 has no days: leave out --from and"),
        (("export", "daily_aov", "--from", D2, "--to", D1, "--out"), f"--from {D2} is after --to {D1}: "),
        (("export", "shop/orders", "--out"), "bronze.shop_orders holds text as it was received"),
        (("sql", "FROM dayly_aov", "--out"), "There is no table dayly_aov; did you mean gold.daily_aov?"),
        (("sql", "SELECT 1; SELECT 2", "--out"), "A query is one SELECT; found 2 statements."),
        (("sql", "SELECT email FROM customers", "--out"), "Binder Error: "),
    ],
)
def test_what_cannot_be_answered_is_told_why_and_writes_nothing(
    asking: Asking, words: tuple[str, ...], said: str
) -> None:
    out = [asking.file("x.csv")] if words[-1] == "--out" else []
    assert asking.refusal(*words, *out).startswith(said)


def test_a_lake_without_tables_says_so(asking: Asking, tmp_path: Path) -> None:
    asking.environment["PROJECT_ETL_LAKE_ROOT"] = str(tmp_path / "none")
    assert "yet: load something first" in asking.refusal("show", "daily_aov")


# --- sql --------------------------------------------------------------------------------------------------------------


def test_sql_prints_an_answer_from_its_argument_or_from_standard_input(asking: Asking) -> None:
    query = "SELECT status, count(*) AS n, 1234567.5 AS big, NULL AS none FROM orders GROUP BY ALL"
    said = asking.answer("sql", query)
    assert said == asking.answer("sql", "-", given=query)
    assert ["PAID", "2", "1,234,567.5"] in [line.split() for line in said.splitlines()]
    assert said.endswith("\n1 row\n")


def test_sql_says_how_many_rows_it_does_not_show(asking: Asking) -> None:
    assert asking.answer("sql", "FROM range(1200)", "--limit", "2").endswith("1,200 rows, 2 of them shown (--limit)\n")
    assert asking.answer("sql", "FROM range(0)").endswith("0 rows\n")


def test_sql_shows_two_columns_of_one_name_instants_arrays_and_markup(asking: Asking) -> None:
    said = asking.answer("sql", "SELECT 1 AS a, 2 AS a, order_ts, ['[bold]'] AS t FROM orders ORDER BY order_ts")
    # Instants are those of the reporting time zone.
    assert [line.split() for line in said.splitlines() if "2025" in line] == [
        ["1", "2", D1, "11:00:00", '["[bold]"]'],
        ["1", "2", D2, "00:30:00", '["[bold]"]'],
    ]


def test_sql_tells_how_to_allow_personal_data(asking: Asking) -> None:
    assert "--allow-pii email" in asking.refusal("sql", "SELECT email FROM customers")
    assert "ada@example.org" in asking.answer("sql", "SELECT email FROM customers", "--allow-pii", "email")


def test_a_query_that_fails_late_leaves_the_file_as_it_was(asking: Asking) -> None:
    path = asking.folder / "answer.csv"
    path.write_text("before")
    query = "SELECT CASE WHEN i = 900000 THEN 'x' ELSE '1' END::int FROM range(1000000) t(i)"
    result = asking.ask("sql", query, "--out", str(path))
    assert result.exit_code == 2
    assert "Could not convert string 'x' to INT32" in result.output
    assert (path.read_text(), list(asking.folder.iterdir())) == ("before", [path])


# --- files ------------------------------------------------------------------------------------------------------------


def test_excel_has_days_instants_and_numbers_as_such(asking: Asking) -> None:
    header, *rows = asking.sheet("export", "fact_orders")
    assert header[:3] == ("order_date", "order_id", f"order_ts ({ZONE})")
    found = [dict(zip(header, row, strict=True)) for row in rows]
    assert [row["order_id"] for row in found] == ["O1", "O2"]
    late = found[1]
    assert late["order_date"] == datetime(2025, 1, 2)
    assert late[f"order_ts ({ZONE})"] == datetime(2025, 1, 2, 0, 30)
    assert (late["net_amount"], late["customer_known"]) == (20, True)


def test_excel_has_a_header_in_sight_and_no_formulas(asking: Asking) -> None:
    query = "SELECT city, 'http://x.example' AS link, 'nan'::double AS n, repeat('x', 40000) AS long FROM customers"
    header, row = asking.sheet("sql", query)
    assert header == ("city", "link", "n", "long")
    assert row[:2] == (FORMULA, "http://x.example")
    assert len(row[3]) == answers.EXCEL_CHARS
    sheet = openpyxl.load_workbook(asking.folder / "answer.xlsx")["rows"]
    assert (sheet.freeze_panes, sheet["A1"].font.bold, sheet["A2"].data_type) == ("A2", True, "s")
    assert sheet["B2"].hyperlink is None


def test_arrays_are_json(asking: Asking) -> None:
    purchases = [
        {"order_id": "O2", "order_date": D2, "net_revenue": "20.00"},
        {"order_id": "O1", "order_date": D1, "net_revenue": "20.00"},
    ]
    for rows in (asking.sheet, asking.lines):
        header, row = rows("export", "customer_360")
        assert json.loads(row[header.index("last_purchases")]) == purchases


def test_csv_takes_formulas_for_text_and_parquet_keeps_types(asking: Asking) -> None:
    assert asking.lines("sql", "SELECT city, -1 AS n, DATE '2025-01-01' AS d, true AS b FROM customers") == [
        ["city", "n", "d", "b"],
        [f"'{FORMULA}", "-1", D1, "true"],
    ]
    said = asking.answer("export", "daily_aov", "--out", asking.file("a.parquet"))
    assert said.startswith(f"{asking.file('a.parquet')}: 2 rows, ")
    found = pq.read_table(asking.file("a.parquet"))
    assert found["order_date"].to_pylist() == [date(2025, 1, 1), date(2025, 1, 2)]
    assert str(found.schema.field("aov").type) == "decimal128(20, 2)"


def test_more_rows_than_a_sheet_has_room_for_are_refused(asking: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "EXCEL_ROWS", 4)
    assert len(asking.sheet("sql", "FROM range(3)")) == 4
    (asking.folder / "answer.xlsx").unlink()
    assert asking.refusal("sql", "FROM range(4)", "--out", asking.file("x.xlsx")) == (
        "Excel has room for 3 rows, and these are more: write .csv instead."
    )


@pytest.mark.parametrize(
    ("options", "days"),
    [
        ((), [D1, D2]),
        (("--from", D2), [D2]),
        (("--to", D1), [D1]),
        (("--from", D1, "--to", D2), [D1, D2]),
        (("--from", "2025-03-01"), []),
    ],
)
def test_export_writes_the_days_that_are_asked_for(asking: Asking, options: tuple[str, ...], days: list[str]) -> None:
    header, *rows = asking.lines("export", "daily_aov", *options)
    assert header == ["order_date", "orders", "net_revenue", "aov"]
    assert [row[0] for row in rows] == days


def test_export_leaves_personal_data_out_and_says_so(asking: Asking) -> None:
    out = asking.file("people.csv")
    said = asking.answer("export", "customers", "--out", out)
    assert f"Without {PERSONAL.replace(',', ', ')}: personal data leaves only by name, --allow-pii {PERSONAL}." in said
    assert "example.org" not in Path(out).read_text()
    header, row = asking.lines("export", "customers", "--allow-pii", "email")
    assert row[header.index("email")] == "ada@example.org"
    assert "full_name" not in header
    assert "Without" not in asking.answer("export", "customers", "--allow-pii", "*", "--out", out)


@pytest.mark.parametrize("words", [("export", "daily_aov"), ("sql", "FROM daily_aov")])
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("a.ods", "a.ods ends in .ods: expected .csv, .parquet, .xlsx."),
        ("a", "a ends in nothing: expected .csv, .parquet, .xlsx."),
        ("none/a.csv", "none is not there: make it, or name another one."),
    ],
)
def test_a_file_that_cannot_be_written_is_told_first(
    asking: Asking, words: tuple[str, ...], name: str, said: str
) -> None:
    assert asking.refusal(*words, "--out", asking.file(name)).endswith(said)


def test_an_ending_in_capital_letters_is_the_same(asking: Asking) -> None:
    asking.answer("export", "daily_aov", "--out", asking.file("A.CSV"))
    assert [path.name for path in asking.folder.iterdir()] == ["A.CSV"]
