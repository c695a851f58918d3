"""Which tables and days are stale, with the declarations of the platform's own tables and real Delta logs."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path

import deltalake
import pyarrow as pa
import pytest
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from project_etl.core.lake import WHOLE, Append, TableState, TableStore
from project_etl.core.lake.maintenance import tidy
from project_etl.core.model.order import gold_order
from project_etl.core.model.table import Input, ReplaceDays, Snapshot, WriteMode, same_day, whole, window
from project_etl.core.silver.plan import silver_schema
from project_etl.core.staleness import BLOCKED, days_of_data
from project_etl_tests.commands.given import land_until
from project_etl_tests.core.staleness.given import (
    ALL_GOLD,
    CHANGE_FEED,
    CUSTOMERS,
    DEFAULTS,
    ITEMS,
    LAST,
    ORDERS,
    PRODUCTS,
    RATES,
    TABLES,
    behind,
    change,
    compute,
    day,
    hold_back,
    instant,
    item,
    made,
    order,
    rate,
    stale,
    staleness,
    version,
)

SAME_DAY = {"gold/fact_order_items", "gold/fact_orders", "gold/daily_aov", "gold/hourly_sales", "gold/top_users"}
FACTS, AOV = "gold/fact_orders", "gold/daily_aov"
UNITS = tuple(str(day(number)) for number in range(1, 10))


@pytest.fixture(scope="module")
def computed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("computed")
    made(str(folder))
    return folder


@pytest.fixture
def lake(computed: Path, tmp_path: Path) -> TableStore:
    """A copy of a shop of which all Gold tables were computed."""
    shutil.copytree(computed, tmp_path, dirs_exist_ok=True)
    return TableStore(str(tmp_path))


# --- days -------------------------------------------------------------------------------------------------------------


def test_what_was_computed_from_what_is_there_is_not_stale(lake: TableStore) -> None:
    assert stale(lake) == {}


def test_what_was_never_computed_is_stale(lake: TableStore) -> None:
    assert stale(lake, LAST + 1)[AOV] == {LAST + 1}
    for table in ALL_GOLD:
        shutil.rmtree(lake.path(table))
    assert stale(lake, 5) == {name: set(range(1, 6)) if TABLES[name].is_daily else set() for name in ALL_GOLD}


def test_an_order_makes_its_day_stale_the_windows_over_it_and_what_is_computed_as_a_whole(lake: TableStore) -> None:
    change(lake, ORDERS, order("o1", "bob", 3))
    found = stale(lake)
    # Its items are read with it.
    assert set(found) == behind(ORDERS)
    for name in SAME_DAY:
        assert found[name] == {3}, name
    assert found["gold/top_products_7d"] == set(range(3, 10))
    assert found["gold/category_growth_wow"] == set(range(3, 17))
    assert found["gold/customer_ltv"] == set()
    # Whether anybody's first order is another one now is known when that has been computed.
    assert found["gold/repeat_customers"] == found["gold/new_vs_returning"] == {3}


def test_what_is_held_back_is_stale_and_wanted_again_when_an_input_changes(lake: TableStore) -> None:
    name = "gold/fact_order_items"
    change(lake, ITEMS, item("i1", "o1", "mug", 3))
    hold_back(lake, name, 3)
    assert stale(lake)[name] == {3}
    assert name not in stale(lake, with_held=False)
    assert staleness(lake).held_back(TABLES[name], UNITS) == (str(day(3)),)
    # Something happens on another day, and then to its own rate.
    change(lake, ITEMS, item("i3", "o3", "mug", 9))
    assert stale(lake, with_held=False)[name] == {9}
    change(lake, RATES, rate(3, "JPY", "EUR"), op="insert")
    assert 3 in stale(lake, with_held=False)[name]
    assert staleness(lake).held_back(TABLES[name], UNITS) == ()


def test_days_that_are_computed_from_what_is_held_back_wait_with_it(lake: TableStore) -> None:
    change(lake, ITEMS, item("i1", "o1", "mug", 3))
    assert stale(lake, with_held=False)["gold/top_products_7d"] == set(range(3, 10))
    hold_back(lake, "gold/fact_order_items", 3)
    assert "gold/fact_order_items" not in stale(lake, with_held=False)
    # Another day of them is wanted, but for what looks back on the third.
    change(lake, ITEMS, item("i3", "o3", "mug", 9))
    found = stale(lake, with_held=False)
    assert found["gold/fact_order_items"] == {9}
    blocked = staleness(lake).blocked(TABLES["gold/top_products_7d"], [str(day(number)) for number in range(1, 12)])
    assert blocked == {str(day(number)): 1 for number in range(3, 10)}
    assert staleness(lake).blocked(TABLES["gold/customer_ltv"], [WHOLE]) == {}


def test_a_day_that_waits_is_wanted_once_its_input_is_published_even_without_rows(lake: TableStore) -> None:
    facts, products = "gold/fact_order_items", "gold/top_products_7d"
    change(lake, ITEMS, item("i1", "o1", "mug", 3))
    hold_back(lake, facts, 3)
    hold_back(lake, products, 5, BLOCKED)
    assert staleness(lake).held_back(TABLES[products], [str(day(5))]) == (str(day(5)),)
    compute(lake, only=facts)
    assert stale(lake, with_held=False) == {products: {5}}


def test_days_of_interest_are_the_asked_ones_alone(lake: TableStore) -> None:
    change(lake, ORDERS, order("o1", "bob", 3))
    assert stale(lake, until=5)["gold/category_growth_wow"] == {3, 4, 5}


def test_an_order_that_moves_makes_both_days_stale(lake: TableStore) -> None:
    change(lake, ORDERS, order("o1", "ann", 5), touched=[str(day(3)), str(day(5))])
    assert stale(lake)[AOV] == {3, 5}


def test_days_that_a_whole_table_has_changed_are_found_once_it_is_computed(lake: TableStore) -> None:
    # Ann's first revenue order is on the 20th now.
    table = TABLES["gold/customer_first_order"]
    now = staleness(lake).made_from(table)
    row = {field.name: DEFAULTS[type(field.dataType)] for field in table.schema.fields}
    rows = pa.Table.from_pylist([row], lake.state(table.name).arrow_schema)
    note = {"table": table.name, "reads": now.versions, "days": {WHOLE: now.identity}, "touched": [str(day(20))]}
    lake.commit(table.name, Append(), rows, note)
    assert stale(lake) == {"gold/new_vs_returning": {20}, "gold/repeat_customers": {20}}


def test_a_commit_that_does_not_say_where_may_have_changed_all_days(lake: TableStore) -> None:
    deltalake.DeltaTable(lake.path(ORDERS)).delete("order_id = 'o1'")
    assert stale(lake)[FACTS] == set(range(1, LAST + 1))


def test_tables_of_which_an_input_is_not_there_yet_are_not_asked_for(lake: TableStore) -> None:
    shutil.rmtree(lake.path(CUSTOMERS))
    lake.known.clear()
    found = stale(lake)
    assert FACTS not in found
    assert AOV not in found


def test_a_table_has_the_days_of_what_it_reads(lake: TableStore) -> None:
    change(lake, ORDERS, order("o1", "bob", 3))
    change(lake, PRODUCTS, version(PRODUCTS, "mug", instant(1), None, "cups"))
    found = stale(lake)
    for table in TABLES.values():
        for each in table.inputs.values():
            if each.table in found and table.is_daily and not each.at:
                assert found[each.table] <= found[table.name], (table.name, each.table)


def test_gold_tables_come_after_those_they_read() -> None:
    seen: list[str] = []
    for table in gold_order(reversed(TABLES.values())):
        assert all(each.table in seen for each in table.inputs.values() if each.table.startswith("gold/"))
        seen.append(table.name)
    assert set(seen) == ALL_GOLD


def test_maintenance_makes_nothing_stale(lake: TableStore) -> None:
    change(lake, ORDERS, order("o7", "ann", 3))
    compute(lake)
    lake.state(ORDERS).release().optimize.compact()
    assert stale(lake) == {}


# --- code, settings, other tables -------------------------------------------------------------------------------------


def converted(orders: DataFrame, *, reporting_currency: str) -> DataFrame:
    """A transform that takes a setting."""
    return orders.where(F.col("currency") == reporting_currency)


def test_other_code_and_other_settings_make_other_results(lake: TableStore) -> None:
    other = replace(TABLES[AOV], code_version="2")
    assert staleness(lake).units_of(other, UNITS) == UNITS
    assert staleness(lake, reporting_currency="GBP").units_of(TABLES[AOV], UNITS) == ()
    assert staleness(lake, reporting_currency="GBP").units_of(TABLES["gold/fact_order_items"], UNITS) == UNITS


def test_a_table_that_was_made_again_is_another_one(lake: TableStore) -> None:
    shutil.rmtree(lake.path(ORDERS))
    lake.create(ORDERS, silver_schema(TABLES[ORDERS]), properties=CHANGE_FEED)
    change(lake, ORDERS, order("o1", "ann", 3))
    assert stale(lake)[FACTS] == set(range(1, LAST + 1))


def test_what_was_forgotten_may_have_been_anything(lake: TableStore) -> None:
    change(lake, ORDERS, order("o1", "ann", 4))
    change(lake, ORDERS, order("o2", "ann", 5))
    assert stale(lake)[FACTS] == {4, 5}
    lake.state(ORDERS).delta.create_checkpoint()
    for entry in sorted((Path(lake.path(ORDERS)) / "_delta_log").glob("*.json"))[:-1]:
        entry.unlink()
    lake.known.clear()
    assert stale(lake)[FACTS] == set(range(1, LAST + 1))


@pytest.mark.parametrize(
    ("read", "mode", "expected"),
    [
        (same_day(ORDERS), ReplaceDays("order_date"), UNITS[3:4]),
        (window(ORDERS, back=2), ReplaceDays("order_date"), UNITS[3:6]),
        (whole(ORDERS), ReplaceDays("order_date"), UNITS),
        (whole(ORDERS), Snapshot(), (WHOLE,)),
    ],
)
def test_a_changed_day_concerns_the_units_that_are_made_from_it(
    lake: TableStore, read: Input, mode: WriteMode, expected: tuple[str, ...]
) -> None:
    table = replace(TABLES[AOV], inputs={"orders": read}, write=mode, conserves=(), measure=None)
    units = UNITS if table.is_daily else (WHOLE,)
    now = staleness(lake, {**TABLES, AOV: table})
    assert now.units_of(table, units) == units
    made_from = now.made_from(table)
    nothing = lake.state(AOV).arrow_schema.empty_table()
    note = {"table": AOV, "reads": made_from.versions, "days": dict.fromkeys(units, made_from.identity)}
    lake.commit(AOV, Append(), nothing, note)
    assert now.units_of(table, units) == ()
    change(lake, ORDERS, order("o1", "ann", 4))
    assert now.units_of(table, units) == expected


# --- inputs that are read as of an instant ----------------------------------------------------------------------------


def items_stale(lake: TableStore) -> set[int]:
    """Days of the order items that are stale and on which something is sold."""
    return stale(lake).get("gold/fact_order_items", set()) & {1, 3, 9, 20, 25}


def test_a_rate_concerns_the_days_until_the_pairs_of_its_day_are_given_again(lake: TableStore) -> None:
    # On the 9th only one of the 1st's two pairs is given, so that the other is carried on up to the 20th.
    change(lake, RATES, rate(1, "GBP", "USD"))
    assert stale(lake)["gold/fact_order_items"] == set(range(1, 20))
    compute(lake)
    # The pairs of the 9th are all given again on the 20th.
    change(lake, RATES, rate(9, "USD", "EUR"))
    assert stale(lake)["gold/fact_order_items"] == set(range(9, 20))
    compute(lake)
    change(lake, RATES, rate(20, "USD", "EUR"))
    assert stale(lake)["gold/fact_order_items"] == set(range(20, LAST + 1))


def test_a_rate_that_is_gone_concerns_the_days_it_was_carried_to(lake: TableStore) -> None:
    change(lake, RATES, rate(2, "USD", "EUR"))
    compute(lake)
    change(lake, RATES, rate(2, "USD", "EUR"), op="delete")
    assert stale(lake)["gold/fact_order_items"] == set(range(2, 9))


def test_a_new_version_concerns_the_days_on_which_the_product_is_sold_since(lake: TableStore) -> None:
    change(
        lake,
        PRODUCTS,
        version(PRODUCTS, "tea", instant(9, 12), instant(9, 18), "leaves"),
        version(PRODUCTS, "tea", instant(9, 18), None, "herbs"),
    )
    # Tea is also sold on the 3rd, when it says the same as before; on the 20th only mugs are.
    assert stale(lake)["gold/fact_order_items"] == {9}


def test_a_late_version_concerns_the_days_for_which_it_is_valid(lake: TableStore) -> None:
    change(lake, PRODUCTS, version(PRODUCTS, "tea", instant(2), instant(9, 12), "dry"))
    assert stale(lake)["gold/fact_order_items"] == {3, 9}


def test_a_version_that_ends_at_midnight_does_not_concern_the_day_that_begins(lake: TableStore) -> None:
    change(lake, PRODUCTS, version(PRODUCTS, "tea", instant(2), instant(9), "drinks"))
    change(lake, PRODUCTS, version(PRODUCTS, "tea", instant(9), None, "leaves"))
    change(lake, PRODUCTS, version(PRODUCTS, "tea", instant(9, 12), None, "leaves"), op="delete")
    compute(lake)
    change(lake, PRODUCTS, version(PRODUCTS, "tea", instant(2), instant(9), "dry"))
    assert stale(lake)["gold/fact_order_items"] == {3}


def test_a_version_that_says_nothing_new_concerns_nothing(lake: TableStore) -> None:
    change(
        lake,
        PRODUCTS,
        version(PRODUCTS, "mug", instant(1), instant(9), "pots"),
        version(PRODUCTS, "mug", instant(9), None, "pots"),
    )
    assert stale(lake) == {}


def test_the_only_version_also_speaks_for_older_orders(lake: TableStore) -> None:
    change(lake, PRODUCTS, version(PRODUCTS, "mug", instant(1), None, "pots"), op="delete")
    compute(lake)
    change(lake, PRODUCTS, version(PRODUCTS, "mug", instant(10), None, "cups"))
    assert stale(lake)["gold/fact_order_items"] == {1, 3, 20}


def test_a_customer_version_concerns_the_orders_but_not_the_items(lake: TableStore) -> None:
    change(lake, CUSTOMERS, version(CUSTOMERS, "ann", instant(1), None, "FR"))
    found = stale(lake)
    assert "gold/fact_order_items" not in found
    assert found["gold/country_revenue_share"] == {3, 9, 20}


def test_where_the_feed_is_gone_or_too_long_all_days_are_stale_for_that_input_alone(
    lake: TableStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(lake, CUSTOMERS, version(CUSTOMERS, "ann", instant(9), None, "FR"))
    assert stale(lake)[FACTS] == {9, 20}
    monkeypatch.setattr("project_etl.core.staleness.as_of.MOST_ROWS", 0)
    assert stale(lake)[FACTS] == set(range(1, LAST + 1))
    assert "gold/fact_order_items" not in stale(lake)
    monkeypatch.undo()
    shutil.rmtree(Path(lake.path(CUSTOMERS)) / "_change_data")
    assert stale(lake)[FACTS] == set(range(1, LAST + 1))


def test_days_that_a_commit_found_right_need_no_feed_of_long_ago(lake: TableStore) -> None:
    change(lake, PRODUCTS, version(PRODUCTS, "mug", instant(25), None, "cups"))
    change(lake, PRODUCTS, version(PRODUCTS, "tea", instant(9, 18), None, "herbs"))
    assert stale(lake)["gold/fact_order_items"] == {9}
    # A day is computed, and says of all others which of them are stale; then maintenance removes the feed.
    compute(lake, [LAST])
    tidy(lake, PRODUCTS, keep_hours=0)
    assert stale(lake)["gold/fact_order_items"] == {9}
    compute(lake, [9])
    assert stale(lake) == {}


def test_the_feed_is_followed_once_for_all_days(lake: TableStore, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(21, 31):
        change(lake, RATES, rate(number, "USD", "EUR"), rate(number, "GBP", "USD"))
        compute(lake, [number])
    followed: list[int] = []
    changes = TableState.changes

    def counting(state: TableState, since: int, **options: int) -> object:
        followed.append(since)
        return changes(state, since, **options)

    monkeypatch.setattr(TableState, "changes", counting)
    change(lake, RATES, rate(31, "USD", "EUR"), rate(31, "GBP", "USD"))
    assert stale(lake)["gold/fact_order_items"] == set(range(31, LAST + 1))
    assert len(followed) == 1


@pytest.mark.parametrize(
    ("by_day", "expected"),
    [
        (window(ITEMS, back=3), {1, 2, 3, 4, 5, 6, 9, 10, 11, 12, 20, 21, 22, 23} - {1, 2, 20, 21, 22, 23}),
        (same_day(ORDERS), set(range(1, LAST + 1))),
    ],
)
def test_a_history_concerns_the_windows_over_its_days_and_all_days_where_nothing_names_it(
    lake: TableStore, by_day: Input, expected: set[int]
) -> None:
    table = replace(TABLES[AOV], inputs={"items": by_day, "products": whole(PRODUCTS)}, conserves=())
    now = staleness(lake, {**TABLES, AOV: table})
    units = [str(day(number)) for number in range(1, LAST + 1)]
    made_from = now.made_from(table)
    note = {"table": AOV, "reads": made_from.versions, "days": dict.fromkeys(units, made_from.identity)}
    lake.commit(AOV, Append(), lake.state(AOV).arrow_schema.empty_table(), note)
    change(lake, PRODUCTS, version(PRODUCTS, "tea", instant(2), instant(9, 12), "dry"))
    assert {(date.fromisoformat(unit) - day(1)).days + 1 for unit in now.units_of(table, units)} == expected


def test_a_table_makes_nothing_stale_that_does_not_read_it(lake: TableStore) -> None:
    change(lake, "silver/products", {"product_id": "tea"})
    assert set(stale(lake)) == behind("silver/products") == {"gold/dim_products", "gold/validation"}


# --- the days there are -----------------------------------------------------------------------------------------------


def test_days_of_data_go_as_far_as_landing(lake: TableStore) -> None:
    for table in ALL_GOLD:
        shutil.rmtree(lake.path(table))
    change(lake, ITEMS, item("i9", "o1", "tea", 30))

    def days(since: int, until: int) -> list[date]:
        return days_of_data(lake, TABLES.values(), day(since), day(until))

    assert days(2, 60) == [], "nothing has landed"
    land_until(lake, str(day(9)))
    land_until(lake, str(day(32)))
    found = days(2, 60)
    assert (found[0], found[-1], len(found)) == (day(2), day(32), 31)
    assert days(2, 20)[-1] == day(20)
    # A person had a later day computed, which is followed from then on.
    lake.create(AOV, TABLES[AOV].schema)
    compute(lake, [40], only=AOV)
    assert days(30, 60) == [day(30), day(31), day(32), day(40)]
    assert days_of_data(TableStore(f"{lake.root}/none"), TABLES.values(), day(2), day(35)) == []
