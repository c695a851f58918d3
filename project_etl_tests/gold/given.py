"""Inputs of the Gold tables with sensible values in every column that a test does not speak of."""

from __future__ import annotations

from pyspark.sql import DataFrame, SparkSession

from project_etl.core.contracts import Rule, broken_rules, rules_of
from project_etl.core.model.table import Table
from project_etl.gold import customer_first_order, fact_events, fact_order_items, fact_orders, fact_sessions
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
EVENTS = (
    "event_id STRING, visitor_id STRING, customer_id STRING, session_id STRING, event_type STRING, product_id STRING,"
    " order_id STRING, quantity INT, price DECIMAL(18,4), event_value DECIMAL(18,4), event_ts TIMESTAMP,"
    " event_date DATE, event_hour INT"
)
RATES = "rate_date DATE, base_currency STRING, quote_currency STRING, rate DECIMAL(28,18)"


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
        "discount_reporting": "0", "net_amount_reporting": "10",
    }  # fmt: skip
    return frame(spark, text, fact_order_items.TABLE.schema, defaults)


def order_facts(spark: SparkSession, text: str) -> DataFrame:
    """Rows of `gold/fact_orders`: a guest's revenue order of one item for 10 euros, unless they say otherwise."""
    defaults = {
        "order_date": "2025-01-05", "order_id": "o1", "order_ts": "{order_date} 10:00:00", "order_hour": "10",
        "status": "PAID", "is_revenue": "true", "country": "ZZ", "currency": "EUR", "items": "1", "units": "1",
        "gross_amount": "10", "discount": "0", "net_amount": "10", "reporting_currency": "EUR",
        "gross_amount_reporting": "10", "discount_reporting": "0", "net_amount_reporting": "10",
    }  # fmt: skip
    return frame(spark, text, fact_orders.TABLE.schema, defaults)


def events(spark: SparkSession, text: str) -> DataFrame:
    """Rows of `silver/events`: views of one visitor at ten o'clock, unless they say otherwise."""
    defaults = {
        "event_id": "e1", "visitor_id": "v1", "event_type": "view", "product_id": "p1", "quantity": "1", "price": "10",
        "event_value": "0", "event_date": "2025-01-05", "event_ts": "{event_date} 10:00:00", "event_hour": "10",
    }  # fmt: skip
    return frame(spark, text, EVENTS, defaults)


def event_facts(spark: SparkSession, text: str) -> DataFrame:
    """Rows of `gold/fact_events`: views of one session at ten o'clock, unless they say otherwise."""
    defaults = {
        "event_date": "2025-01-05", "event_id": "e1", "event_ts": "{event_date} 10:00:00", "event_hour": "10",
        "visitor_id": "v1", "session_key": "s1", "event_type": "view", "product_id": "p1", "category": "Toys",
        "quantity": "1", "price": "10", "event_value": "0",
    }  # fmt: skip
    return frame(spark, text, fact_events.TABLE.schema, defaults)


def sessions(spark: SparkSession, text: str) -> DataFrame:
    """Rows of `gold/fact_sessions`: one view, unless they say otherwise."""
    defaults = {
        "event_date": "2025-01-05", "session_key": "s1", "visitor_id": "v1", "started_at": "{event_date} 10:00:00",
        "ended_at": "{event_date} 10:00:00", "seconds": "0", "events": "1", "views": "1", "carts": "0",
        "purchases": "0", "products_viewed": "1", "is_bounce": "true", "revenue": "0",
    }  # fmt: skip
    return frame(spark, text, fact_sessions.TABLE.schema, defaults)


def first_orders(spark: SparkSession, text: str) -> DataFrame:
    """Rows of `gold/customer_first_order`."""
    defaults = {"customer_id": "ann", "first_order_date": "2025-01-05"}
    return frame(spark, text, customer_first_order.TABLE.schema, defaults)


def rules(table: Table) -> tuple[Rule, ...]:
    """All rules of a table."""
    return rules_of(table.contract, extra=table.rules)


def broken(table: Table, rows: DataFrame) -> list[list[str]]:
    """Names of the rules that each row breaks, sorted by row."""
    return sorted(row[0] for row in rows.select(broken_rules(rules(table))).collect())
