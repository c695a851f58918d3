"""Revenue orders without a rate: what sums them is empty and breaks a rule, what counts them is not concerned."""

from __future__ import annotations

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from project_etl.core.contracts import FAIL
from project_etl.core.model.table import Table
from project_etl.gold import (
    category_growth_wow,
    country_revenue_share,
    customer_first_order,
    customer_ltv,
    daily_aov,
    daily_revenue_by_category,
    fact_orders,
    hourly_sales,
    new_vs_returning,
    repeat_customers,
    top_products_7d,
    top_users,
)
from project_etl_tests.gold import given
from project_etl_tests.small_tables import assert_rows

GOOD, BAD = "2025-01-05", "2025-01-20"


@pytest.fixture
def orders(spark: SparkSession) -> DataFrame:
    """A good day, and one on which an order of Ann's and one of a guest's have no rate, and others have one."""
    return given.order_facts(
        spark,
        f"""
        order_date | order_id | customer_id | order_hour | country | gross_amount_reporting | discount_reporting | net_amount_reporting
        {GOOD}     | o1       | ann         | 9          | DE      | 10                     | 0                  | 10
        {BAD}      | o2       | ann         | 9          | DE      | 20                     | 0                  | 20
        {BAD}      | o3       | ann         | 9          | DE      | -                      | -                  | -
        {BAD}      | o4       | -           | 10         | FR      | -                      | -                  | -
        {BAD}      | o5       | bob         | 11         | IT      | 5                      | 0                  | 5
        """,  # noqa: E501 - a table
    )


@pytest.fixture
def items(spark: SparkSession) -> DataFrame:
    """A good day, and one on which a twelfth product has no rate."""
    known = "\n".join(f"{BAD} | k{number} | k{number} | p{number:02} | Toys | 10 | 0 | 10" for number in range(11))
    header = (
        "order_date | order_id | order_item_id | product_id | category | gross_amount_reporting | discount_reporting"
        " | net_amount_reporting"
    )
    good = f"{GOOD} | o1 | i1 | p00 | Toys | 10 | 0 | 10"
    unknown = f"{BAD} | o3 | i3 | p99 | Toys | - | - | -"
    return given.item_facts(spark, f"{header}\n{good}\n{known}\n{unknown}")


def broken_by_day(table: Table, rows: DataFrame) -> dict[str, set[str]]:
    """Day → the `fail` rules that its rows break; days without any are absent."""
    found: dict[str, set[str]] = {}
    for rule in given.rules(table):
        if rule.action is FAIL:
            for (day,) in rows.where(~rule.holds()).select("order_date").distinct().collect():
                found.setdefault(str(day), set()).add(rule.name)
    return found


def test_an_order_without_a_rate_is_a_fact_with_a_warning(orders: DataFrame) -> None:
    judged = orders.withColumns({name: F.lit(0) for name in fact_orders.TABLE.for_rules})
    assert given.broken(fact_orders.TABLE, judged) == [[], [], [], ["fx_rate_known"], ["fx_rate_known"]]


def test_a_day_whose_orders_are_summed_without_a_rate_is_held_back_and_no_other(
    spark: SparkSession, orders: DataFrame
) -> None:
    firsts = customer_first_order.transform(orders, given.dates(spark))
    aov, hours = daily_aov.transform(orders), hourly_sales.transform(orders)
    countries, users = country_revenue_share.transform(orders), top_users.transform(orders)
    assert broken_by_day(daily_aov.TABLE, aov) == {BAD: {"net_revenue_not_null", "aov_not_null"}}
    for table, rows in (
        (hourly_sales.TABLE, hours),
        (country_revenue_share.TABLE, countries),
        (top_users.TABLE, users),
    ):
        assert broken_by_day(table, rows) == {BAD: {"net_revenue_not_null"}}, table.name
    split = new_vs_returning.transform(orders, firsts)
    assert broken_by_day(new_vs_returning.TABLE, split) == {
        BAD: {"returning_revenue_not_null", "guest_revenue_not_null"}
    }


def test_the_rule_says_where_to_look() -> None:
    (rule,) = [rule for rule in given.rules(daily_aov.TABLE) if rule.name == "net_revenue_not_null"]
    assert "fx_rate_known of gold/fact_orders" in rule.description
    assert "add the rates to fx_rates" in rule.description


def test_a_guest_without_a_rate_does_not_concern_the_top_customers(orders: DataFrame) -> None:
    known = orders.where("order_id <> 'o3'")
    assert broken_by_day(top_users.TABLE, top_users.transform(known)) == {}
    assert broken_by_day(daily_aov.TABLE, daily_aov.transform(known)).keys() == {BAD}


def test_categories_and_windows_are_held_back_on_each_day_that_sums_the_item(items: DataFrame) -> None:
    def days(number: int) -> set[str]:
        return {f"2025-01-{20 + later:02}" if later < 12 else f"2025-02-{later - 11:02}" for later in range(number)}

    categories = daily_revenue_by_category.transform(items)
    names = {"gross_revenue_not_null", "discount_not_null", "net_revenue_not_null"}
    assert broken_by_day(daily_revenue_by_category.TABLE, categories) == {BAD: names}
    # It would rank twelfth.
    products = top_products_7d.transform(items)
    assert broken_by_day(top_products_7d.TABLE, products) == {key: {"net_revenue_not_null"} for key in days(7)}
    growth = category_growth_wow.transform(items)
    held = broken_by_day(category_growth_wow.TABLE, growth)
    assert held.keys() == days(14)
    assert set.union(*held.values()) == {"revenue_7d_not_null", "prev_revenue_7d_not_null"}


def test_counts_and_first_orders_do_not_depend_on_rates(spark: SparkSession, orders: DataFrame) -> None:
    firsts = customer_first_order.transform(orders, given.dates(spark))
    assert_rows(firsts, f"customer_id | first_order_date\nann | {GOOD}\nbob | {BAD}")
    found = repeat_customers.transform(orders, firsts)
    assert broken_by_day(repeat_customers.TABLE, found) == {}
    assert_rows(found, f"order_date | customers | repeat_customers\n{GOOD} | 1 | 0\n{BAD} | 2 | 1")


def test_a_snapshot_leaves_such_orders_out_of_its_sums_and_counts_them(spark: SparkSession, orders: DataFrame) -> None:
    found = customer_ltv.transform(orders, given.dates(spark))
    assert_rows(
        found,
        f"""
        customer_id | first_order_date | last_order_date | orders | net_revenue | avg_order_value | orders_without_rate
        ann         | {GOOD}           | {BAD}           | 3      | 30.00       | 10.00           | 1
        bob         | {BAD}            | {BAD}           | 1      | 5.00        | 5.00            | 0
        """,
    )
    assert given.broken(customer_ltv.TABLE, found) == [[], ["fx_rate_known"]]


def test_a_customer_without_any_rate_has_no_revenue_yet(spark: SparkSession) -> None:
    orders = given.order_facts(spark, "order_id | customer_id | net_amount_reporting\no1 | ann | -\no2 | ann | -")
    assert_rows(
        customer_ltv.transform(orders, given.dates(spark)),
        "customer_id | orders | net_revenue | avg_order_value | orders_without_rate\nann | 2 | 0.00 | 0.00 | 2",
    )
