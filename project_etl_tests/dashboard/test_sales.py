"""What the page on sales asks, of a shop with five revenue orders."""

from __future__ import annotations

from datetime import date

import deltalake
import pyarrow as pa
import pytest

from project_etl.core.lake import TableStore
from project_etl.core.views import Views
from project_etl.dashboard.queries import sales

MONDAY, TUESDAY, NEXT_MONDAY = (date(2025, 1, day) for day in (6, 7, 13))
JANUARY = date(2025, 1, 1), date(2025, 1, 31)
NOTHING_SOLD = date(2025, 2, 1), date(2025, 2, 28)


def test_days_are_golds(views: Views) -> None:
    found = sales.by_day(views, *JANUARY)
    assert found.values.tolist() == [
        [MONDAY, 1, 20.0, 20.0],
        [TUESDAY, 3, 360.0, 120.0],
        [NEXT_MONDAY, 1, 10.0, 10.0],
    ]


def test_all_days_together_have_the_average_of_all_orders(views: Views) -> None:
    found = sales.in_all(views, *JANUARY)
    assert (found["orders"], float(found["net_revenue"]), found["aov"]) == (5, 390.0, 78.0)


def test_both_ends_of_the_days_count(views: Views) -> None:
    assert sales.in_all(views, TUESDAY, NEXT_MONDAY)["orders"] == 4


def test_the_days_before_are_as_many_and_end_the_day_before() -> None:
    assert sales.before(date(2025, 3, 1), date(2025, 3, 31)) == (date(2025, 1, 29), date(2025, 2, 28))


def test_revenue_by_category_last_month(views: Views) -> None:
    found = sales.by_category(views, *JANUARY)
    columns = ["category", "orders", "units", "gross_revenue", "discount", "net_revenue"]
    assert found[columns].values.tolist() == [["Toys", 2, 7, 350.0, 0.0, 350.0], ["Home", 3, 4, 40.0, 0.0, 40.0]]
    assert found["share"].tolist() == pytest.approx([350 / 390, 40 / 390])
    assert found["growth"].isna().tolist() == [True, True]


def test_a_category_grows_against_as_many_days_before(views: Views) -> None:
    # Home: 10 on Tuesday, 20 on the Monday before it. Toys: nothing on that Monday.
    found = sales.by_category(views, TUESDAY, TUESDAY)
    assert found["category"].tolist() == ["Toys", "Home"]
    assert found["growth"].isna().tolist() == [True, False]
    assert found["growth"].tolist()[1] == -0.5


def test_a_category_without_revenue_in_the_days_is_left_out(views: Views) -> None:
    assert sales.by_category(views, NEXT_MONDAY, NEXT_MONDAY)["category"].tolist() == ["Home"]


def test_categories_by_day_add_up_to_the_day(views: Views) -> None:
    found = sales.by_category_and_day(views, *JANUARY)
    assert [*found.columns] == ["order_date", "Toys", "Home"]
    assert found[["Toys", "Home"]].sum(axis=1).tolist() == sales.by_day(views, *JANUARY)["net_revenue"].tolist()


def test_countries_have_shares_of_all_days(views: Views) -> None:
    found = sales.by_country(views, *JANUARY)
    assert found[["country", "net_revenue"]].values.tolist() == [["DE", 300.0], ["GB", 90.0]]
    assert found["share"].tolist() == pytest.approx([300 / 390, 90 / 390])


def test_an_hour_is_that_of_an_average_day_with_a_revenue_order(views: Views) -> None:
    found = sales.by_hour(views, *JANUARY)
    assert found["hour"].tolist() == [*range(24)]
    at_ten = found.set_index("hour").loc[10]
    assert at_ten.tolist() == pytest.approx([5 / 3, 130.0])
    assert found["net_revenue"].sum() == pytest.approx(130.0)


def test_top_products_have_the_order_and_the_numbers_of_golds_seven_days(views: Views) -> None:
    found = sales.top_products(views, date(2025, 1, 7), NEXT_MONDAY)
    golds = views.sql("FROM gold.top_products_7d WHERE order_date = '2025-01-13' ORDER BY rank").to_pylist()
    assert found[["rank", "product_id", "units", "net_revenue"]].values.tolist() == [
        [row["rank"], row["product_id"], row["units"], float(row["net_revenue"])] for row in golds
    ]
    assert found["name"].tolist() == ["Bear", "Lamp"]


def test_top_customers_of_a_day_are_golds_and_guests_are_none(views: Views) -> None:
    found = sales.top_customers(views, TUESDAY, TUESDAY)
    golds = views.sql("FROM gold.top_users WHERE order_date = '2025-01-07' ORDER BY rank").to_pylist()
    assert found[["rank", "customer_id", "orders", "net_revenue"]].values.tolist() == [
        [row["rank"], row["customer_id"], row["orders"], float(row["net_revenue"])] for row in golds
    ]
    assert found["customer_id"].tolist() == ["C2", "C1"]


def test_top_customers_of_all_days(views: Views) -> None:
    found = sales.top_customers(views, *JANUARY, ranks=2)
    assert found.values.tolist() == [[1, "C2", 1, 300.0, TUESDAY], [2, "C1", 2, 70.0, TUESDAY]]


def test_new_and_returning_are_golds(views: Views) -> None:
    found = sales.new_and_returning(views, TUESDAY, TUESDAY)
    assert found.values.tolist() == [[TUESDAY, 1, 1, 300.0, 50.0, 10.0]]


def test_refunds_count_on_the_day_of_the_refund(views: Views) -> None:
    assert sales.refunds_by_day(views, *JANUARY).values.tolist() == [[NEXT_MONDAY, 1, 1, 5.0]]
    assert sales.refunds_by_reason(views, *JANUARY).values.tolist() == [["broken", 1, 5.0]]


@pytest.mark.parametrize(
    "query",
    [
        *("by_day", "by_category", "by_category_and_day", "by_country", "by_hour", "top_products", "top_customers"),
        *("new_and_returning", "refunds_by_day", "refunds_by_reason"),
    ],
)
def test_days_on_which_nothing_is_sold_have_no_rows(views: Views, query: str) -> None:
    assert getattr(sales, query)(views, *NOTHING_SOLD).empty


def test_days_on_which_nothing_is_sold_have_no_average(views: Views) -> None:
    assert sales.in_all(views, *NOTHING_SOLD)["aov"] is None


def test_revenue_orders_without_a_rate_are_counted_by_currency(tmp_path) -> None:
    rows = [
        {"is_revenue": True, "currency": "CHF", "order_date": MONDAY, "net_amount_reporting": None},
        {"is_revenue": True, "currency": "CHF", "order_date": TUESDAY, "net_amount_reporting": None},
        {"is_revenue": False, "currency": "CHF", "order_date": NEXT_MONDAY, "net_amount_reporting": None},
        {"is_revenue": True, "currency": "EUR", "order_date": MONDAY, "net_amount_reporting": 5.0},
    ]
    deltalake.write_deltalake(str(tmp_path / "gold" / "fact_orders"), pa.Table.from_pylist(rows))
    views = Views(TableStore(str(tmp_path)))
    assert sales.without_rate(views, *JANUARY) == [{"currency": "CHF", "orders": 2, "first": MONDAY, "last": TUESDAY}]
    assert not sales.without_rate(views, *NOTHING_SOLD)
