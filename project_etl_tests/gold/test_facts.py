"""Facts: revenue, versions of products and customers at the order's time, conversion, sums."""

from __future__ import annotations

from pyspark.sql import DataFrame, SparkSession

from project_etl.core.contracts import WARN
from project_etl.gold import fact_order_items, fact_orders
from project_etl_tests.gold import given
from project_etl_tests.small_tables import assert_rows


def items_of(spark: SparkSession, items: str, orders: str, products: str = "", rates: str = "") -> DataFrame:
    return fact_order_items.transform(
        given.order_items(spark, items),
        given.orders(spark, orders),
        given.products(spark, products),
        given.rates(spark, rates),
        reporting_currency="EUR",
    )


def test_revenue_is_an_item_of_a_paid_shipped_delivered_or_completed_order(spark: SparkSession):
    statuses = ["PLACED", "PAID", "SHIPPED", "DELIVERED", "COMPLETED", "CANCELLED", "RETURNED"]
    items = "\n".join(["order_item_id | order_id", *[f"i-{status} | {status}" for status in statuses]])
    orders = "\n".join(["order_id | status", *[f"{status} | {status}" for status in statuses]])
    assert_rows(
        items_of(spark, items, orders),
        """
        order_id  | status    | is_revenue
        PLACED    | PLACED    | false
        PAID      | PAID      | true
        SHIPPED   | SHIPPED   | true
        DELIVERED | DELIVERED | true
        COMPLETED | COMPLETED | true
        CANCELLED | CANCELLED | false
        RETURNED  | RETURNED  | false
        """,
    )


def test_an_item_takes_the_category_its_product_had_at_the_orders_time(spark: SparkSession):
    found = items_of(
        spark,
        """
        order_item_id | order_id | product_id
        early         | o1       | p1
        then          | o2       | p1
        now           | o3       | p1
        unknown       | o3       | p2
        """,
        """
        order_id | order_ts
        o1       | 2025-01-05 00:00:00
        o2       | 2025-01-05 11:59:59
        o3       | 2025-01-05 12:00:00
        """,
        """
        product_id | category | valid_from          | valid_to
        p1         | Toys     | 2025-01-05 08:00:00 | 2025-01-05 12:00:00
        p1         | Garden   | 2025-01-05 12:00:00 | -
        """,
    )
    assert_rows(
        found,
        "order_item_id | category\nearly | Toys\nthen | Toys\nnow | Garden\nunknown | Unknown",
    )


def test_amounts_are_converted_with_the_rate_of_the_day_or_the_newest_before_it(spark: SparkSession):
    found = items_of(
        spark,
        """
        order_item_id | order_id | order_date | gross_amount | discount | net_amount
        own           | o1       | 2025-01-05 | 10           | 1        | 9
        given         | o2       | 2025-01-05 | 10           | 1        | 9
        carried       | o3       | 2025-01-06 | 10           | 1        | 9
        rounded       | o2       | 2025-01-05 | 0.0005       | 0        | 0.0005
        """,
        """
        order_id | order_date | currency
        o1       | 2025-01-05 | EUR
        o2       | 2025-01-05 | USD
        o3       | 2025-01-06 | USD
        """,
        rates="""
        rate_date  | base_currency | quote_currency | rate
        2025-01-05 | USD           | EUR            | 0.9
        """,
    )
    assert_rows(
        found,
        """
        order_item_id | fx_rate_date | fx_carried | gross_amount_reporting | discount_reporting | net_amount_reporting
        own           | -            | false      | 10.0000                | 1.0000             | 9.0000
        given         | 2025-01-05   | false      | 9.0000                 | 0.9000             | 8.1000
        carried       | 2025-01-05   | true       | 9.0000                 | 0.9000             | 8.1000
        rounded       | 2025-01-05   | false      | 0.0005                 | 0.0000             | 0.0005
        """,
    )
    assert given.broken(fact_order_items.TABLE, found) == [[], [], [], []]


def test_revenue_without_any_rate_is_published_with_a_warning_and_other_items_without(spark: SparkSession):
    found = items_of(
        spark,
        "order_item_id | order_id\ni1 | o1\ni2 | o2",
        "order_id | currency | status\no1 | USD | CANCELLED\no2 | USD | PAID",
        rates="rate_date | base_currency | quote_currency | rate\n2025-01-06 | USD | EUR | 0.9",
    )
    assert_rows(
        found, "order_item_id | fx_rate | fx_carried | net_amount_reporting\ni1 | - | false | -\ni2 | - | false | -"
    )
    assert given.broken(fact_order_items.TABLE, found) == [[], ["fx_rate_known"]]
    rule = next(rule for rule in given.rules(fact_order_items.TABLE) if rule.name == "fx_rate_known")
    assert (rule.column, rule.action) == ("currency", WARN)


def test_a_rate_that_is_carried_for_more_than_seven_days_is_warned_of(spark: SparkSession):
    found = items_of(
        spark,
        "order_item_id | order_id | order_date\ni1 | o1 | 2025-01-12\ni2 | o2 | 2025-01-13\ni3 | o3 | 2025-01-13",
        "order_id | order_date | currency\no1 | 2025-01-12 | USD\no2 | 2025-01-13 | USD\no3 | 2025-01-13 | EUR",
        rates="rate_date | base_currency | quote_currency | rate\n2025-01-05 | USD | EUR | 0.9",
    )
    assert given.broken(fact_order_items.TABLE, found) == [[], [], ["fx_rate_is_older"]]


def test_an_item_without_its_order_stops_the_table_instead_of_vanishing(spark: SparkSession):
    found = items_of(spark, "order_item_id | order_id\ni1 | o1", "order_id | order_date\no1 | 2025-01-06")
    assert "order_ts_not_null" in given.broken(fact_order_items.TABLE, found)[0]


def test_a_rate_that_makes_an_amount_too_large_is_named(spark: SparkSession):
    found = items_of(
        spark,
        "order_item_id | gross_amount | net_amount\ni1 | 99999999 | 99999999",
        "order_id | currency\no1 | USD",
        rates="rate_date | base_currency | quote_currency | rate\n2025-01-05 | USD | EUR | 9999999999",
    )
    assert given.broken(fact_order_items.TABLE, found) == [["reporting_amounts_fit"]]


def orders_of(
    spark: SparkSession,
    orders: str,
    items: str,
    customers: str = "",
    *,
    known: str = "",
    refunds: str = "",
    rates: str = "",
) -> DataFrame:
    return fact_orders.transform(
        given.orders(spark, orders),
        given.item_facts(spark, items),
        given.customers(spark, customers),
        given.customer_ids(spark, known),
        given.refunds(spark, refunds),
        given.rates(spark, rates),
        reporting_currency="EUR",
        reporting_timezone="UTC",
    )


def test_an_order_sums_its_published_items(spark: SparkSession):
    found = orders_of(
        spark,
        "order_id | order_ts\no1 | 2025-01-05 23:59:59\no2 | 2025-01-05 00:00:00",
        """
        order_id | order_item_id | quantity | gross_amount | discount | net_amount | net_amount_reporting
        o1       | i1            | 2        | 20           | 2        | 18         | 16.00005
        o1       | i2            | 3        | 30           | 0        | 30         | 27
        o2       | i3            | 1        | 10           | 0        | 10         | 9
        """,
    )
    assert_rows(
        found,
        """
        order_id | order_hour | items | units | gross_amount | discount | net_amount | net_amount_reporting
        o1       | 23         | 2     | 5     | 50.0000      | 2.0000   | 48.0000    | 43.0001
        o2       | 0          | 1     | 1     | 10.0000      | 0.0000   | 10.0000    | 9.0000
        """,
    )


def test_an_order_without_published_items_is_no_revenue_order_and_has_zero_amounts(spark: SparkSession):
    found = orders_of(spark, "order_id | status\no1 | PAID", "")
    assert_rows(
        found,
        """
        order_id | is_revenue | items | units | net_amount | net_amount_reporting | reporting_currency
        o1       | false      | 0     | 0     | 0.0000     | 0.0000               | -
        """,
    )
    assert given.broken(fact_orders.TABLE, found) == [[]]


def test_amounts_that_could_not_be_converted_stay_empty(spark: SparkSession):
    found = orders_of(
        spark,
        "order_id | status\no1 | CANCELLED",
        "is_revenue | gross_amount_reporting | discount_reporting | net_amount_reporting\nfalse | - | - | -",
    )
    assert_rows(found, "order_id | is_revenue | net_amount | net_amount_reporting\no1 | false | 10.0000 | -")
    assert given.broken(fact_orders.TABLE, found) == [[]]


def test_the_country_is_the_orders_else_the_customers_then_else_zz(spark: SparkSession):
    found = orders_of(
        spark,
        """
        order_id | country | customer_id | order_ts
        own      | FR      | ann         | 2025-01-05 10:00:00
        then     | -       | ann         | 2025-01-05 10:00:00
        before   | -       | ann         | 2025-01-01 10:00:00
        now      | -       | ann         | 2025-01-05 18:00:00
        empty    | -       | bob         | 2025-01-05 10:00:00
        stranger | -       | eve         | 2025-01-05 10:00:00
        guest    | -       | -           | 2025-01-05 10:00:00
        """,
        "",
        """
        customer_id | country | valid_from          | valid_to
        ann         | DE      | 2025-01-02 00:00:00 | 2025-01-05 12:00:00
        ann         | IT      | 2025-01-05 12:00:00 | -
        bob         | -       | 2025-01-02 00:00:00 | -
        """,
    )
    assert_rows(
        found,
        """
        order_id | country
        own      | FR
        then     | DE
        before   | DE
        now      | IT
        empty    | ZZ
        stranger | ZZ
        guest    | ZZ
        """,
    )


def test_a_total_that_is_not_the_sum_of_the_items_is_a_warning(spark: SparkSession):
    found = orders_of(
        spark,
        "order_id | order_total\nequal | 10\ncent | 10.01\noff | 10.0101\nnone | -\nempty | 5",
        "order_id\nequal\ncent\noff\nnone",
    )
    broken = given.broken(fact_orders.TABLE, found)
    assert broken == [[], [], [], ["order_total_matches_items"], ["order_total_matches_items"]]
    rule = next(rule for rule in given.rules(fact_orders.TABLE) if rule.name == "order_total_matches_items")
    assert rule.action == "warn"
