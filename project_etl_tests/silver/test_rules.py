"""Every rule of every Silver table, by the cases that the tables' own modules give."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

import pytest

from project_etl_tests.silver.given import TABLES, Cases, Verdict, rule_names

# A history is judged by the cases of the table that it is the history of.
CASES: dict[str, Cases] = {
    name: import_module(f"project_etl_tests.silver.test_{name}").CASES
    for name in TABLES
    if not name.endswith("_history")
}


@pytest.mark.parametrize(
    ("table", "case"), [(table, case) for table, cases in CASES.items() for case in cases.expected]
)
def test_a_record_breaks_exactly_its_rules(
    verdicts_of: Callable[[Cases], dict[str, Verdict]], table: str, case: str
) -> None:
    verdict, (_, broken, is_valid) = verdicts_of(CASES[table])[case], CASES[table].expected[case]
    assert (verdict.broken, verdict.is_valid) == (broken, is_valid)


@pytest.mark.parametrize(
    ("table", "cases"), [(name, cases) for cases in CASES.values() for name in (cases.table, *cases.also)]
)
def test_every_rule_has_a_case(table: str, cases: Cases) -> None:
    broken = {rule for _, rules, _ in cases.expected.values() for rule in rules}
    assert rule_names(table) - set(cases.unreachable) == broken


def test_every_silver_table_has_cases() -> None:
    assert {name for cases in CASES.values() for name in (cases.table, *cases.also)} == set(TABLES)
