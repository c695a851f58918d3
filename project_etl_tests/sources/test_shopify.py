"""Exports of Shopify become orders, lines, refunds, products and customers, whatever they hold and however often."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from project_etl.core.bronze import erasure, tombstones
from project_etl.core.bronze.tombstones import Tombstones, customer_hash
from project_etl.core.engine.base import Engine
from project_etl.sources.shopify import CUSTOMERS, ORDERS, PRODUCTS
from project_etl_tests.sources.given import ExportingShop, Row

pytestmark = pytest.mark.long

D1, D2, D3 = "2026-01-05", "2026-01-06", "2026-01-20"
# As Shopify writes it: what the order is stands in the first row, with notes of several lines.
ORDER = {
    "Name": "#1001", "Email": "Ada@Example.org", "Financial Status": "paid", "Paid at": "2026-01-05 10:12:40 +0100",
    "Fulfillment Status": "unfulfilled", "Currency": "EUR", "Subtotal": "50.00", "Shipping": "5.00", "Taxes": "8.78",
    "Total": "55.00", "Discount Code": "TEN", "Discount Amount": "10.00", "Created at": "2026-01-05 10:12:33 +0100",
    "Lineitem quantity": "1", "Lineitem name": "Shirt - Blue / M", "Lineitem price": "30.00", "Lineitem sku": "S-1",
    "Lineitem discount": "0.00", "Billing Name": "Ada King", "Billing Zip": "'10115", "Billing Country": "AT",
    "Shipping Country": "DE", "Notes": 'Ring\ntwice, at "King"', "Refunded Amount": "0.00", "Phone": "'+49301",
}  # fmt: skip
MUG = {"Lineitem name": "Mug", "Lineitem price": "10.00", "Lineitem discount": "0.00"}
NEXT = {"Name": "#1001", "Email": "Ada@Example.org", "Lineitem quantity": "2", **MUG}
LAST = {"Name": "#1001", "Lineitem quantity": "1", **MUG}
SHIPPED = ORDER | {"Fulfillment Status": "fulfilled", "Fulfilled at": "2026-01-06 09:00:00 +0100"}
# An order of one line without a discount.
SMALL = ORDER | {"Subtotal": "30.00", "Discount Amount": "0.00", "Discount Code": ""}


@pytest.fixture
def shop(tmp_path: Path, engine: Engine) -> ExportingShop:
    return ExportingShop(tmp_path, engine, "shopify")


def items(shop: ExportingShop, *columns: str) -> list[tuple[object, ...]]:
    return shop.rows("silver/order_items", *(columns or ("product_id", "quantity", "unit_price", "discount")))


def money(*texts: str) -> tuple[Decimal, ...]:
    return tuple(map(Decimal, texts))


def test_an_order_of_several_rows_reaches_gold(shop: ExportingShop) -> None:
    shop.export(ORDERS, D1, ORDER, NEXT, LAST)
    # No list of customers has arrived.
    assert shop.broken(D1) == {"orders.customer_known": 1}
    columns = ("order_id", "customer_id", "order_ts", "status", "currency", "order_total", "country")
    at = datetime(2026, 1, 5, 9, 12, 33, tzinfo=UTC)
    expected = ("#1001", "ada@example.org", at, "PAID", "EUR", Decimal("50.0000"), "DE")
    assert shop.rows("silver/orders", *columns) == [expected]
    assert items(shop, "quantity", "unit_price", "discount", "net_amount") == [
        (1, *money("10.0000", "1.6667", "8.3333")),
        (1, *money("30.0000", "5.0000", "25.0000")),
        (2, *money("10.0000", "3.3333", "16.6667")),
    ]
    assert shop.rows("gold/fact_orders", "order_date", "order_id", "status", "net_amount_reporting") == [
        (date(2026, 1, 5), "#1001", "PAID", Decimal("50.0000"))
    ]
    sold = shop.rows("gold/fact_order_items", "is_revenue", "net_amount_reporting", "category")
    assert sold == [(True, Decimal(net), "Unknown") for net in ("16.6667", "25.0000", "8.3333")]


def test_the_same_order_exported_again_changes_nothing_but_where_it_is_from(shop: ExportingShop) -> None:
    shop.export(ORDERS, D1, ORDER, NEXT, LAST)
    shop.everything(D1)
    ids, facts = items(shop, "order_item_id", "quantity"), shop.rows("gold/fact_order_items")
    shop.export(ORDERS, D2, ORDER, NEXT, LAST, name="again.csv")
    shop.everything(D1, D2)
    assert items(shop, "order_item_id", "quantity") == ids
    assert shop.rows("gold/fact_order_items") == facts
    version = shop.version("silver/order_items")
    shop.everything(D1, D2)
    assert shop.version("silver/order_items") == version


@pytest.mark.parametrize("together", [True, False], ids=["at once", "day by day"])
def test_a_later_export_replaces_what_an_earlier_one_said(shop: ExportingShop, *, together: bool) -> None:
    shop.export(ORDERS, D1, ORDER, NEXT, LAST)
    # Shipped, and one mug was taken off.
    shop.export(ORDERS, D2, SHIPPED | {"Subtotal": "40.00"}, NEXT)
    for days in [(D1, D2)] if together else [(D1,), (D1, D2)]:
        shop.everything(*days)
    assert shop.rows("silver/orders", "order_id", "status", "order_total") == [("#1001", "SHIPPED", Decimal("40.0000"))]
    assert items(shop, "quantity", "net_amount") == [(1, Decimal("24.0000")), (2, Decimal("16.0000"))]
    assert shop.rows("gold/fact_orders", "status", "net_amount_reporting") == [("SHIPPED", Decimal("40.0000"))]


def test_an_older_export_that_arrives_late_changes_nothing(shop: ExportingShop) -> None:
    shop.export(ORDERS, D2, SHIPPED, NEXT, LAST)
    shop.everything(D2)
    before = shop.rows("silver/order_items"), shop.rows("silver/orders")
    shop.export(ORDERS, D3, ORDER, NEXT)
    shop.everything(D3)
    assert (shop.rows("silver/order_items"), shop.rows("silver/orders")) == before


SHARES = [
    ("", "10.00", ("1.6667", "3.3333", "5.0000")),
    ("", "", ("0.0000", "0.0000", "0.0000")),
    ("0.00", "60.00", ("10.0000", "20.0000", "30.0000")),
    ("59.99", "0.01", ("0.0017", "0.0033", "0.0050")),
    # A tip is a line that no subtotal has.
    ("50.00", "0.00", ("1.6667", "3.3333", "5.0000")),
    ("65.00", "0.00", ("0.0000", "0.0000", "0.0000")),
]
STATUSES = [
    ("pending", "unfulfilled", "", "PLACED"),
    ("authorized", "", "", "PLACED"),
    ("partially_paid", "partial", "", "PLACED"),
    ("paid", "", "", "PAID"),
    ("Paid", "partial", "", "PAID"),
    ("paid", "fulfilled", "", "SHIPPED"),
    ("pending", "fulfilled", "", "SHIPPED"),
    ("partially_refunded", "fulfilled", "", "PARTIALLY_REFUNDED"),
    ("partially_refunded", "", "2026-01-05 12:00:00 +0100", "CANCELLED"),
    ("refunded", "fulfilled", "", "REFUNDED"),
    ("refunded", "restocked", "2026-01-05 12:00:00 +0100", "REFUNDED"),
    ("paid", "unfulfilled", "2026-01-05 12:00:00 +0100", "CANCELLED"),
    ("voided", "", "", "CANCELLED"),
    ("expired", "", "", "CANCELLED"),
    ("bartered", "fulfilled", "", "BARTERED"),
    ("paid", "lost", "", "LOST"),
    ("", "fulfilled", "", None),
]
NO_LINE = dict.fromkeys(("Lineitem quantity", "Lineitem name", "Lineitem price", "Lineitem sku"), "")


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory, engine: Engine) -> ExportingShop:
    """A shop with the exports of many small cases, each with order numbers of its own."""
    shop = ExportingShop(tmp_path_factory.mktemp("many"), engine, "shopify")
    shop.export(ORDERS, D1, *of("#twice", ORDER | {"Subtotal": "50.00"}, LAST, LAST), name="twice.csv")
    # 3.00 on the mugs, 5.00 on all, and 4.90 on shipping, which no line bears.
    told = of(
        "#told", ORDER | {"Subtotal": "52.00", "Discount Amount": "12.90"}, NEXT | {"Lineitem discount": "3.00"}, LAST
    )
    shop.export(ORDERS, D1, *told, name="told.csv")
    shares: list[Row] = []
    for number, (subtotal, discount, _) in enumerate(SHARES):
        order = ORDER | {"Subtotal": subtotal, "Discount Amount": discount}
        shares += of(f"#share{number}", order, NEXT, LAST)
    shop.export(ORDERS, D1, *shares, name="shares.csv")
    gift = LAST | {"Lineitem price": "0.00", "Lineitem name": "Sticker"}
    lines = of("#lines", ORDER | {"Subtotal": "20.00"}, gift, LAST | {"Lineitem quantity": "two"})
    shop.export(ORDERS, D1, *lines, name="lines.csv")
    names = ("Financial Status", "Fulfillment Status", "Cancelled at")
    said = [dict(zip(names, row, strict=False)) for row in STATUSES]
    orders = [SMALL | row | {"Name": f"#status{number}"} for number, row in enumerate(said, start=10)]
    shop.export(ORDERS, D1, *orders, name="statuses.csv")
    shop.export(ORDERS, D1, *of("#lot", SMALL | {"Refunded Amount": "a lot"}), name="refund.csv")
    path = shop.export(
        ORDERS, D1, *of("#read", SMALL), {"Name": "", **MUG, "Lineitem quantity": "1"}, name="unread.csv"
    )
    path.write_text(path.read_text() + '#1002,"x"y"' + "\r\n")
    shop.export(ORDERS, D1, *of("#none", ORDER | NO_LINE), name="no_line.csv")
    shop.load(D1)
    return shop


def of(order: str, *rows: Row) -> list[Row]:
    """Rows of an export, as those of an order of this number."""
    return [row | {"Name": order} for row in rows]


def test_the_same_line_twice_is_two_items(many: ExportingShop) -> None:
    found = many.of_orders("silver/order_items", "#twice", "order_item_id", "quantity", "discount")
    assert [row[1:] for row in found] == [(1, Decimal("0.0000"))] * 3
    assert len({row[0] for row in found}) == 3


def test_discounts_are_those_that_the_lines_tell_and_a_share_of_the_rest(many: ExportingShop) -> None:
    told = [(1, *money("10.0000", "0.8772")), (1, *money("30.0000", "2.6316")), (2, *money("10.0000", "4.4912"))]
    assert many.of_orders("silver/order_items", "#told", "quantity", "unit_price", "discount") == told
    assert sum(row[2] for row in told) == Decimal("8.0000")


def test_shares_add_up_to_the_discount(many: ExportingShop) -> None:
    found = [
        tuple(sorted(discount for (discount,) in many.of_orders("silver/order_items", f"#share{number}", "discount")))
        for number in range(len(SHARES))
    ]
    assert found == [money(*expected) for _, _, expected in SHARES]


def test_what_a_line_cannot_be_is_kept_out_and_the_others_bear_the_discount(many: ExportingShop) -> None:
    found = many.of_orders("silver/order_items", "#lines", "unit_price", "discount")
    assert found == [money("30.0000", "10.0000")]
    assert many.kept_out("order_items", "lines.csv") == [
        (2, ["product_exists", "unit_price_greater_than"]),
        (3, ["quantity_type"]),
    ]


def test_where_an_order_stands(many: ExportingShop) -> None:
    assert many.of_orders("silver/orders", "#status", "status") == [(row[3],) for row in STATUSES[:-3]]
    # What is not known arrives as it is, and breaks the rule.
    rules = [rules for _, rules in many.kept_out("orders", "statuses.csv")]
    assert rules == [["status_isin"], ["status_isin"], ["status_not_null"]]


def test_a_refunded_amount_that_is_no_number_is_kept_out(many: ExportingShop) -> None:
    assert [rules for _, rules in many.kept_out("refunds", "refund.csv")] == [["amount_type"]]


def test_a_row_that_cannot_be_read_and_one_without_an_order_are_kept_out(many: ExportingShop) -> None:
    assert many.of_orders("silver/orders", "#read") == [()]
    assert many.kept_out("order_items", "unread.csv") == [(2, ["order_id_not_null"]), (3, ["well_formed"])]


def test_an_order_without_a_line_has_none(many: ExportingShop) -> None:
    assert many.of_orders("silver/orders", "#none") == [()]
    assert many.of_orders("silver/order_items", "#none") == []
    assert many.kept_out("order_items", "no_line.csv") == []


def test_a_refund_is_as_of_the_newest_instant_and_goes_with_a_later_export(shop: ExportingShop) -> None:
    refunded = {"Financial Status": "partially_refunded", "Refunded Amount": "12.50"}
    shop.export(ORDERS, D2, SHIPPED | refunded, NEXT, LAST)
    shop.everything(D1, D2)
    at = datetime(2026, 1, 6, 8, tzinfo=UTC)
    found = shop.rows("silver/refunds", "refund_id", "order_id", "amount", "refunded_at")
    assert found == [("#1001-refund", "#1001", Decimal("12.5000"), at)]
    daily = shop.rows("gold/daily_refunds", "refund_date", "refunds", "amount", "share")
    assert daily == [(date(2026, 1, 6), 1, Decimal("12.50"), Decimal("0.250000"))]
    # More is paid back; nothing else says when.
    shop.export(ORDERS, D3, SHIPPED | refunded | {"Refunded Amount": "20.00"}, NEXT, LAST)
    shop.everything(D2, D3)
    assert shop.rows("gold/daily_refunds", "refunds", "amount") == [(1, Decimal("20.00"))]
    shop.export(ORDERS, D3, SHIPPED, NEXT, LAST, name="taken_back.csv")
    shop.everything(D2, D3)
    assert shop.rows("silver/refunds", "refund_id") == []
    assert shop.rows("gold/daily_refunds", "refunds") == []


def test_a_guest_and_another_currency(shop: ExportingShop) -> None:
    shop.export(ORDERS, D1, SMALL | {"Email": "", "Currency": "USD", "Shipping Country": ""})
    found = shop.broken(D1)
    assert {name: found[name] for name in ("orders.customer_id_not_null", "fact_order_items.fx_rate_known")} == {
        "orders.customer_id_not_null": 1,
        "fact_order_items.fx_rate_known": 1,
    }
    # The delivery address is the billing address.
    assert shop.rows("gold/fact_orders", "customer_id", "currency", "country") == [(None, "USD", "AT")]


def test_a_country_that_is_no_code_is_unknown_and_named(shop: ExportingShop) -> None:
    shop.export(ORDERS, D1, SMALL | {"Shipping Country": "Atlantis"})
    assert shop.broken(D1)["orders.source_values_mapped"] == 1
    assert shop.rows("silver/orders", "country") == [("ZZ",)]


SHIRT = {
    "Handle": "shirt", "Title": "Shirt", "Body (HTML)": "<p>Soft,\nwarm</p>", "Product Category": "Apparel > Clothing",
    "Type": "tops", "Tags": "new, soft", "Option1 Name": "Colour", "Option1 Value": "Blue", "Option2 Value": "M",
    "Variant SKU": "S-1", "Variant Price": "30.00", "Status": "active", "Image Src": "https://example.org/1.png",
}  # fmt: skip
LARGE = {"Handle": "shirt", "Option1 Value": "Blue", "Option2 Value": "L", "Variant Price": "31.00"}
PICTURE = {"Handle": "shirt", "Image Src": "https://example.org/2.png", "Image Position": "2"}
PLAIN_MUG = {
    "Handle": "mug", "Title": "Mug", "Product Category": "Home > Kitchen > Mugs", "Option1 Name": "Title",
    "Option1 Value": "Default Title", "Variant Price": "9.00", "Status": "draft",
}  # fmt: skip


def products(shop: ExportingShop, *columns: str) -> list[tuple[object, ...]]:
    return shop.rows("silver/products", *columns)


def test_variants_are_products_and_each_line_finds_its_own(shop: ExportingShop) -> None:
    shop.export(PRODUCTS, D1, SHIRT, LARGE, PICTURE, PLAIN_MUG)
    shop.export(ORDERS, D1, ORDER, NEXT, LAST | {"Lineitem name": "Shirt - Blue / L", "Lineitem price": "31.00"})
    shop.everything(D1)
    found = products(shop, "name", "category", "subcategory", "price", "is_active", "tags")
    assert found == [
        ("Mug", "Home", "Mugs", Decimal("9.0000"), False, None),
        ("Shirt - Blue / L", "Tops", "Clothing", Decimal("31.0000"), True, ["new", "soft"]),
        ("Shirt - Blue / M", "Tops", "Clothing", Decimal("30.0000"), True, ["new", "soft"]),
    ]
    sold = shop.rows("gold/fact_order_items", "unit_price", "category")
    assert sold == [
        (Decimal("10.0000"), "Home"),
        (Decimal("30.0000"), "Tops"),
        (Decimal("31.0000"), "Tops"),
    ]


@pytest.mark.parametrize("first", ["list", "orders"])
def test_a_list_tells_more_of_a_product_than_an_order_whichever_arrives_first(shop: ExportingShop, first: str) -> None:
    days = (D1, D2) if first == "list" else (D2, D1)
    shop.export(PRODUCTS, days[0], SHIRT)
    shop.export(ORDERS, days[1], SMALL, LAST)
    shop.load(D1)
    shop.everything(D1, D2)
    assert products(shop, "name", "category") == [("Mug", "Unknown"), ("Shirt - Blue / M", "Tops")]
    sold = shop.rows("gold/fact_order_items", "unit_price", "category")
    assert sold == [(Decimal("10.0000"), "Unknown"), (Decimal("30.0000"), "Tops")]


def test_the_newest_list_wins(shop: ExportingShop) -> None:
    shop.export(PRODUCTS, D2, SHIRT | {"Type": "knitwear", "Status": "sleeping"}, SHIRT | {"Variant SKU": "S-2"})
    shop.export(PRODUCTS, D1, SHIRT)
    shop.load(D2)
    shop.load(D1)
    assert products(shop, "product_id", "category") == [("S-1", "Tops")]
    # A word that is not known keeps all variants out.
    assert [rules for _, _, rules in shop.quarantined("products")] == [["is_active_type"]] * 2
    shop.export(PRODUCTS, D3, SHIRT | {"Type": "knitwear"})
    shop.load(D3)
    assert products(shop, "product_id", "category") == [("S-1", "Knitwear")]


ADA = {
    "Customer ID": "'6001", "First Name": "ada", "Last Name": "king", "Email": "ADA@example.org",
    "Default Address City": "Berlin", "Default Address Country Code": "DE", "Default Address Zip": "'10115",
    "Default Address Phone": "'+49 30 1", "Note": "likes\nblue",
}  # fmt: skip


def test_customers_are_known_by_their_address(shop: ExportingShop) -> None:
    shop.export(CUSTOMERS, D1, ADA, ADA | {"Customer ID": "'6002", "Email": "", "Phone": "'+49 30 2"})
    shop.export(ORDERS, D1, SMALL)
    assert shop.broken(D1) == {}
    found = shop.rows("silver/customers", "customer_id", "full_name", "email", "phone", "country", "city")
    assert found == [("ada@example.org", "Ada King", "ada@example.org", "+49 30 1", "DE", "Berlin")]
    assert shop.rows("gold/fact_orders", "customer_id", "customer_known") == [("ada@example.org", True)]


def test_who_is_erased_leaves_no_name_and_no_address(shop: ExportingShop) -> None:
    shop.export(CUSTOMERS, D1, ADA, ADA | {"Email": "grace@example.org"})
    shop.export(ORDERS, D1, ORDER, NEXT, LAST)
    shop.load(D1)
    tombstones.write(shop.lake, Tombstones(frozenset({customer_hash("", "ada@example.org")})))
    for dataset, expected in ((CUSTOMERS, (1, 0)), (ORDERS, (0, 2))):
        job = shop.bronze_job(dataset.name)
        found = erasure.erase(job, job.redaction(tombstones.read(shop.lake)))
        assert (found.removed, found.emptied) == expected
        held = repr(shop.rows(dataset.bronze, *dataset.columns)).lower()
        for word in ("ada", "10115", "twice"):
            assert word not in held.replace("grace@example.org", "") or dataset is CUSTOMERS, word
    shop.load(D1)
    assert shop.rows("silver/customers", "customer_id") == [("grace@example.org",)]
    assert shop.rows("silver/orders", "order_id", "customer_id") == [("#1001", None)]
    assert len(items(shop)) == 3
