"""Gold: every table has the same rows on every engine, for drawn orders with amounts and rates of every size."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from random import Random

import pyarrow as pa
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from project_etl.core.contracts import broken_rules
from project_etl.core.model.table import from_module
from project_etl.core.model.transform import conform, taken
from project_etl.core.transforms import money
from project_etl.core.transforms.asof import as_of
from project_etl.gold import dim_date
from project_etl_tests.gold import given
from project_etl_tests.gold.test_contracts import MODULES
from project_etl_tests.parity.engines import Engines, arrow, same_rows
from project_etl_tests.small_shop import PARAMETERS

DAYS = [f"2025-01-{day:02}" for day in range(1, 20)]
CURRENCIES = ["EUR", "USD", "GBP", "AUD", "JPY", "XAU"]
Texts = dict[str, list[str | None]]
# What a daily table sums in the reporting currency.
SUMS = {
    "daily_aov": ("net_revenue", "aov"),
    "daily_revenue_by_category": ("gross_revenue", "discount", "net_revenue"),
    "country_revenue_share": ("net_revenue",),
    "hourly_sales": ("net_revenue",),
    "new_vs_returning": ("new_revenue", "returning_revenue", "guest_revenue"),
    "top_products_7d": ("net_revenue",),
    "top_users": ("net_revenue",),
    "category_growth_wow": ("revenue_7d", "prev_revenue_7d"),
    "daily_refunds": ("amount",),
    "sales_pipeline": ("amount",),
}


def drawn_orders(random: Random, number: int) -> tuple[Texts, Texts]:
    """Orders, and items of most of them and of a few that are not there."""
    orders: Texts = {
        name: []
        for name in (
            "order_id",
            "customer_id",
            "order_ts",
            "order_date",
            "status",
            "currency",
            "order_total",
            "country",
        )
    }
    items: Texts = {
        name: []
        for name in (
            "order_item_id",
            "order_id",
            "order_date",
            "product_id",
            "quantity",
            "unit_price",
            "gross_amount",
            "discount",
            "net_amount",
        )
    }
    for order in range(number):
        day = random.choice(DAYS)
        row = {
            "order_id": f"o{order}", "customer_id": random.choice([None, *(f"c{one}" for one in range(12))]),
            "order_ts": f"{day} {random.randrange(24):02}:{random.choice(('00:00', '59:59.999999'))}",
            "order_date": day,
            "status": random.choice(("PAID", "SHIPPED", "COMPLETED", "CANCELLED", "RETURNED")),
            "currency": random.choice(CURRENCIES), "order_total": random.choice((None, "10", "10.01", "0.0001")),
            "country": random.choice((None, "FR", "DE")),
        }  # fmt: skip
        for name, value in row.items():
            orders[name].append(value)
        for item in range(random.choice((0, 1, 1, 2, 5))):
            unit = Decimal(random.choice((1, 3, 5, 33333, 99999999, random.randrange(1, 10**9)))).scaleb(-4)
            quantity = random.choice((1, 2, 3, 7, 100_000))
            gross = unit * quantity
            discount = (gross * random.randrange(100) / 100).quantize(Decimal("0.0001"))
            line = {
                "order_item_id": f"i{order}-{item}", "order_id": f"o{order}", "order_date": day,
                "product_id": f"p{random.randrange(25)}", "quantity": quantity, "unit_price": unit,
                "gross_amount": gross, "discount": discount, "net_amount": gross - discount,
            }  # fmt: skip
            for name, value in line.items():
                items[name].append(str(value))
    return orders, items


def drawn_refunds(random: Random, orders: Texts) -> Texts:
    """Refunds of a tenth of the orders, of any size; some of an order twice."""
    columns = ("order_id", "order_date", "order_ts", "currency")
    names = ("refund_id", *columns, "amount", "refund_date", "refunded_at")
    found: Texts = {name: [] for name in names}
    for number in range(60):
        order = random.randrange(len(orders["order_id"]))
        day = random.choice(DAYS)
        values = [orders[name][order] for name in columns]
        amount = Decimal(random.choice((1, 3, 99999999, random.randrange(1, 10**7)))).scaleb(-4)
        for name, value in zip(names, (f"f{number}", *values, str(amount), day, f"{day} 12:00:00"), strict=True):
            found[name].append(value)
    return found


def drawn_rates(random: Random) -> Texts:
    rates: Texts = {name: [] for name in ("rate_date", "base_currency", "quote_currency", "rate")}
    for day in DAYS[2:]:
        for base in CURRENCIES:
            for quote in CURRENCIES:
                if random.random() < 0.12:
                    size = random.choice((2, 8, 9, 12, 17))
                    rate = Decimal(random.choice((3, 7, 10**8, random.randrange(1, 10**size)))).scaleb(-8)
                    for name, value in zip(rates, (day, base, quote, f"{rate:f}"), strict=True):
                        rates[name].append(value)
    return rates


def drawn_deals(random: Random, number: int) -> Texts:
    """Deals in every currency, also without an amount, of contacts that are there and of one that is not."""
    deals: Texts = {
        name: [] for name in ("deal_id", "stage", "is_open", "amount", "currency", "contact_id", "created_date")
    }
    for deal in range(number):
        amount = Decimal(random.choice((1, 3, 33333, 99999999, random.randrange(1, 10**9)))).scaleb(-4)
        row = (
            f"d{deal}", random.choice(("sent", "won", "Straße")), random.choice(("true", "false")),
            random.choice((None, str(amount))), random.choice(CURRENCIES),
            random.choice([None, *(f"k{one}" for one in range(13))]), random.choice(DAYS),
        )  # fmt: skip
        for name, value in zip(deals, row, strict=True):
            deals[name].append(value)
    return deals


def drawn_contacts(random: Random, number: int) -> Texts:
    """Contacts, several with one address, some of them changed at one instant."""
    contacts: Texts = {name: [] for name in ("contact_id", "email", "lifecycle_stage", "updated_at")}
    for contact in range(number):
        row = (
            f"k{contact}", random.choice((None, *(f"c{one}@example.org" for one in range(5)))),
            random.choice((None, "lead", "customer")), f"{random.choice(DAYS[:3])} 12:00:00",
        )  # fmt: skip
        for name, value in zip(contacts, row, strict=True):
            contacts[name].append(value)
    return contacts


def drawn_reviews(random: Random, number: int) -> Texts:
    reviews: Texts = {
        name: []
        for name in ("review_id", "product_id", "customer_id", "rating", "review_text", "helpful_votes", "review_date")
    }
    for review in range(number):
        row = (
            f"r{review}", f"p{random.randrange(9)}", random.choice([None, *(f"c{one}" for one in range(12))]),
            str(random.randrange(1, 6)), random.choice((None, "ok", " Schön\u00a0😍\n", "e\u0301", "👩‍👧")),
            str(random.randrange(3)), random.choice(DAYS),
        )  # fmt: skip
        for name, value in zip(reviews, row, strict=True):
            reviews[name].append(value)
    return reviews


def drawn_events(random: Random, number: int) -> Texts:
    """Events of a few visitors, many at the same instant or half an hour apart."""
    types = ("view", "view", "add_to_cart", "purchase")
    names = (
        "event_id", "visitor_id", "customer_id", "event_type", "product_id", "quantity", "price", "event_value",
        "event_date", "event_ts", "event_hour",
    )  # fmt: skip
    events: Texts = {name: [] for name in names}
    for event in range(number):
        day, hour, of = random.choice(DAYS), random.randrange(24), random.choice(types)
        minute, second = random.choice(("00", "30")), random.choice(("00.000000", "00.000001", "01.500000"))
        price = Decimal(random.randrange(10**7)).scaleb(-4)
        row = (
            f"e{event}", f"v{random.randrange(9)}", random.choice((None, None, "c1", "c2")), of,
            random.choice((None, *(f"p{one}" for one in range(25)))), "2", str(price),
            str(2 * price if of == "purchase" else 0), day, f"{day} {hour:02}:{minute}:{second}", str(hour),
        )  # fmt: skip
        for name, value in zip(names, row, strict=True):
            events[name].append(value)
    return events


def newest(things: Texts) -> Texts:
    """Of versions, those that no other one follows."""
    rows = [row for row, end in enumerate(things["valid_to"]) if end is None]
    return {name: [column[row] for row in rows] for name, column in things.items()} | {
        "updated_at": [things["valid_from"][row] for row in rows]
    }


def with_addresses(customers: Texts) -> Texts:
    """Customers, each with an address of their own."""
    addresses: list[str | None] = [f"{key}@example.org" for key in customers["customer_id"]]
    return {**customers, "email": addresses}


def versions(random: Random, key: str, number: int, column: str, values: list[str | None]) -> Texts:
    """Versions of things, each valid until the next one."""
    found: Texts = {name: [] for name in (key, column, "valid_from", "valid_to")}
    for thing in range(number):
        starts = sorted(random.sample(DAYS, random.randrange(1, 4)))
        for start, end in zip(starts, [*starts[1:], None], strict=True):
            row = (f"{key[0]}{thing}", random.choice(values), f"{start} 12:00:00", end and f"{end} 12:00:00")
            for name, value in zip(found, row, strict=True):
                found[name].append(value)
    return found


def typed(session: SparkSession, texts: Texts, ddl: str) -> DataFrame:
    """Texts as columns of the types of a DDL text; its other columns are null."""
    rows = session.createDataFrame(pa.table({name: pa.array(column, pa.string()) for name, column in texts.items()}))
    pairs = [part.strip().replace(";", ",").split(" ") for part in re.sub(r"([0-9]),", r"\1;", ddl).split(",")]
    return rows.select(*[(F.col(name) if name in texts else F.lit(None)).cast(of).alias(name) for name, of in pairs])


@pytest.fixture(scope="module")
def tables(engines: Engines) -> Callable[[SparkSession, str], DataFrame]:
    """A Silver or Gold table of drawn data, on the session that is given."""
    # What the first engine gave, once each; that the others give the same is tested.
    facts: dict[str, pa.Table] = {}
    random = Random(11)
    orders, items = drawn_orders(random, 600)
    rates = drawn_rates(random)
    products = versions(random, "product_id", 20, "category", ["Toys", "Garden", None])
    customers = versions(random, "customer_id", 10, "country", ["IT", "ES", None])
    refunds = drawn_refunds(random, orders)
    silver = {
        "silver/refunds": (refunds, given.REFUNDS),
        "silver/orders": (orders, given.ORDERS),
        "silver/order_items": (items, given.ITEMS),
        "silver/fx_rates": (rates, given.RATES),
        "silver/products_history": (products, given.PRODUCTS),
        "silver/customers_history": (customers, given.CUSTOMERS),
        "silver/events": (drawn_events(random, 900), given.EVENTS),
        "silver/reviews": (drawn_reviews(random, 200), given.REVIEWS),
        "silver/customers": (with_addresses(newest(customers)), given.SHOP_CUSTOMERS),
        "silver/crm_contacts": (drawn_contacts(random, 12), given.CONTACTS),
        "silver/crm_deals": (drawn_deals(random, 200), given.DEALS),
        "silver/products": (newest(products), given.SHOP_PRODUCTS),
    }

    def table(session: SparkSession, name: str) -> DataFrame:
        if name in silver:
            return typed(session, *silver[name])
        gold = from_module(importlib.import_module(f"project_etl.gold.{name.removeprefix('gold/')}"))
        assert gold.transform is not None
        inputs = [fact(session, read.table) for read in gold.inputs.values()]
        parameters = {**PARAMETERS, "has_crm": True}
        return conform(gold.transform(*inputs, **taken(gold, parameters)), gold.schema, name, also=gold.for_rules)

    def fact(session: SparkSession, name: str) -> DataFrame:
        if name in silver:
            return table(session, name)
        if name not in facts:
            facts[name] = arrow(engines[0], lambda first: table(first, name))
        return session.createDataFrame(facts[name])

    return table


@pytest.mark.parametrize("module", MODULES)
def test_gold_tables_are_the_same(
    engines: Engines, tables: Callable[[SparkSession, str], DataFrame], module: str
) -> None:
    gold = from_module(importlib.import_module(f"project_etl.gold.{module}"))

    def judged(session: SparkSession) -> DataFrame:
        return tables(session, gold.name).select("*", broken_rules(given.rules(gold)).alias("_broken"))

    rows = same_rows(engines, judged)
    assert rows
    if sums := {f"{column}_not_null" for column in SUMS.get(module, ())}:
        # Orders of the first days are older than all rates.
        day = gold.day_column or ""
        held = {row[day] for row in rows if sums.intersection(row["_broken"])}
        assert held
        assert held < {row[day] for row in rows}


def test_the_calendar_of_ten_years_is_the_same(engines: Engines) -> None:
    def calendar(session: SparkSession) -> DataFrame:
        orders, events = given.order_facts(session, "order_date\n2030-01-10"), given.event_facts(session, "")
        return dim_date.transform(orders, events, start_date=date(2019, 12, 25))

    assert len(same_rows(engines, calendar)) > 3650


def test_rates_are_derived_alike(engines: Engines, tables: Callable[[SparkSession, str], DataFrame]) -> None:
    for currency in CURRENCIES:
        rows = same_rows(
            engines, lambda session, into=currency: money.rates_into(tables(session, "silver/fx_rates"), into)
        )
        assert len(rows) > 20


def test_versions_are_joined_alike(engines: Engines, tables: Callable[[SparkSession, str], DataFrame]) -> None:
    def joined(session: SparkSession) -> DataFrame:
        orders, history = tables(session, "silver/orders"), tables(session, "silver/customers_history")
        return as_of(orders, history, key="customer_id", at="order_ts", columns={"country": "country_then"})

    rows = same_rows(engines, joined)
    assert len(rows) == 600
    assert {row["country_then"] for row in rows} == {"IT", "ES", None}


def test_sums_are_alike_up_to_the_end_of_their_type(engines: Engines) -> None:
    def sums(session: SparkSession) -> DataFrame:
        largest = F.lit("99999999999999.9999").cast(money.AMOUNT)
        rows = session.range(12_000).withColumn("a", largest).withColumn("few", F.col("id") < 3)
        return rows.groupBy("few").agg(
            money.total("a").alias("fits"),
            money.total(F.col("a") * F.lit(10)).alias("may_not_fit"),
            money.total_where("a", F.col("id") < F.lit(0)).alias("none"),
            F.sum("a").alias("sum"),
            F.sum(F.lit(100_000)).alias("units"),
        )

    rows = same_rows(engines, sums)
    assert {row["few"]: row["fits"] is None for row in rows} == {True: False, False: True}
    assert all(row["none"] == 0 for row in rows)


@pytest.mark.parametrize(
    "quotient", ["9999999999", "1.005", "0.015", "-0.005", "-1.0049", "0.0000005", "99999999999999999.995"]
)
def test_results_are_rounded_alike(engines: Engines, quotient: str) -> None:
    def rounded(session: SparkSession) -> DataFrame:
        value = F.lit(quotient).cast("decimal(38,16)")
        growth = money.growth(value.cast(money.TOTAL), F.lit("3").cast(money.TOTAL))
        return session.range(1).select(money.to_money(value).alias("m"), growth.alias("g"))

    assert len(same_rows(engines, rounded)) == 1
