"""`contracts`: what the tables are, for people and for programs, without a lake; and docs/tables.md, which says it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from project_etl.catalog import table_names, tables
from project_etl.commands.contracts import run as contracts
from project_etl.commands.shared.errors import UserError
from project_etl.core.contracts import Action
from project_etl_tests.commands.given import REPOSITORY, paper, settings_in, text_of


def printed(folder: Path, name: str | None = None, **settings: str) -> dict[str, dict[str, Any]]:
    """The tables of the JSON document, by name."""
    page = paper()
    contracts.run(page, settings_in(folder, **settings), name, as_json=True)
    return {table["name"]: table for table in json.loads(text_of(page))["tables"]}


def test_the_document_has_every_table_with_all_that_it_promises(tmp_path: Path) -> None:
    found = printed(tmp_path)
    assert tuple(found) == table_names(("shop",))
    assert not (tmp_path / "data").exists()
    for table in found.values():
        assert table["description"]
        assert table["owners"]
        assert {*table["keys"]} <= {column["name"] for column in table["columns"]}
        assert all(column["type"] and column["description"] for column in table["columns"])
        assert all(rule["sentence"] and rule["action"] in [*Action] for rule in table["rules"])
        assert {item["table"] for item in table["inputs"]} <= found.keys()
        assert {ref["table"] for ref in table["references"]} <= found.keys()


def test_a_silver_table_says_its_columns_rules_and_references(tmp_path: Path) -> None:
    (items,) = printed(tmp_path, "order_items").values()
    assert items["name"] == "silver/order_items"
    assert items["layer"] == "silver"
    assert items["inputs"] == [
        {"table": "bronze/shop/order_items", "reads": "the landing days that are new or changed"}
    ]
    columns = {column["name"]: column for column in items["columns"]}
    assert columns["unit_price"]["type"] == "decimal(18,4)"
    assert not columns["unit_price"]["nullable"]
    rules = {rule["name"]: rule for rule in items["rules"]}
    assert rules["quantity_greater_than"]["action"] == "quarantine"
    assert rules["quantity_greater_than"]["column"] == "quantity"
    assert not rules["quantity_greater_than"]["is_in_schema"]
    assert rules["quantity_not_null"]["is_in_schema"]
    orders = next(ref for ref in items["references"] if ref["table"] == "silver/orders")
    assert orders["columns"] == orders["keys"] == ["order_id"]
    assert orders["rule"] in rules
    assert items["written"]["mode"] == "newest_version"
    assert items["written"]["by"] == "updated_at"
    assert items["freshness"] is None


def test_each_way_of_writing_has_its_word(tmp_path: Path) -> None:
    found = {name: (table["written"]["mode"], table["written"]["by"]) for name, table in printed(tmp_path).items()}
    assert found["bronze/shop/orders"] == ("files", "_landing_date")
    assert found["silver/customers_history"] == ("history", "updated_at")
    assert found["gold/daily_aov"] == ("days", "order_date")
    assert found["gold/customer_ltv"] == ("snapshot", None)


def test_an_input_says_which_days_are_read(tmp_path: Path) -> None:
    found = {
        (name, item["table"]): item["reads"] for name, table in printed(tmp_path).items() for item in table["inputs"]
    }
    assert found["gold/daily_aov", "gold/fact_orders"] == "the same day"
    assert found["gold/top_products_7d", "gold/fact_order_items"] == "the same day and the 6 days before"
    assert found["gold/fact_orders", "silver/customers_history"] == "all days"
    assert found["gold/customer_ltv", "gold/fact_orders"] == "all days"


def test_personal_data_is_marked(tmp_path: Path) -> None:
    (customers,) = printed(tmp_path, "silver/customers").values()
    marked = {column["name"] for column in customers["columns"] if column["pii"]}
    declared = next(table for table in tables() if table.name == "silver/customers")
    assert marked == {item.name for item in declared.schema.fields if item.metadata.get("pii")} != set()


def test_the_deadline_holds_for_daily_gold_tables(tmp_path: Path) -> None:
    late = {"FRESHNESS_DEADLINE": "06:30", "REPORTING_TIMEZONE": "Europe/Berlin"}
    due = {name: table["freshness"] for name, table in printed(tmp_path, **late).items() if table["freshness"]}
    assert set(due) == {table.name for table in tables() if table.layer == "gold" and table.is_daily}
    assert due["gold/daily_aov"]["deadline"] == "06:30"
    assert due["gold/daily_aov"]["timezone"] == "Europe/Berlin"
    assert "From 06:30 (Europe/Berlin) on" in due["gold/daily_aov"]["sentence"]
    (without,) = printed(tmp_path, "daily_aov").values()
    assert without["freshness"]["deadline"] is None


def test_people_get_a_list_and_one_table_whole(tmp_path: Path) -> None:
    page = paper()
    contracts.run(page, settings_in(tmp_path))
    assert all(name in text_of(page) for name in table_names(("shop",)))
    assert "order_date, category" in text_of(page)
    page = paper()
    contracts.run(page, settings_in(tmp_path), "customers")
    said = text_of(page)
    assert said.startswith("silver/customers\n")
    assert "E-mail address, lower case. (personal data)" in said
    assert "email_str_matches" in said


def test_a_name_that_is_nearly_right_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"There is no table 'daily_aow'; did you mean gold/daily_aov\?"):
        contracts.run(paper(), settings_in(tmp_path), "daily_aow")


def test_it_starts_without_dagster_and_without_an_engine() -> None:
    script = (
        "import sys\n"
        "from project_etl.cli import main\n"
        "main(['contracts', 'daily_aov', '--format', 'json'], standalone_mode=False)\n"
        "print(sorted({'dagster', 'pysail'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    document, _, modules = done.stdout.rpartition("\n}\n")
    assert json.loads(f"{document}}}")["tables"][0]["name"] == "gold/daily_aov"
    assert modules == "[]\n"
