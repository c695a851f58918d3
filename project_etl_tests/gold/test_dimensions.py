"""The dimension tables: days of the calendar, customers and products."""

from __future__ import annotations

from datetime import date

import pytest
from pyspark.sql import DataFrame, SparkSession

from project_etl.catalog import tables
from project_etl.gold import dim_customers, dim_date, dim_products
from project_etl_tests.gold import given
from project_etl_tests.small_tables import assert_rows

TABLES = {table.name: table for table in tables()}
FIRST = date(2025, 1, 1)


def days(spark: SparkSession, orders: str, events: str, first: date = FIRST) -> DataFrame:
    """The calendar of a shop with an order on each of some days, and an event on each of some."""
    return dim_date.transform(
        given.order_facts(spark, f"order_date\n{orders}" if orders else ""),
        given.event_facts(spark, f"event_date\n{events}" if events else ""),
        start_date=first,
    )


# --- days -------------------------------------------------------------------------------------------------------------


def test_the_calendar_has_every_day_to_the_latest_order_or_event(spark: SparkSession):
    found = days(spark, "2025-01-01\n2025-01-03", "2025-01-02\n2025-01-04")
    assert_rows(
        found,
        """
        date       | year | quarter | month | iso_year | iso_week | weekday | is_weekend | as_of
        2025-01-01 | 2025 | 1       | 1     | 2025     | 1        | 3       | false      | 2025-01-04
        2025-01-02 | 2025 | 1       | 1     | 2025     | 1        | 4       | false      | 2025-01-04
        2025-01-03 | 2025 | 1       | 1     | 2025     | 1        | 5       | false      | 2025-01-04
        2025-01-04 | 2025 | 1       | 1     | 2025     | 1        | 6       | true       | 2025-01-04
        """,
    )
    assert given.broken(dim_date.TABLE, found) == [[]] * 4


def test_every_day_of_ten_years_is_what_python_says(spark: SparkSession):
    found = days(spark, "2030-01-10", "", date(2019, 12, 25)).drop("as_of").collect()
    assert len(found) == (date(2030, 1, 10) - date(2019, 12, 25)).days + 1
    for row in found:
        day = row["date"]
        year, week, weekday = day.isocalendar()
        said = (day.year, (day.month + 2) // 3, day.month, year, week, weekday, weekday > 5)
        assert (day, *said) == tuple(row)


@pytest.mark.parametrize(
    ("orders", "events", "first", "as_of"),
    [
        ("2025-01-03", "", FIRST, "2025-01-03"),
        ("", "2025-01-03", FIRST, "2025-01-03"),
        ("2025-01-01", "", FIRST, "2025-01-01"),
        ("", "", FIRST, None),
        # What was computed before start_date was moved on.
        ("2025-01-03", "", date(2025, 1, 5), None),
    ],
)
def test_the_day_of_which_snapshots_speak(
    spark: SparkSession, orders: str, events: str, first: date, as_of: str | None
):
    found = days(spark, orders, events, first)
    assert {str(day) for (day,) in found.select("as_of").collect()} == ({as_of} if as_of else set())


# --- customers --------------------------------------------------------------------------------------------------------


@pytest.fixture
def customers(spark: SparkSession) -> DataFrame:
    return given.shop_customers(
        spark,
        """
        customer_id | email           | signup_date
        ann         | ann@example.org | 2023-11-30
        bob         | -               | -
        cid         | -               | 2024-02-29
        dan         | -               | 2025-01-01
        eve         | -               | 2025-01-01
        """,
    )


def test_a_customer_is_active_for_90_days_after_an_order_of_any_status_or_an_event(
    spark: SparkSession, customers: DataFrame
):
    # Of the 90 days to 10 April, 11 January is the first.
    orders = given.order_facts(
        spark,
        """
        order_date | order_id | customer_id | is_revenue
        2025-01-11 | o1       | ann         | false
        2025-01-10 | o2       | bob         | true
        2025-01-02 | o3       | cid         | true
        2025-04-10 | o4       | -           | true
        2025-04-10 | o5       | deleted     | true
        """,
    )
    events = given.event_facts(
        spark,
        """
        event_date | customer_id
        2025-01-11 | cid
        2025-01-01 | cid
        2025-01-10 | dan
        2025-04-09 | -
        """,
    )
    values = given.lifetime_values(spark, "customer_id | net_revenue\nbob | 12.34\ndeleted | 5")
    found = dim_customers.transform(customers, orders, events, values, given.dates(spark, "as_of\n2025-04-10"))
    assert_rows(
        found,
        """
        customer_id | email           | signup_year | signup_month | is_active | ltv_estimate | as_of
        ann         | ann@example.org | 2023        | 11           | true      | 0.00         | 2025-04-10
        bob         | -               | -           | -            | false     | 12.34        | 2025-04-10
        cid         | -               | 2024        | 2            | true      | 0.00         | 2025-04-10
        dan         | -               | 2025        | 1            | false     | 0.00         | 2025-04-10
        eve         | -               | 2025        | 1            | false     | 0.00         | 2025-04-10
        """,
    )
    assert given.broken(dim_customers.TABLE, found) == [[]] * 5


def test_customers_of_a_shop_without_orders_and_events_are_there_and_not_active(
    spark: SparkSession, customers: DataFrame
):
    nothing = given.order_facts(spark, ""), given.event_facts(spark, ""), given.lifetime_values(spark, "")
    found = dim_customers.transform(customers, *nothing, given.dates(spark, ""))
    rows = "".join(f"{name} | false | 0.00 | -\n" for name in ("ann", "bob", "cid", "dan", "eve"))
    assert_rows(found, f"customer_id | is_active | ltv_estimate | as_of\n{rows}")
    assert given.broken(dim_customers.TABLE, found) == [[]] * 5


# --- products ---------------------------------------------------------------------------------------------------------


def test_a_products_main_category_is_its_category(spark: SparkSession):
    products = given.shop_products(
        spark, "product_id | category | price | price_band\np1 | Toys | 10 | Low\np2 | Unknown | - | -"
    )
    found = dim_products.transform(products, given.dates(spark))
    assert_rows(
        found,
        """
        product_id | name | category | category_main | price   | price_band | as_of
        p1         | Bear | Toys     | Toys          | 10.0000 | Low        | 2025-01-31
        p2         | Bear | Unknown  | Unknown       | -       | -          | 2025-01-31
        """,
    )
    assert given.broken(dim_products.TABLE, found) == [[], []]


@pytest.mark.parametrize("name", ["customers", "products"])
def test_a_dimension_has_all_columns_of_its_silver_table(name: str):
    silver, gold = TABLES[f"silver/{name}"].schema, TABLES[f"gold/dim_{name}"].schema
    shared = gold.fields[: len(silver)]
    assert [(item.name, item.dataType, item.nullable) for item in shared] == [
        (item.name, item.dataType, item.nullable) for item in silver
    ]
    # Personal data is masked in both.
    assert [item.metadata.get("pii") for item in shared] == [item.metadata.get("pii") for item in silver]
