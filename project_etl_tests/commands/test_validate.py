"""`project-etl validate`: each of the twenty checks finds a row that breaks it, whoever wrote it, and nothing else."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from project_etl.commands.shared.errors import UserError
from project_etl.commands.validate import run as validate
from project_etl.core.engine.base import Engine
from project_etl.core.lake import TableStore
from project_etl.gold.validation import CHECKS, TABLE
from project_etl.standing.validated import validated
from project_etl_tests.commands.given import paper, text_of
from project_etl_tests.small_shop import CUSTOMER, EVENT, ITEM, ORDER, PRODUCT, REVIEW, SmallShop

pytestmark = pytest.mark.long

DAY = "2025-01-05"
NEVER, FAR = date(1899, 12, 31), date(2099, 1, 1)
# Check → the table and what a row that breaks it says otherwise than the good one. The same row twice breaks its key.
BROKEN: dict[str, tuple[str, dict[str, Any]]] = {
    "dim_customers_primary_key": ("dim_customers", {}),
    "dim_products_primary_key": ("dim_products", {}),
    "fact_orders_primary_key": ("fact_orders", {}),
    "fact_order_items_primary_key": ("fact_order_items", {}),
    "fact_events_primary_key": ("fact_events", {}),
    "fact_reviews_primary_key": ("fact_reviews", {}),
    "fact_orders_customer_id_in_dim_customers": ("fact_orders", {"order_id": "x1", "customer_id": "nobody"}),
    "fact_order_items_product_id_in_dim_products": ("fact_order_items", {"order_item_id": "x2", "product_id": "none"}),
    "fact_order_items_order_id_in_fact_orders": ("fact_order_items", {"order_id": "none"}),
    "fact_events_customer_id_in_dim_customers": ("fact_events", {"event_id": "x3", "customer_id": "nobody"}),
    "fact_reviews_product_id_in_dim_products": ("fact_reviews", {"review_id": "x4", "product_id": "none"}),
    "dim_customers_signup_date_in_range": ("dim_customers", {"customer_id": "x5", "signup_date": NEVER}),
    "fact_orders_order_date_in_range": ("fact_orders", {"order_id": "x6", "order_date": FAR}),
    "fact_events_event_date_in_range": ("fact_events", {"event_id": "x7", "event_date": NEVER}),
    "fact_reviews_review_date_in_range": ("fact_reviews", {"review_id": "x8", "review_date": FAR}),
    "fact_orders_order_total": (
        "fact_orders",
        {"order_id": "x9", "order_total": Decimal("-1.0000"), "net_amount": Decimal("-1.0000")},
    ),
    "dim_products_price": ("dim_products", {"product_id": "x10", "price": Decimal("0.0000")}),
    "fact_order_items_quantity": ("fact_order_items", {"order_item_id": "x11", "quantity": 0}),
    "fact_reviews_rating": ("fact_reviews", {"review_id": "x12", "rating": 6}),
    "fact_orders_totals": ("fact_orders", {"order_id": "x13", "order_total": Decimal("20.0200")}),
}
WARNS = {
    "fact_orders_customer_id_in_dim_customers",
    "fact_events_customer_id_in_dim_customers",
    "fact_orders_totals",
}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, engine: Engine) -> SmallShop:
    """A shop with one of everything, of which all tables have been computed."""
    shop = SmallShop(tmp_path_factory.mktemp("star"), engine)
    at = {"updated_at": f"{DAY}T10:00:00Z"}
    shop.land_rows("customers", DAY, CUSTOMER | at | {"signup_date": "2025-01-02"})
    shop.land_rows("products", DAY, PRODUCT | at)
    shop.land_rows("orders", DAY, ORDER | at | {"order_ts": f"{DAY}T10:00:00Z"})
    shop.land_rows("order_items", DAY, ITEM | at)
    shop.land_rows("events", DAY, EVENT | {"event_ts": f"{DAY}T10:00:00Z"})
    shop.land_rows("reviews", DAY, REVIEW)
    shop.everything(DAY)
    return shop


@pytest.fixture(scope="module")
def asked(shop: SmallShop) -> dict[str, dict[str, Any]]:
    """What the checks find once somebody has written a row that breaks each of them."""
    paths = {table: shop.lake.path(f"gold/{table}") for table, _ in BROKEN.values()}
    good = {table: DeltaTable(path).to_pyarrow_table() for table, path in paths.items()}
    for table, changes in BROKEN.values():
        (row,) = good[table].to_pylist()
        write_deltalake(paths[table], pa.Table.from_pylist([row | changes], good[table].schema), mode="append")
    found = validate.ask(TableStore(shop.lake.root, shop.lake.engine), shop.settings)
    return {row["name"]: row for row in found}


def test_a_star_schema_in_order_passes_and_the_lake_keeps_that(shop: SmallShop) -> None:
    kept = validated(shop.lake)
    assert kept is not None
    assert (kept.checks, kept.errors, kept.warnings) == (20, [], [])
    assert kept.in_words() == "20 of 20 checks passed"


def test_there_are_twenty_checks_each_of_which_is_an_asset_check(shop: SmallShop) -> None:
    names = [check.name for check in CHECKS]
    assert len(names) == len(BROKEN) == 20
    assert set(names) == set(BROKEN) <= {rule.name for rule in shop.gold("validation", DAY).rules}


@pytest.mark.parametrize("check", BROKEN)
def test_a_row_that_breaks_a_check_breaks_no_other(asked: dict[str, dict[str, Any]], check: str) -> None:
    row, is_key = asked[check], check.endswith("_primary_key")
    assert (row["broken"], row["passed"], row["table"]) == (2 if is_key else 1, False, BROKEN[check][0])
    assert row["severity"] == ("WARN" if check in WARNS else "ERROR")
    assert row["checked"] >= row["broken"]
    changed = [value for name, value in BROKEN[check][1].items() if name.endswith("_id")]
    if changed:
        assert changed[0] in row["sample_keys"][0]
    dates = [value for value in BROKEN[check][1].values() if isinstance(value, date)]
    assert row["days"] == ([] if row["table"].startswith("dim_") else dates or [date.fromisoformat(DAY)])


def test_a_run_tells_the_broken_checks_and_publishes_them(shop: SmallShop, asked: dict[str, dict[str, Any]]) -> None:
    assert asked
    report = shop.gold("validation", DAY)
    assert {rule.name for rule in report.rules if rule.broken} >= set(BROKEN)
    kept = validated(shop.lake)
    assert kept is not None
    assert len(kept.errors) == 17
    assert len(kept.warnings) == 3


def test_the_exit_code_and_the_files_say_what_failed(asked: dict[str, dict[str, Any]], tmp_path: Path) -> None:
    console, for_programs, junit, markdown = paper(), paper(), tmp_path / "checks.xml", tmp_path / "a" / "checks.md"
    assert not validate.show(console, [*asked.values()], junit=junit, markdown=markdown)
    assert not validate.show(for_programs, [*asked.values()], as_json=True)
    assert "FAILED  gold/fact_reviews: 1 of " in text_of(console)
    assert "rating must be 1 to 5; on 2025-01-05; for example x12" in text_of(console)
    assert "0 passed, 3 warned, 17 failed, 0 not run\nData checks: failed" in text_of(console)
    told = json.loads(text_of(for_programs))
    assert (told["passed"], told["failed"], told["errors"]) == (0, 20, 17)
    assert told["checks"][0]["name"] == CHECKS[0].name
    assert len(ET.parse(junit).getroot().findall(".//failure")) == 17
    assert "| failed | gold/fact\\_reviews | fact\\_reviews\\_rating |" in markdown.read_text()


def test_warnings_alone_pass(asked: dict[str, dict[str, Any]]) -> None:
    good = {"broken": 0, "passed": True, "days": [], "sample_keys": []}
    console = paper()
    assert validate.show(console, [row if name in WARNS else row | good for name, row in asked.items()])
    assert "17 passed, 3 warned, 0 failed, 0 not run\nData checks: passed" in text_of(console)


def test_a_lake_without_the_tables_is_told_what_to_do(tmp_path: Path, shop: SmallShop) -> None:
    with pytest.raises(UserError, match=r"without gold/dim_customers, .*: `project-etl --env test run --days"):
        validate.ask(TableStore(str(tmp_path)), shop.settings)
    assert TABLE.name == "gold/validation"
