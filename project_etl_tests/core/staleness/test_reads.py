"""Inputs that are read by another of their days, by the days that rows name, or in some columns: what is stale."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from project_etl.core.lake import TableState, TableStore
from project_etl.core.lake.maintenance import tidy
from project_etl.core.model.table import Input, Table, TableError, lookup, same_day, whole, window
from project_etl.core.staleness import Reads
from project_etl_tests.core.staleness.given import day
from project_etl_tests.core.staleness.returns import (
    DAILY,
    FACTS,
    NUMBERS,
    OTHERS,
    PEOPLE,
    RATES,
    RETURNS,
    SALES,
    SIBLINGS,
    by_sale,
    change,
    compute,
    daily,
    made,
    numbered,
    returned,
    sale,
    stale,
    staleness,
)

ALL = set(NUMBERS)


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("loaded")
    made(str(folder))
    return folder


@pytest.fixture
def lake(loaded: Path, tmp_path: Path) -> TableStore:
    """A copy of the small lake."""
    shutil.copytree(loaded, tmp_path, dirs_exist_ok=True)
    return TableStore(str(tmp_path))


# --- by another day ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("read", "expected"),
    [(same_day("silver/returns", by="sale_date"), {2}), (window("silver/returns", by="sale_date", back=2), {2, 3, 4})],
)
def test_a_table_that_is_read_by_another_day_is_stale_for_that_day(
    lake: TableStore, read: Input, expected: set[int]
) -> None:
    table = by_sale(returns=read)
    assert stale(lake, table) == ALL
    compute(lake, table)
    assert stale(lake, table) == set()
    change(lake, RETURNS, returned(5, 7, 2))
    assert stale(lake, table) == expected


def test_a_return_that_turns_out_to_be_of_another_sale_concerns_both_days(lake: TableStore) -> None:
    table = by_sale(returns=same_day("silver/returns", by="sale_date"))
    compute(lake, table)
    change(lake, RETURNS, returned(4, 6, 7), was=[returned(4, 6, 5)])
    assert stale(lake, table) == {5, 7}


@pytest.mark.parametrize(
    ("read", "message"),
    [
        (
            same_day("silver/returns", by="return_id"),
            r"days of that are return_date, sale_date: add 'return_id' to its `day`",
        ),
        (same_day("gold/sales", by="updated_at"), "a Gold table can only be read by its own day: leave out `by`"),
        (same_day("silver/people"), "by day, but that has none"),
        (lookup("silver/people", at="sale_date"), "by day, but that has none"),
        (whole("silver/people", columns=("age",)), "reads age of silver/people, which has no such column"),
    ],
)
def test_an_input_must_have_the_days_and_columns_that_are_read(lake: TableStore, read: Input, message: str) -> None:
    table = daily(returns=same_day("silver/returns"), other=read)
    with pytest.raises(TableError, match=message):
        staleness(lake, table).checked(table, [])


# --- by the days that rows name ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", NUMBERS)
def test_a_day_is_stale_when_one_that_its_rows_name_has_changed_and_no_other_day_is(
    lake: TableStore, number: int
) -> None:
    compute(lake, DAILY)
    change(lake, FACTS, sale(9, number))
    assert stale(lake, DAILY) == {1: {3, 4}, 2: {4}, 5: {6}}.get(number, set())


@pytest.mark.parametrize(
    ("row", "was", "expected"),
    [
        (returned(5, 8, 1), [], {3, 4, 8}),
        (returned(5, 8, 7), [], {8}),
        # Sales of the 1st have one return less, those of the 2nd one more.
        (returned(3, 4, 2), [returned(3, 4, 1)], {3, 4}),
    ],
)
def test_a_table_may_be_looked_up_by_another_of_its_days(
    lake: TableStore, row: dict[str, Any], was: list[dict[str, Any]], expected: set[int]
) -> None:
    compute(lake, SIBLINGS)
    change(lake, RETURNS, row, was=was)
    assert stale(lake, SIBLINGS) == expected


@pytest.mark.parametrize(("number", "expected"), [(1, {3, 4}), (2, {4}), (3, set[int]()), (5, {6}), (6, set[int]())])
def test_a_rate_concerns_the_units_that_name_a_day_to_which_it_is_carried(
    lake: TableStore, number: int, expected: set[int]
) -> None:
    compute(lake, SIBLINGS)
    change(lake, RATES, {"rate_date": day(number), "currency": "EUR"})
    assert stale(lake, SIBLINGS) == expected


def test_days_that_a_commit_found_right_need_no_rates_of_long_ago(lake: TableStore) -> None:
    compute(lake, SIBLINGS)
    change(lake, RATES, {"rate_date": day(2), "currency": "EUR"})
    compute(lake, SIBLINGS, [8])
    tidy(lake, RATES.name, keep_hours=0)
    assert stale(lake, SIBLINGS) == {4}


def test_rows_without_a_day_name_none_and_windows_name_those_of_all_their_days(lake: TableStore) -> None:
    table = daily(returns=window("silver/returns", back=1), sales=lookup("gold/sales", at="sale_date"))
    change(lake, RETURNS, returned(5, 7, None), was=[returned(5, 7, 7)])
    compute(lake, table)
    change(lake, FACTS, sale(9, 2))
    assert stale(lake, table) == {4, 5}


def test_the_days_that_rows_name_are_read_once_and_only_when_the_table_has_moved_on(
    lake: TableStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    compute(lake, DAILY)
    read: list[str] = []
    rows = TableState.rows

    def counting(state: TableState, *args: Any, **kwargs: Any) -> Any:
        read.append(state.name)
        return rows(state, *args, **kwargs)

    monkeypatch.setattr(TableState, "rows", counting)
    assert stale(lake, DAILY) == set()
    assert read == []
    change(lake, FACTS, sale(9, 1))
    assert stale(lake, DAILY) == {3, 4}
    assert read == [RETURNS.name]


def test_a_look_up_needs_an_input_before_it_that_has_the_column() -> None:
    nothing = TableStore("none")
    sales = lookup("gold/sales", at="sale_date")
    for inputs in (
        {"sales": sales, "returns": same_day("silver/returns")},
        {"returns": whole("silver/returns"), "sales": sales},
        {"returns": same_day("silver/returns"), "sales": lookup("gold/sales", at="return_id")},
    ):
        table = daily(**inputs)
        with pytest.raises(TableError, match=r"looks up days of gold/sales at .*: declare one that has it before"):
            Reads(nothing, {each.name: each for each in OTHERS}, table, ["2025-01-01"]).days(inputs["sales"])


def test_days_follow_and_wait_for_the_days_that_their_rows_name(lake: TableStore) -> None:
    compute(lake, FACTS)
    compute(lake, DAILY)
    change(lake, SALES, sale(1, 1, "bob"))
    asked = [day(number) for number in NUMBERS]

    def everywhere(*, with_held: bool = True) -> dict[str, set[int]]:
        found = staleness(lake, DAILY).everywhere(asked, with_held=with_held)
        return {name: numbered(days) for name, days in found.items()}

    assert everywhere() == {"gold/sales": {1}, "gold/daily": {3, 4}}
    assert numbered(staleness(lake, DAILY).followers(staleness(lake, DAILY).everywhere(asked))) == {3, 4}
    # The first is held back, and what is computed from it with it.
    compute(lake, FACTS, [], held=[1])
    assert everywhere(with_held=False) == {}
    units = [str(each) for each in asked]
    assert staleness(lake, DAILY).blocked(DAILY, units) == {str(day(3)): 1, str(day(4)): 1}


# --- some columns -----------------------------------------------------------------------------------------------------

KNOWN = whole("silver/people", columns=("person_id",))
NAMED = whole("silver/people", columns=("person_id", "name"))
BY_DAY = by_sale(sales=same_day("silver/sales"), people=KNOWN)
LOOKED_UP = daily(returns=same_day("silver/returns"), sales=lookup("silver/sales", at="sale_date"), people=KNOWN)


@pytest.mark.parametrize(
    ("table", "person", "expected"),
    [
        # Ann has bought on the 1st and the 5th, Bob on the 2nd, and nobody else has.
        (BY_DAY, {"person_id": "ann", "name": "Anna"}, set[int]()),
        (BY_DAY, {"person_id": "bob"}, {2}),
        (BY_DAY, {"person_id": "dan"}, set[int]()),
        (by_sale(sales=same_day("silver/sales"), people=NAMED), {"person_id": "ann", "name": "Anna"}, {1, 5}),
        (by_sale(sales=window("silver/sales", back=1), people=KNOWN), {"person_id": "bob"}, {2, 3}),
        (by_sale(sales=same_day("silver/sales"), people=whole("silver/people")), {"person_id": "dan"}, ALL),
        # The sales of the 2nd are looked up by the returns of the 4th.
        (LOOKED_UP, {"person_id": "bob"}, {4}),
        # Nothing names a person, or the key is not seen: any day may have used them.
        (daily(returns=same_day("silver/returns"), people=KNOWN), {"person_id": "dan"}, ALL),
        (daily(returns=same_day("silver/returns"), people=KNOWN), {"person_id": "ann", "name": "Anna"}, set[int]()),
        (
            by_sale(sales=same_day("silver/sales"), people=whole("silver/people", columns=("name",))),
            {"person_id": "dan"},
            ALL,
        ),
    ],
)
def test_a_row_concerns_the_days_that_name_its_key_once_a_column_that_is_read_has_changed(
    lake: TableStore, table: Table, person: dict[str, Any], expected: set[int]
) -> None:
    compute(lake, table)
    change(lake, PEOPLE, person)
    assert stale(lake, table) == expected


def test_a_key_that_is_gone_concerns_the_days_that_name_it(lake: TableStore) -> None:
    compute(lake, BY_DAY)
    change(lake, PEOPLE, {"person_id": "ann"}, op="delete")
    assert stale(lake, BY_DAY) == {1, 5}
    change(lake, PEOPLE, {"person_id": "ann", "name": "Ann again"})
    assert stale(lake, BY_DAY) == set()
