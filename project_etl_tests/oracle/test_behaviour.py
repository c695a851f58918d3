"""Refunds, reviews, events and the Gold tables of visits by the oracle, judged by hand on tiny landing folders."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
import pytest

from project_etl_tests.oracle import Zones, gold_behaviour, settled
from project_etl_tests.oracle.given import (
    DAY,
    NEXT_DAY,
    csv_text,
    customer,
    event,
    land,
    land_records,
    land_shop,
    order,
    product,
    refund,
    review,
    rows_of,
)
from project_etl_tests.oracle.question import answer

GREENWICH = Zones("UTC", {})
TODAY, TOMORROW = date.fromisoformat(DAY), date.fromisoformat(NEXT_DAY)


def gold(
    root: Path,
    table: str,
    *columns: str,
    days: Sequence[date] = (TODAY, TOMORROW),
    zones: Zones = GREENWICH,
    namespaces: Mapping[str, str] | None = None,
) -> list[tuple[Any, ...]]:
    """Return the expected rows of a Gold table, of all columns or of some."""
    (question,) = (question for question in gold_behaviour.QUESTIONS if question.name == table)
    with settled(root, ("shop",), "EUR", namespaces, zones) as con:
        con.execute(gold_behaviour.VIEWS)
        con.register("days", pa.table({"day": pa.array(days, pa.date32())}))
        found = answer(con, question)
    return [tuple(row[name] for name in columns or found.columns) for row in found.by_key().values()]


def session_key(visitor: str, started_at: str) -> str:
    return hashlib.sha256(f"{visitor}\x1f{started_at}".encode()).hexdigest()[:32]


def visit(*times: str, **says: Any) -> list[dict[str, Any]]:
    """Events of one visitor at times of a day, numbered in this order."""
    return [event(event_id=f"e{n}", event_ts=f"{DAY}T{time}Z", **says) for n, time in enumerate(times, start=1)]


class TestRecords:
    GOOD: ClassVar[dict[str, Any]] = {
        "products": [product()],
        "orders": [order()],
        "refunds": [refund()],
        "reviews": [review()],
        "events": [event()],
    }

    def test_good_records_become_rows(self, tmp_path: Path) -> None:
        land_shop(tmp_path, **self.GOOD)
        at = datetime(2025, 1, 15, 12, 0)
        assert rows_of(
            tmp_path, "SELECT * EXCLUDE (is_deleted, landing_day, source_file, row_number, updated_at) FROM refunds"
        ) == [("r1", "o1", None, None, Decimal("4"), None, at, TODAY, TODAY, "EUR")]
        assert rows_of(
            tmp_path, "SELECT * EXCLUDE (is_deleted, landing_day, source_file, row_number, updated_at) FROM reviews"
        ) == [("v1", "p1", "c1", 5, "Good.", 0, at, TODAY)]
        assert rows_of(tmp_path, "SELECT * EXCLUDE (is_deleted, landing_day, source_file, row_number) FROM events") == [
            ("e1", "w1", "c1", "view", "p1", None, 1, Decimal(0), at.replace(hour=10), Decimal(0), TODAY, 10)
        ]
        assert rows_of(tmp_path, "FROM rejects") == []

    @pytest.mark.parametrize(
        ("dataset", "bad", "rule"),
        [
            ("refunds", refund(refund_id=None), "refund_id_required"),
            ("refunds", refund(order_id=None), "order_id_required"),
            ("refunds", refund(order_id="o9"), "order_exists"),
            ("refunds", refund(order_item_id="4.5E+12"), "order_item_id_not_rounded"),
            ("refunds", refund(refunded_at=None), "refunded_at_required"),
            ("refunds", refund(refunded_at="soon"), "refunded_at_required"),
            ("refunds", refund(refunded_at="2025-01-18"), "refunded_at_in_range"),
            ("refunds", refund(amount="0"), "amount_positive"),
            ("refunds", refund(amount="0.00004"), "amount_positive"),
            ("refunds", refund(amount=""), "amount_positive"),
            ("refunds", refund(amount="all"), "amount_type"),
            ("refunds", refund(quantity="0"), "quantity_positive"),
            ("refunds", refund(quantity="1.5"), "quantity_type"),
            ("refunds", refund(updated_at="soon"), "updated_at_type"),
            ("reviews", review(review_id=None), "review_id_required"),
            ("reviews", review(product_id=None), "product_id_required"),
            ("reviews", review(product_id="p9"), "product_exists"),
            ("reviews", review(rating=None), "rating_range"),
            ("reviews", review(rating="0"), "rating_range"),
            ("reviews", review(rating="6"), "rating_range"),
            ("reviews", review(rating="4.5"), "rating_type"),
            ("reviews", review(helpful_votes="-1"), "helpful_votes_not_negative"),
            ("reviews", review(helpful_votes="many"), "helpful_votes_type"),
            ("reviews", review(review_ts="2025-02-30"), "review_ts_type"),
            ("reviews", review(review_ts="1899-12-31"), "review_ts_in_range"),
            ("events", event(event_id=None), "event_id_required"),
            ("events", event(visitor_id=" "), "visitor_id_required"),
            ("events", event(event_ts=None), "event_ts_required"),
            ("events", event(event_ts="2025-01-18T00:00:00Z"), "event_ts_in_range"),
            ("events", event(event_type="scroll"), "event_type_allowed"),
            ("events", event(event_type=None), "event_type_allowed"),
            ("events", event(quantity=0), "quantity_positive"),
            ("events", event(quantity="two"), "quantity_type"),
            ("events", event(price=-0.01), "price_not_negative"),
            ("events", event(price="free"), "price_type"),
            ("events", event(event_type="purchase", quantity=1_000_000, price=100_000_000), "event_value_type"),
            ("events", event(order_id="12E+5"), "order_id_not_rounded"),
        ],
    )
    def test_each_rule_rejects_its_record_and_no_other_rule_fires(
        self, dataset: str, bad: dict[str, Any], rule: str, tmp_path: Path
    ) -> None:
        land_shop(tmp_path, **self.GOOD)
        # The bad record is newer than the good one: it must lose all the same.
        land_records(tmp_path, dataset, [bad], NEXT_DAY)
        counts = "(SELECT count(*) FROM refunds), (SELECT count(*) FROM reviews), (SELECT count(*) FROM events)"
        assert rows_of(tmp_path, f"SELECT rule, {counts} FROM rejects") == [(rule, 1, 1, 1)]

    def test_types_of_events_have_other_names_and_any_case_and_only_purchases_have_a_value(
        self, tmp_path: Path
    ) -> None:
        types = ["Page_View", "VIEW_ITEM", "view", "Add_To_Cart", "PURCHASE", "purchase"]
        said = [event(event_id=f"e{n}", event_type=name, quantity="3.0", price="1.5") for n, name in enumerate(types)]
        said[5] = said[5] | {"quantity": "", "price": None, "product_id": "p9", "order_id": "o9"}
        land_shop(tmp_path, events=said)
        assert rows_of(tmp_path, "SELECT event_type, event_value FROM events ORDER BY event_id") == [
            ("view", 0),
            ("view", 0),
            ("view", 0),
            ("add_to_cart", 0),
            ("purchase", Decimal("4.5")),
            ("purchase", 0),
        ]

    def test_a_value_has_eighteen_digits_and_what_is_looked_at_has_none(self, tmp_path: Path) -> None:
        largest = "99999999999999.9999"
        land_shop(
            tmp_path,
            events=[
                event(event_type="purchase", price=largest),
                event(event_id="e2", quantity=2_000_000_000, price=largest),
            ],
        )
        assert rows_of(tmp_path, "SELECT event_value FROM events ORDER BY event_id") == [(Decimal(largest),), (0,)]
        assert rows_of(tmp_path, "FROM rejects") == []

    def test_the_newest_event_wins_by_its_own_time_then_by_where_it_landed(self, tmp_path: Path) -> None:
        land_shop(tmp_path, events=[event(visitor_id="late", event_ts=f"{DAY}T11:00:00Z"), event(visitor_id="early")])
        land_shop(tmp_path, NEXT_DAY, events=[event(visitor_id="earlier")])
        assert rows_of(tmp_path, "SELECT visitor_id FROM events") == [("late",)]
        land_shop(tmp_path, "2025-01-17", events=[event(visitor_id="last", event_ts=f"{DAY}T11:00:00Z")])
        assert rows_of(tmp_path, "SELECT visitor_id FROM events") == [("last",)]

    @pytest.mark.parametrize(
        ("table", "gone"),
        [
            ("refunds", {"refund_id": "r1", "updated_at": f"{NEXT_DAY}T08:00:00Z"}),
            ("reviews", {"review_id": "v1", "updated_at": f"{NEXT_DAY}T08:00:00Z"}),
            ("events", {"event_id": "e1", "event_ts": f"{NEXT_DAY}T08:00:00Z"}),
        ],
    )
    def test_a_deletion_leaves_no_row(self, table: str, gone: dict[str, str], tmp_path: Path) -> None:
        land_shop(tmp_path, **self.GOOD)
        land_records(tmp_path, table, [gone | {"_deleted": True}], NEXT_DAY)
        assert rows_of(tmp_path, f"FROM {table}") == []
        assert rows_of(tmp_path, "FROM rejects") == []

    def test_refunds_and_reviews_wait_for_what_they_belong_to(self, tmp_path: Path) -> None:
        land_shop(tmp_path, refunds=[refund()], reviews=[review()])
        assert rows_of(tmp_path, "SELECT dataset, rule FROM rejects ORDER BY ALL") == [
            ("refunds", "order_exists"),
            ("reviews", "product_exists"),
        ]
        land_shop(tmp_path, NEXT_DAY, products=[product()], orders=[order(currency="USD")])
        assert rows_of(tmp_path, "SELECT currency, review_id FROM refunds, reviews") == [("USD", "v1")]
        assert rows_of(tmp_path, "FROM rejects") == []

    def test_ids_of_a_namespace_but_not_visitors(self, tmp_path: Path) -> None:
        land_shop(tmp_path, **self.GOOD)
        found = gold(tmp_path, "fact_events", "event_id", "product_id", "visitor_id", namespaces={"shop": "s-"})
        assert found == [("s-e1", "s-p1", "w1")]
        found = gold(tmp_path, "fact_reviews", "review_id", "product_id", "customer_id", namespaces={"shop": "s-"})
        assert found == [("s-v1", "s-p1", "s-c1")]

    def test_as_of_is_the_latest_day_of_any_order_or_event(self, tmp_path: Path) -> None:
        land_shop(tmp_path, reviews=[review(review_ts=f"{NEXT_DAY}T01:00:00Z")], products=[product()])
        assert rows_of(tmp_path, "FROM as_of") == [(None,)]
        land_shop(tmp_path, events=[event()])
        assert rows_of(tmp_path, "FROM as_of") == [(TODAY,)]
        land_shop(tmp_path, NEXT_DAY, orders=[order(order_ts=f"{NEXT_DAY}T01:00:00Z", status="CANCELLED")])
        assert rows_of(tmp_path, "FROM as_of") == [(TOMORROW,)]


class TestDimensions:
    def test_customers_are_cleaned_as_of_the_newest_version(self, tmp_path: Path) -> None:
        land_shop(
            tmp_path,
            customers=[
                customer(first_name="old"),
                customer(
                    first_name=" ANNA  maria ",
                    last_name="o'neill",
                    email="Anna@Example.COM ",
                    city=" Cork ",
                    signup_date="2025-01-17",
                    updated_at=f"{DAY}T00:00:00Z",
                ),
                customer(customer_id="c2", last_name="bo", signup_date="2025-01-16"),
                customer(customer_id="c3"),
            ],
        )
        columns = "first_name, last_name, full_name, email, city, signup_date"
        assert rows_of(tmp_path, f"SELECT {columns} FROM customers ORDER BY customer_id") == [
            ("Anna Maria", "O'neill", "Anna Maria O'neill", "anna@example.com", "Cork", None),
            (None, "Bo", "Bo", None, None, date(2025, 1, 16)),
            (None, None, None, None, None, None),
        ]

    @pytest.mark.parametrize(
        ("price", "band"),
        [("49.9999", "Low"), ("49.99995", "Medium"), ("50", "Medium"), ("199.9999", "Medium"), ("200", "High")],
    )
    def test_products_have_a_band_of_their_price(self, price: str, band: str, tmp_path: Path) -> None:
        land_shop(tmp_path, products=[product(name=" Big cup ", price=price, active="no", tags=["a", "b"])])
        found = rows_of(tmp_path, "SELECT name, category, price_band, is_active, tags FROM products")
        assert found == [("Big cup", "Home", band, False, ["a", "b"])]


class TestSessions:
    @pytest.mark.parametrize(
        ("second", "sessions"), [("10:30:00", 1), ("10:30:00.000001", 2), ("10:30:00.5", 2), ("10:30:01", 2)]
    )
    def test_a_session_ends_where_nothing_happens_for_more_than_half_an_hour(
        self, second: str, sessions: int, tmp_path: Path
    ) -> None:
        land_shop(tmp_path, events=visit("10:00:00", second))
        found = gold(tmp_path, "fact_sessions", "started_at", "events", "is_bounce")
        assert len(found) == sessions
        assert {bounce for *_, bounce in found} == {sessions == 2}

    def test_a_session_says_who_came_when_and_what_they_did(self, tmp_path: Path) -> None:
        said = [
            event(event_id="e1", event_ts=f"{DAY}T10:00:00.25Z"),
            event(event_id="e2", event_ts=f"{DAY}T10:20:00Z", product_id="p2", customer_id="c1"),
            event(event_id="e3", event_ts=f"{DAY}T10:21:00Z", product_id="p1"),
            event(event_id="e4", event_ts=f"{DAY}T10:40:00Z", product_id="p3", event_type="add_to_cart"),
            event(event_id="e5", event_ts=f"{DAY}T10:41:00Z", product_id=None, customer_id="c2"),
            event(
                event_id="e6",
                event_ts=f"{DAY}T11:00:00.2Z",
                customer_id=None,
                event_type="purchase",
                quantity=2,
                price="1.2345",
            ),
            event(event_id="e7", visitor_id="w2", event_ts=f"{DAY}T10:30:00Z", customer_id=None),
        ]
        land_shop(tmp_path, events=said)
        first, second = session_key("w1", f"{DAY}T10:00:00.250000"), session_key("w2", f"{DAY}T10:30:00.000000")
        at = datetime(2025, 1, 15, 10, 0, tzinfo=UTC)
        long = (at.replace(microsecond=250_000), at.replace(hour=11, microsecond=200_000), 3599)
        short = (at.replace(minute=30), at.replace(minute=30), 0)
        expected = [
            (TODAY, first, "w1", "c2", *long, 6, 4, 1, 1, 2, False, Decimal("2.469")),
            (TODAY, second, "w2", None, *short, 1, 1, 0, 0, 1, True, Decimal(0)),
        ]
        assert gold(tmp_path, "fact_sessions") == sorted(expected)
        assert {row[0] for row in gold(tmp_path, "fact_events", "session_key")} == {first, second}
        # Averages have two places and come from unrounded sums: 2.469 / 2 = 1.2345.
        assert gold(tmp_path, "daily_sessions") == [
            (TODAY, 2, 2, Decimal("0.5"), Decimal("1799.5"), Decimal("3.5"), Decimal("1.23"))
        ]

    def test_equal_instants_are_in_the_order_of_their_ids(self, tmp_path: Path) -> None:
        said = [event(event_id=name, customer_id=who) for name, who in (("b", "c2"), ("a", "c1"), ("B", "c3"))]
        land_shop(tmp_path, events=[*said, event(event_id="c", customer_id=None)])
        assert gold(tmp_path, "fact_sessions", "customer_id", "events", "seconds") == [("c2", 4, 0)]

    def test_midnight_ends_a_session_by_the_clocks_of_the_shop(self, tmp_path: Path) -> None:
        # 23:50 and 00:10 in New York are 04:50 and 05:10 in UTC.
        land_shop(tmp_path, NEXT_DAY, events=visit("04:50:00", "05:10:00"))
        before = date(2025, 1, 14)
        days = (before, TODAY)
        assert gold(tmp_path, "fact_sessions", "event_date", "events", days=days) == [(TODAY, 2)]
        zones = Zones("America/New_York", {})
        found = gold(tmp_path, "fact_sessions", "event_date", "session_key", "events", days=days, zones=zones)
        assert found == [
            (before, session_key("w1", f"{DAY}T04:50:00.000000"), 1),
            (TODAY, session_key("w1", f"{DAY}T05:10:00.000000"), 1),
        ]
        found = gold(tmp_path, "fact_events", "event_date", "event_hour", days=days, zones=zones)
        assert found == [(before, 23), (TODAY, 0)]

    def test_only_the_days_asked_for_are_answered(self, tmp_path: Path) -> None:
        land_shop(tmp_path, events=[event(), event(event_id="e2", event_ts=f"{NEXT_DAY}T10:00:00Z")])
        for table in ("fact_events", "fact_sessions", "daily_sessions", "funnel"):
            assert gold(tmp_path, table, "event_date", days=[TOMORROW]) == [(TOMORROW,)]

    def test_an_event_sees_the_category_of_its_time_or_the_earliest(self, tmp_path: Path) -> None:
        land_shop(
            tmp_path,
            products=[
                product(category="old", updated_at=f"{DAY}T10:00:00Z"),
                product(category="new", updated_at=f"{DAY}T10:10:00Z"),
                product(product_id="p2", category=None),
            ],
            events=[
                *visit("09:59:59", "10:00:00", "10:10:00"),
                event(event_id="e4", product_id="p2"),
                event(event_id="e5", product_id="p9"),
                event(event_id="e6", product_id=None),
            ],
        )
        found = [category for (category,) in gold(tmp_path, "fact_events", "category")]
        assert found == ["Old", "Old", "New", "Unknown", "Unknown", "Unknown"]

    def test_a_funnel_counts_sessions_that_hold_a_type_in_whatever_order(self, tmp_path: Path) -> None:
        seen = [("w1", "view"), ("w1", "view"), ("w2", "view"), ("w3", "purchase"), ("w3", "add_to_cart")]
        seen += [("w4", "purchase"), ("w4", "view"), ("w5", "view")]
        said = [event(event_id=f"e{n}", visitor_id=who, event_type=what) for n, (who, what) in enumerate(seen)]
        land_shop(tmp_path, events=said)
        land_shop(
            tmp_path, NEXT_DAY, events=[event(event_id="n", event_ts=f"{NEXT_DAY}T10:00:00Z", event_type="purchase")]
        )
        assert gold(tmp_path, "funnel") == [
            (TODAY, 5, 4, 1, 2, Decimal(0), Decimal(1), Decimal("0.25")),
            (TOMORROW, 1, 0, 0, 1, None, None, None),
        ]


class TestReviews:
    def test_reviews_without_text_or_day_count_for_ratings(self, tmp_path: Path) -> None:
        header = ("review_id", "product_id", "customer_id", "rating", "review_text", "helpful_votes", "review_ts")
        rows = [
            ("r1", "p1", "c1", "5", "Zoë 👍🏽", "2", f"{DAY}T10:00:00Z"),
            ("r2", "p1", "c9", "4.0", "", "", f"{NEXT_DAY}T10:00:00Z"),
            ("r3", "p1", "", "4", r"\N", "", ""),
            ("r4", "p2", "", "1", "null", "0", f"{DAY}T10:00:00Z"),
        ]
        land(tmp_path, f"shop/reviews/{DAY}/reviews.csv", csv_text(header, *rows))
        land_shop(tmp_path, products=[product(), product(product_id="p2"), product(product_id="p3")], events=[event()])
        assert gold(tmp_path, "fact_reviews") == [
            (TODAY, "r1", "p1", "c1", 5, "Zoë 👍🏽", 6, 2),
            (TODAY, "r4", "p2", None, 1, "null", 4, 0),
            (TOMORROW, "r2", "p1", "c9", 4, None, None, 0),
        ]
        third, two_thirds = Decimal("0.333333"), Decimal("0.666667")
        assert gold(tmp_path, "product_ratings", days=[TODAY]) == [
            ("p1", 3, Decimal("4.33"), 0, 0, 0, two_thirds, third, TOMORROW, TODAY),
            ("p2", 1, Decimal(1), 1, 0, 0, 0, 0, TODAY, TODAY),
        ]
