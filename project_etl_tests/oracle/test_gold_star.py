"""The star schema of the oracle judged by hand, from small landings to rows."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from project_etl_tests.oracle import expected_gold
from project_etl_tests.oracle.given import (
    DAY,
    NEXT_DAY,
    contact,
    csv_text,
    customer,
    deal,
    event,
    item,
    land,
    land_crm,
    land_shop,
    order,
    product,
    refund,
    review,
)

pytestmark = pytest.mark.long

FIRST, SECOND = date.fromisoformat(DAY), date.fromisoformat(NEXT_DAY)
RATE_HEADER = ("rate_date", "base_currency", "quote_currency", "rate")

Row = tuple[Any, ...]


def rows(root: Path, table: str, *columns: str, days: tuple[date, ...] = (FIRST, SECOND)) -> list[Row]:
    """Return some columns of a table, in the order of its key."""
    found = expected_gold(root, ("shop",), "EUR", days)[table]
    return [tuple(row[name] for name in columns) for row in found.by_key().values()]


def land_good(root: Path, **datasets: list[dict[str, Any]]) -> None:
    """Land a customer, a product and what a test is about."""
    land_shop(root, **{"customers": [customer()], "products": [product()], **datasets})


def land_rates(root: Path, *rates: Row) -> None:
    land(root, f"shop/fx_rates/{DAY}/rates.csv", csv_text(RATE_HEADER, *rates))


def amount(text: str) -> Decimal:
    return Decimal(text)


class TestRefunds:
    def test_more_than_the_order_leaves_less_than_nothing(self, tmp_path: Path) -> None:
        late = {"refunded_at": f"{NEXT_DAY}T12:00:00Z"}
        refunds = [refund(**late), refund(refund_id="r2", amount="3.00", order_item_id="i1", quantity="1", **late)]
        land_good(tmp_path, orders=[order()], order_items=[item()])
        land_shop(tmp_path, NEXT_DAY, refunds=refunds)
        assert rows(tmp_path, "fact_refunds", "refund_date", "refund_id", "order_item_id", "quantity", "amount") == [
            (SECOND, "r1", None, None, amount("4.00")),
            (SECOND, "r2", "i1", 1, amount("3.00")),
        ]
        after = ("net_amount_reporting", "refunded_reporting", "net_after_refunds_reporting")
        assert rows(tmp_path, "fact_orders", *after) == [(amount("5"), amount("7"), amount("-2"))]
        daily = ("refund_date", "refunds", "orders", "amount", "share")
        assert rows(tmp_path, "daily_refunds", *daily) == [(SECOND, 2, 1, amount("7.00"), amount("1.4"))]
        assert rows(tmp_path, "daily_refunds", *daily, days=(FIRST,)) == []
        assert rows(tmp_path, "daily_aov", "net_revenue") == [(amount("5.00"),)]
        assert rows(tmp_path, "customer_360", "refunds", "refunded", "ltv") == [(2, amount("7.00"), amount("5.00"))]

    def test_a_full_refund_in_a_foreign_currency_leaves_nothing(self, tmp_path: Path) -> None:
        land_good(tmp_path, orders=[order(currency="USD")], order_items=[item()])
        land_rates(tmp_path, (DAY, "EUR", "USD", "3"), (NEXT_DAY, "EUR", "USD", "7"))
        land_shop(tmp_path, NEXT_DAY, refunds=[refund(amount="5.00")])
        columns = ("order_date", "currency", "amount", "amount_reporting")
        assert rows(tmp_path, "fact_refunds", *columns) == [(FIRST, "USD", amount("5"), amount("1.6667"))]
        after = ("refunded_reporting", "net_after_refunds_reporting")
        assert rows(tmp_path, "fact_orders", *after) == [(amount("1.6667"), amount("0"))]
        assert rows(tmp_path, "daily_refunds", "amount", "share") == [(amount("1.67"), amount("1"))]

    def test_without_a_rate_they_are_counted_and_in_no_sum(self, tmp_path: Path) -> None:
        orders = [order(), order(order_id="o2", currency="JPY"), order(order_id="o3", currency="JPY")]
        land_good(tmp_path, orders=orders, order_items=[item(), item(order_id="o2")], refunds=[refund()])
        refunds = [refund(refund_id=f"r{n}", order_id=key) for n, key in enumerate(("o1", "o2"), start=2)]
        late = [{**row, "refunded_at": f"{NEXT_DAY}T12:00:00Z"} for row in refunds]
        land_shop(tmp_path, NEXT_DAY, refunds=late)
        assert rows(tmp_path, "fact_refunds", "refund_id", "amount_reporting") == [
            ("r1", amount("4")),
            ("r2", amount("4")),
            ("r3", None),
        ]
        assert rows(tmp_path, "daily_refunds", "refund_date") == [(FIRST,)]
        columns = ("net_amount", "net_amount_reporting", "refunded_reporting", "net_after_refunds_reporting")
        assert rows(tmp_path, "fact_orders", "order_id", *columns) == [
            ("o1", amount("5"), amount("5"), amount("8"), amount("-3")),
            ("o2", amount("5"), None, None, None),
            ("o3", 0, 0, 0, 0),
        ]
        assert rows(tmp_path, "customer_ltv", "orders", "net_revenue") == [(2, amount("5"))]
        assert rows(tmp_path, "customer_360", "frequency", "ltv", "refunds", "refunded") == [
            (2, amount("5"), 3, amount("8"))
        ]

    def test_of_an_order_that_is_no_revenue_they_are_paid_all_the_same(self, tmp_path: Path) -> None:
        land_good(
            tmp_path,
            orders=[order(status="CANCELLED"), order(order_id="o2", status="REFUNDED")],
            order_items=[item()],
            refunds=[refund(), refund(refund_id="r2", order_id="o2")],
        )
        columns = ("is_revenue", "net_amount_reporting", "refunded_reporting", "net_after_refunds_reporting")
        assert rows(tmp_path, "fact_orders", *columns, "reporting_currency") == [
            (False, amount("5"), amount("4"), 0, "EUR"),
            (False, 0, amount("4"), 0, None),
        ]
        assert rows(tmp_path, "daily_refunds", "orders", "amount", "share") == [(2, amount("8"), amount("1.6"))]

    def test_of_orders_worth_nothing_there_is_no_share(self, tmp_path: Path) -> None:
        land_good(tmp_path, orders=[order()], refunds=[refund()])
        assert rows(tmp_path, "daily_refunds", "amount", "share") == [(amount("4"), None)]


class TestFacts:
    def test_every_item_of_any_status_has_the_rate_of_its_day_or_an_earlier_one(self, tmp_path: Path) -> None:
        orders = [order(status="PLACED", currency="USD"), order(order_id="o2"), order(order_id="o3", currency="JPY")]
        items = [item(), item(order_id="o2", discount="0"), item(order_id="o3", discount="")]
        land_good(tmp_path, orders=orders, order_items=items)
        land_rates(tmp_path, ("2025-01-10", "EUR", "USD", "3"), (NEXT_DAY, "EUR", "USD", "7"))
        columns = ("order_id", "is_revenue", "fx_rate_date", "fx_carried", "net_amount_reporting")
        assert rows(tmp_path, "fact_order_items", *columns, "discount_applied") == [
            ("o1", False, date(2025, 1, 10), True, amount("1.6667"), True),
            ("o2", True, None, False, amount("6"), False),
            ("o3", True, None, False, None, False),
        ]
        assert rows(tmp_path, "fact_order_items", "order_id", days=(SECOND,)) == []

    def test_a_guest_is_nobody_and_a_deleted_customer_is_not_known(self, tmp_path: Path) -> None:
        orders = [order(), order(order_id="o2", customer_id=""), order(order_id="o3", customer_id="c2", country="FR")]
        land_good(tmp_path, orders=orders, order_items=[item()])
        land_shop(tmp_path, NEXT_DAY, customers=[customer(updated_at=f"{NEXT_DAY}T00:00:00Z", _deleted=True)])
        found = rows(tmp_path, "fact_orders", "customer_id", "customer_known", "country", "order_year", "order_month")
        assert found == [("c1", False, "GB", 2025, 1), (None, None, "ZZ", 2025, 1), ("c2", False, "FR", 2025, 1)]
        assert rows(tmp_path, "dim_customers", "customer_id") == rows(tmp_path, "customer_360", "customer_id") == []
        assert rows(tmp_path, "customer_ltv", "customer_id", "as_of") == [("c1", FIRST)]
        checks = {name: row for name, *row in rows(tmp_path, "validation", "name", "broken", "share", "passed", "days")}
        assert checks["fact_orders_customer_id_in_dim_customers"] == [2, amount("1"), False, [FIRST]]


class TestDimensions:
    def test_days_run_from_the_start_to_the_latest_order_or_event(self, tmp_path: Path) -> None:
        land_good(tmp_path, orders=[order()], events=[event(event_ts=f"{NEXT_DAY}T10:00:00Z")])
        found = expected_gold(tmp_path, ("shop",), "EUR", [FIRST], start_date=date(2024, 12, 29))["dim_date"]
        assert len(found.rows) == 19
        assert found.rows[:2] == [
            (date(2024, 12, 29), 2024, 4, 12, 2024, 52, 7, True, SECOND),
            (date(2024, 12, 30), 2024, 4, 12, 2025, 1, 1, False, SECOND),
        ]
        assert found.rows[-1] == (SECOND, 2025, 1, 1, 2025, 3, 4, False, SECOND)
        assert rows(tmp_path, "dim_products", "product_id", "category_main", "as_of") == [("p1", "Home", SECOND)]

    @pytest.mark.parametrize(("days", "is_active"), [(89, True), (90, False)])
    def test_a_customer_is_active_for_ninety_days(self, days: int, is_active: bool, tmp_path: Path) -> None:
        last = f"{FIRST + timedelta(days=days)}T10:00:00Z"
        orders = [order(status="CANCELLED"), order(order_id="o2", order_ts=last, updated_at=last, customer_id="c2")]
        land_shop(
            tmp_path, last[:10], products=[product()], orders=orders, customers=[customer(signup_date="2024-07-01")]
        )
        columns = ("is_active", "signup_year", "signup_month", "ltv_estimate")
        assert rows(tmp_path, "dim_customers", *columns) == [(is_active, 2024, 7, 0)]

    def test_without_facts_there_is_no_day(self, tmp_path: Path) -> None:
        land_good(tmp_path)
        assert rows(tmp_path, "dim_date", "date") == []
        assert rows(tmp_path, "dim_customers", "is_active", "as_of") == [(False, None)]
        columns = ("recency_days", "frequency", "last_purchases", "favourite_category", "average_rating", "as_of")
        assert rows(tmp_path, "customer_360", *columns) == [(None, 0, [], None, None, None)]


class TestCustomer360:
    def test_of_two_categories_worth_the_same_the_first_by_name(self, tmp_path: Path) -> None:
        products = [product(product_id=key, category=name) for key, name in (("p1", "toys"), ("p2", "books"))]
        items = [item(), item(order_item_id="i2", product_id="p2")]
        land_good(tmp_path, products=products, orders=[order()], order_items=items)
        assert rows(tmp_path, "customer_360", "favourite_category") == [("Books",)]
        cheaper = [item(updated_at=f"{NEXT_DAY}T00:00:00Z", discount="0.99")]
        land_shop(tmp_path, NEXT_DAY, order_items=cheaper)
        assert rows(tmp_path, "customer_360", "favourite_category") == [("Toys",)]

    def test_last_purchases_are_five_by_time_then_number(self, tmp_path: Path) -> None:
        times = ("10:30", "09:00", "10:30", "11:00", "10:30", "08:00", "12:00")
        orders = [order(order_id=f"o{n}", order_ts=f"{DAY}T{at}:00Z") for n, at in enumerate(times, start=1)]
        orders[-1]["status"] = "PLACED"
        items = [item(order_id=row["order_id"], unit_price="3.0025") for row in orders]
        land_good(tmp_path, orders=orders, order_items=items)
        ((last,),) = rows(tmp_path, "customer_360", "last_purchases")
        assert [purchase["order_id"] for purchase in last] == ["o4", "o1", "o3", "o5", "o2"]
        assert last[0] == {"order_id": "o4", "order_date": FIRST, "net_revenue": amount("5.01")}
        assert rows(tmp_path, "customer_360", "recency_days", "frequency", "ltv") == [(0, 6, amount("30.03"))]

    def test_what_a_customer_looked_at_in_thirty_days_and_said(self, tmp_path: Path) -> None:
        times = (
            *("2024-12-17T23:00:00Z", "2024-12-18T00:00:00Z"),
            *(f"{DAY}T10:00:00Z", f"{DAY}T10:30:00Z", f"{DAY}T11:00:01Z", f"{NEXT_DAY}T00:00:00Z"),
            f"{NEXT_DAY}T00:30:00Z",
        )
        events = [event(event_id=f"e{n}", event_ts=at) for n, at in enumerate(times)]
        # Who somebody is may be known in the middle of a session, and another event is no view.
        events[2]["customer_id"] = None
        events[4]["event_type"] = "add_to_cart"
        reviews = [review(review_id=f"v{n}", rating=stars) for n, stars in enumerate((5, 4, 4))]
        land_shop(tmp_path, NEXT_DAY, events=events, reviews=reviews)
        land_good(tmp_path)
        columns = ("sessions_30d", "views_30d", "average_rating", "as_of")
        assert rows(tmp_path, "customer_360", *columns) == [(4, 5, amount("4.33"), SECOND)]


def test_validation_counts_what_is_wrong_and_names_the_days(tmp_path: Path) -> None:
    orders = [order(order_total="5.01"), order(order_id="o2", order_total="5.02"), order(order_id="o3")]
    items = [item(order_id=row["order_id"]) for row in orders]
    land_good(tmp_path, orders=orders, order_items=items, customers=[customer(signup_date=NEXT_DAY)])
    found = rows(tmp_path, "validation", "name", "table", "kind", "severity", "broken", "passed", "days", "as_of")
    assert len(found) == 20
    assert [row for row in found if not row[5]] == [
        ("fact_orders_totals", "fact_orders", "total", "WARN", 1, False, [FIRST], FIRST)
    ]
    land_shop(tmp_path, NEXT_DAY, reviews=[review(), review(review_id="v2", review_ts=None)])
    assert {row for row in rows(tmp_path, "validation", "table", "checked") if row[0] == "fact_reviews"} == {
        ("fact_reviews", 1)
    }
    late = customer(customer_id="c3", signup_date="2025-01-17", updated_at=f"{NEXT_DAY}T00:00:00Z")
    land_shop(tmp_path, NEXT_DAY, customers=[late])
    checks = {name: row for name, *row in rows(tmp_path, "validation", "name", "broken", "severity", "days")}
    assert checks["dim_customers_signup_date_in_range"] == [1, "ERROR", []]


class TestCrm:
    def crm_rows(self, root: Path, table: str, *columns: str) -> list[Row]:
        found = expected_gold(root, ("shop", "hubspot"), "EUR", (FIRST, SECOND))[table]
        return [tuple(row[name] for name in columns) for row in found.by_key().values()]

    def test_a_customer_has_the_newest_contact_with_the_same_address(self, tmp_path: Path) -> None:
        land_shop(tmp_path, customers=[customer(email="ANN@example.org"), customer(customer_id="c2")])
        newer = contact(id="k2", lifecyclestage="Customer", updatedAt="2025-01-02T00:00:00Z")
        same_time = contact(id="k3", lifecyclestage="other", updatedAt="2025-01-02T00:00:00Z")
        deals = [
            deal(),
            *(deal(id=f"d{n}", contact="k2", hs_is_closed=closed) for n, closed in enumerate((None, "true"), 2)),
        ]
        land_crm(tmp_path, contacts=[contact(), newer, same_time], deals=deals)
        columns = ("customer_id", "lifecycle_stage", "open_deals")
        assert self.crm_rows(tmp_path, "customer_360", *columns) == [("c1", "customer", 1), ("c2", None, 0)]
        assert rows(tmp_path, "customer_360", *columns) == [("c1", None, None), ("c2", None, None)]

    def test_deals_are_summed_by_the_day_they_were_made_with_its_rate(self, tmp_path: Path) -> None:
        land_rates(tmp_path, (DAY, "EUR", "USD", "4"), (NEXT_DAY, "EUR", "USD", "8"))
        deals = [
            deal(),
            deal(id="d2", deal_currency_code="USD", dealstage="won"),
            deal(id="d3", amount=None, deal_currency_code="JPY"),
            deal(id="d4", amount="-1"),
            deal(id="d5", createdAt=f"{NEXT_DAY}T00:00:00Z", deal_currency_code="JPY"),
            deal(id="d6", createdAt=f"{NEXT_DAY}T00:00:00Z", deal_currency_code=None),
            deal(id="d7"),
        ]
        land_crm(tmp_path, deals=deals)
        land_crm(tmp_path, NEXT_DAY, deals=[{"id": "d7", "_deleted": True, "archivedAt": f"{NEXT_DAY}T00:00:00Z"}])
        assert self.crm_rows(tmp_path, "sales_pipeline", "created_date", "stage", "deals", "amount") == [
            (FIRST, "sent", 2, amount("10.00")),
            (FIRST, "won", 1, amount("2.50")),
        ]
