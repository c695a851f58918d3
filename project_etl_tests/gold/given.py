"""Inputs of the Gold tables with sensible values in every column that a test does not speak of."""

from __future__ import annotations

from pyspark.sql import DataFrame, SparkSession

from project_etl.core.contracts import Rule, broken_rules, rules_of
from project_etl.core.model.table import Table
from project_etl.gold import (
    customer_first_order,
    customer_ltv,
    dim_customers,
    dim_date,
    dim_products,
    fact_events,
    fact_order_items,
    fact_orders,
    fact_refunds,
    fact_reviews,
    fact_sessions,
)
from project_etl_tests.small_tables import frame

ORDERS = (
    "order_id STRING, customer_id STRING, order_ts TIMESTAMP, order_date DATE, status STRING, currency STRING,"
    " order_total DECIMAL(18,4), country STRING, updated_at TIMESTAMP, _source_file STRING"
)
ITEMS = (
    "order_item_id STRING, order_id STRING, product_id STRING, quantity INT, unit_price DECIMAL(18,4),"
    " discount DECIMAL(18,4), gross_amount DECIMAL(18,4), net_amount DECIMAL(18,4), order_date DATE,"
    " updated_at TIMESTAMP, _source_file STRING"
)
PRODUCTS = (
    "product_id STRING, name STRING, category STRING, updated_at TIMESTAMP, valid_from TIMESTAMP, valid_to TIMESTAMP,"
    " is_current BOOLEAN"
)
CUSTOMERS = (
    "customer_id STRING, country STRING, updated_at TIMESTAMP, valid_from TIMESTAMP, valid_to TIMESTAMP,"
    " is_current BOOLEAN"
)
REFUNDS = (
    "refund_id STRING, order_id STRING, order_item_id STRING, quantity INT, amount DECIMAL(18,4), currency STRING,"
    " reason STRING, refunded_at TIMESTAMP, refund_date DATE, order_date DATE, order_ts TIMESTAMP, updated_at TIMESTAMP"
)
EVENTS = (
    "event_id STRING, visitor_id STRING, customer_id STRING, session_id STRING, event_type STRING, product_id STRING,"
    " order_id STRING, quantity INT, price DECIMAL(18,4), event_value DECIMAL(18,4), event_ts TIMESTAMP,"
    " event_date DATE, event_hour INT"
)
RATES = "rate_date DATE, base_currency STRING, quote_currency STRING, rate DECIMAL(28,18)"
SHOP_CUSTOMERS = (
    "customer_id STRING, first_name STRING, last_name STRING, full_name STRING, email STRING, phone STRING,"
    " country STRING, city STRING, signup_date DATE, updated_at TIMESTAMP"
)
SHOP_PRODUCTS = (
    "product_id STRING, name STRING, category STRING, subcategory STRING, price DECIMAL(18,4), currency STRING,"
    " price_band STRING, is_active BOOLEAN, tags ARRAY<STRING>, updated_at TIMESTAMP"
)
CONTACTS = "contact_id STRING, email STRING, lifecycle_stage STRING, updated_at TIMESTAMP"
DEALS = (
    "deal_id STRING, stage STRING, is_open BOOLEAN, amount DECIMAL(18,4), currency STRING, contact_id STRING,"
    " created_date DATE"
)
REVIEWS = (
    "review_id STRING, product_id STRING, customer_id STRING, rating INT, review_text STRING, helpful_votes INT,"
    " review_ts TIMESTAMP, review_date DATE, updated_at TIMESTAMP, _source_file STRING"
)


def orders(spark: SparkSession, text: str) -> DataFrame:
    """Rows of `silver/orders`: paid at ten o'clock in euros by a guest, unless they say otherwise."""
    defaults = {
        "order_id": "o1", "order_date": "2025-01-05", "order_ts": "{order_date} 10:00:00", "status": "PAID",
        "currency": "EUR", "updated_at": "2025-01-05 10:00:00", "_source_file": "orders.csv",
    }  # fmt: skip
    return frame(spark, text, ORDERS, defaults)


def order_items(spark: SparkSession, text: str) -> DataFrame:
    """Rows of `silver/order_items`: one piece for 10 without discount, unless they say otherwise."""
    defaults = {
        "order_item_id": "i1", "order_id": "o1", "product_id": "p1", "quantity": "1", "unit_price": "10",
        "discount": "0", "gross_amount": "10", "net_amount": "10", "order_date": "2025-01-05",
        "_source_file": "order_items.csv",
    }  # fmt: skip
    return frame(spark, text, ITEMS, defaults)


def products(spark: SparkSession, text: str = "") -> DataFrame:
    """Rows of `silver/products_history`."""
    return frame(spark, text, PRODUCTS)


def customers(spark: SparkSession, text: str = "") -> DataFrame:
    """Rows of `silver/customers_history`."""
    return frame(spark, text, CUSTOMERS)


def refunds(spark: SparkSession, text: str = "") -> DataFrame:
    """Rows of `silver/refunds`: 4 euros of an order of the day before, unless they say otherwise."""
    defaults = {
        "refund_id": "f1", "order_id": "o1", "amount": "4", "currency": "EUR", "refund_date": "2025-01-06",
        "refunded_at": "{refund_date} 10:00:00", "order_date": "2025-01-05", "order_ts": "{order_date} 10:00:00",
    }  # fmt: skip
    return frame(spark, text, REFUNDS, defaults)


def customer_ids(spark: SparkSession, text: str = "") -> DataFrame:
    """The ids of `silver/customers`."""
    return frame(spark, text, "customer_id STRING")


def rates(spark: SparkSession, text: str = "") -> DataFrame:
    """Rows of `silver/fx_rates`."""
    return frame(spark, text, RATES)


def item_facts(spark: SparkSession, text: str) -> DataFrame:
    """Rows of `gold/fact_order_items`: revenue of 10 euros, unless they say otherwise."""
    defaults = {
        "order_date": "2025-01-05", "order_item_id": "i1", "order_id": "o1", "order_ts": "{order_date} 10:00:00",
        "product_id": "p1", "status": "PAID", "is_revenue": "true", "category": "Toys", "quantity": "1",
        "currency": "EUR", "unit_price": "10", "gross_amount": "10", "discount": "0", "net_amount": "10",
        "reporting_currency": "EUR", "fx_rate": "1", "fx_carried": "false", "gross_amount_reporting": "10",
        "discount_reporting": "0", "net_amount_reporting": "10", "discount_applied": "false",
    }  # fmt: skip
    return frame(spark, text, fact_order_items.TABLE.schema, defaults)


def order_facts(spark: SparkSession, text: str) -> DataFrame:
    """Rows of `gold/fact_orders`: a guest's revenue order of one item for 10 euros, unless they say otherwise."""
    defaults = {
        "order_date": "2025-01-05", "order_id": "o1", "order_ts": "{order_date} 10:00:00", "order_hour": "10",
        "status": "PAID", "is_revenue": "true", "country": "ZZ", "currency": "EUR", "items": "1", "units": "1",
        "gross_amount": "10", "discount": "0", "net_amount": "10", "reporting_currency": "EUR",
        "gross_amount_reporting": "10", "discount_reporting": "0", "net_amount_reporting": "10", "order_year": "2025",
        "order_month": "1", "refunded_reporting": "0", "net_after_refunds_reporting": "{net_amount_reporting}",
    }  # fmt: skip
    return frame(spark, text, fact_orders.TABLE.schema, defaults)


def refund_facts(spark: SparkSession, text: str) -> DataFrame:
    """Rows of `gold/fact_refunds`: 4 euros of an order of the day before, unless they say otherwise."""
    defaults = {
        "refund_date": "2025-01-06", "refund_id": "f1", "order_id": "o1", "order_date": "2025-01-05", "currency": "EUR",
        "amount": "4", "amount_reporting": "{amount}",
    }  # fmt: skip
    return frame(spark, text, fact_refunds.TABLE.schema, defaults)


def first_orders(spark: SparkSession, text: str) -> DataFrame:
    """Rows of `gold/customer_first_order`."""
    defaults = {"customer_id": "ann", "first_order_date": "2025-01-05", "as_of": "{first_order_date}"}
    return frame(spark, text, customer_first_order.TABLE.schema, defaults)


def shop_customers(spark: SparkSession, text: str) -> DataFrame:
    """Rows of `silver/customers`."""
    return frame(spark, text, SHOP_CUSTOMERS, {"customer_id": "ann", "updated_at": "2025-01-05 10:00:00"})


def shop_products(spark: SparkSession, text: str) -> DataFrame:
    """Rows of `silver/products`."""
    defaults = {"product_id": "p1", "name": "Bear", "category": "Toys", "updated_at": "2025-01-05 10:00:00"}
    return frame(spark, text, SHOP_PRODUCTS, defaults)


def contacts(spark: SparkSession, text: str = "") -> DataFrame:
    """Rows of `silver/crm_contacts`."""
    return frame(spark, text, CONTACTS, {"contact_id": "k1", "updated_at": "2025-01-05 10:00:00"})


def deals(spark: SparkSession, text: str = "") -> DataFrame:
    """Rows of `silver/crm_deals`: open and worth 10 euros, unless they say otherwise."""
    defaults = {
        "deal_id": "d1", "stage": "sent", "is_open": "true", "amount": "10", "currency": "EUR",
        "created_date": "2025-01-05",
    }  # fmt: skip
    return frame(spark, text, DEALS, defaults)


def reviews(spark: SparkSession, text: str) -> DataFrame:
    """Rows of `silver/reviews`: five stars without a text, unless they say otherwise."""
    defaults = {
        "review_id": "r1", "product_id": "p1", "rating": "5", "helpful_votes": "0", "review_date": "2025-01-05",
        "review_ts": "{review_date} 10:00:00", "_source_file": "reviews.csv",
    }  # fmt: skip
    return frame(spark, text, REVIEWS, defaults)


def review_facts(spark: SparkSession, text: str) -> DataFrame:
    """Rows of `gold/fact_reviews`: five stars without a text, unless they say otherwise."""
    defaults = {
        "review_id": "r1", "product_id": "p1", "rating": "5", "helpful_votes": "0", "review_date": "2025-01-05",
    }  # fmt: skip
    return frame(spark, text, fact_reviews.TABLE.schema, defaults)


def events(spark: SparkSession, text: str = "") -> DataFrame:
    """Rows of `silver/events`: an anonymous view of p1, unless they say otherwise."""
    defaults = {
        "event_id": "e1", "visitor_id": "v1", "event_type": "view", "product_id": "p1", "quantity": "1", "price": "0",
        "event_value": "0", "event_date": "2025-01-05", "event_ts": "{event_date} 10:00:00", "event_hour": "10",
    }  # fmt: skip
    return frame(spark, text, EVENTS, defaults)


def event_facts(spark: SparkSession, text: str) -> DataFrame:
    """Rows of `gold/fact_events`: an anonymous view of a toy, unless they say otherwise."""
    defaults = {
        "event_date": "2025-01-05", "event_id": "e1", "event_ts": "{event_date} 10:00:00", "event_hour": "10",
        "visitor_id": "v1", "session_key": "s1", "event_type": "view", "product_id": "p1", "category": "Toys",
        "quantity": "1", "price": "0", "event_value": "0",
    }  # fmt: skip
    return frame(spark, text, fact_events.TABLE.schema, defaults)


def session_facts(spark: SparkSession, text: str) -> DataFrame:
    """Rows of `gold/fact_sessions`: one view, unless they say otherwise."""
    defaults = {
        "event_date": "2025-01-31", "session_key": "s1", "visitor_id": "v1", "started_at": "{event_date} 10:00:00",
        "ended_at": "{started_at}", "seconds": "0", "events": "1", "views": "1", "carts": "0", "purchases": "0",
        "products_viewed": "1", "is_bounce": "true", "revenue": "0",
    }  # fmt: skip
    return frame(spark, text, fact_sessions.TABLE.schema, defaults)


def dim_customers_rows(spark: SparkSession, text: str) -> DataFrame:
    """Rows of `gold/dim_customers`."""
    return frame(spark, text, dim_customers.TABLE.schema, {"customer_id": "ann"})


def dim_products_rows(spark: SparkSession, text: str) -> DataFrame:
    """Rows of `gold/dim_products`."""
    return frame(spark, text, dim_products.TABLE.schema, {"product_id": "p1"})


def lifetime_values(spark: SparkSession, text: str) -> DataFrame:
    """Rows of `gold/customer_ltv`: one order for 10 euros, unless they say otherwise."""
    defaults = {
        "customer_id": "ann", "first_order_date": "2025-01-05", "last_order_date": "{first_order_date}", "orders": "1",
        "net_revenue": "10", "avg_order_value": "10", "as_of": "2025-01-31",
    }  # fmt: skip
    return frame(spark, text, customer_ltv.TABLE.schema, defaults)


def dates(spark: SparkSession, text: str = "as_of\n2025-01-31") -> DataFrame:
    """Rows of `gold/dim_date`; what reads it asks for nothing but `as_of`."""
    return frame(spark, text, dim_date.TABLE.schema)


def rules(table: Table) -> tuple[Rule, ...]:
    """All rules of a table."""
    return rules_of(table.contract, extra=table.rules)


def broken(table: Table, rows: DataFrame) -> list[list[str]]:
    """Names of the rules that each row breaks, sorted by row."""
    return sorted(row[0] for row in rows.select(broken_rules(rules(table))).collect())
