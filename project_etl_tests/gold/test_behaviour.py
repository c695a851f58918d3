"""Behaviour: where sessions begin and end, what they hold, and how far they come."""

from __future__ import annotations

from hashlib import sha256

from pyspark.sql import DataFrame, SparkSession

from project_etl.gold import daily_sessions, fact_events, fact_sessions, funnel
from project_etl_tests.gold import given
from project_etl_tests.small_tables import assert_rows


def key(visitor: str, started_at: str) -> str:
    return sha256(f"{visitor}\x1f{started_at}".encode()).hexdigest()[:32]


def events_of(spark: SparkSession, events: str, products: str = "") -> DataFrame:
    return fact_events.transform(given.events(spark, events), given.products(spark, products))


def test_a_session_ends_after_a_gap_of_more_than_half_an_hour(spark: SparkSession) -> None:
    found = events_of(
        spark,
        """
        event_id | visitor_id | event_ts
        a        | v1         | 2025-01-05 10:00:00.000001
        b        | v1         | 2025-01-05 10:30:00.000001
        c        | v1         | 2025-01-05 11:00:00.500001
        d        | v1         | 2025-01-05 11:30:01.500001
        e        | v2         | 2025-01-05 10:00:00
        """,
    )
    v1 = [key("v1", f"2025-01-05T{at}") for at in ("10:00:00.000001", "11:00:00.500001", "11:30:01.500001")]
    v2 = key("v2", "2025-01-05T10:00:00.000000")
    assert_rows(found, f"event_id | session_key\na | {v1[0]}\nb | {v1[0]}\nc | {v1[1]}\nd | {v1[2]}\ne | {v2}")
    assert given.broken(fact_events.TABLE, found) == [[], [], [], [], []]


def test_a_session_does_not_go_on_after_midnight(spark: SparkSession) -> None:
    found = events_of(
        spark,
        """
        event_id | event_date | event_ts
        late     | 2025-01-05 | 2025-01-05 23:59:59
        early    | 2025-01-06 | 2025-01-06 00:00:01
        """,
    )
    late, early = key("v1", "2025-01-05T23:59:59.000000"), key("v1", "2025-01-06T00:00:01.000000")
    assert_rows(found, f"event_id | session_key\nlate | {late}\nearly | {early}")


def test_an_event_takes_the_category_its_product_had_then(spark: SparkSession) -> None:
    found = events_of(
        spark,
        """
        event_id | product_id | event_ts
        before   | p1         | 2025-01-05 11:59:59
        after    | p1         | 2025-01-05 12:00:00
        unknown  | p9         | 2025-01-05 12:00:00
        none     | -          | 2025-01-05 12:00:00
        """,
        """
        product_id | category | valid_from          | valid_to
        p1         | Toys     | 2025-01-05 08:00:00 | 2025-01-05 12:00:00
        p1         | Garden   | 2025-01-05 12:00:00 | -
        """,
    )
    assert_rows(found, "event_id | category\nbefore | Toys\nafter | Garden\nunknown | Unknown\nnone | Unknown")


def test_a_session_sums_its_events_and_is_of_the_last_known_customer(spark: SparkSession) -> None:
    found = fact_sessions.transform(
        given.event_facts(
            spark,
            """
            event_id | session_key | event_ts                   | event_type  | product_id | customer_id | event_value
            a        | s1          | 2025-01-05 10:00:00        | view        | p1         | -           | 0
            b        | s1          | 2025-01-05 10:00:10        | view        | p1         | ann         | 0
            d        | s1          | 2025-01-05 10:00:20        | view        | p2         | bob         | 0
            c        | s1          | 2025-01-05 10:00:20        | add_to_cart | p2         | cid         | 0
            e        | s1          | 2025-01-05 10:01:00.999999 | purchase    | p2         | -           | 20.0001
            f        | s2          | 2025-01-05 10:00:00        | view        | -          | -           | 0
            """,
        )
    )
    assert_rows(
        found,
        """
        session_key | customer_id | seconds | events | views | carts | purchases | products_viewed | is_bounce | revenue
        s1          | bob         | 60      | 5      | 3     | 1     | 1         | 2               | false     | 20.0001
        s2          | -           | 0       | 1      | 1     | 0     | 0         | 0               | true      | 0.0000
        """,
    )
    assert given.broken(fact_sessions.TABLE, found) == [[], []]


def test_a_day_averages_its_sessions(spark: SparkSession) -> None:
    found = daily_sessions.transform(
        given.session_facts(
            spark,
            """
            event_date | session_key | visitor_id | seconds | events | is_bounce | revenue
            2025-01-05 | s1          | v1         | 10      | 4      | false     | 10.01
            2025-01-05 | s2          | v1         | 0       | 1      | true      | 0
            2025-01-05 | s3          | v2         | 0       | 1      | true      | 0
            2025-01-07 | s4          | v1         | 0       | 1      | true      | 0
            """,
        )
    )
    assert_rows(
        found,
        """
        event_date | sessions | visitors | bounce_rate | avg_seconds | events_per_session | revenue_per_session
        2025-01-05 | 3        | 2        | 0.666667    | 3.33        | 2.00               | 3.34
        2025-01-07 | 1        | 1        | 1.000000    | 0.00        | 1.00               | 0.00
        """,
    )
    assert given.broken(daily_sessions.TABLE, found) == [[], []]


def test_the_funnel_counts_sessions_that_hold_a_type_in_whatever_order(spark: SparkSession) -> None:
    found = funnel.transform(
        given.session_facts(
            spark,
            """
            event_date | session_key | views | carts | purchases
            2025-01-05 | s1          | 1     | 1     | 1
            2025-01-05 | s2          | 2     | 0     | 0
            2025-01-05 | s3          | 1     | 2     | 0
            2025-01-05 | s4          | 0     | 0     | 1
            2025-01-06 | s5          | 0     | 0     | 1
            """,
        )
    )
    assert_rows(
        found,
        """
        event_date | sessions | with_view | with_cart | with_purchase | view_to_cart | cart_to_purchase | view_to_purchase
        2025-01-05 | 4        | 3         | 2         | 2             | 0.666667     | 0.500000         | 0.333333
        2025-01-06 | 1        | 0         | 0         | 1             | -            | -                | -
        """,  # noqa: E501 - a table
    )
    assert given.broken(funnel.TABLE, found) == [[], []]
