"""Exports of WooCommerce become orders, lines, refunds, products and customers, whatever they hold."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from project_etl.core.bronze import erasure, tombstones
from project_etl.core.bronze.tombstones import Tombstones, customer_hash, email_hash
from project_etl.core.engine.base import Engine
from project_etl.sources.woocommerce import CUSTOMERS, ORDERS, PRODUCTS
from project_etl_tests.sources.given import ExportingShop, broken

pytestmark = pytest.mark.long

D0, D1, D2 = "2026-01-04", "2026-01-05", "2026-01-06"
# 60.00 of goods less a coupon of 10.00, shipping of 5.00, a fee of 1.00, and 19 % of taxes on all.
OF_ORDER = {
    "order_id": "1001", "order_number": "R-1001", "date": "2026-01-05 00:30:00", "status": "processing",
    "shipping_total": "5.00", "shipping_tax_total": "0.95", "fee_total": "1.00", "fee_tax_total": "0.19",
    "tax_total": "10.64", "discount_total": "10.00", "order_total": "66.64", "refunded_total": "0.00",
    "order_currency": "EUR", "customer_id": "7", "billing_first_name": "Ada", "billing_last_name": "King",
    "billing_email": "Ada@Example.org", "billing_phone": "'+49 30 1", "billing_city": "Berlin", "billing_country": "DE",
    "shipping_first_name": "Ada", "shipping_country": "AT", "customer_note": 'Ring\ntwice, at "King"',
}  # fmt: skip
ORDER = OF_ORDER | {
    "item_id": "501", "item_product_id": "45", "item_name": "Hoodie - Blue", "item_sku": "H-B", "item_quantity": "1",
    "item_subtotal": "40.00", "item_total": "33.33", "item_price": "33.33",
}  # fmt: skip
NEXT = OF_ORDER | {
    "item_id": "502", "item_product_id": "46", "item_name": "Mug", "item_quantity": "3", "item_subtotal": "20.00",
    "item_total": "16.67",
}  # fmt: skip
COMPLETED = {"status": "completed"}


@pytest.fixture
def shop(tmp_path: Path, engine: Engine) -> ExportingShop:
    return ExportingShop(tmp_path, engine, "woocommerce")


def test_an_order_of_several_rows_reaches_gold(tmp_path: Path, engine: Engine) -> None:
    shop = ExportingShop(tmp_path, engine, "woocommerce", source_timezones={"woocommerce": "Europe/Berlin"})
    shop.export(ORDERS, D1, ORDER, NEXT)
    assert shop.broken(D0, D1) == {"orders.customer_known": 1}
    columns = ("order_id", "customer_id", "order_ts", "status", "currency", "order_total", "country")
    # By the clocks of the shop it is an hour later.
    at = datetime(2026, 1, 4, 23, 30, tzinfo=UTC)
    assert shop.rows("silver/orders", *columns) == [("1001", "7", at, "PAID", "EUR", Decimal("50.0000"), "AT")]
    columns = ("order_item_id", "product_id", "quantity", "unit_price", "discount", "net_amount")
    # A third of 20.00 has no end; what it is too much is discount.
    assert shop.rows("silver/order_items", *columns) == [
        ("501", "H-B", 1, Decimal("40.0000"), Decimal("6.6700"), Decimal("33.3300")),
        ("502", "id-46", 3, Decimal("6.6667"), Decimal("3.3301"), Decimal("16.6700")),
    ]
    sold = shop.rows("gold/fact_orders", "order_date", "status", "net_amount_reporting")
    assert sold == [(date(2026, 1, 4), "PAID", Decimal("50.0000"))]


def test_exports_of_the_same_order(shop: ExportingShop) -> None:
    shop.export(ORDERS, D1, ORDER, NEXT)
    shop.everything(D1)
    before = shop.rows("silver/order_items", "order_item_id", "net_amount"), shop.rows("gold/fact_order_items")
    shop.export(ORDERS, D2, ORDER, NEXT, name="again.csv")
    shop.everything(D1, D2)
    assert (
        shop.rows("silver/order_items", "order_item_id", "net_amount"),
        shop.rows("gold/fact_order_items"),
    ) == before
    # The newest export has one line, and something was paid back.
    paid_back = COMPLETED | {"refunded_total": "5.00", "order_total": "46.80"}
    shop.export(ORDERS, D2, ORDER | paid_back, name="later.csv")
    shop.everything(D1, D2)
    assert shop.rows("silver/orders", "status") == [("PARTIALLY_REFUNDED",)]
    assert shop.rows("silver/order_items", "order_item_id") == [("501",)]
    refunds = shop.rows("silver/refunds", "refund_id", "order_id", "amount", "refunded_at")
    assert refunds == [("1001-refund", "1001", Decimal("5.0000"), datetime(2026, 1, 5, 0, 30, tzinfo=UTC))]
    assert shop.rows("gold/daily_refunds", "refunds", "amount", "share") == [
        (1, Decimal("5.00"), Decimal("0.150015")),
    ]


STATUSES = [
    ("pending", "0.00", "PLACED"),
    ("on-hold", "", "PLACED"),
    ("processing", "0", "PAID"),
    ("wc-completed", "0.00", "COMPLETED"),
    ("Completed", "1.00", "PARTIALLY_REFUNDED"),
    ("processing", "1.00", "PARTIALLY_REFUNDED"),
    ("refunded", "66.64", "REFUNDED"),
    ("cancelled", "1.00", "CANCELLED"),
    ("failed", "0.00", "CANCELLED"),
    ("checkout-draft", "0.00", None),
    ("", "0.00", None),
]
LINES = [
    # No discount: what a third has too little is none.
    ({"item_subtotal": "10.00", "item_total": "10.00"}, ("3.3333", "0.0000", "9.9999")),
    ({"item_subtotal": "20.00", "item_total": "20.00"}, ("6.6667", "0.0000", "20.0001")),
    # Made dearer by hand, and given away.
    ({"item_subtotal": "9.00", "item_total": "12.00"}, ("4.0000", "0.0000", "12.0000")),
    ({"item_subtotal": "9.00", "item_total": "0.00"}, ("3.0000", "9.0000", "0.0000")),
    ({"item_subtotal": "", "item_total": "9.00"}, ("3.0000", "0.0000", "9.0000")),
]


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory, engine: Engine) -> ExportingShop:
    """A shop with the exports of many small cases, each with order numbers of its own."""
    shop = ExportingShop(tmp_path_factory.mktemp("many"), engine, "woocommerce")
    said = [{"status": status, "refunded_total": paid_back} for status, paid_back, _ in STATUSES]
    orders = [ORDER | row | {"order_id": f"{number}"} for number, row in enumerate(said, start=10)]
    shop.export(ORDERS, D1, *orders, name="statuses.csv")
    bad = [{"item_quantity": "0"}, {"item_quantity": "many"}, {"item_subtotal": "free", "item_total": "none at all"}]
    rows = [NEXT | {"item_id": f"{number}", **row} for number, row in enumerate([row for row, _ in LINES] + bad)]
    # Without numbers of lines, they are told apart as those of other shop systems are.
    rows += [ORDER | {"item_id": "", "order_id": "1002"}] * 2
    path = shop.export(ORDERS, D1, *rows, name="lines.csv")
    path.write_text(path.read_text() + '1003,"x"y"' + "\r\n")
    shop.load(D1)
    return shop


def test_where_an_order_stands(many: ExportingShop) -> None:
    expected = [(f"{number}", row[2]) for number, row in enumerate(STATUSES, start=10) if row[2]]
    found = many.rows("silver/orders", "order_id", "status")
    assert [row for row in found if len(row[0]) == 2] == expected
    assert [rules for _, rules in many.kept_out("orders", "statuses.csv")] == [["status_isin"], ["status_not_null"]]


def test_prices_are_those_of_a_piece_and_what_cannot_be_is_kept_out(many: ExportingShop) -> None:
    found = many.of_orders("silver/order_items", "100", "order_item_id", "unit_price", "discount", "net_amount")
    prices = {key: tuple(map(str, values)) for key, *values in found}
    assert [prices[f"{number}"] for number in range(len(LINES))] == [expected for _, expected in LINES]
    assert len(prices) == len(LINES) + 2
    assert sorted(many.kept_out("order_items", "lines.csv")) == [
        (6, ["quantity_greater_than"]),
        (7, ["quantity_type"]),
        (8, ["discount_type", "unit_price_type"]),
        (11, ["well_formed"]),
    ]


HOODIE = {
    "ID": "44", "Type": "variable", "SKU": "H", "Name": "Hoodie", "Published": "1", "Description": "<p>Soft,\nwarm</p>",
    "Categories": "Clothing > Hoodies, Sale", "Tags": "new, soft", "Attribute 1 name": "Colour",
}  # fmt: skip
BLUE = {"ID": "45", "Type": "variation", "SKU": "H-B", "Name": "Hoodie - Blue", "Published": "1", "Parent": "H",
        "Regular price": "45,50"}  # fmt: skip
MUGS = {"ID": "46", "Type": "variable", "Name": "Mug", "Published": "'-1", "Categories": "Home"}
RED_MUG = {"ID": "47", "Type": "variation", "Name": "Mug - Red", "Published": "0", "Parent": "id:46",
           "Regular price": "8"}  # fmt: skip


def test_products_and_what_was_sold_of_them(shop: ExportingShop) -> None:
    gone = NEXT | {"item_id": "503", "item_product_id": "0", "item_name": "Old thing"}
    shop.export(ORDERS, D1, ORDER, NEXT, gone)
    shop.export(PRODUCTS, D1, HOODIE, BLUE, MUGS, RED_MUG)
    shop.everything(D1)
    columns = ("product_id", "name", "category", "subcategory", "price", "is_active", "tags")
    found = {key: tuple(said) for key, *said in shop.rows("silver/products", *columns)}
    stand_in = next(key for key in found if key.startswith("name-"))
    assert found == {
        "H": ("Hoodie", "Clothing", "Hoodies", None, True, ["new", "soft"]),
        "H-B": ("Hoodie - Blue", "Clothing", "Hoodies", Decimal("45.5000"), True, ["new", "soft"]),
        "id-46": ("Mug", "Home", None, None, False, None),
        "id-47": ("Mug - Red", "Home", None, Decimal("8.0000"), False, None),
        stand_in: ("Old thing", "Unknown", None, None, None, None),
    }
    sold = shop.rows("gold/fact_order_items", "order_item_id", "product_id", "category")
    assert sold == [("501", "H-B", "Clothing"), ("502", "id-46", "Home"), ("503", stand_in, "Unknown")]


ADA = {
    "customer_id": "7", "first_name": "", "last_name": "king", "email": "Ada@Example.org",
    "date_registered": "2025-12-01 10:00:00", "billing_first_name": "ada", "billing_phone": "'+49 30 1",
    "billing_city": "Berlin", "billing_country": "DE",
}  # fmt: skip
GUEST = {"customer_id": "0", "email": "ada@example.org", "billing_first_name": "Ada"}


def test_customers_are_known_by_their_number_and_guests_are_none(shop: ExportingShop) -> None:
    shop.export(CUSTOMERS, D1, ADA, GUEST)
    shop.export(ORDERS, D1, ORDER, NEXT, ORDER | {"order_id": "1002", "customer_id": "0"})
    assert broken(shop.load(D1)) == {"orders.customer_id_not_null": 1}
    columns = ("customer_id", "full_name", "email", "phone", "country", "city", "signup_date")
    assert shop.rows("silver/customers", *columns) == [
        ("7", "Ada King", "ada@example.org", "+49 30 1", "DE", "Berlin", date(2025, 12, 1))
    ]
    assert shop.rows("silver/orders", "order_id", "customer_id") == [("1001", "7"), ("1002", None)]


def test_who_is_erased_leaves_no_name_and_no_address_also_as_a_guest(shop: ExportingShop) -> None:
    shop.export(CUSTOMERS, D1, ADA, GUEST)
    shop.export(ORDERS, D1, ORDER, NEXT, ORDER | {"order_id": "1002", "customer_id": "0"})
    shop.load(D1)
    by_id = Tombstones(frozenset({customer_hash("", "7")}))
    jobs = [shop.bronze_job(dataset.name) for dataset in (CUSTOMERS, ORDERS)]
    addresses = {address for job in jobs for address in erasure.addresses(job, job.redaction(by_id))}
    assert addresses == {"ada@example.org"}
    # Guests are nobody else.
    assert not any(erasure.shared(job, job.redaction(by_id), addresses) for job in jobs)
    tombstones.write(shop.lake, by_id | Tombstones(emails=frozenset(map(email_hash, addresses))))
    found = [erasure.erase(job, job.redaction(tombstones.read(shop.lake))) for job in jobs]
    assert [(each.removed, each.emptied) for each in found] == [(2, 0), (0, 3)]
    held = repr(shop.rows(ORDERS.bronze, *ORDERS.columns)).lower()
    assert not [word for word in ("ada", "king", "berlin", "twice", "+49") if word in held]
    shop.load(D1)
    assert shop.rows("silver/customers", "customer_id") == []
    assert shop.rows("silver/orders", "order_id", "customer_id") == [("1001", None), ("1002", None)]
