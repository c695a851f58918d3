"""The Gold questions judged by hand on a few facts, and the comparison with a lake on real Delta tables."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from deltalake import write_deltalake

from project_etl_tests.oracle.compare import assert_gold_equal
from project_etl_tests.oracle.gold import KPIS, GoldTable, gold_tables

FIRST = date(2025, 1, 1)


def day(number: int) -> date:
    return FIRST + timedelta(days=number - 1)


def answers(*facts: tuple[Any, ...], days: Iterable[int] = range(1, 16)) -> dict[str, list[tuple[Any, ...]]]:
    """Ask all questions of facts (order, day, hour, customer, country, product, category, quantity, net)."""
    return {name: table.rows for name, table in tables(*facts, days=days).items()}


def tables(*facts: tuple[Any, ...], days: Iterable[int] = range(1, 16)) -> dict[str, GoldTable]:
    with duckdb.connect() as con:
        con.execute(
            "CREATE TABLE facts (order_id VARCHAR, order_date DATE, hour INTEGER, customer_id VARCHAR, country VARCHAR,"
            "product_id VARCHAR, category VARCHAR, quantity BIGINT,"
            "gross DECIMAL(38, 4), discount DECIMAL(38, 4), net DECIMAL(38, 4))"
        )
        for order, number, hour, customer, country, product, category, quantity, net in facts:
            row = [order, day(number), hour, customer, country, product, category, quantity]
            amounts = [Decimal(net) + 1, 1, Decimal(net)] if net is not None else [None] * 3
            con.execute("INSERT INTO facts VALUES (?,?,?,?,?,?,?,?,?,?,?)", [*row, *amounts])
        con.execute("CREATE TABLE as_of AS SELECT max(order_date) AS day FROM facts")
        return gold_tables(con, [day(number) for number in days], KPIS)


# Day 1: Ann buys a cup and a hat in one order, a guest buys a cup. Day 3: Ann again, and Bob for the first time.
SHOP = (
    ("o1", 1, 9, "ann", "GB", "cup", "Home", 2, "10.0050"),
    ("o1", 1, 9, "ann", "GB", "hat", "Wear", 1, "5.0000"),
    ("o2", 1, 9, None, "FR", "cup", "Home", 1, "5.0000"),
    ("o3", 3, 23, "ann", "FR", "hat", "Wear", 3, "30.0000"),
    ("o4", 3, 0, "bob", "FR", "cup", "Home", 1, "2.0050"),
)


def money(*texts: str) -> tuple[Decimal, ...]:
    return tuple(Decimal(text) for text in texts)


def test_daily_tables_have_a_row_only_where_the_day_has_revenue() -> None:
    found = answers(*SHOP)
    assert found["daily_revenue_by_category"] == [
        (day(1), "Home", 2, 3, *money("17.01", "2.00", "15.01")),
        (day(1), "Wear", 1, 1, *money("6.00", "1.00", "5.00")),
        (day(3), "Home", 1, 1, *money("3.01", "1.00", "2.01")),
        (day(3), "Wear", 1, 3, *money("31.00", "1.00", "30.00")),
    ]
    # 20.005 / 2 = 10.0025 → 10.00, while the rounded 20.01 / 2 = 10.005 would have become 10.01.
    assert found["daily_aov"] == [(day(1), 2, *money("20.01", "10.00")), (day(3), 2, *money("32.01", "16.00"))]
    assert found["hourly_sales"] == [
        (day(1), 9, 2, 4, *money("20.01")),
        (day(3), 0, 1, 1, *money("2.01")),
        (day(3), 23, 1, 3, *money("30.00")),
    ]
    assert found["country_revenue_share"] == [
        (day(1), "FR", *money("5.00", "0.249938")),
        (day(1), "GB", *money("15.01", "0.750062")),
        (day(3), "FR", *money("32.01", "1.000000")),
    ]


def test_guests_are_no_customers_and_new_ones_are_new_once() -> None:
    found = answers(*SHOP)
    assert found["customer_first_order"] == [("ann", day(1), day(3)), ("bob", day(3), day(3))]
    assert found["customer_ltv"] == [
        ("ann", day(1), day(3), 2, *money("45.01", "22.50"), day(3)),
        ("bob", day(3), day(3), 1, *money("2.01", "2.01"), day(3)),
    ]
    assert found["repeat_customers"] == [(day(1), 1, 0, Decimal(0)), (day(3), 2, 1, Decimal("0.5"))]
    assert found["new_vs_returning"] == [
        (day(1), 1, 0, *money("15.01", "0.00", "5.00")),
        (day(3), 1, 1, *money("2.01", "30.00", "0.00")),
    ]
    assert found["top_users"] == [
        (day(1), 1, "ann", 1, *money("15.01")),
        (day(3), 1, "ann", 1, *money("30.00")),
        (day(3), 2, "bob", 1, *money("2.01")),
    ]


def test_a_day_of_guests_has_a_row_without_a_rate_and_no_top_users() -> None:
    found = answers(("o1", 1, 0, None, "ZZ", "cup", "Home", 1, "0"))
    assert found["repeat_customers"] == [(day(1), 0, 0, None)]
    assert found["country_revenue_share"] == [(day(1), "ZZ", Decimal(0), None)]
    assert (found["top_users"], found["customer_ltv"]) == ([], [])


def test_rolling_tables_have_a_row_as_long_as_the_window_reaches() -> None:
    found = answers(("o1", 1, 0, "ann", "GB", "cup", "Home", 1, "3"), ("o2", 8, 0, "ann", "GB", "cup", "Home", 2, "4"))
    one, two, both = money("3.00"), money("4.00"), money("0.333333")
    assert found["top_products_7d"] == [
        *((day(n), 1, "cup", 1, *one) for n in range(1, 8)),
        *((day(n), 1, "cup", 2, *two) for n in range(8, 15)),
    ]
    assert found["category_growth_wow"] == [
        *((day(n), "Home", *one, Decimal(0), None) for n in range(1, 8)),
        *((day(n), "Home", *two, *one, *both) for n in range(8, 15)),
        (day(15), "Home", Decimal(0), *two, Decimal(-1)),
    ]


def test_what_sums_an_amount_that_nobody_knows_has_no_rows() -> None:
    unknown = ("o3", 3, 23, "ann", "FR", "hat", "Wear", 3, None)
    found = answers(*(unknown if fact[0] == "o3" else fact for fact in SHOP))
    own = ("daily_revenue_by_category", "daily_aov", "hourly_sales", "country_revenue_share", "new_vs_returning")
    assert {name: {row[0] for row in found[name]} for name in (*own, "top_users")} == {
        name: {day(1)} for name in (*own, "top_users")
    }
    assert {row[0] for row in found["top_products_7d"]} == {day(1), day(2)}
    assert {row[0] for row in found["category_growth_wow"]} == {day(1), day(2)}
    # Counts and first orders do not need amounts; sums over all time leave them out.
    assert found["repeat_customers"] == [(day(1), 1, 0, Decimal(0)), (day(3), 2, 1, Decimal("0.5"))]
    assert found["customer_ltv"] == [
        ("ann", day(1), day(3), 2, *money("15.01", "7.50"), day(3)),
        ("bob", day(3), day(3), 1, *money("2.01", "2.01"), day(3)),
    ]
    guest = answers(*SHOP, ("o5", 3, 1, None, "FR", "cup", "Home", 1, None))
    assert [row[0] for row in guest["top_users"]] == [day(1), day(3), day(3)]
    assert [row[0] for row in guest["daily_aov"]] == [day(1)]


def test_ranks_follow_unrounded_revenue_then_the_key_and_end_at_ten() -> None:
    facts = [(f"o{n}", 1, 0, f"u{n:02}", "GB", f"p{n:02}", "Home", 1, "1.0010") for n in range(12)]
    found = answers(*facts, ("x", 1, 0, "u99", "GB", "p99", "Home", 1, "1.0011"), days=[1])
    expected = ["99", *(f"{n:02}" for n in range(9))]
    assert [row[2] for row in found["top_products_7d"]] == [f"p{text}" for text in expected]
    assert [row[2] for row in found["top_users"]] == [f"u{text}" for text in expected]
    assert {row[-1] for row in found["top_users"]} == {Decimal("1.00")}


def test_only_the_days_asked_for_are_answered_but_all_orders_are_known() -> None:
    found = answers(*SHOP, days=[3])
    snapshots = {"customer_first_order", "customer_ltv"}
    assert {row[0] for name in found if name not in snapshots for row in found[name]} == {day(3)}
    assert found["repeat_customers"] == [(day(3), 2, 1, Decimal("0.5"))]
    assert found["top_products_7d"][0] == (day(3), 1, "hat", 4, Decimal("35.00"))


def write(lake: Path, table: GoldTable, **columns: pa.Array) -> None:
    arrow = pa.Table.from_pylist([dict(zip(table.columns, row, strict=True)) for row in table.rows])
    for name, values in columns.items():
        position = arrow.column_names.index(name) if name in arrow.column_names else arrow.num_columns
        arrow = arrow.set_column(position, name, values) if name in table.columns else arrow.append_column(name, values)
    write_deltalake(lake / "gold" / table.name, arrow, mode="overwrite", schema_mode="overwrite")


def test_a_lake_with_the_same_rows_is_equal_whatever_their_order_and_scale(tmp_path: Path) -> None:
    expected = {name: table for name, table in tables(*SHOP).items() if table.rows}
    for table in expected.values():
        write(tmp_path, replace(table, rows=table.rows[::-1]))
    aov = expected["daily_aov"]
    wider = pa.array([row[2] for row in aov.rows], pa.decimal128(38, 6))
    write(tmp_path, aov, net_revenue=wider, told=pa.array([False, True]))
    assert_gold_equal(tmp_path, expected | {aov.name: replace(aov, unjudged=("told",))})


def test_a_difference_is_told_by_table_key_and_column(tmp_path: Path) -> None:
    expected = {"hourly_sales": tables(*SHOP)["hourly_sales"]}
    rows = expected["hourly_sales"].rows
    write(
        tmp_path,
        replace(expected["hourly_sales"], rows=[(*rows[0][:3], 5, rows[0][4]), rows[1], (day(4), *rows[2][1:])]),
    )
    with pytest.raises(AssertionError) as failure:
        assert_gold_equal(tmp_path, expected)
    assert str(failure.value).splitlines() == [
        "gold/hourly_sales is not what the oracle expects: 3 rows expected, 3 found; "
        "1 missing, 1 unexpected, 1 with other values",
        "  order_date=2025-01-03, hour=23: no such row, expected orders=1, units=3, net_revenue=30.00",
        "  order_date=2025-01-04, hour=23: no row expected, found orders=1, units=3, net_revenue=30.00",
        "  order_date=2025-01-01, hour=9: units expected 4, found 5",
    ]


def test_floats_repeats_other_columns_and_missing_tables_are_differences(tmp_path: Path) -> None:
    expected = {"daily_aov": tables(*SHOP)["daily_aov"]}
    table = expected["daily_aov"]
    with pytest.raises(AssertionError, match=r"no Delta table at .*daily_aov, expected one with 2 rows"):
        assert_gold_equal(tmp_path, expected)
    write(tmp_path, table, aov=pa.array([10.0, 16.0]))
    with pytest.raises(AssertionError, match=r"aov expected 10\.00, found 10\.0 as float, expected a decimal"):
        assert_gold_equal(tmp_path, expected)
    write(tmp_path, replace(table, rows=[*table.rows, table.rows[0]]))
    with pytest.raises(AssertionError, match="order_date=2025-01-01: 2 rows, expected one"):
        assert_gold_equal(tmp_path, expected)
    write(tmp_path, table, surprise=pa.array([1, 2]))
    with pytest.raises(AssertionError, match=r"expected the columns \['order_date', .*found .*'surprise'"):
        assert_gold_equal(tmp_path, expected)
