"""Refunds: on their own day, by the rate of their order's day, and taken off their order."""

from __future__ import annotations

from pyspark.sql import DataFrame, SparkSession

from project_etl.gold import daily_refunds, fact_orders, fact_refunds
from project_etl_tests.gold import given
from project_etl_tests.gold.test_facts import orders_of
from project_etl_tests.small_tables import assert_rows

USD = "rate_date | base_currency | quote_currency | rate\n2025-01-05 | USD | EUR | 0.9\n2025-01-06 | USD | EUR | 0.5"


def refunds_of(spark: SparkSession, refunds: str, items: str = "", rates: str = "", others: str = "") -> DataFrame:
    return fact_refunds.transform(
        given.refunds(spark, refunds),
        given.refunds(spark, others or refunds),
        given.item_facts(spark, items),
        given.rates(spark, rates),
        reporting_currency="EUR",
    )


def test_a_refund_is_converted_by_the_rate_of_its_orders_day(spark: SparkSession) -> None:
    found = refunds_of(spark, "refund_id | amount | currency\nf1 | 10 | USD\nf2 | 10 | EUR", rates=USD)
    assert_rows(
        found,
        """
        refund_date | refund_id | order_date | amount  | amount_reporting
        2025-01-06  | f1        | 2025-01-05 | 10.0000 | 9.0000
        2025-01-06  | f2        | 2025-01-05 | 10.0000 | 10.0000
        """,
    )


def test_the_newest_refund_is_named_when_all_of_an_order_are_more_than_it_was(spark: SparkSession) -> None:
    others = """
        refund_id | order_id | amount | refund_date
        a1        | above    | 6      | 2025-01-06
        a2        | above    | 4.02   | 2025-01-07
        c1        | cent     | 10.01  | 2025-01-07
        n1        | nothing  | 1      | 2025-01-07
        """
    # Of the order that is paid back too much, the day of the older refund is computed as well.
    found = refunds_of(spark, others, "order_id\nabove\ncent", others=others)
    of_tables = {row["refund_id"]: row["is_above_order"] for row in found.collect()}
    assert of_tables == {"a1": False, "a2": True, "c1": False, "n1": True}
    assert given.broken(fact_refunds.TABLE, found) == [[], [], ["refunds_within_order"], ["refunds_within_order"]]


def test_a_refund_without_a_rate_is_published_and_holds_its_day_back_in_the_daily_table(spark: SparkSession) -> None:
    found = refunds_of(spark, "currency\nUSD", "order_id\no1")
    assert_rows(found, "refund_id | amount_reporting\nf1 | -")
    assert given.broken(fact_refunds.TABLE, found) == [["fx_rate_known"]]
    daily = daily_refunds.transform(
        given.refund_facts(spark, "refund_id | amount_reporting\nf1 | -\nf2 | 4"),
        given.order_facts(spark, "order_id\no1"),
    )
    assert given.broken(daily_refunds.TABLE, daily) == [["amount_not_null"]]


def test_a_day_of_refunds_is_a_share_of_its_orders_whatever_their_day(spark: SparkSession) -> None:
    refunds = given.refund_facts(
        spark,
        """
        refund_date | refund_id | order_id | order_date | amount
        2025-01-06  | f1        | o1       | 2025-01-05 | 4
        2025-01-06  | f2        | o1       | 2025-01-05 | 8.005
        2025-01-06  | f3        | o2       | 2025-01-01 | 3
        2025-01-07  | f4        | o3       | 2025-01-05 | 1
        2025-01-08  | f5        | o9       | 2025-01-05 | 1
        """,
    )
    orders = given.order_facts(
        spark,
        """
        order_id | order_date | status    | is_revenue | net_amount_reporting
        o1       | 2025-01-05 | REFUNDED  | false      | 10
        o2       | 2025-01-01 | PAID      | true       | 2
        o3       | 2025-01-05 | CANCELLED | false      | 0
        """,
    )
    found = daily_refunds.transform(refunds, orders)
    assert_rows(
        found,
        """
        refund_date | refunds | orders | amount | share
        2025-01-06  | 3       | 2      | 15.01  | 1.250417
        2025-01-07  | 1       | 1      | 1.00   | -
        2025-01-08  | 1       | 1      | 1.00   | -
        """,
    )
    assert given.broken(daily_refunds.TABLE, found) == [[], [], []]


def test_an_order_knows_what_is_left_of_it(spark: SparkSession) -> None:
    found = orders_of(
        spark,
        """
        order_id | status             | currency
        part     | PARTIALLY_REFUNDED | USD
        all      | REFUNDED           | EUR
        none     | PAID               | EUR
        rateless | PAID               | GBP
        """,
        "order_id | is_revenue\npart | true\nall | false\nnone | true\nrateless | true",
        refunds="""
        refund_id | order_id | amount | currency | refund_date
        f1        | part     | 2      | USD      | 2025-01-06
        f2        | part     | 9      | USD      | 2025-01-09
        f3        | all      | 10     | EUR      | 2025-01-06
        f4        | rateless | 10     | GBP      | 2025-01-06
        """,
        rates=USD,
    )
    assert_rows(
        found,
        """
        order_id | refunded_reporting | net_after_refunds_reporting
        part     | 9.9000             | 0.1000
        all      | 10.0000            | 0.0000
        none     | 0.0000             | 10.0000
        rateless | -                  | -
        """,
    )


def test_a_status_that_refunds_contradict_is_a_warning(spark: SparkSession) -> None:
    found = orders_of(
        spark,
        "order_id | status\nall | REFUNDED\nuntold | PAID\nalone | REFUNDED\npart | PAID\nempty | RETURNED",
        "order_id\nall\nuntold\nalone\npart",
        refunds="refund_id | order_id | amount\nf1 | all | 10\nf2 | untold | 10\nf3 | part | 9.99\nf4 | empty | 5",
    )
    wrong = [row["order_id"] for row in found.where(f"NOT ({_condition('refund_status_consistent')})").collect()]
    assert sorted(wrong) == ["alone", "untold"]


def test_a_customer_is_known_or_not_and_a_guest_is_neither(spark: SparkSession) -> None:
    found = orders_of(
        spark,
        "order_id | customer_id\nknown | ann\ngone | bob\nguest | -",
        "",
        "customer_id | country | valid_from\nbob | DE | 2025-01-01 00:00:00",
        known="customer_id\nann",
    )
    assert_rows(found, "order_id | customer_known\nknown | true\ngone | false\nguest | -")


def _condition(name: str) -> str:
    return next(rule.condition for rule in fact_orders.TABLE.rules if rule.name == name)
