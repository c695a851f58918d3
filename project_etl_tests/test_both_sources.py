"""Several sources at once: two feed the same Silver tables, and Gold adds them up in one currency, beside a CRM.

A generated shop in three currencies, order lines of `online_retail`, in pounds, on the same days, and contacts and
deals with customers of the shop; expected is what the oracle makes of all.
"""

from __future__ import annotations

import json
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from project_etl.core.engine.base import Engine
from project_etl.demo import generate
from project_etl_tests.oracle import expected_gold
from project_etl_tests.oracle.compare import assert_gold_equal
from project_etl_tests.oracle.given import contact, deal, land_crm, land_invoices, land_lines
from project_etl_tests.oracle.gold import GOLD_TABLES, GoldTable
from project_etl_tests.small_shop import CUSTOMER, ITEM, ORDER, PRODUCT, SmallShop, made_of

pytestmark = pytest.mark.long

SOURCES = ("shop", "online_retail", "hubspot")
NAMESPACES = {"shop": "", "online_retail": "or-"}
DAY = "2025-01-01"
DAYS = [date(2025, 1, 1) + timedelta(days=n) for n in range(3)]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory, engine: Engine) -> SmallShop:
    shop = SmallShop(tmp_path_factory.mktemp("both"), engine, SOURCES, NAMESPACES)
    generate(shop.landing, days=len(DAYS), scale=0.01)
    land_invoices(shop.landing)
    land_contacts(shop)
    shop.everything(*(day.isoformat() for day in DAYS))
    return shop


def land_contacts(shop: SmallShop) -> None:
    """A contact for every other customer, some of them twice, and deals with them; one has no amount."""
    (file,) = shop.landing.glob(f"shop/customers/{DAY}/*.jsonl")
    given = [json.loads(line).get("email") for line in file.read_text().splitlines() if line.startswith("{")]
    addresses = [address for address in given if address][::2]
    contacts = [contact(id=str(n), email=address.upper()) for n, address in enumerate(addresses)]
    doubled = [{**each, "id": f"9{each['id']}", "lifecyclestage": "Customer"} for each in contacts[::2]]
    # Some were changed at one instant, some one after the other.
    doubled[1::2] = [{**each, "updatedAt": "2025-01-01T00:00:01Z"} for each in doubled[1::2]]
    currencies = ("EUR", "USD", "GBP", None)
    deals = [
        deal(
            id=str(n),
            contact=str(n % len(contacts)),
            amount=f"{n}.{n:03}",
            deal_currency_code=currencies[n % 4],
            dealstage=("sent", "won")[n % 2],
            hs_is_closed=("false", "true")[n % 2],
            createdAt=f"2025-01-0{1 + n % 3}T10:00:00Z",
            updatedAt="2025-01-03T10:00:00Z",
        )
        for n in range(40)
    ]
    deals += [deal(id="41", amount=None, deal_currency_code="XAU", createdAt=f"{DAY}T10:00:00Z")]
    gone = {"_deleted": True, "archivedAt": "2025-01-03T11:00:00Z"}
    land_crm(shop.landing, DAY, contacts=[*contacts, *doubled])
    land_crm(shop.landing, "2025-01-03", deals=deals, contacts=[{"id": "90", **gone}, contact(id="1", **gone)])
    land_crm(shop.landing, "2025-01-02", deals=[{**deals[3], **gone}])


@pytest.fixture(scope="module")
def expected(both: SmallShop) -> dict[str, GoldTable]:
    return expected_gold(both.landing, SOURCES, "EUR", DAYS, NAMESPACES)


def test_orders_of_both_sources_are_in_one_table(both: SmallShop) -> None:
    sources = {file.split("/")[0] for (file,) in both.rows("silver/orders", "_source_file")}
    currencies = {currency for (currency,) in both.rows("silver/orders", "currency")}
    assert (sources, currencies) == ({"shop", "online_retail"}, {"EUR", "GBP", "USD"})


def test_customers_have_the_stage_and_the_open_deals_of_their_contact(both: SmallShop) -> None:
    found = set(both.rows("gold/customer_360", "lifecycle_stage", "open_deals"))
    assert {stage for stage, _ in found} == {"lead", "customer", None}
    assert len({deals for _, deals in found}) > 1


@pytest.mark.parametrize("table", GOLD_TABLES)
def test_gold_adds_them_up(both: SmallShop, expected: dict[str, GoldTable], table: str) -> None:
    assert expected[table].rows
    assert_gold_equal(both.lake.root, {table: expected[table]})


def test_orders_whose_lines_land_on_two_days_are_the_same_loaded_at_once_or_day_by_day(
    tmp_path: Path, engine: Engine
) -> None:
    # The first names the customer, the second is the earliest line of its order, the third says nothing new.
    late = [
        ("536366", "84029G", "HOT WATER BOTTLE", 1, "2025-01-01 09:02:00", "1.85", "17850", "United Kingdom"),
        ("536365", "84029G", "HOT WATER BOTTLE", 1, "2025-01-01 08:00:00", "1.85", "", "Germany"),
        ("536381", "84029G", "HOT WATER BOTTLE", 1, "not a day", "1.85", "13047", "EIRE"),
    ]
    only = made_of("silver/order_items")
    at_once, by_day = (
        SmallShop(tmp_path / name, engine, ("online_retail",), only=only) for name in ("at_once", "by_day")
    )
    for shop in (at_once, by_day):
        land_invoices(shop.landing)
        land_lines(shop.landing, *late, day="2025-01-03", name="late.csv")
    days = [day.isoformat() for day in DAYS]
    whole = at_once.load(*days)["silver/orders"]
    for day in days:
        by_day.load(day)
    assert at_once.state() == by_day.state()
    assert by_day.load(*days)["silver/orders"].days == whole.days
    orders = at_once.rows("silver/orders", "order_id", "customer_id", "country", "_source_files")
    late_file = "online_retail/online_retail/2025-01-03/late.csv"
    assert [(order, customer, country) for order, customer, country, files in orders if late_file in files] == [
        ("536365", "17850", "DE"),
        ("536366", "17850", "FR"),
        ("536381", "13047", "IE"),
    ]


def _land_equal_numbers(shop: SmallShop) -> None:
    """Both shops have an order 700001, a product 88001 and a customer 17850."""
    shop.land_rows("customers", DAY, CUSTOMER | {"customer_id": "17850", "country": "DE"})
    shop.land_rows("products", DAY, PRODUCT | {"product_id": "88001", "name": "Lamp"})
    shop.land_rows("orders", DAY, ORDER | {"order_id": "700001", "customer_id": "17850"})
    shop.land_rows("order_items", DAY, ITEM | {"order_id": "700001", "product_id": "88001"})
    line = ("700001", "88001", "MUG", 4, f"{DAY} 08:00:00", "5.00", "17850", "United Kingdom")
    land_lines(shop.landing, line, day=DAY)
    rates = "rate_date,base_currency,quote_currency,rate\n" + f"{DAY},GBP,EUR,1.2\n"
    shop.land("fx_rates", DAY, rates)


def test_equal_numbers_of_two_sources_are_two_things(tmp_path: Path, engine: Engine) -> None:
    shop = SmallShop(tmp_path, engine, SOURCES, NAMESPACES, only=made_of("gold/daily_aov"))
    _land_equal_numbers(shop)
    shop.everything(DAY)
    assert shop.rows("silver/orders", "order_id", "customer_id") == [("700001", "17850"), ("or-700001", "or-17850")]
    assert shop.rows("silver/products", "product_id", "name") == [("88001", "Lamp"), ("or-88001", "MUG")]
    assert shop.rows("silver/customers", "customer_id", "country") == [("17850", "DE"), ("or-17850", "GB")]
    assert {id_[:3] for (id_,) in shop.rows("silver/order_items", "order_item_id")} == {"I1", "or-"}
    revenue = shop.rows("gold/daily_aov", "orders", "net_revenue")
    assert revenue == [(2, Decimal("44.00"))]


def test_equal_numbers_of_sources_with_one_prefix_are_versions_of_one_thing(tmp_path: Path, engine: Engine) -> None:
    shop = SmallShop(tmp_path, engine, SOURCES, dict.fromkeys(SOURCES, ""), only=made_of("silver/orders"))
    _land_equal_numbers(shop)
    shop.load(DAY)
    # The shop's version is the newer one.
    assert shop.rows("silver/orders", "order_id", "_source_file") == [("700001", f"shop/orders/{DAY}/orders.csv")]


def test_a_rounded_number_is_told_behind_its_prefix(tmp_path: Path, engine: Engine) -> None:
    shop = SmallShop(tmp_path, engine, ("shop",), {"shop": "uk-"}, only=made_of("silver/orders"))
    shop.land_rows("orders", DAY, ORDER | {"order_id": "4.50012E+12"}, ORDER | {"order_id": "12E5"})
    report = shop.load(DAY)["silver/orders"]
    assert {rule.name for rule in report.rules if rule.broken} == {"keys_not_rounded", "customer_known"}
    assert shop.rows("silver/orders", "order_id") == [("uk-12E5",)]


def test_a_return_whose_number_is_padded_is_a_return_in_both_tables(tmp_path: Path, engine: Engine) -> None:
    shop = SmallShop(tmp_path, engine, ("online_retail",), only=made_of("silver/order_items"))
    land_lines(shop.landing, (" C5\u00a0", "88001", "MUG", -2, f"{DAY} 08:00:00", "5.00", "", "France"), day=DAY)
    shop.load(DAY)
    assert shop.rows("silver/orders", "order_id", "status") == [("C5", "RETURNED")]
    assert shop.rows("silver/order_items", "order_id", "quantity") == [("C5", 2)]


def test_a_prefix_that_changes_gives_every_thing_its_new_name(tmp_path: Path, engine: Engine) -> None:
    before, after = (
        SmallShop(tmp_path, engine, ("shop",), {"shop": prefix}, only=made_of("silver/order_items"))
        for prefix in ("", "uk-")
    )
    _land_equal_numbers(before)
    before.load(DAY)
    after.load(DAY)
    assert after.rows("silver/orders", "order_id", "customer_id") == [("uk-700001", "uk-17850")]
    assert after.rows("silver/order_items", "order_id", "product_id") == [("uk-700001", "uk-88001")]
    assert after.rows("silver/customers", "customer_id") == [("uk-17850",)]


def test_words_for_nothing_are_a_setting(tmp_path: Path, engine: Engine) -> None:
    shop = SmallShop(tmp_path, engine, only=made_of("silver/orders"))
    shop.settings = shop.settings.model_copy(update={"words_for_nothing": ("guest",)})
    words = ("guest", "GUEST", " Guest ", "null")
    orders = [ORDER | {"order_id": f"O{number}", "customer_id": word} for number, word in enumerate(words)]
    shop.land_rows("orders", DAY, *orders)
    shop.load(DAY)
    expected = [("O0", None), ("O1", None), ("O2", None), ("O3", "null")]
    assert shop.rows("silver/orders", "order_id", "customer_id") == expected
