"""What the page on customers asks, of a shop with four customers: one is unknown to it, and one has bought nothing."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from project_etl.core.lake import TableStore
from project_etl.core.views import Views
from project_etl.dashboard.queries import customer, customers

JANUARY = date(2025, 1, 1), date(2025, 1, 31)


def test_lifetime_values_of_all_customers(views: Views) -> None:
    found = customers.lifetime_in_all(views)
    assert (found["customers"], found["net_revenue"], found["median"]) == (3, 380.0, 70.0)
    assert found["repeaters"] == pytest.approx(1 / 3)
    # One customer is a tenth of three.
    assert found["top_share"] == pytest.approx(300 / 380)
    assert found["as_of"] == date(2025, 1, 13)


def test_classes_of_lifetime_value_hold_every_customer_and_have_no_gap(views: Views) -> None:
    found = customers.lifetime_values(views)
    assert found.values.tolist() == [
        [0, 20, 1, 10],
        [20, 50, 0, 0],
        [50, 100, 1, 70],
        [100, 200, 0, 0],
        [200, 500, 1, 300],
    ]


def test_the_rate_of_a_week_counts_its_customers_and_not_its_days(views: Views) -> None:
    found = customers.repeat_by_day(views, *JANUARY)
    assert found["repeat_rate"].tolist() == [0.0, 0.5, 0.0]
    # One of three customers on the 6th and 7th; the 13th looks back to the 7th.
    assert found["repeat_rate_7d"].tolist() == pytest.approx([0.0, 1 / 3, 1 / 3])


def test_the_first_day_looks_back_on_a_week_too(views: Views) -> None:
    found = customers.repeat_by_day(views, date(2025, 1, 7), date(2025, 1, 7))
    assert found["repeat_rate_7d"].tolist() == pytest.approx([1 / 3])


def test_new_and_returning_customers_are_golds(views: Views) -> None:
    found = customers.new_and_returning(views, *JANUARY)
    assert found.values.tolist() == [
        [date(2025, 1, 6), 1, 0, 20.0, 0.0, 0.0],
        [date(2025, 1, 7), 1, 1, 300.0, 50.0, 10.0],
        [date(2025, 1, 13), 1, 0, 10.0, 0.0, 0.0],
    ]


def test_a_customer_who_buys_again_is_active_once(views: Views) -> None:
    found = customers.active_by_day(views, date(2025, 1, 5), date(2025, 1, 31))
    assert dict(zip(found["day"].map(lambda day: day.day), found["customers"], strict=True)) == {
        5: 0, 6: 1, 7: 2, 8: 2, 9: 2, 10: 2, 11: 2, 12: 2, 13: 3,
    }  # fmt: skip


def test_orders_before_the_days_keep_a_customer_active(views: Views) -> None:
    found = customers.active_by_day(views, date(2025, 1, 12), date(2025, 1, 12))
    assert found["customers"].tolist() == [2]


def test_favourite_categories_leave_out_customers_who_bought_nothing(views: Views) -> None:
    assert customers.favourite_categories(views).values.tolist() == [["Toys", 2, 370.0]]


# --- one customer -----------------------------------------------------------------------------------------------------


def test_a_customer_has_the_numbers_of_gold_and_no_personal_data(views: Views) -> None:
    found = customer.find(views, "C1")
    assert found is not None
    assert found.is_known
    assert found.numbers["ltv"] == Decimal("70.00")
    assert [purchase["order_id"] for purchase in found.numbers["last_purchases"]] == ["O2", "O1"]
    assert found.about["country"] == "GB"
    assert "full_name" not in found.about
    assert {"full_name", "email"} <= {*found.left_out}


def test_personal_data_that_is_allowed_is_there(visits: Path) -> None:
    views = Views(TableStore(str(visits / "lake")), allow_pii=("full_name",))
    found = customer.find(views, "C1")
    assert found is not None
    assert found.about["full_name"] == "Ada King"
    assert "email" not in found.about
    assert "full_name" not in found.left_out


def test_every_order_comes_newest_first_with_what_was_refunded(views: Views) -> None:
    found = customer.orders(views, "C1")
    assert found["order_id"].tolist() == ["O6", "O2", "O1"]
    assert found["is_revenue"].tolist() == [False, True, True]
    assert found["refunded_reporting"].tolist() == [0.0, 5.0, 0.0]


def test_lines_refunds_reviews_and_events_of_a_customer(views: Views) -> None:
    assert customer.order_items(views, "C1")["product"].tolist() == ["Lamp", "Bear", "Lamp"]
    assert customer.refunds(views, "C1")["amount"].tolist() == [5.0]
    assert customer.reviews(views, "C1")["rating"].tolist() == [4, 5]
    events, in_all = customer.events(views, "C1")
    assert events["event_type"].tolist() == ["purchase", "add_to_cart", "view"]
    assert in_all == 3


def test_more_events_than_are_shown_are_counted(views: Views, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(customer, "MOST_EVENTS", 2)
    events, in_all = customer.events(views, "C1")
    assert events["event_type"].tolist() == ["purchase", "add_to_cart"]
    assert in_all == 3


def test_a_customer_whom_the_shop_has_not_sent_is_found_by_an_order(views: Views) -> None:
    found = customer.find(views, "C9")
    assert found is not None
    assert not found.is_known
    assert customer.orders(views, "C9")["order_id"].tolist() == ["O5"]


def test_a_customer_who_bought_nothing_has_no_orders(views: Views) -> None:
    found = customer.find(views, "C3")
    assert found is not None
    assert found.numbers["frequency"] == 0
    assert len(customer.orders(views, "C3")) == 0
    assert customer.events(views, "C3")[1] == 0


@pytest.mark.parametrize("customer_id", ["C", "c1", "' OR 1 = 1 --"])
def test_an_id_that_is_not_there_is_nobody(views: Views, customer_id: str) -> None:
    assert customer.find(views, customer_id) is None


def test_ids_that_may_be_meant_begin_or_end_with_what_was_typed(views: Views) -> None:
    assert customer.nearest(views, "c9", 1) == ["C9"]
    assert customer.nearest(views, "2", 1) == ["C2"]
    assert customer.nearest(views, "C", 9) == ["C1", "C2", "C3", "C9"]
