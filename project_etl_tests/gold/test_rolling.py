"""Tables over several days: top products of seven days, growth week over week."""

from __future__ import annotations

from pyspark.sql import SparkSession

from project_etl.gold import category_growth_wow, top_products_7d
from project_etl_tests.gold import given
from project_etl_tests.small_tables import assert_rows


def test_products_are_ranked_over_the_seven_days_up_to_the_day(spark: SparkSession):
    items = given.item_facts(
        spark,
        """
        order_date | product_id | is_revenue | quantity | net_amount_reporting
        2025-01-01 | p1         | true       | 1        | 10
        2025-01-02 | p2         | true       | 2        | 6
        2025-01-07 | p2         | true       | 3        | 3
        2025-01-07 | p3         | false      | 9        | 99
        """,
    )
    found = top_products_7d.transform(items).where("order_date BETWEEN '2025-01-06' AND '2025-01-15'")
    assert_rows(
        found,
        """
        order_date | rank | product_id | units | net_revenue
        2025-01-06 | 1    | p1         | 1     | 10.00
        2025-01-06 | 2    | p2         | 2     | 6.00
        2025-01-07 | 1    | p1         | 1     | 10.00
        2025-01-07 | 2    | p2         | 5     | 9.00
        2025-01-08 | 1    | p2         | 5     | 9.00
        2025-01-09 | 1    | p2         | 3     | 3.00
        2025-01-10 | 1    | p2         | 3     | 3.00
        2025-01-11 | 1    | p2         | 3     | 3.00
        2025-01-12 | 1    | p2         | 3     | 3.00
        2025-01-13 | 1    | p2         | 3     | 3.00
        """,
    )
    assert given.broken(top_products_7d.TABLE, found) == [[]] * 10


def test_products_are_ranked_unrounded_with_ties_by_id_and_ten_of_them(spark: SparkSession):
    revenues = {"z-more": "5.002", "a-less": "5.001"} | {f"p{number:02}": "1" for number in range(11)}
    rows = ["product_id | net_amount_reporting", *[f"{product} | {net}" for product, net in revenues.items()]]
    found = top_products_7d.transform(given.item_facts(spark, "\n".join(rows))).where("order_date = '2025-01-05'")
    expected = ["z-more", "a-less", *[f"p{number:02}" for number in range(8)]]
    ranks = [f"{rank} | {product}" for rank, product in enumerate(expected, start=1)]
    assert_rows(found, "\n".join(["rank | product_id", *ranks]))


def test_growth_compares_seven_days_with_the_seven_before(spark: SparkSession):
    items = given.item_facts(
        spark,
        """
        order_date | category | is_revenue | net_amount_reporting
        2025-01-01 | Toys     | true       | 10
        2025-01-07 | Toys     | true       | 5
        2025-01-08 | Toys     | true       | 7.5
        2025-01-08 | Garden   | true       | 3
        2025-01-08 | Garden   | false      | 99
        2025-01-01 | Books    | true       | 0
        2025-01-08 | Books    | true       | 1
        """,
    )
    found = category_growth_wow.transform(items)
    days = "'2025-01-07', '2025-01-08', '2025-01-15', '2025-01-21', '2025-01-22'"
    assert_rows(
        found.where(f"order_date IN ({days})"),
        """
        order_date | category | revenue_7d | prev_revenue_7d | growth
        2025-01-07 | Toys     | 15.00      | 0.00            | -
        2025-01-07 | Books    | 0.00       | 0.00            | -
        2025-01-08 | Toys     | 12.50      | 10.00           | 0.250000
        2025-01-08 | Garden   | 3.00       | 0.00            | -
        2025-01-08 | Books    | 1.00       | 0.00            | -
        2025-01-15 | Toys     | 0.00       | 12.50           | -1.000000
        2025-01-15 | Garden   | 0.00       | 3.00            | -1.000000
        2025-01-15 | Books    | 0.00       | 1.00            | -1.000000
        2025-01-21 | Toys     | 0.00       | 7.50            | -1.000000
        2025-01-21 | Garden   | 0.00       | 3.00            | -1.000000
        2025-01-21 | Books    | 0.00       | 1.00            | -1.000000
        """,
    )
    assert not any(given.broken(category_growth_wow.TABLE, found))


def test_growth_is_rounded_once_from_unrounded_sums(spark: SparkSession):
    items = given.item_facts(
        spark,
        """
        order_date | category | net_amount_reporting
        2025-01-01 | Thirds   | 3
        2025-01-08 | Thirds   | 1
        2025-01-01 | Tiny     | 0.001
        2025-01-08 | Tiny     | 0.003
        """,
    )
    found = category_growth_wow.transform(items).where("order_date = '2025-01-08'")
    assert_rows(
        found,
        """
        category | revenue_7d | prev_revenue_7d | growth
        Thirds   | 1.00       | 3.00            | -0.666667
        Tiny     | 0.00       | 0.00            | 2.000000
        """,
    )
