"""Tables about customers over all days: lifetime value, repeat customers, new and returning ones."""

from __future__ import annotations

import pytest
from pyspark.sql import DataFrame, SparkSession

from project_etl.gold import customer_first_order, customer_ltv, new_vs_returning, repeat_customers
from project_etl_tests.gold import given
from project_etl_tests.small_tables import assert_rows


@pytest.fixture
def orders(spark: SparkSession) -> DataFrame:
    """Ann's first order was cancelled; Bob orders twice on his first day; a guest on three days."""
    return given.order_facts(
        spark,
        """
        order_date | order_id | customer_id | is_revenue | net_amount_reporting
        2025-01-01 | o1       | ann         | false      | 50
        2025-01-02 | o2       | ann         | true       | 10.005
        2025-01-02 | o3       | bob         | true       | 1
        2025-01-02 | o4       | bob         | true       | 2
        2025-01-02 | o5       | -           | true       | 4
        2025-01-03 | o6       | -           | true       | 8
        2025-01-07 | o7       | ann         | true       | 20
        2025-01-07 | o8       | ann         | true       | 0.001
        2025-01-07 | o9       | cid         | true       | 5
        2025-01-07 | o10      | -           | true       | 6
        2025-01-08 | o11      | cid         | false      | 70
        2025-01-09 | o12      | bob         | true       | 0.1
        """,
    )


def test_lifetime_value_is_over_revenue_orders_of_customers(spark: SparkSession, orders: DataFrame):
    found = customer_ltv.transform(orders, given.dates(spark))
    assert_rows(
        found,
        """
        customer_id | first_order_date | last_order_date | orders | net_revenue | avg_order_value
        ann         | 2025-01-02       | 2025-01-07      | 3      | 30.01       | 10.00
        bob         | 2025-01-02       | 2025-01-09      | 3      | 3.10        | 1.03
        cid         | 2025-01-07       | 2025-01-07      | 1      | 5.00        | 5.00
        """,
    )
    assert given.broken(customer_ltv.TABLE, found) == [[], [], []]


def test_the_first_order_is_the_first_one_with_revenue(spark: SparkSession, orders: DataFrame):
    found = customer_first_order.transform(orders, given.dates(spark))
    assert_rows(
        found,
        """
        customer_id | first_order_date
        ann         | 2025-01-02
        bob         | 2025-01-02
        cid         | 2025-01-07
        """,
    )
    assert given.broken(customer_first_order.TABLE, found) == [[], [], []]


def test_a_repeat_customer_had_a_revenue_order_on_an_earlier_day(spark: SparkSession, orders: DataFrame):
    found = repeat_customers.transform(orders, customer_first_order.transform(orders, given.dates(spark)))
    assert_rows(
        found,
        """
        order_date | customers | repeat_customers | repeat_rate
        2025-01-02 | 2         | 0                | 0.000000
        2025-01-03 | 0         | 0                | -
        2025-01-07 | 2         | 1                | 0.500000
        2025-01-09 | 1         | 1                | 1.000000
        """,
    )
    assert given.broken(repeat_customers.TABLE, found) == [[]] * 4


def test_revenue_is_split_by_the_customers_first_day(spark: SparkSession, orders: DataFrame):
    found = new_vs_returning.transform(orders, customer_first_order.transform(orders, given.dates(spark)))
    assert_rows(
        found,
        """
        order_date | new_customers | returning_customers | new_revenue | returning_revenue | guest_revenue
        2025-01-02 | 2             | 0                   | 13.01       | 0.00              | 4.00
        2025-01-03 | 0             | 0                   | 0.00        | 0.00              | 8.00
        2025-01-07 | 1             | 1                   | 5.00        | 20.00             | 6.00
        2025-01-09 | 0             | 1                   | 0.00        | 0.10              | 0.00
        """,
    )
    assert given.broken(new_vs_returning.TABLE, found) == [[]] * 4


def test_the_repeat_rate_is_rounded_to_six_places(spark: SparkSession):
    orders = given.order_facts(
        spark,
        """
        order_date | customer_id
        2025-01-01 | ann
        2025-01-01 | bob
        2025-01-02 | ann
        2025-01-02 | bob
        2025-01-02 | cid
        """,
    )
    found = repeat_customers.transform(orders, customer_first_order.transform(orders, given.dates(spark)))
    assert_rows(found, "order_date | repeat_rate\n2025-01-01 | 0.000000\n2025-01-02 | 0.666667")
