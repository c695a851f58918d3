"""What the page on today asks: of the shop of the other pages, and of a few orders in many currencies."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import deltalake
import pyarrow as pa
import pytest

from project_etl.core.lake import TableStore
from project_etl.core.views import Views
from project_etl.dashboard.queries import sales, today

TUESDAY = date(2025, 1, 7)
END_OF_TUESDAY = datetime(2025, 1, 7, 23, 59, 59, tzinfo=UTC)
NEXT_MONDAY = date(2025, 1, 13)
ORDERS, EVENTS = ("silver.orders", "order_date"), ("silver.events", "event_date")


@pytest.mark.parametrize("day", [date(2025, 1, 6), TUESDAY, NEXT_MONDAY])
def test_a_whole_day_has_golds_orders_and_revenue(views: Views, day: date) -> None:
    found = today.orders_by_hour(views, day, datetime(2025, 1, 14, tzinfo=UTC), "EUR")
    golds = sales.in_all(views, day, day)
    assert found["revenue_orders"].sum() == golds["orders"]
    assert found["net_revenue"].sum() == pytest.approx(float(golds["net_revenue"]))


def test_orders_of_any_status_count_and_only_revenue_orders_bring_revenue(views: Views) -> None:
    found = today.orders_by_hour(views, NEXT_MONDAY, datetime(2025, 1, 14, tzinfo=UTC), "EUR")
    assert found["hour"].tolist() == [*range(24)]
    assert found.set_index("hour").loc[10].tolist() == [2, 1, 10.0, 0]


def test_later_orders_do_not_count(views: Views) -> None:
    before_ten = datetime(2025, 1, 7, 9, 59, tzinfo=UTC)
    assert today.orders_by_hour(views, TUESDAY, before_ten, "EUR")["orders"].sum() == 0


def test_the_newest_orders_come_first_without_revenue_where_they_bring_none(views: Views) -> None:
    found = today.newest_orders(views, NEXT_MONDAY, datetime(2025, 1, 14, tzinfo=UTC), "EUR")
    assert found["order_id"].tolist() == ["O5", "O6"]
    assert found["status"].tolist() == ["PAID", "CANCELLED"]
    assert found["net_revenue"].isna().tolist() == [False, True]


def test_hours_are_those_of_the_zone(visits: Path) -> None:
    berlin = Views(TableStore(str(visits / "lake")), zone="Europe/Berlin")
    found = today.orders_by_hour(berlin, TUESDAY, END_OF_TUESDAY, "EUR")
    assert found.loc[found["orders"] > 0, "hour"].tolist() == [11]


def test_events_of_each_hour_by_type(views: Views) -> None:
    found = today.events_by_hour(views, NEXT_MONDAY, datetime(2025, 1, 13, 12, tzinfo=UTC))
    assert found["hour"].tolist() == [*range(24)]
    assert found.set_index("hour").loc[10].tolist() == [1, 1, 0]
    # The purchase at eight in the evening is yet to come.
    assert found["purchases"].sum() == 0


def test_a_visitor_counts_once_a_day(views: Views) -> None:
    assert today.visitors(views, date(2025, 1, 6), END_OF_TUESDAY) == 2


def test_the_funnel_counts_visitors_of_some_hours(views: Views) -> None:
    until = datetime(2025, 1, 6, 11, tzinfo=UTC)
    assert today.funnel(views, until - timedelta(hours=2), until) == {
        "visitors": 2, "with_view": 2, "with_cart": 1, "with_purchase": 1,
    }  # fmt: skip
    assert today.funnel(views, until - timedelta(minutes=51), until)["with_cart"] == 0


def test_the_newest_day_is_that_of_any_of_the_tables(views: Views) -> None:
    assert today.newest_day(views, ORDERS, EVENTS) == NEXT_MONDAY
    assert today.newest_event(views) == datetime(2025, 1, 13, 20, tzinfo=UTC)


def test_the_files_of_the_newest_landing_day(views: Views) -> None:
    found = today.landed(views)
    assert {*found["landing_date"]} == {NEXT_MONDAY}
    assert {*zip(found["dataset"], found["records"], strict=True)} == {
        ("shop/orders", 2), ("shop/order_items", 2), ("shop/events", 3), ("shop/refunds", 1), ("shop/reviews", 2),
    }  # fmt: skip
    assert {*found["status"]} == {"loaded"}


def test_a_lake_without_files_has_landed_nothing(visits: Path) -> None:
    assert today.landed(Views(TableStore(str(visits / "nothing")))).empty


# --- currencies -------------------------------------------------------------------------------------------------------

DAY = date(2025, 1, 10)
NOON = datetime(2025, 1, 10, 12, tzinfo=UTC)


def currencies_in(folder: Path, rates: list[tuple[date, str, str, float]], *currencies: str) -> Views:
    """A lake with an order of 100 in each currency, and some rates."""
    orders = [
        {
            "order_id": currency,
            "order_ts": NOON,
            "order_date": DAY,
            "status": "PAID",
            "currency": currency,
            "country": "GB",
        }
        for currency in currencies
    ]
    items = [{"order_id": currency, "order_date": DAY, "quantity": 1, "net_amount": 100.0} for currency in currencies]
    names = ("rate_date", "base_currency", "quote_currency", "rate")
    tables = {
        "orders": orders,
        "order_items": items,
        "fx_rates": [dict(zip(names, each, strict=True)) for each in rates],
    }
    for name, rows in tables.items():
        if rows:
            deltalake.write_deltalake(str(folder / "silver" / name), pa.Table.from_pylist(rows))
    return Views(TableStore(str(folder)))


def revenue_of(views: Views) -> dict[str, float]:
    found = today.newest_orders(views, DAY, NOON, "EUR")
    return dict(zip(found["order_id"], found["net_revenue"], strict=True))


def test_a_given_rate_wins_over_the_inverse_and_both_over_a_third_currency(tmp_path: Path) -> None:
    rates = [
        (DAY, "USD", "EUR", 0.9),
        (DAY, "EUR", "USD", 2.0),
        (DAY, "EUR", "GBP", 0.8),
        (DAY, "PLN", "USD", 0.25),
    ]
    views = currencies_in(tmp_path, rates, "EUR", "USD", "GBP", "PLN")
    assert revenue_of(views) == pytest.approx({"EUR": 100.0, "USD": 90.0, "GBP": 125.0, "PLN": 22.5})


def test_the_newest_earlier_rate_counts_and_no_later_one(tmp_path: Path) -> None:
    rates = [
        (DAY - timedelta(days=5), "USD", "EUR", 0.5),
        (DAY - timedelta(days=2), "USD", "EUR", 0.7),
        (DAY + timedelta(days=1), "USD", "EUR", 0.9),
    ]
    assert revenue_of(currencies_in(tmp_path, rates, "USD")) == pytest.approx({"USD": 70.0})


@pytest.mark.parametrize("rates", [[], [(DAY, "USD", "EUR", 0.9)]])
def test_orders_without_a_rate_are_left_out_and_counted(tmp_path: Path, rates: list) -> None:
    views = currencies_in(tmp_path, rates, "EUR", "CHF")
    found = today.orders_by_hour(views, DAY, NOON, "EUR").set_index("hour").loc[12]
    assert found.tolist() == [2, 1, 100.0, 1]
    assert today.currencies_without_rate(views, DAY, NOON, "EUR") == ["CHF"]
