"""Tables that a day's own orders make: categories, average order value, countries, hours, top customers."""

from __future__ import annotations

from pyspark.sql import SparkSession

from project_etl.gold import country_revenue_share, daily_aov, daily_revenue_by_category, hourly_sales, top_users
from project_etl_tests.gold import given
from project_etl_tests.small_tables import assert_rows


def test_categories_count_orders_once_and_sum_their_items(spark: SparkSession):
    items = given.item_facts(
        spark,
        """
        order_date | order_id | category | quantity | gross_amount_reporting | discount_reporting | net_amount_reporting
        2025-01-05 | o1       | Toys     | 2        | 10.004                 | 1.002              | 9.002
        2025-01-05 | o1       | Toys     | 1        | 5.003                  | 0                  | 5.003
        2025-01-05 | o1       | Garden   | 1        | 7                      | 0                  | 7
        2025-01-05 | o2       | Toys     | 4        | 1                      | 0.5                | 0.5
        2025-01-06 | o3       | Toys     | 1        | 2                      | 0                  | 2
        """,
    )
    found = daily_revenue_by_category.transform(items)
    assert_rows(
        found,
        """
        order_date | category | orders | units | gross_revenue | discount | net_revenue
        2025-01-05 | Toys     | 2      | 7     | 16.01         | 1.50     | 14.51
        2025-01-05 | Garden   | 1      | 1     | 7.00          | 0.00     | 7.00
        2025-01-06 | Toys     | 1      | 1     | 2.00          | 0.00     | 2.00
        """,
    )
    assert given.broken(daily_revenue_by_category.TABLE, found) == [[], [], []]


def test_a_day_without_revenue_orders_has_no_row(spark: SparkSession):
    items = given.item_facts(spark, "order_date | is_revenue\n2025-01-05 | false")
    orders = given.order_facts(spark, "order_date | is_revenue | customer_id\n2025-01-05 | false | ann")
    assert daily_revenue_by_category.transform(items).isEmpty()
    for module in (daily_aov, country_revenue_share, hourly_sales, top_users):
        assert module.transform(orders).isEmpty()


def test_the_average_is_taken_from_the_unrounded_sum(spark: SparkSession):
    orders = given.order_facts(
        spark,
        """
        order_date | order_id | customer_id | is_revenue | net_amount_reporting
        2025-01-05 | o1       | ann         | true       | 10.0049
        2025-01-05 | o2       | -           | true       | 0.0051
        2025-01-05 | o3       | ann         | false      | 99
        2025-01-06 | o4       | ann         | true       | 0.0049
        2025-01-07 | o5       | ann         | true       | 0
        """,
    )
    found = daily_aov.transform(orders)
    assert_rows(
        found,
        """
        order_date | orders | net_revenue | aov
        2025-01-05 | 2      | 10.01       | 5.01
        2025-01-06 | 1      | 0.00        | 0.00
        2025-01-07 | 1      | 0.00        | 0.00
        """,
    )
    assert given.broken(daily_aov.TABLE, found) == [[], [], []]


def test_shares_are_parts_of_the_days_unrounded_revenue(spark: SparkSession):
    orders = given.order_facts(
        spark,
        """
        order_date | country | is_revenue | net_amount_reporting
        2025-01-05 | DE      | true       | 1.004
        2025-01-05 | DE      | true       | 1.004
        2025-01-05 | ZZ      | true       | 1.004
        2025-01-05 | FR      | true       | 0
        2025-01-05 | FR      | false      | 50
        2025-01-06 | DE      | true       | 0
        """,
    )
    found = country_revenue_share.transform(orders)
    assert_rows(
        found,
        """
        order_date | country | net_revenue | share
        2025-01-05 | DE      | 2.01        | 0.666667
        2025-01-05 | ZZ      | 1.00        | 0.333333
        2025-01-05 | FR      | 0.00        | 0.000000
        2025-01-06 | DE      | 0.00        | -
        """,
    )
    assert given.broken(country_revenue_share.TABLE, found) == [[], [], [], []]


def test_hours_with_revenue_orders_have_a_row(spark: SparkSession):
    orders = given.order_facts(
        spark,
        """
        order_date | order_hour | is_revenue | units | net_amount_reporting
        2025-01-05 | 0          | true       | 2     | 1.5
        2025-01-05 | 23         | true       | 1     | 2.25
        2025-01-05 | 23         | true       | 3     | 2.255
        2025-01-05 | 11         | false      | 9     | 9
        """,
    )
    found = hourly_sales.transform(orders)
    assert_rows(
        found,
        """
        order_date | hour | orders | units | net_revenue
        2025-01-05 | 0    | 1      | 2     | 1.50
        2025-01-05 | 23   | 2      | 4     | 4.51
        """,
    )
    assert given.broken(hourly_sales.TABLE, found) == [[], []]


def test_customers_are_ranked_unrounded_with_ties_by_id_and_without_guests(spark: SparkSession):
    orders = given.order_facts(
        spark,
        """
        order_date | customer_id | is_revenue | net_amount_reporting
        2025-01-05 | tie-b       | true       | 3
        2025-01-05 | tie-a       | true       | 1
        2025-01-05 | tie-a       | true       | 2
        2025-01-05 | a-bit-less  | true       | 5.001
        2025-01-05 | z-bit-more  | true       | 5.002
        2025-01-05 | -           | true       | 99
        2025-01-05 | tie-b       | false      | 99
        2025-01-06 | tie-b       | true       | 1
        """,
    )
    found = top_users.transform(orders)
    assert_rows(
        found,
        """
        order_date | rank | customer_id | orders | net_revenue
        2025-01-05 | 1    | z-bit-more  | 1      | 5.00
        2025-01-05 | 2    | a-bit-less  | 1      | 5.00
        2025-01-05 | 3    | tie-a       | 2      | 3.00
        2025-01-05 | 4    | tie-b       | 1      | 3.00
        2025-01-06 | 1    | tie-b       | 1      | 1.00
        """,
    )
    assert given.broken(top_users.TABLE, found) == [[]] * 5


def test_ten_customers_are_ranked(spark: SparkSession):
    orders = given.order_facts(spark, "\n".join(["customer_id", *[f"c{number:02}" for number in range(12)]]))
    expected = [f"{number + 1} | c{number:02}" for number in range(10)]
    assert_rows(top_users.transform(orders), "\n".join(["rank | customer_id", *expected]))
