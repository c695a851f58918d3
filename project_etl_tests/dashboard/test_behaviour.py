"""What the page on behaviour asks, of a shop with five sessions."""

from __future__ import annotations

from datetime import date

import pytest

from project_etl.core.views import Views
from project_etl.dashboard.queries import behaviour

JANUARY = date(2025, 1, 1), date(2025, 1, 31)
NOBODY_CAME = date(2025, 2, 1), date(2025, 2, 28)


def test_sessions_of_each_day_are_golds(views: Views) -> None:
    found = behaviour.sessions_by_day(views, *JANUARY)
    assert found.values.tolist() == [
        [date(2025, 1, 6), 2, 2, 0.5, 300.0, 2.0, 10.5],
        [date(2025, 1, 7), 1, 1, 0.0, 60.0, 2.0, 0.0],
        [date(2025, 1, 13), 2, 1, 0.5, 900.0, 1.5, 5.0],
    ]


def test_a_visitor_who_comes_on_two_days_counts_once(views: Views) -> None:
    assert behaviour.sessions_in_all(views, *JANUARY) == {
        "sessions": 5,
        "visitors": 3,
        "bounce_rate": 0.4,
        "avg_seconds": 492.0,
        "events_per_session": 1.8,
        "purchase_rate": 0.4,
    }


def test_both_ends_of_the_days_count(views: Views) -> None:
    found = behaviour.sessions_by_day(views, date(2025, 1, 7), date(2025, 1, 13))
    assert found["sessions"].tolist() == [1, 2]


def test_a_step_of_the_funnel_is_compared_with_the_sessions_that_hold_the_step_before(views: Views) -> None:
    # Two sessions have a purchase, and one of them has a cart.
    found = behaviour.funnel(views, *JANUARY)
    assert found["step"].tolist() == list(behaviour.STEPS)
    assert found["sessions"].tolist() == [5, 4, 2, 2]
    assert found["of_all"].tolist() == [1.0, 0.8, 0.4, 0.4]
    assert found["of_previous"].tolist()[1:] == [0.8, 0.5, 0.5]


def test_hours_are_averages_of_the_days_of_a_weekday_that_have_an_event(views: Views) -> None:
    # Of the four Mondays of January, two have events.
    found = behaviour.hours(views, *JANUARY)
    assert found.values.tolist() == [
        [1, 10, 2.5, 1.0, 1.0, 1.0, 0.5],
        [1, 11, 0.5, 0.5, 0.5, 0.0, 0.0],
        [1, 20, 0.5, 0.5, 0.0, 0.0, 0.5],
        [2, 9, 2.0, 1.0, 2.0, 0.0, 0.0],
    ]


def test_orders_that_the_tracker_saw(views: Views) -> None:
    found = behaviour.tracked_orders(views, *JANUARY)
    assert found["orders"].tolist() == [1, 3, 2]
    assert found["tracked"].tolist() == [1, 0, 0]
    assert found["share"].tolist() == [1.0, 0.0, 0.0]


def test_a_purchase_of_an_order_that_the_shop_does_not_have(views: Views) -> None:
    assert behaviour.purchases_without_order(views, *JANUARY) == 1
    assert behaviour.purchases_without_order(views, date(2025, 1, 6), date(2025, 1, 6)) == 0


@pytest.mark.parametrize("query", ["sessions_by_day", "funnel", "hours", "tracked_orders"])
def test_days_without_events_have_no_rows(views: Views, query: str) -> None:
    assert len(getattr(behaviour, query)(views, *NOBODY_CAME)) == 0


def test_days_without_events_have_no_averages(views: Views) -> None:
    found = behaviour.sessions_in_all(views, *NOBODY_CAME)
    assert found["sessions"] == 0
    assert found["bounce_rate"] is None
