"""Customer 360: what customers bought, looked at, said and sent back, with ties and with nothing at all."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from project_etl.gold import customer_360
from project_etl_tests.gold import given
from project_etl_tests.small_tables import assert_rows

CUSTOMERS = "customer_id\nann\nbob\ncid"


def seen(spark: SparkSession, as_of: str = "as_of\n2025-01-31", *, has_crm: bool = False, **text: str) -> DataFrame:
    """What is said of Ann, Bob and Cid; inputs that are not given are empty."""
    made = {
        "customers": given.shop_customers(spark, text.get("customers", CUSTOMERS)),
        "customer_ltv": given.lifetime_values(spark, text.get("customer_ltv", "")),
        "orders": given.order_facts(spark, text.get("orders", "")),
        "order_items": given.item_facts(spark, text.get("order_items", "")),
        "sessions": given.session_facts(spark, text.get("sessions", "")),
        "reviews": given.review_facts(spark, text.get("reviews", "")),
        "refunds": given.refund_facts(spark, text.get("refunds", "")),
        "contacts": given.contacts(spark, text.get("contacts", "")),
        "deals": given.deals(spark, text.get("deals", "")),
    }
    return customer_360.transform(**made, dim_date=given.dates(spark, as_of), has_crm=has_crm)


def purchases(found: DataFrame) -> dict[str, list[tuple[Any, ...]]]:
    rows = found.select("customer_id", "last_purchases").collect()
    return {row["customer_id"]: [tuple(one) for one in row["last_purchases"]] for row in rows}


@pytest.mark.parametrize("as_of", ["as_of\n2025-01-31", ""])
def test_a_customer_without_anything_has_a_row_of_noughts(spark: SparkSession, as_of: str):
    found = seen(spark, as_of)
    day = "2025-01-31" if as_of else "-"
    header = (
        "customer_id | ltv | recency_days | frequency | favourite_category | sessions_30d | views_30d | average_rating"
        " | refunds | refunded | lifecycle_stage | open_deals | as_of | without_rate"
    )
    rows = "".join(f"{name} | 0.00 | - | 0 | - | 0 | 0 | - | 0 | 0.00 | - | - | {day} | 0\n" for name in ("ann", "bob"))
    assert_rows(found.where("customer_id <> 'cid'"), f"{header}\n{rows}")
    assert purchases(found) == {"ann": [], "bob": [], "cid": []}
    assert given.broken(customer_360.TABLE, found) == [[]] * 3


def test_who_is_not_a_customer_of_the_shop_has_no_row(spark: SparkSession):
    found = seen(
        spark,
        customer_ltv="customer_id\ndeleted",
        orders="order_id | customer_id\no1 | deleted\no2 | -",
        order_items="order_id | customer_id\no1 | deleted\no2 | -",
        sessions="customer_id\ndeleted\n-",
        reviews="review_id | customer_id\nr1 | deleted\nr2 | -",
        refunds="order_id\no1\no2",
    )
    assert_rows(
        found,
        "customer_id | frequency | sessions_30d | refunds\nann | 0 | 0 | 0\nbob | 0 | 0 | 0\ncid | 0 | 0 | 0",
    )


def test_value_frequency_and_recency_are_those_of_the_lifetime_value(spark: SparkSession):
    values = """
        customer_id | orders | net_revenue | last_order_date
        ann         | 3      | 30.01       | 2025-01-07
        bob         | 1      | 5           | 2025-01-31
        """
    assert_rows(
        seen(spark, customer_ltv=values),
        """
        customer_id | ltv   | recency_days | frequency
        ann         | 30.01 | 24           | 3
        bob         | 5.00  | 0            | 1
        cid         | 0.00  | -            | 0
        """,
    )


def test_the_last_purchases_are_the_five_newest_revenue_orders(spark: SparkSession):
    orders = """
        order_date | order_id | order_ts            | customer_id | is_revenue | net_amount_reporting
        2025-01-01 | o1       | 2025-01-01 10:00:00 | ann         | true       | 1
        2025-01-02 | o9       | 2025-01-02 10:00:00 | ann         | true       | 2.005
        2025-01-02 | o10      | 2025-01-02 10:00:00 | ann         | true       | 3
        2025-01-02 | o2       | 2025-01-02 10:00:01 | ann         | true       | -
        2025-01-03 | o3       | 2025-01-03 10:00:00 | ann         | false      | 5
        2025-01-04 | o4       | 2025-01-04 10:00:00 | ann         | true       | 6
        2025-01-05 | o5       | 2025-01-05 10:00:00 | ann         | true       | 7
        2025-01-06 | o6       | 2025-01-06 10:00:00 | bob         | true       | 8
        2025-01-07 | o7       | 2025-01-07 10:00:00 | -           | true       | 9
        """
    found = seen(spark, orders=orders)
    assert purchases(found) == {
        "ann": [
            ("o5", date(2025, 1, 5), Decimal("7.00")),
            ("o4", date(2025, 1, 4), Decimal("6.00")),
            ("o2", date(2025, 1, 2), None),
            # Two at one instant are in the order of their ids, as text.
            ("o10", date(2025, 1, 2), Decimal("3.00")),
            ("o9", date(2025, 1, 2), Decimal("2.01")),
        ],
        "bob": [("o6", date(2025, 1, 6), Decimal("8.00"))],
        "cid": [],
    }


def test_the_favourite_category_has_most_unrounded_revenue_and_ties_are_alphabetical(spark: SparkSession):
    items = """
        order_item_id | customer_id | category | is_revenue | net_amount_reporting
        i1            | ann         | Toys     | true       | 10.0010
        i2            | ann         | Garden   | true       | 5.0010
        i3            | ann         | Garden   | true       | 5.0010
        i4            | ann         | Books    | false      | 99
        i5            | ann         | Books    | true       | -
        i6            | bob         | Toys     | true       | 7
        i7            | bob         | Garden   | true       | 7
        i8            | cid         | Toys     | true       | -
        i9            | -           | Toys     | true       | 50
        """
    assert_rows(
        seen(spark, order_items=items),
        "customer_id | favourite_category\nann | Garden\nbob | Garden\ncid | -",
    )


def test_sessions_and_views_are_those_of_the_30_days_to_as_of(spark: SparkSession):
    sessions = """
        event_date | customer_id | views
        2025-01-01 | ann         | 100
        2025-01-02 | ann         | 3
        2025-01-31 | ann         | 4
        2025-01-31 | ann         | 0
        2025-01-15 | bob         | 0
        2025-01-15 | -           | 50
        """
    assert_rows(
        seen(spark, sessions=sessions),
        "customer_id | sessions_30d | views_30d\nann | 3 | 7\nbob | 1 | 0\ncid | 0 | 0",
    )
    # A day later, the first of the 30 days is another one.
    assert_rows(
        seen(spark, "as_of\n2025-02-01", sessions=sessions),
        "customer_id | sessions_30d | views_30d | as_of\n"
        "ann | 2 | 4 | 2025-02-01\nbob | 1 | 0 | 2025-02-01\ncid | 0 | 0 | 2025-02-01",
    )


def test_ratings_are_averaged(spark: SparkSession):
    reviews = "review_id | customer_id | rating\nr1 | ann | 5\nr2 | ann | 5\nr3 | ann | 4\nr4 | bob | 1\nr5 | - | 3"
    assert_rows(seen(spark, reviews=reviews), "customer_id | average_rating\nann | 4.67\nbob | 1.00\ncid | -")


def test_refunds_are_those_of_the_customers_orders_of_any_status(spark: SparkSession):
    orders = "order_id | customer_id | is_revenue\no1 | ann | false\no2 | ann | true\no3 | bob | true\no4 | - | true"
    refunds = """
        order_id | amount_reporting
        o1       | 10.0025
        o1       | 2.0025
        o2       | 1
        o4       | 7
        """
    assert_rows(
        seen(spark, orders=orders, refunds=refunds),
        "customer_id | refunds | refunded\nann | 3 | 13.01\nbob | 0 | 0.00\ncid | 0 | 0.00",
    )


def test_what_has_no_rate_is_left_out_of_amounts_and_counted(spark: SparkSession):
    orders = """
        order_id | customer_id | is_revenue | net_amount_reporting
        o1       | ann         | true       | -
        o2       | ann         | false      | -
        o3       | bob         | true       | 5
        """
    found = seen(spark, orders=orders, refunds="order_id | amount_reporting\no1 | -\no2 | -\no3 | 2")
    assert_rows(
        found,
        "customer_id | refunds | refunded | without_rate\nann | 2 | 0.00 | 3\nbob | 1 | 2.00 | 0\ncid | 0 | 0.00 | 0",
    )
    assert given.broken(customer_360.TABLE, found) == [[], [], ["fx_rate_known"]]


def test_a_contact_with_the_same_address_is_the_customer_the_newest_of_several(spark: SparkSession):
    found = seen(
        spark,
        has_crm=True,
        customers="customer_id | email\nann | a@example.org\nanna | a@example.org\nbob | b@example.org\ncid | -",
        contacts="""
            contact_id | email         | lifecycle_stage | updated_at
            k1         | a@example.org | lead            | 2025-01-05 10:00:00
            k3         | a@example.org | customer        | 2025-01-06 10:00:00
            k2         | a@example.org | other           | 2025-01-06 10:00:00
            k4         | -             | lead            | 2025-01-06 10:00:00
            """,
        deals="""
            deal_id | contact_id | is_open
            d1      | k1         | true
            d2      | k2         | true
            d3      | k2         | true
            d4      | k2         | false
            d5      | -          | true
            """,
    )
    assert_rows(
        found,
        """
        customer_id | lifecycle_stage | open_deals
        ann         | other           | 2
        anna        | other           | 2
        bob         | -               | 0
        cid         | -               | 0
        """,
    )
