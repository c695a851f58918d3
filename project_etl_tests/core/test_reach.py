"""Which Gold days changed Silver rows reach, with the declarations of the platform's own tables."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pyarrow as pa
import pytest

from project_etl.core.gold_order import gold_order
from project_etl.core.reach import Reach
from project_etl.core.table import TableError, whole
from project_etl.orchestration.build import tables

TABLES = tables()
SAME_DAY = {"gold/fact_order_items", "gold/fact_orders", "gold/daily_aov", "gold/hourly_sales", "gold/top_users"}
ALL_GOLD = {table.name for table in TABLES if table.layer == "gold"}


def day(number: int) -> date:
    return date(2025, 1, 1) + timedelta(days=number - 1)


def days(*numbers: int) -> set[date]:
    return {day(number) for number in numbers}


def instant(number: int, hour: int = 0) -> datetime:
    return datetime.combine(day(number), datetime.min.time(), UTC) + timedelta(hours=hour)


def order(order_id: str, customer: str | None, number: int) -> dict[str, object]:
    return {"order_id": order_id, "customer_id": customer, "order_date": day(number)}


def item(item_id: str, order_id: str, product: str, number: int) -> dict[str, object]:
    return {"order_item_id": item_id, "order_id": order_id, "product_id": product, "order_date": day(number)}


def rate(number: int, base: str, quote: str) -> dict[str, object]:
    return {"rate_date": day(number), "base_currency": base, "quote_currency": quote}


def version(table: str, key: str, since: datetime, to: datetime | None, said: str) -> dict[str, object]:
    """A row of a history table in which one column says something."""
    declared = next(each for each in TABLES if each.name == table)
    row: dict[str, object] = {}
    row.update(dict.fromkeys(declared.schema.fieldNames()))
    said_in = "category" if "category" in row else "country"
    own = {declared.keys[0]: key, "updated_at": since, "valid_from": since, "valid_to": to, said_in: said}
    return row | own | {"is_current": to is None}


SHOP = {
    "silver/orders": [
        *(order("o1", "ann", 3), order("o2", "bob", 3), order("o3", "ann", 9), order("o4", "ann", 20)),
        *(order("o5", None, 9), order("o6", "cid", 1)),
    ],
    "silver/order_items": [
        *(item("i1", "o1", "tea", 3), item("i2", "o2", "mug", 3), item("i3", "o3", "tea", 9)),
        *(item("i4", "o4", "mug", 20), item("i5", "o5", "tea", 9), item("i6", "o6", "mug", 1)),
    ],
    "silver/fx_rates": [
        rate(1, "USD", "EUR"),
        rate(1, "GBP", "USD"),
        rate(9, "USD", "EUR"),
        rate(20, "USD", "EUR"),
        rate(20, "GBP", "USD"),
    ],
    "silver/products_history": [
        version("silver/products_history", "tea", instant(2), instant(9, 12), "drinks"),
        version("silver/products_history", "tea", instant(9, 12), None, "leaves"),
        version("silver/products_history", "mug", instant(1), None, "pots"),
    ],
    "silver/customers_history": [version("silver/customers_history", "ann", instant(1), None, "DE")],
}


def reach(changes: dict[str, list[dict[str, object]]], until: int = 60, held=SHOP, declared=TABLES):
    """Gold table → day numbers; `changes` are rows of the feed, inserts of commit 1 unless they say otherwise."""

    def look(name, columns, among):
        rows = [row for row in held[name] if among is None or row[among[0]] in among[1]]
        # A table whose rows name things grows for years, and is not read whole for one changed row.
        assert among or name == "silver/fx_rates" or list(columns) == ["order_date"], (name, columns)
        return pa.table({column: pa.array([row[column] for row in rows]) for column in columns})

    feed = {
        name: pa.Table.from_pylist([{"_change_type": "insert", "_commit_version": 1} | row for row in rows])
        for name, rows in changes.items()
    }
    found = Reach(declared, feed, look, day(until)).days()
    return {name: {(each - day(1)).days + 1 for each in reached} for name, reached in found.items()}


def test_nothing_changed_reaches_nothing():
    assert reach({}) == {}
    assert reach({"silver/orders": []}) == {}


def test_an_order_reaches_its_day_windows_later_days_of_its_customer_and_snapshots():
    found = reach({"silver/orders": [order("o1", "ann", 3)]})
    assert set(found) == ALL_GOLD
    for name in SAME_DAY:
        assert found[name] == {3}, name
    assert found["gold/top_products_7d"] == set(range(3, 10))
    assert found["gold/category_growth_wow"] == set(range(3, 17))
    # Ann also orders on the 9th and the 20th; Bob, who orders on the 3rd too, is not concerned.
    assert found["gold/repeat_customers"] == found["gold/new_vs_returning"] == {3, 9, 20}
    assert found["gold/customer_ltv"] == set()


def test_windows_end_at_the_last_day_of_interest():
    found = reach({"silver/orders": [order("o1", "ann", 3)]}, until=5)
    assert found["gold/category_growth_wow"] == {3, 4, 5}
    assert found["gold/repeat_customers"] == {3}


def test_an_order_that_moves_reaches_both_days():
    moved = [
        order("o1", "ann", 3) | {"_change_type": "update_preimage"},
        order("o1", "ann", 5) | {"_change_type": "update_postimage"},
    ]
    assert reach({"silver/orders": moved})["gold/daily_aov"] == {3, 5}


def test_an_order_that_changes_hands_concerns_both_customers():
    moved = [
        order("o1", "ann", 3) | {"_change_type": "update_preimage"},
        order("o1", "cid", 3) | {"_change_type": "update_postimage"},
    ]
    later = {**SHOP, "silver/orders": [*SHOP["silver/orders"], order("o7", "cid", 7)]}
    assert reach({"silver/orders": moved}, held=later)["gold/repeat_customers"] == {3, 7, 9, 20}


def test_a_guest_has_no_later_days():
    assert reach({"silver/orders": [order("o5", None, 9)]})["gold/repeat_customers"] == {9}


def test_an_item_concerns_the_customer_of_its_order():
    found = reach({"silver/order_items": [item("i1", "o1", "tea", 3)]})
    assert found["gold/fact_order_items"] == {3}
    assert found["gold/new_vs_returning"] == {3, 9, 20}


def test_a_rate_reaches_the_order_days_until_the_pairs_of_its_day_are_given_again():
    # On the 9th only one of the 1st's two pairs is given, so that the other is carried on up to the 20th.
    found = reach({"silver/fx_rates": [rate(1, "GBP", "USD")]})
    assert found["gold/fact_order_items"] == {1, 3, 9}
    # The pairs of the 9th are all given again on the 20th.
    assert reach({"silver/fx_rates": [rate(9, "USD", "EUR")]})["gold/fact_order_items"] == {9}
    assert reach({"silver/fx_rates": [rate(20, "USD", "EUR")]})["gold/fact_order_items"] == {20}
    # A rate does not make anybody a customer earlier or later.
    assert found["gold/repeat_customers"] == found["gold/fact_orders"]


def test_a_rate_of_a_day_without_orders_after_it_reaches_nothing():
    assert reach({"silver/fx_rates": [rate(25, "USD", "EUR")]}) == {}


def test_a_rate_that_is_gone_reaches_the_days_it_was_carried_to():
    gone = rate(2, "USD", "EUR") | {"_change_type": "delete"}
    assert reach({"silver/fx_rates": [gone]})["gold/fact_order_items"] == {3}


HISTORY = "silver/products_history"


def test_a_new_version_reaches_the_days_on_which_the_product_is_sold_since():
    row = version(HISTORY, "tea", instant(9, 12), None, "leaves")
    was = version(HISTORY, "tea", instant(2), None, "drinks") | {"_change_type": "update_preimage"}
    ended = version(HISTORY, "tea", instant(2), instant(9, 12), "drinks") | {"_change_type": "update_postimage"}
    # Tea is also sold on the 3rd, when it is a drink as before; on the 20th only mugs are.
    assert reach({HISTORY: [row, was, ended]})["gold/fact_order_items"] == {9}


def test_a_late_version_reaches_the_days_for_which_it_is_valid():
    row = version(HISTORY, "tea", instant(2), instant(9, 12), "drinks")
    assert reach({HISTORY: [row]})["gold/fact_order_items"] == {3, 9}


def test_a_version_that_ends_at_midnight_does_not_reach_the_day_that_begins():
    held = {
        **SHOP,
        HISTORY: [
            version(HISTORY, "tea", instant(2), instant(9), "drinks"),
            version(HISTORY, "tea", instant(9), None, "leaves"),
        ],
    }
    row = version(HISTORY, "tea", instant(2), instant(9), "drinks")
    assert reach({HISTORY: [row]}, held=held)["gold/fact_order_items"] == {3}


def test_a_version_that_says_nothing_new_reaches_nothing():
    held = {
        **SHOP,
        HISTORY: [
            version(HISTORY, "tea", instant(2), instant(9), "drinks"),
            version(HISTORY, "tea", instant(9), None, "drinks"),
        ],
    }
    row = version(HISTORY, "tea", instant(9), None, "drinks")
    was = version(HISTORY, "tea", instant(2), None, "drinks") | {"_change_type": "update_preimage"}
    assert reach({HISTORY: [row, was]}, held=held) == {}


def test_the_only_version_also_reaches_older_orders():
    row = version(HISTORY, "mug", instant(10), None, "pots")
    held = {**SHOP, HISTORY: [row]}
    assert reach({HISTORY: [row]}, held=held)["gold/fact_order_items"] == {1, 3, 20}


def test_a_customer_version_reaches_the_orders_but_not_the_items():
    found = reach({"silver/customers_history": [version("silver/customers_history", "ann", instant(1), None, "DE")]})
    assert "gold/fact_order_items" not in found
    assert found["gold/country_revenue_share"] == {3, 9, 20}


def test_a_table_that_gold_does_not_read_reaches_nothing():
    assert reach({"silver/products": [{"product_id": "tea"}]}) == {}


def test_a_gold_table_has_the_days_of_what_it_reads():
    found = reach(
        {"silver/orders": [order("o1", "ann", 3)], HISTORY: [version(HISTORY, "mug", instant(1), None, "pots")]}
    )
    for table in TABLES:
        for each in table.inputs.values():
            if each.table in found and table.is_daily:
                assert found[each.table] <= found[table.name], (table.name, each.table)


def test_gold_tables_come_after_those_they_read():
    seen: list[str] = []
    for table in gold_order(reversed(TABLES)):
        assert all(each.table in seen for each in table.inputs.values() if each.table.startswith("gold/"))
        seen.append(table.name)
    assert set(seen) == ALL_GOLD


def test_reading_a_table_whole_that_has_no_days_is_an_error_that_says_so():
    table = next(each for each in TABLES if each.name == "gold/fact_orders")
    wrong = replace(table, inputs={**table.inputs, "customers": whole("silver/customers")})
    declared = tuple(wrong if each is table else each for each in TABLES)
    with pytest.raises(TableError, match="gold/fact_orders reads silver/customers whole"):
        reach({"silver/customers": [{"customer_id": "ann"}]}, declared=declared)
