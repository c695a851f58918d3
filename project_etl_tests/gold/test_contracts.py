"""Every Gold table: declaration and transform fit each other, and its rules stop what must not be published."""

from __future__ import annotations

import importlib

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

import project_etl.gold
from project_etl.core.contracts import FAIL, WARN
from project_etl.core.model.modules import module_names
from project_etl.core.model.table import AS_OF, ReplaceDays, Snapshot, Table, from_module
from project_etl.core.model.transform import taken
from project_etl.gold import validation
from project_etl_tests.gold import given
from project_etl_tests.small_shop import PARAMETERS
from project_etl_tests.small_tables import frame

MODULES = module_names(project_etl.gold)
WARNINGS = {
    "order_total_matches_items",
    "fx_rate_known",
    "fx_rate_is_older",
    "refund_status_consistent",
    "refunds_within_order",
}


def table_of(module: str) -> Table:
    return from_module(importlib.import_module(f"project_etl.gold.{module}"))


def empty_inputs(spark: SparkSession, table: Table) -> dict[str, DataFrame]:
    makers = {
        "silver/orders": given.orders,
        "silver/order_items": given.order_items,
        "silver/products_history": given.products,
        "silver/customers_history": given.customers,
        "silver/refunds": given.refunds,
        "silver/fx_rates": given.rates,
        "silver/customers": given.shop_customers,
        "silver/products": given.shop_products,
        "silver/reviews": given.reviews,
        "silver/events": given.events,
        "silver/crm_contacts": given.contacts,
        "silver/crm_deals": given.deals,
        "gold/fact_order_items": given.item_facts,
        "gold/fact_orders": given.order_facts,
        "gold/fact_events": given.event_facts,
        "gold/fact_refunds": given.refund_facts,
        "gold/fact_reviews": given.review_facts,
        "gold/fact_sessions": given.session_facts,
        "gold/customer_first_order": given.first_orders,
        "gold/customer_ltv": given.lifetime_values,
        "gold/dim_date": given.dates,
        "gold/dim_customers": given.dim_customers_rows,
        "gold/dim_products": given.dim_products_rows,
    }
    return {name: makers[read.table](spark, "") for name, read in table.inputs.items()}


@pytest.mark.parametrize("module", MODULES)
def test_the_transform_gives_the_columns_of_the_contract(spark: SparkSession, module: str):
    table = table_of(module)
    assert table.transform is not None
    found = table.transform(**empty_inputs(spark, table), **taken(table, PARAMETERS))
    contract = [(field.name, field.dataType) for field in table.schema]
    assert [(field.name, field.dataType) for field in found.schema][: len(contract)] == contract
    assert tuple(found.columns[len(contract) :]) == table.for_rules


@pytest.mark.parametrize("module", MODULES)
def test_every_rule_stops_publishing_unless_it_is_a_named_warning(module: str):
    table = table_of(module)
    # Its checks are its rows: what fails is published.
    told = {check.name: check.severity for check in validation.CHECKS} if module == "validation" else {}
    for rule in given.rules(table):
        if rule.name in told:
            assert rule.action is told[rule.name], rule.name
            continue
        assert rule.action is (WARN if rule.name in WARNINGS else FAIL), rule.name


@pytest.mark.parametrize("module", MODULES)
def test_the_table_is_named_as_its_module_and_is_daily_or_a_snapshot(module: str):
    table = table_of(module)
    assert table.name == f"gold/{module}"
    if isinstance(table.write, ReplaceDays):
        assert table.schema.fieldNames()[0] == table.keys[0] == table.day_column == table.write.day
    else:
        assert table.write == Snapshot()
        assert table.schema.fieldNames()[-1] == AS_OF


@pytest.mark.parametrize(
    ("module", "row", "broken"),
    [
        ("daily_revenue_by_category", "Toys | 1 | 1 | 5 | 6 | 0", "discount_within_gross"),
        ("daily_revenue_by_category", "Toys | 1 | 1 | 5 | 0 | -", "net_revenue_not_null"),
        ("daily_aov", "1 | -1 | 1", "net_revenue_greater_than_or_equal_to"),
        ("repeat_customers", "1 | 2 | 1", "repeat_within_customers"),
        ("repeat_customers", "1 | 1 | -", "repeat_rate_where_customers"),
        ("repeat_customers", "0 | 0 | 0", "repeat_rate_where_customers"),
        ("new_vs_returning", "0 | 1 | 1 | 1 | 0", "new_revenue_has_customers"),
        ("new_vs_returning", "1 | 0 | 1 | 1 | 0", "returning_revenue_has_customers"),
        ("category_growth_wow", "Toys | 1 | 1 | -", "growth_where_previous"),
        ("country_revenue_share", "DE | 1 | -", "share_where_revenue"),
        ("country_revenue_share", "DE | 1 | 1.1", "share_in_range"),
        ("hourly_sales", "24 | 1 | 1 | 1", "hour_in_range"),
        ("top_users", "11 | ann | 1 | 1", "rank_in_range"),
        ("top_products_7d", "0 | p | 1 | 1", "rank_in_range"),
        ("daily_refunds", "1 | 2 | 1 | 0.1", "orders_within_refunds"),
        ("daily_sessions", "1 | 2 | 1 | 1 | 1 | 1", "visitors_within_sessions"),
        ("daily_sessions", "1 | 1 | 1.1 | 1 | 1 | 1", "bounce_rate_in_range"),
        ("funnel", "1 | 1 | 1 | 1 | 1.1 | 1 | 1", "view_to_cart_in_range"),
        ("daily_refunds", "1 | 1 | - | -", "amount_not_null"),
        ("sales_pipeline", "sent | 1 | -", "amount_not_null"),
    ],
)
def test_a_row_that_contradicts_itself_breaks_the_rule_that_says_so(
    spark: SparkSession, module: str, row: str, broken: str
):
    table = table_of(module)
    day, *columns = table.schema.fieldNames()
    rows = frame(spark, f"{' | '.join(columns)}\n{row}", table.schema, {day: "2025-01-05"})
    assert given.broken(table, rows) == [[broken]]


def test_a_customer_who_ordered_last_before_they_ordered_first_breaks_the_rule_that_says_so(spark: SparkSession):
    table = table_of("customer_ltv")
    row = "c | 2025-01-02 | 2025-01-01 | 1 | 1 | 1 | 2025-01-02"
    rows = frame(spark, f"{' | '.join(table.schema.fieldNames())}\n{row}", table.schema)
    rows = rows.withColumn("orders_without_rate", F.lit(0))
    assert given.broken(table, rows) == [["first_order_before_last"]]
