"""A history keeps no quarantine of its own where another table keeps the same records out, and only there."""

from __future__ import annotations

from dataclasses import replace

from project_etl.catalog import tables
from project_etl.core.contracts import WARN, sql_rule
from project_etl.core.model.table import Reference, Table, with_sisters

TABLES = {table.name: replace(table, sister="") for table in tables()}
CUSTOMERS, HISTORY = TABLES["silver/customers"], TABLES["silver/customers_history"]


def sister_of_the_history(*others: Table, history: Table = HISTORY) -> str:
    """The sister of a history among some tables."""
    return with_sisters([*others, history])[-1].sister


def test_a_history_has_the_table_of_the_same_records_as_its_sister() -> None:
    assert {table.name: table.sister for table in tables() if table.sister} == {
        "silver/customers_history": "silver/customers",
        "silver/products_history": "silver/products",
    }


def test_a_history_that_keeps_out_other_records_has_no_sister() -> None:
    rule = sql_rule("r", "true", description="a rule", action=WARN)
    parent = Reference("country", "silver/products", rule="known")
    assert sister_of_the_history(CUSTOMERS) == "silver/customers"
    assert not sister_of_the_history()
    assert not sister_of_the_history(TABLES["silver/products"])
    assert not sister_of_the_history(CUSTOMERS, history=replace(HISTORY, rules=(rule,)))
    assert not sister_of_the_history(CUSTOMERS, history=replace(HISTORY, references=(parent,)))
    assert not sister_of_the_history(CUSTOMERS, history=replace(HISTORY, min_score=0.5))
    assert not sister_of_the_history(CUSTOMERS, history=replace(HISTORY, code_version="another"))
