"""The books of a generated shop: every planted record is where its kind of dirt must lead, and Gold is the oracle's.

Six landing days with all kinds of dirt are loaded once, at once. What is expected comes from the generator's manifest
and from the oracle, neither of which knows the platform; only `RULES_OF` says how the platform calls what was planted.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta

import pytest

from project_etl.catalog import tables
from project_etl.core.contracts.report import SILVER_COUNTS, Report
from project_etl.core.engine.base import Engine
from project_etl.core.silver.rules import NEWER_QUARANTINED
from project_etl.demo import Manifest, Outcome, generate
from project_etl_tests.oracle import expected_gold
from project_etl_tests.oracle.compare import assert_gold_equal
from project_etl_tests.oracle.gold import GOLD_TABLES, GoldTable
from project_etl_tests.small_shop import SmallShop

DAYS, SCALE = 6, 0.02
# Silver table → the dataset that it is made of.
TABLES = {table.short_name: table.records.name for table in tables() if table.records and table.records.of_shop}
# It has rows where a CRM is on.
NO_ROWS = {"sales_pipeline"}

# The rules that a planted kind breaks. Kinds of one name mean the same in every dataset.
RULES_OF: dict[str, tuple[str, ...]] = {
    "active_not_boolean": ("is_active_type",),
    "amount_negative": ("amount_greater_than",),
    "amount_not_a_number": ("amount_type",),
    "amount_zero": ("amount_greater_than",),
    "bad_quote": ("well_formed",),
    "country_not_iso": ("country_isin",),
    "currency_not_iso": ("currency_isin",),
    "customer_id_missing": ("customer_id_not_null",),
    "customer_id_rounded": ("keys_not_rounded",),
    "discount_above_gross": ("discount_within_gross",),
    "discount_negative": ("discount_greater_than_or_equal_to",),
    "discount_not_a_number": ("discount_type",),
    "email_malformed": ("email_str_matches",),
    "event_id_missing": ("event_id_not_null",),
    "event_id_rounded": ("keys_not_rounded",),
    "event_ts_far": ("event_ts_in_range",),
    "event_ts_in_future": ("event_ts_in_range",),
    "event_ts_missing": ("event_ts_not_null",),
    "event_ts_nonexistent": ("event_ts_type",),
    "event_type_unknown": ("event_type_isin",),
    "helpful_votes_negative": ("helpful_votes_greater_than_or_equal_to",),
    "helpful_votes_not_a_number": ("helpful_votes_type",),
    "malformed_json": ("well_formed",),
    "name_missing": ("name_not_null",),
    "newer_version_lost": ("status_isin",),
    "order_deleted": ("order_exists",),
    "order_id_missing": ("order_id_not_null",),
    "order_id_rounded": ("keys_not_rounded",),
    "order_item_id_missing": ("order_item_id_not_null",),
    "order_ts_far": ("order_ts_in_range",),
    "order_ts_in_future": ("order_ts_in_range",),
    "order_ts_missing": ("order_ts_not_null",),
    "order_ts_nonexistent": ("order_ts_type",),
    "order_unknown": ("order_exists",),
    "price_negative": ("price_greater_than",),
    "price_not_a_number": ("price_type",),
    "price_zero": ("price_greater_than",),
    "product_id_missing": ("product_id_not_null",),
    "product_unknown": ("product_exists",),
    # No discount is small enough for less than nothing.
    "quantity_negative": ("quantity_greater_than",),
    "quantity_not_a_number": ("quantity_type",),
    "quantity_too_large": ("quantity_less_than_or_equal_to",),
    "quantity_zero": ("quantity_greater_than",),
    "quote_currency_missing": ("quote_currency_not_null",),
    "rate_date_unparsable": ("rate_date_type",),
    "rate_missing": ("rate_not_null",),
    "rate_negative": ("rate_greater_than",),
    "rate_not_a_number": ("rate_type",),
    "rate_zero": ("rate_greater_than",),
    "rating_above_five": ("rating_in_range",),
    "rating_below_one": ("rating_in_range",),
    "rating_fraction": ("rating_type",),
    "rating_not_a_number": ("rating_type",),
    "refund_id_missing": ("refund_id_not_null",),
    "refund_id_rounded": ("keys_not_rounded",),
    "refunded_at_far": ("refunded_at_in_range",),
    "refunded_at_in_future": ("refunded_at_in_range",),
    "refunded_at_missing": ("refunded_at_not_null",),
    "refunded_at_nonexistent": ("refunded_at_type",),
    "review_id_missing": ("review_id_not_null",),
    "review_id_rounded": ("keys_not_rounded",),
    "review_ts_far": ("review_ts_in_range",),
    "review_ts_in_future": ("review_ts_in_range",),
    "review_ts_nonexistent": ("review_ts_type",),
    "signup_date_unparsable": ("signup_date_type",),
    "status_unknown": ("status_isin",),
    "too_few_fields": ("well_formed",),
    "too_many_fields": ("well_formed",),
    "total_negative": ("order_total_greater_than_or_equal_to",),
    "total_not_a_number": ("order_total_type",),
    "unit_price_not_a_number": ("unit_price_type",),
    "unit_price_too_large": ("unit_price_less_than_or_equal_to",),
    "unit_price_zero": ("unit_price_greater_than",),
    "updated_at_far": ("updated_at_in_range",),
    "updated_at_missing": ("updated_at_not_null",),
    "updated_at_unparsable": ("updated_at_type",),
    "visitor_id_missing": ("visitor_id_not_null",),
}
# Where a name means another rule in one dataset.
RULES_IN: dict[tuple[str, str], tuple[str, ...]] = {
    ("events", "price_negative"): ("price_greater_than_or_equal_to",),
}
WARNING_OF = {
    ("customers", "email_missing"): "email_not_null",
    ("orders", "guest"): "customer_id_not_null",
    ("orders", "customer_unknown"): "customer_known",
    ("orders", "newer_version_lost"): "newer_version_quarantined",
    ("events", "product_unknown"): "product_known",
    ("events", "order_unknown"): "purchases_match_orders",
    ("events", "purchase_without_price"): "purchase_has_price",
    ("reviews", "customer_unknown"): "customer_known",
    ("reviews", "text_missing"): "review_text_not_null",
    ("refunds", "item_unknown"): "refund_item_known",
    ("refunds", "before_order"): "refunded_after_order",
}


@dataclass(frozen=True)
class Loaded:
    """A generated shop that has gone all the way, what was reported, and what was planted."""

    shop: SmallShop
    reports: dict[str, Report]
    manifest: Manifest
    days: tuple[date, ...]


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory, engine: Engine) -> Loaded:
    """Load all landing days in one batch, so that the reported books are those of everything that landed."""
    shop = SmallShop(tmp_path_factory.mktemp("books"), engine)
    manifest = generate(shop.landing, days=DAYS, scale=SCALE)
    days = tuple(manifest.start + timedelta(days=n) for n in range(DAYS))
    texts = tuple(day.isoformat() for day in days)
    return Loaded(shop, shop.everything(*texts), manifest, days)


@pytest.fixture(scope="module")
def expected(loaded: Loaded) -> dict[str, GoldTable]:
    return expected_gold(loaded.shop.landing, ("shop",), "EUR", loaded.days)


@pytest.mark.parametrize("table", TABLES)
def test_totals_are_those_of_the_manifest(loaded: Loaded, table: str) -> None:
    books, report = loaded.manifest.datasets[TABLES[table]], loaded.reports[f"silver/{table}"]
    is_history = table.endswith("_history")
    assert {name: report.total(name) for name in SILVER_COUNTS} == {
        "read": books.records,
        "accepted": books.versions if is_history else books.published,
        "deduplicated": books.deduplicated,
        "superseded": 0 if is_history else books.superseded,
        "quarantined": books.quarantined,
    }
    rows = books.history_rows if is_history else books.rows
    assert len(loaded.shop.rows(f"silver/{table}", "_source_file")) == rows


@pytest.mark.parametrize("table", TABLES)
def test_quarantine_holds_what_was_planted_under_the_rule_it_breaks(loaded: Loaded, table: str) -> None:
    dataset = TABLES[table]
    kinds = loaded.manifest.datasets[dataset].kinds
    planted = {
        (place.file, place.row): (name, sorted(RULES_IN.get((dataset, name)) or RULES_OF[name]))
        for name, kind in kinds.items()
        if kind.outcome is Outcome.QUARANTINED
        for place in kind.planted
    }
    held = {(file, row): sorted(rules) for file, row, rules in loaded.shop.quarantined(table)}
    wrong = {
        place: f"{name} must break {rules}, quarantine says {held.get(place)}"
        for place, (name, rules) in planted.items()
        if held.get(place) != rules
    }
    assert not wrong
    assert not held.keys() - planted.keys()


@pytest.mark.parametrize("table", TABLES)
def test_checks_count_what_quarantine_holds(loaded: Loaded, table: str) -> None:
    held = Counter(rule for *_, rules in loaded.shop.quarantined(table) for rule in rules)
    counted = {rule.name: rule.broken for rule in loaded.reports[f"silver/{table}"].rules}
    # It counts again what another rule has kept out, such as a bad rate after a good one.
    warnings = {rule for (dataset, _), rule in WARNING_OF.items() if dataset == TABLES[table]} | {NEWER_QUARANTINED}
    assert {name: number for name, number in counted.items() if number and name not in warnings} == held


@pytest.mark.parametrize(("dataset", "kind"), WARNING_OF)
def test_warnings_count_what_was_planted(loaded: Loaded, dataset: str, kind: str) -> None:
    rules = {rule.name: rule for rule in loaded.reports[f"silver/{dataset}"].rules}
    planted = loaded.manifest.datasets[dataset].kinds[kind].count
    assert planted > 0
    assert rules[WARNING_OF[dataset, kind]].broken == planted


def test_files_that_gave_no_rows_are_in_the_file_table(loaded: Loaded) -> None:
    rule_of = {"unreadable": "file_decompresses", "repeated": "file_unique"}
    planted = [
        (file.path, rule_of[file.state])
        for books in loaded.manifest.datasets.values()
        for file in books.files
        if file.state != "loaded"
    ]
    assert {rule for _, rule in planted} == set(rule_of.values())
    assert loaded.shop.not_loaded() == sorted(planted)


@pytest.mark.parametrize("dataset", sorted(set(TABLES.values())))
def test_bronze_holds_every_record_of_every_readable_file(loaded: Loaded, dataset: str) -> None:
    books = loaded.manifest.datasets[dataset]
    held = Counter(file for (file,) in loaded.shop.rows(f"bronze/shop/{dataset}", "_source_file"))
    assert held == {file.path: file.records for file in books.files if file.state == "loaded" and file.records}


@pytest.mark.parametrize("table", GOLD_TABLES)
def test_gold_is_the_oracles(loaded: Loaded, expected: dict[str, GoldTable], table: str) -> None:
    assert bool(expected[table].rows) is (table not in NO_ROWS)
    assert_gold_equal(loaded.shop.lake.root, {table: expected[table]})
