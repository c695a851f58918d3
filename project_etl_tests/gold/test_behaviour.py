"""Gold of behaviour: where sessions begin and end, and what is counted of them."""

from __future__ import annotations

from hashlib import sha256

import pytest
from pyspark.sql import DataFrame, SparkSession

from project_etl.gold import daily_sessions, fact_events, fact_sessions, funnel
from project_etl_tests.gold import given
from project_etl_tests.small_tables import assert_rows


def key(visitor: str, started_at: str) -> str:
    """The key of a session, as the documents say it is made."""
    return sha256(f"{visitor}\x1f{started_at}".encode()).hexdigest()[:32]


def facts(spark: SparkSession, text: str, products: str = "") -> DataFrame:
    return fact_events.transform(given.events(spark, text), given.products(spark, products))


def sessions(spark: SparkSession, text: str) -> DataFrame:
    return fact_sessions.transform(facts(spark, text))


@pytest.mark.parametrize(
    ("later", "expected"),
    [
        ("10:30:00", "2025-01-05 10:00:00 | 1800 | 2"),
        ("10:30:00.000001", "2025-01-05 10:00:00 | 0 | 1\n2025-01-05 10:30:00.000001 | 0 | 1"),
        ("10:30:00.5", "2025-01-05 10:00:00 | 0 | 1\n2025-01-05 10:30:00.5 | 0 | 1"),
        ("10:30:01", "2025-01-05 10:00:00 | 0 | 1\n2025-01-05 10:30:01 | 0 | 1"),
    ],
)
def test_a_gap_of_more_than_half_an_hour_begins_a_session(spark: SparkSession, later: str, expected: str) -> None:
    found = sessions(spark, f"event_id | event_ts\ne1 | 2025-01-05 10:00:00\ne2 | 2025-01-05 {later}")
    assert_rows(found, f"started_at | seconds | events\n{expected}")


def test_the_gap_counts_from_the_event_before_and_not_from_the_first(spark: SparkSession) -> None:
    times = ("10:00:00", "10:25:00", "10:50:00", "11:20:00.000001", "11:40:00")
    rows = "\n".join(f"e{number} | 2025-01-05 {time}" for number, time in enumerate(times))
    assert_rows(
        sessions(spark, f"event_id | event_ts\n{rows}"),
        """
        started_at                 | ended_at            | seconds | events
        2025-01-05 10:00:00        | 2025-01-05 10:50:00 | 3000    | 3
        2025-01-05 11:20:00.000001 | 2025-01-05 11:40:00 | 1199    | 2
        """,
    )


def test_sessions_are_of_one_visitor_and_one_business_day(spark: SparkSession) -> None:
    rows = """
        event_id | visitor_id | event_ts                   | event_date
        e1       | v1         | 2025-01-05 22:59:59.999999 | 2025-01-05
        e2       | v1         | 2025-01-05 23:00:00        | 2025-01-06
        e3       | v2         | 2025-01-05 22:59:00        | 2025-01-05
    """
    assert_rows(
        sessions(spark, rows),
        f"""
        event_date | visitor_id | session_key                                | events
        2025-01-05 | v1         | {key("v1", "2025-01-05T22:59:59.999999")} | 1
        2025-01-06 | v1         | {key("v1", "2025-01-05T23:00:00.000000")} | 1
        2025-01-05 | v2         | {key("v2", "2025-01-05T22:59:00.000000")} | 1
        """,
    )


@pytest.mark.parametrize("visitor", ["v1", "Zoë 日本", "V-1"])
def test_every_event_has_the_key_of_its_session(spark: SparkSession, visitor: str) -> None:
    rows = f"""
        event_id | visitor_id | event_ts
        e2       | {visitor}  | 2025-01-05 10:00:00.05
        e1       | {visitor}  | 2025-01-05 10:01:00
        e3       | {visitor}  | 2025-01-05 11:00:00
    """
    first, second = key(visitor, "2025-01-05T10:00:00.050000"), key(visitor, "2025-01-05T11:00:00.000000")
    expected = f"event_id | session_key\ne1 | {first}\ne2 | {first}\ne3 | {second}"
    assert_rows(facts(spark, rows), expected)


def test_a_session_is_of_the_customer_of_its_last_event_that_has_one(spark: SparkSession) -> None:
    rows = """
        event_id | visitor_id | customer_id | event_ts
        e1       | v1         | -           | 2025-01-05 10:00:00
        e2       | v1         | ann         | 2025-01-05 10:01:00
        e9       | v1         | bob         | 2025-01-05 10:02:00
        e10      | v1         | cid         | 2025-01-05 10:02:00
        e4       | v1         | -           | 2025-01-05 10:03:00
        e5       | v2         | -           | 2025-01-05 10:00:00
        e6       | v3         | dan         | 2025-01-05 10:00:00
        e7       | v3         | -           | 2025-01-05 11:00:00
    """
    # Of equal instants that of the higher number counts, as text.
    assert_rows(
        sessions(spark, rows),
        """
        visitor_id | customer_id | events
        v1         | bob         | 5
        v2         | -           | 1
        v3         | dan         | 1
        v3         | -           | 1
        """,
    )


def test_a_session_counts_its_events_and_sums_their_value(spark: SparkSession) -> None:
    rows = """
        event_id | visitor_id | event_type  | product_id | event_value | event_ts
        e1       | v1         | purchase    | p1         | 0.0001      | 2025-01-05 10:00:00
        e2       | v1         | view        | p1         | 0           | 2025-01-05 10:00:00
        e3       | v1         | view        | p1         | 0           | 2025-01-05 10:00:01
        e4       | v1         | view        | p2         | 0           | 2025-01-05 10:00:02
        e5       | v1         | view        | -          | 0           | 2025-01-05 10:00:03
        e6       | v1         | add_to_cart | p3         | 0           | 2025-01-05 10:00:04
        e7       | v1         | purchase    | p3         | 12.5        | 2025-01-05 10:00:05.9
        e8       | v2         | purchase    | p3         | 7           | 2025-01-05 10:00:00
    """
    assert_rows(
        sessions(spark, rows),
        """
        visitor_id | seconds | events | views | carts | purchases | products_viewed | is_bounce | revenue
        v1         | 5       | 7      | 4     | 1     | 2         | 2               | false     | 12.5001
        v2         | 0       | 1      | 0     | 0     | 1         | 0               | true      | 7.0000
        """,
    )


def test_an_event_has_the_category_of_its_product_then(spark: SparkSession) -> None:
    products = """
        product_id | category | valid_from          | valid_to
        p1         | Toys     | 2025-01-02 00:00:00 | 2025-01-05 10:00:00
        p1         | Garden   | 2025-01-05 10:00:00 | -
    """
    rows = """
        event_id | product_id | event_ts
        e1       | p1         | 2025-01-01 09:00:00
        e2       | p1         | 2025-01-05 09:59:59
        e3       | p1         | 2025-01-05 10:00:00
        e4       | p9         | 2025-01-05 10:00:00
        e5       | -          | 2025-01-05 10:00:00
    """
    expected = "event_id | category\ne1 | Toys\ne2 | Toys\ne3 | Garden\ne4 | Unknown\ne5 | Unknown"
    assert_rows(facts(spark, rows, products), expected)


def test_a_day_says_how_long_its_sessions_were_and_what_they_brought(spark: SparkSession) -> None:
    rows = """
        event_date | session_key | visitor_id | seconds | events | is_bounce | revenue
        2025-01-05 | s1          | v1         | 0       | 1      | true      | 0
        2025-01-05 | s2          | v1         | 10      | 2      | false     | 10.004
        2025-01-05 | s3          | v2         | 10      | 2      | false     | 0.011
        2025-01-07 | s4          | v1         | 0       | 1      | true      | 0
    """
    assert_rows(
        daily_sessions.transform(given.session_facts(spark, rows)),
        """
        event_date | sessions | visitors | bounce_rate | avg_seconds | events_per_session | revenue_per_session
        2025-01-05 | 3        | 2        | 0.333333    | 6.67        | 1.67               | 3.34
        2025-01-07 | 1        | 1        | 1.000000    | 0.00        | 1.00               | 0.00
        """,
    )


def test_a_step_of_the_funnel_counts_in_whatever_order(spark: SparkSession) -> None:
    rows = """
        event_id | visitor_id | event_type  | event_ts
        e1       | v1         | purchase    | 2025-01-05 10:00:00
        e2       | v1         | view        | 2025-01-05 10:01:00
        e3       | v2         | view        | 2025-01-05 10:00:00
        e4       | v2         | add_to_cart | 2025-01-05 10:01:00
        e5       | v2         | add_to_cart | 2025-01-05 10:02:00
        e6       | v3         | view        | 2025-01-05 10:00:00
        e7       | v4         | add_to_cart | 2025-01-05 10:00:00
        e8       | v4         | purchase    | 2025-01-05 10:01:00
    """
    assert_rows(
        funnel.transform(sessions(spark, rows)),
        """
        sessions | with_view | with_cart | with_purchase | view_to_cart | cart_to_purchase | view_to_purchase
        4        | 3         | 2         | 2             | 0.333333     | 0.500000         | 0.333333
        """,
    )


def test_a_rate_of_the_funnel_is_empty_where_no_session_came_to_its_step(spark: SparkSession) -> None:
    rows = "event_date | views | carts | purchases\n2025-01-05 | 0 | 0 | 1\n2025-01-06 | 1 | 0 | 0"
    assert_rows(
        funnel.transform(given.session_facts(spark, rows)),
        """
        event_date | with_view | with_cart | with_purchase | view_to_cart | cart_to_purchase | view_to_purchase
        2025-01-05 | 0         | 0         | 1             | -            | -                | -
        2025-01-06 | 1         | 0         | 0             | 0.000000     | -                | 0.000000
        """,
    )


def test_a_day_without_sessions_has_no_row(spark: SparkSession) -> None:
    assert facts(spark, "").count() == 0
    assert daily_sessions.transform(given.session_facts(spark, "")).count() == 0
    assert funnel.transform(given.session_facts(spark, "")).count() == 0
