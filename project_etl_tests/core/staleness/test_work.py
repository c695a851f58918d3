"""The runs that bring stale tables up to date, and the tables that a replay concerns."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from project_etl.catalog import tables
from project_etl.commands.quarantine.replay import judged_along
from project_etl.commands.shared.errors import UserError
from project_etl.core.model.days import stretches
from project_etl.core.staleness import work_of

TABLES = tables()
FIRST = date(2025, 1, 1)


def day(number: int) -> date:
    return FIRST + timedelta(days=number - 1)


# --- plan -------------------------------------------------------------------------------------------------------------


def test_stretches_are_runs_of_days_without_gaps():
    assert stretches([day(5), day(6), day(12)], 9) == [(day(5), day(6)), (day(12), day(12))]
    assert stretches([day(1)], 1) == [(day(1), day(1))]


def test_the_smallest_gaps_are_closed_first():
    days = [day(1), day(3), day(9), day(20)]
    assert stretches(days, 3) == [(day(1), day(3)), (day(9), day(9)), (day(20), day(20))]
    assert stretches(days, 1) == [(day(1), day(20))]


@given(st.sets(st.integers(1, 60), min_size=1), st.integers(1, 8))
def test_stretches_cover_all_days_in_order_and_begin_and_end_on_one(numbers, most):
    found = stretches([day(number) for number in numbers], most)
    assert len(found) <= most
    assert all(
        day(number) in (first, last) or any(a <= day(number) <= b for a, b in found)
        for number in numbers
        for first, last in found
    )
    edges = [edge for stretch in found for edge in stretch]
    assert edges == sorted(edges)
    assert set(edges) <= {day(number) for number in numbers}
    if most > len(numbers):
        assert sum((last - first).days + 1 for first, last in found) == len(numbers)


def test_a_run_makes_all_stale_tables_of_its_days_and_those_that_are_computed_as_a_whole():
    stale = {
        "gold/fact": {day(3)},
        "gold/window": {day(3), day(4)},
        "gold/customers": {day(9)},
        "gold/snapshot": set(),
    }
    assert work_of(stale, day(1)) == [
        ((day(3), day(4)), ["gold/fact", "gold/snapshot", "gold/window"]),
        ((day(9), day(9)), ["gold/customers", "gold/snapshot"]),
    ]


def test_beyond_three_stretches_the_smallest_gaps_are_computed_too():
    stale = {"gold/daily": {day(number) for number in (1, 3, 5, 9, 20)}}
    assert [stretch for stretch, _ in work_of(stale, day(1))] == [
        (day(1), day(5)),
        (day(9), day(9)),
        (day(20), day(20)),
    ]


def test_what_is_computed_as_a_whole_alone_is_one_run():
    assert work_of({"gold/snapshot": set()}, day(1)) == [((day(1), day(1)), ["gold/snapshot"])]
    assert work_of({}, day(1)) == []


def test_a_replay_takes_along_the_tables_of_the_same_records_and_those_that_refer_to_it():
    assert judged_along(TABLES, "orders") == ["silver/orders", "silver/order_items", "silver/refunds"]
    assert judged_along(TABLES, "silver/products") == [
        "silver/products",
        "silver/products_history",
        "silver/order_items",
        "silver/reviews",
    ]
    # An order only warns of an unknown customer, so that customers do not decide about it.
    assert judged_along(TABLES, "customers_history") == ["silver/customers_history", "silver/customers"]


def test_only_silver_tables_are_replayed():
    with pytest.raises(UserError, match=r"There is no Silver table 'daily_aov'; there is crm_contacts, "):
        judged_along(TABLES, "daily_aov")
    with pytest.raises(UserError, match="a file is read again when it lands with other bytes"):
        judged_along(TABLES, "files")
