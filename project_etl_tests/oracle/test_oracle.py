"""The oracle judged by hand: tiny landing folders whose answers are worked out in the tests' own words."""

from __future__ import annotations

import subprocess
import sys
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, ClassVar

import pytest

from project_etl_tests.oracle import online_retail, values
from project_etl_tests.oracle.given import (
    DAY,
    LINES,
    NEXT_DAY,
    csv_text,
    customer,
    item,
    land,
    land_lines,
    land_records,
    land_shop,
    order,
    product,
    rate,
    retail,
    rows_of,
)
from project_etl_tests.oracle.tables import MissingRateError, Rates, convert, round_half_up


def test_the_oracle_never_loads_the_platform() -> None:
    code = "import sys, project_etl_tests.oracle, project_etl_tests.oracle.compare; "
    code += "sys.exit(any(name.split('.')[0] == 'project_etl' for name in sys.modules))"
    root = Path(__file__).resolve().parents[2]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0


class TestOnlineRetail:
    def test_an_invoice_takes_its_time_customer_and_country_from_its_earliest_lines(self, tmp_path: Path) -> None:
        # The earliest line is rejected (no quantity) and names no customer; the file order is not the time order.
        land_lines(tmp_path, ["A1", "P", "cup", 2, "2025-01-15 10:05:00", "1.50", "77.0", "EIRE"], name="a.csv")
        land_lines(
            tmp_path,
            ["A1", "P", "cup", 0, "2025-01-15 09:55:00", "1.50", "", "RSA"],
            ["A1", "P", "cup", 1, "2025-01-15 10:01:00", "1.50", "88.0", "RSA"],
            name="b.csv",
        )
        found = retail(tmp_path, "SELECT order_id, order_ts, customer_id, country, status, currency FROM orders")
        assert found == [("A1", datetime(2025, 1, 15, 9, 55), "88", "ZA", "COMPLETED", "GBP")]
        assert retail(tmp_path, "SELECT hour, sum(quantity), sum(net) FROM facts GROUP BY hour") == [
            (9, 3, Decimal("4.5000"))
        ]

    def test_repeats_collapse_returns_are_no_revenue_and_names_keep_their_case(self, tmp_path: Path) -> None:
        line = ["1", "p", "cup", 2, f"{DAY} 10:00:00", "1.5", "", "Unspecified"]
        land_lines(tmp_path, line, line, [*line[:7], "Atlantis"], ["c1", *line[1:]], ["C2", "P", *line[2:]])
        land_lines(tmp_path, line, ["C3", "P", "cup", -4, *line[4:]], day=NEXT_DAY)
        found = retail(tmp_path, "SELECT order_id, product_id, quantity FROM items ORDER BY ALL")
        assert found == [("1", "p", 2), ("1", "p", 2), ("C2", "P", 2), ("C3", "P", 4), ("c1", "p", 2)]
        assert retail(tmp_path, "SELECT order_id, status, country FROM orders ORDER BY ALL") == [
            ("1", "COMPLETED", "ZZ"),
            ("C2", "RETURNED", "ZZ"),
            ("C3", "RETURNED", "ZZ"),
            ("c1", "COMPLETED", "ZZ"),
        ]

    @pytest.mark.parametrize(
        ("change", "rule"),
        [
            ({"Quantity": 0}, "quantity_range"),
            ({"Quantity": -1}, "quantity_range"),
            ({"Quantity": 100_001}, "quantity_range"),
            ({"Quantity": "1.5"}, "quantity_type"),
            ({"UnitPrice": "0.0"}, "unit_price_range"),
            ({"UnitPrice": "100000.01"}, "unit_price_range"),
            ({"UnitPrice": "free"}, "unit_price_type"),
            ({"StockCode": ""}, "product_id"),
            ({"InvoiceNo": ""}, "order_id"),
            ({"InvoiceDate": "soon"}, "invoice_date_type"),
            ({"StockCode": "Q", "Description": " "}, "product_exists"),
            ({"InvoiceNo": "9", "InvoiceDate": "2025-01-17 00:00:00"}, "order_exists"),
            ({"InvoiceNo": "9", "InvoiceDate": "1899-12-31 23:59:59"}, "order_exists"),
            ({"InvoiceNo": "9", "CustomerID": "1.5E+12"}, "order_exists"),
        ],
    )
    def test_a_line_that_breaks_a_rule_is_no_item(self, change: dict[str, object], rule: str, tmp_path: Path) -> None:
        good = dict(zip(LINES, ["1", "P", "cup", 1, f"{DAY} 10:00:00", "2.0", "7.0", "Spain"], strict=True))
        land_lines(tmp_path, list(good.values()), list((good | change).values()))
        assert retail(tmp_path, "SELECT count(*) FROM items") == [(1,)]
        assert retail(tmp_path, "SELECT rule FROM rejects WHERE dataset = 'order_items'") == [(rule,)]

    def test_the_country_table_has_iso_codes_only(self) -> None:
        assert set(online_retail.COUNTRY_CODES.values()) <= values.ISO_COUNTRIES


class TestShop:
    def test_a_good_order_becomes_a_fact(self, tmp_path: Path) -> None:
        land_shop(tmp_path, customers=[customer()], products=[product()], orders=[order()], order_items=[item()])
        assert rows_of(tmp_path, "FROM facts") == [
            ("o1", date(2025, 1, 15), 10, "c1", "GB", "p1", "Home", 2, Decimal(6), Decimal(1), Decimal(5))
        ]

    @pytest.mark.parametrize(
        ("dataset", "bad", "rule"),
        [
            ("customers", customer(customer_id=None), "customer_id_required"),
            ("customers", customer(updated_at="yesterday"), "updated_at_required"),
            ("customers", customer(email="nobody"), "email_pattern"),
            ("customers", customer(country="Germany"), "country_iso"),
            ("customers", customer(signup_date="2025-13-01"), "signup_date_type"),
            ("products", product(product_id=""), "product_id_required"),
            ("products", product(name=" "), "name_required"),
            ("products", product(updated_at=None), "updated_at_required"),
            ("products", product(price=0), "price_positive"),
            ("products", product(price="dear"), "price_type"),
            ("products", product(currency="EURO"), "currency_iso"),
            ("products", product(active="maybe"), "active_type"),
            ("orders", order(order_id=None), "order_id_required"),
            ("orders", order(order_ts="2025-02-30T10:00:00Z"), "order_ts_required"),
            ("orders", order(status="SHIPED"), "status_allowed"),
            ("orders", order(order_total="-0.01"), "order_total_not_negative"),
            ("orders", order(order_total="ten"), "order_total_type"),
            ("orders", order(order_ts="2025-01-18T00:00:00Z"), "order_ts_in_range"),
            ("order_items", item(order_item_id=None), "order_item_id_required"),
            ("order_items", item(order_id=None), "order_id_required"),
            ("order_items", item(quantity=0), "quantity_range"),
            ("order_items", item(quantity=100_001), "quantity_range"),
            ("order_items", item(quantity="two"), "quantity_type"),
            ("order_items", item(unit_price="0"), "unit_price_range"),
            ("order_items", item(unit_price="abc"), "unit_price_type"),
            ("order_items", item(discount="-1"), "discount_not_negative"),
            ("order_items", item(discount="6.01"), "discount_within_gross"),
            ("order_items", item(order_id="o9"), "order_exists"),
            ("order_items", item(product_id="p9"), "product_exists"),
            ("fx_rates", rate(rate="0"), "rate_positive"),
            ("fx_rates", rate(rate=None), "rate_positive"),
            ("fx_rates", rate(rate="much"), "rate_type"),
            ("fx_rates", rate(rate_date="2025-02-30"), "rate_date_required"),
        ],
    )
    def test_each_rule_rejects_its_record_and_no_other_rule_fires(
        self, dataset: str, bad: dict[str, Any], rule: str, tmp_path: Path
    ) -> None:
        good = {"customers": [customer()], "products": [product()], "orders": [order()], "order_items": [item()]}
        land_shop(tmp_path, **good)
        # The bad record is newer than the good one: it must lose all the same.
        land_records(tmp_path, dataset, [bad], NEXT_DAY)
        assert rows_of(tmp_path, "SELECT rule FROM rejects") == [(rule,)]
        assert rows_of(tmp_path, "SELECT net FROM facts") == [(Decimal(5),)]

    def test_a_country_a_price_and_its_currency_may_be_missing(self, tmp_path: Path) -> None:
        later = customer(country="FR", updated_at="2025-01-16T00:00:00Z")
        land_shop(
            tmp_path,
            customers=[customer(country=None), later],
            products=[product(price=None, currency=None)],
            orders=[order()],
            order_items=[item()],
        )
        assert rows_of(tmp_path, "SELECT country, net FROM facts") == [("ZZ", Decimal(5))]
        assert rows_of(tmp_path, "FROM rejects") == []

    def test_missing_mail_guests_totals_that_differ_and_no_discount_are_fine(self, tmp_path: Path) -> None:
        land_shop(
            tmp_path,
            customers=[customer(email=None)],
            products=[product()],
            orders=[order(status="paid", customer_id=None, order_total="99"), order(order_id="o2", customer_id="c9")],
            order_items=[item(discount=""), item(order_item_id="i2", order_id="o2", discount=None)],
        )
        assert rows_of(tmp_path, "SELECT customer_id, country, net FROM facts ORDER BY order_id") == [
            (None, "ZZ", Decimal(6)),
            ("c9", "ZZ", Decimal(6)),
        ]
        assert rows_of(tmp_path, "FROM rejects") == []

    def test_the_newest_record_wins_whenever_it_lands_and_ties_go_to_the_later_file(self, tmp_path: Path) -> None:
        land_shop(tmp_path, products=[product()], order_items=[item(quantity=9), item(quantity=3)])
        land_shop(tmp_path, orders=[order(status="RETURNED", updated_at="2025-01-16T23:00:00Z")])
        land_shop(tmp_path, NEXT_DAY, orders=[order(status="PLACED")])
        assert rows_of(tmp_path, "SELECT status FROM orders") == [("RETURNED",)]
        assert rows_of(tmp_path, "SELECT quantity FROM items") == [(3,)]
        land_shop(tmp_path, "2025-01-18", orders=[order(updated_at="2025-01-16T23:00:00Z")])
        assert rows_of(tmp_path, "SELECT quantity FROM facts") == [(3,)]

    def test_a_fact_sees_the_version_valid_at_its_time_or_the_earliest(self, tmp_path: Path) -> None:
        early, at, late = "2025-01-15T10:29:59Z", "2025-01-15T10:30:00Z", "2025-01-15T10:30:01Z"
        land_shop(
            tmp_path,
            customers=[customer(updated_at=late, country="FR"), customer(updated_at="2025-02-01", country="DE")],
            products=[
                product(updated_at=early, category="old"),
                product(updated_at=at, category="HOME & garden"),
                product(updated_at=late, category="new"),
            ],
            orders=[order(), order(order_id="o2", country="IE")],
            order_items=[item(), item(order_item_id="i2", order_id="o2")],
        )
        found = rows_of(tmp_path, "SELECT country, category FROM facts ORDER BY order_id")
        assert found == [("FR", "Home & Garden"), ("IE", "Home & Garden")]


def gone(at: str, **says: Any) -> dict[str, Any]:
    """A record that says nothing but what is gone, and when."""
    return {"updated_at": at, "_deleted": True, **says}


class TestDeletions:
    """A deletion is a version like any other: who wins is the newest, and nobody is left when that is one."""

    LATER, LATEST = "2025-01-16T08:00:00Z", "2025-01-16T09:00:00Z"
    GOOD: ClassVar[dict[str, Any]] = {
        "customers": [customer()],
        "products": [product()],
        "orders": [order()],
        "order_items": [item()],
    }

    @pytest.mark.parametrize(
        ("dataset", "key", "waits"),
        [
            ("products", {"product_id": "p1"}, [("product_exists",)]),
            ("orders", {"order_id": "o1"}, [("order_exists",)]),
            ("order_items", {"order_item_id": "i1", "order_id": "o1"}, []),
        ],
    )
    def test_what_is_gone_sells_nothing_until_it_is_there_again(
        self, dataset: str, key: dict[str, str], waits: list[tuple[str]], tmp_path: Path
    ) -> None:
        land_shop(tmp_path, **self.GOOD)
        land_records(tmp_path, dataset, [gone(self.LATER, **key)], NEXT_DAY)
        assert rows_of(tmp_path, "FROM facts") == []
        assert rows_of(tmp_path, "SELECT rule FROM rejects") == waits
        (good,) = self.GOOD[dataset]
        land_records(tmp_path, dataset, [{**good, "updated_at": self.LATEST}], "2025-01-17")
        assert rows_of(tmp_path, "SELECT net FROM facts") == [(Decimal(5),)]
        assert rows_of(tmp_path, "FROM rejects") == []

    def test_an_older_deletion_loses_and_the_later_file_decides_at_the_same_instant(self, tmp_path: Path) -> None:
        land_shop(tmp_path, **self.GOOD)
        land_records(tmp_path, "orders", [gone("2025-01-15T10:29:00Z", order_id="o1")], NEXT_DAY)
        assert rows_of(tmp_path, "SELECT count(*) FROM facts") == [(1,)]
        land_records(tmp_path, "orders", [gone("2025-01-15T10:30:00Z", order_id="o1")], "2025-01-17")
        assert rows_of(tmp_path, "SELECT count(*) FROM facts") == [(0,)]

    def test_a_history_has_no_version_of_a_deletion_and_what_was_known_last_counts_on(self, tmp_path: Path) -> None:
        land_shop(
            tmp_path,
            customers=[customer(country="FR"), customer(updated_at="2025-01-10"), gone("2025-01-12", customer_id="c1")],
            products=[product(), gone("2025-01-12", product_id="p1"), product(updated_at=self.LATER, category="new")],
            orders=[order()],
            order_items=[item()],
        )
        assert rows_of(tmp_path, "SELECT country FROM customers_history ORDER BY updated_at") == [("FR",), ("GB",)]
        assert rows_of(tmp_path, "SELECT category FROM products_history ORDER BY updated_at") == [("Home",), ("New",)]
        assert rows_of(tmp_path, "SELECT country, category FROM facts") == [("GB", "Home")]

    def test_a_rate_that_is_gone_leaves_the_newest_before_it(self, tmp_path: Path) -> None:
        land_shop(tmp_path, products=[product()], orders=[order(currency="USD")], order_items=[item()])
        header = ("rate_date", "base_currency", "quote_currency", "rate", "_deleted")
        rates = [("2025-01-10", "EUR", "USD", "3", ""), (DAY, "EUR", "USD", "2", "no"), (DAY, "EUR", "USD", "", "true")]
        land(tmp_path, f"shop/fx_rates/{DAY}/rates.csv", csv_text(header, *rates))
        assert rows_of(tmp_path, "SELECT gross FROM facts") == [(Decimal("2.0000"),)]
        assert rows_of(tmp_path, "FROM rejects") == []

    @pytest.mark.parametrize(
        ("dataset", "bad", "rules"),
        [
            ("orders", order(updated_at=LATER, _deleted="maybe"), ["deletion_readable"]),
            ("orders", gone("", order_id="o1"), ["deletion_dated"]),
            ("orders", gone("soon", order_id="o1"), ["deletion_dated", "updated_at_type"]),
            ("orders", gone("9999-12-31", order_id="o1"), ["updated_at_in_range"]),
            ("orders", gone(LATER), ["order_id_required"]),
            ("orders", gone(LATER, order_id="o1", customer_id="1.5E+12"), ["customer_id_not_rounded"]),
            ("customers", gone(LATER, customer_id="4.5e+12"), ["customer_id_not_rounded"]),
            ("order_items", gone(LATER, order_item_id="i1"), ["order_id_required"]),
        ],
    )
    def test_a_deletion_must_say_what_is_gone_and_when(
        self, dataset: str, bad: dict[str, Any], rules: list[str], tmp_path: Path
    ) -> None:
        land_shop(tmp_path, **self.GOOD)
        land_records(tmp_path, dataset, [bad], NEXT_DAY)
        assert rows_of(tmp_path, "SELECT rule FROM rejects ORDER BY rule") == [(rule,) for rule in rules]
        assert rows_of(tmp_path, "SELECT net FROM facts") == [(Decimal(5),)]

    def test_an_item_may_be_gone_before_its_parents_are_known(self, tmp_path: Path) -> None:
        land_shop(tmp_path, order_items=[item()])
        land_records(tmp_path, "order_items", [gone(self.LATER, order_item_id="i1", order_id="o1")], NEXT_DAY)
        assert rows_of(tmp_path, "SELECT rule FROM rejects ORDER BY rule") == [("order_exists",), ("product_exists",)]
        land_shop(tmp_path, "2025-01-17", products=[product()], orders=[order()])
        assert rows_of(tmp_path, "FROM items") == []


def test_both_sources_fill_the_same_tables(tmp_path: Path) -> None:
    land_shop(tmp_path, products=[product()], orders=[order(currency="GBP", country="FR")], order_items=[item()])
    land_lines(tmp_path, ["536365", "85123A", "HEART", 6, f"{DAY} 08:26:00", "2.55", "17850.0", "United Kingdom"])
    query = "SELECT order_id, category, country, net FROM facts ORDER BY order_id"
    assert rows_of(tmp_path, query, ("shop", "online_retail"), "GBP") == [
        ("536365", "Unknown", "GB", Decimal("15.3000")),
        ("o1", "Home", "FR", Decimal("5.0000")),
    ]


class TestRates:
    def test_given_before_inverse_before_cross_and_never_a_mix_of_days(self) -> None:
        monday, tuesday, sunday = date(2025, 1, 13), date(2025, 1, 14), date(2025, 1, 19)
        rates = Rates([(monday, "EUR", "USD", "1.25"), (monday, "EUR", "GBP", "0.8"), (tuesday, "EUR", "GBP", "0.9")])
        assert rates.newest("USD", "EUR", monday) == Fraction(4, 5)
        assert rates.newest("USD", "GBP", monday) == Fraction(16, 25)
        assert rates.newest("USD", "GBP", sunday) == Fraction(16, 25)  # Tuesday has no way from USD to GBP
        assert rates.newest("EUR", "GBP", sunday) == Fraction(9, 10)
        with pytest.raises(MissingRateError, match="no rate from USD to GBP on 2025-01-12"):
            rates.newest("USD", "GBP", date(2025, 1, 12))

    def test_amounts_are_rounded_half_up_at_four_places(self) -> None:
        assert convert(Decimal("0.0005"), Fraction(1, 10)) == Decimal("0.0001")
        assert convert(Decimal("0.0004"), Fraction(1, 10)) == Decimal(0)
        assert convert(Decimal("3"), Fraction(2, 3)) == Decimal(2)
        assert [round_half_up(Fraction(n, 1000), 2) for n in (5, -5, 4)] == [Decimal("0.01"), Decimal("-0.01"), 0]

    def test_an_order_is_priced_by_its_day_and_without_a_rate_it_has_no_amounts(self, tmp_path: Path) -> None:
        land_shop(tmp_path, products=[product()], orders=[order(currency="USD")], order_items=[item()])
        assert rows_of(tmp_path, "SELECT gross, discount, net FROM facts") == [(None, None, None)]
        header = ("rate_date", "base_currency", "quote_currency", "rate")
        text = csv_text(header, (NEXT_DAY, "EUR", "USD", "2"), ("2025-01-10", "EUR", "USD", "3"))
        land(tmp_path, f"shop/fx_rates/{DAY}/rates.csv", text)
        found = rows_of(tmp_path, "SELECT gross, discount, net FROM facts")
        assert found == [(Decimal("2.0000"), Decimal("0.3333"), Decimal("1.6667"))]
