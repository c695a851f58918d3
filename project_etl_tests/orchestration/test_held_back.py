"""Days that are held back: the other days are published, the run fails, and the sensors ask again for nothing in vain.

Belongs here: what runs, commands and sensors make of it. Does not belong here: which rows break a rule (`gold/`).
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import pytest

from project_etl.commands.gate.run import run as gate
from project_etl.commands.status.run import run as status
from project_etl.core.contracts import FAIL, sql_rule
from project_etl.core.engine.base import Engine
from project_etl.core.lake import WHOLE
from project_etl.core.model.table import Table
from project_etl.core.staleness import Staleness
from project_etl.orchestration.alerts.sensor import ended_since
from project_etl.orchestration.alerts.troubles import broken
from project_etl.settings import Settings
from project_etl.standing import standing
from project_etl_tests.commands.given import REPOSITORY, dagster_home_in, memory_in, paper, surroundings, text_of
from project_etl_tests.oracle import expected_gold
from project_etl_tests.oracle.compare import assert_gold_equal
from project_etl_tests.orchestration.autopilot import Autopilot, Ran, autopilot
from project_etl_tests.orchestration.given import definitions_of, run, settings_of
from project_etl_tests.promises.commands import everything
from project_etl_tests.small_shop import CUSTOMER, ITEM, ORDER, PARAMETERS, PRODUCT, SmallShop, made_of

pytestmark = pytest.mark.long

FIRST = date(2025, 1, 1)
D1, D2, D3 = "2025-01-01", "2025-01-02", "2025-01-03"
FACT, AOV, TOP, LTV = "gold/fact_order_items", "gold/daily_aov", "gold/top_products_7d", "gold/customer_ltv"
DAYS = [FIRST + timedelta(days=number) for number in range(3)]


def land(shop: SmallShop, *, currency: str = "JPY") -> None:
    """Three days with an order each; on the second another one, in a currency without a rate."""
    shop.land_rows("customers", D1, CUSTOMER)
    shop.land_rows("products", D1, PRODUCT)
    for day in (D1, D2, D3):
        at = f"{day}T09:00:00Z"
        orders = [{**ORDER, "order_id": f"O-{day}", "order_ts": at, "updated_at": at}]
        if day == D2:
            orders.append({**orders[0], "order_id": "other", "currency": currency})
        items = [{**ITEM, "order_item_id": row["order_id"], "order_id": row["order_id"]} for row in orders]
        items[1:] = [{**item, "quantity": "100000", "unit_price": "100000.00"} for item in items[1:]]
        shop.land_rows("orders", day, *orders)
        shop.land_rows("order_items", day, *items)


def assert_right(shop: SmallShop) -> None:
    """Hold the tables of Gold that a shop has against the oracle."""
    expected = expected_gold(shop.landing, ["shop"], "EUR", DAYS)
    assert_gold_equal(
        shop.lake.root, {name: table for name, table in expected.items() if f"gold/{name}" in shop.tables}
    )


def land_rate(shop: SmallShop, day: str, rate: str, quote: str = "JPY") -> None:
    row = {"rate_date": D1, "base_currency": "EUR", "quote_currency": quote, "rate": rate}
    shop.land_rows("fx_rates", day, row, name=f"{quote}-{rate}.csv")


def days_of(shop: SmallShop, table: str) -> set[str]:
    return {str(day) for (day,) in shop.rows(table, "order_date")}


def versions(shop: SmallShop) -> dict[str, int | None]:
    return {table: shop.version(table) for table in shop.tables}


# --- a run of three days ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Desk:
    """A shop, runs over it, and the commands that look at it."""

    folder: Path
    shop: SmallShop
    settings: Settings
    defs: dg.Definitions
    instance: dg.DagsterInstance

    def everything(self) -> bool:
        """Materialize the shop's tables for the three days, in this process."""
        return run(self.defs, D1, D3, self.instance).succeeded

    def command(self) -> int:
        """Materialize the shop's tables for the three days with the command of Dagster; its exit code."""
        select = " or ".join(f'+key:"{name}"' for name in self.shop.tables if name.startswith("gold/"))
        environment = surroundings(self.folder, START_DATE=D1, SETTLE_SECONDS=0, SOURCES="shop")
        command = [sys.executable, "-m", "dagster", *everything(D1, D3, select)]
        return subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, check=False).returncode

    def gate(self) -> tuple[bool, str]:
        console = paper()
        return gate(console, self.settings), text_of(console)

    def status(self) -> tuple[bool, str]:
        console = paper()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(standing, "tables", lambda: tuple(self.shop.tables.values()))
            return status(console, self.settings), text_of(console)


@pytest.fixture
def desk(tmp_path: Path, engine: Engine, request: pytest.FixtureRequest) -> Iterator[Desk]:
    """A desk of a shop with some tables."""
    only: Sequence[Table] = request.param
    dagster_home_in(tmp_path)
    settings = settings_of(tmp_path)
    shop, defs = SmallShop(tmp_path, engine, only=only), definitions_of(tmp_path, only=only)
    with memory_in(tmp_path) as instance:
        yield Desk(tmp_path, shop, settings, defs, instance)


@pytest.mark.parametrize("desk", [made_of(AOV, TOP, LTV)], indirect=True, ids=["some"])
def test_the_day_that_lacks_a_rate_is_held_back_and_the_others_are_published(desk: Desk) -> None:
    shop = desk.shop
    land(shop)
    assert not desk.everything()
    # The oracle has no row of the day in what sums it, or what looks back on it.
    assert_right(shop)
    assert days_of(shop, AOV) == {D1, D3}
    assert days_of(shop, FACT) == {D1, D2, D3}

    is_fine, said = desk.gate()
    assert not is_fine
    assert re.search(f"FAILED  {AOV}: {D2} held back .* net_revenue_not_null .* 1 rows on {D2}", said)
    assert said.count(f"FAILED  {AOV}") == 1
    assert re.search(r"WARNED  gold/fact_orders: 1 of \d+ records break the rule .*\(fx_rate_known\)", said)
    is_fine, said = desk.status()
    assert not is_fine
    assert f"Held back by {AOV}: {D2} (net_revenue_not_null 1, aov_not_null 1)" in said

    before = versions(shop)
    assert not desk.everything()
    assert versions(shop) == before, "a second run changes nothing"

    land_rate(shop, D3, "160")
    assert desk.everything()
    assert_right(shop)
    assert days_of(shop, AOV) == {D1, D2, D3}
    is_fine, said = desk.status()
    assert (is_fine, "Held back" in said) == (True, False)


@pytest.mark.parametrize("desk", [made_of(AOV, TOP)], indirect=True, ids=["some"])
def test_a_fact_that_holds_a_day_back_does_not_stop_what_reads_the_others(desk: Desk) -> None:
    shop = desk.shop
    land(shop)
    # An amount of it does not fit.
    land_rate(shop, D1, "0.000000001")
    # Of a run in this process Dagster does not let the tables behind the fact go on.
    assert desk.command() == 1
    assert days_of(shop, FACT) == days_of(shop, "gold/fact_orders") == days_of(shop, AOV) == {D1, D3}
    # The third day looks back on the second.
    assert days_of(shop, TOP) == {D1}
    held = {table: set(shop.lake.journal(table).held) for table in (FACT, AOV, TOP)}
    assert held == {FACT: {D2}, AOV: {D2}, TOP: {D2, D3}}
    is_fine, said = desk.gate()
    assert not is_fine
    assert re.search(f"FAILED  {TOP}: .* inputs_published .* 2 rows on ", said)
    # A rate that serves lands later, and wins.
    land_rate(shop, D2, "160")
    assert desk.everything()
    assert_right(shop)


def test_a_snapshot_that_breaks_a_rule_is_held_back_as_a_whole(tmp_path: Path, engine: Engine) -> None:
    shop = SmallShop(tmp_path, engine, only=made_of(LTV))
    land(shop)
    shop.everything(D1, D2, D3)
    declared, ltv = shop.tables["gold/customer_ltv"], shop.rows("gold/customer_ltv")
    assert ltv
    strict = sql_rule("many_orders", "orders > 100", action=FAIL, description="nobody has so many")
    shop.tables[declared.name] = replace(declared, rules=(*declared.rules, strict))
    report = shop.gold("customer_ltv")
    assert [rule.name for rule in report.failed] == ["many_orders"]
    assert shop.rows("gold/customer_ltv") == ltv
    assert shop.lake.journal(declared.name).held.keys() == {WHOLE}
    held = shop.version(declared.name)
    shop.gold("customer_ltv")
    assert shop.version(declared.name) == held
    shop.tables[declared.name] = declared
    assert shop.gold("customer_ltv").failed == ()
    # Its rows are those from before the rule.
    assert shop.rows("gold/customer_ltv") == ltv
    assert shop.lake.journal(declared.name).held == {}


# --- the sensors ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Story:
    """What the sensors did on their own when the shop landed, when its rate did, and what was left in between."""

    shop: SmallShop
    pilot: Autopilot
    first: list[Ran]
    idle: str
    released: list[Ran]


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory, engine: Engine) -> Iterator[Story]:
    folder = tmp_path_factory.mktemp("held")
    only = made_of(AOV, TOP, LTV, "gold/hourly_sales")
    shop = SmallShop(folder, engine, only=only)
    with autopilot(folder, only=only) as pilot:
        land(shop)
        first = pilot.until_quiet()
        idle = pilot.why_nothing("changed_days")
        land_rate(shop, D3, "160")
        yield Story(shop, pilot, first, idle, pilot.until_quiet())


def test_the_sensor_asks_once_for_what_is_held_back(story: Story) -> None:
    gold = [ran for ran in story.first if ran.sensor == "changed_days"]
    assert [(ran.days, ran.done.succeeded) for ran in gold] == [((D1, D3), False)]
    assert story.idle.startswith("Gold is up to date with Silver, but for what gold/")
    assert AOV in story.idle


def test_the_failure_names_the_days_that_are_held_back(story: Story) -> None:
    (gold,) = [ran for ran in story.first if ran.sensor == "changed_days"]
    why = gold.done.failures[AOV]
    assert f"{D2} held back with the rows that they had, or none; the other days of the run" in why
    assert gold.done.metadata(AOV, D2)["held_back"] == 1
    assert gold.done.metadata(AOV, D2)["dagster/partition_row_count"] == 0


def test_the_alert_is_about_the_days_that_are_held_back(story: Story) -> None:
    (gold,) = [ran for ran in story.first if ran.sensor == "changed_days"]
    ended = [each for each in ended_since(story.pilot.instance, 0, time.time()) if AOV in each.failed]
    assert [each.run_id for each in ended] == [gold.done.result.run_id]
    # It is over once the day that was held back has succeeded.
    opened = broken({}, ended, {})
    assert opened[AOV].days == {date(2025, 1, 2)}
    later = list(ended_since(story.pilot.instance, 0, time.time()))
    assert AOV not in broken({}, later, {}, {LTV})


def test_what_is_held_back_is_released_by_its_rate(story: Story) -> None:
    assert all(ran.done.succeeded for ran in story.released)
    assert_right(story.shop)
    assert Staleness(story.shop.lake, story.shop.tables, PARAMETERS).everywhere(DAYS) == {}


def test_a_correction_that_lacks_a_rate_leaves_the_rows_that_were_there(story: Story) -> None:
    shop = story.shop
    before = {table: shop.rows(table) for table in (AOV, "gold/hourly_sales")}
    yen = {**ORDER, "order_id": f"O-{D3}", "order_ts": f"{D3}T09:00:00Z", "updated_at": f"{D3}T12:00:00Z"}
    shop.land_rows("orders", D3, {**yen, "currency": "CHF"}, name="late.csv")
    ran = [each for each in story.pilot.until_quiet() if each.sensor == "changed_days"]
    assert [each.done.succeeded for each in ran] == [False]
    assert {table: shop.rows(table) for table in before} == before
    assert shop.lake.journal(AOV).held.keys() == {D3}
    (order,) = [row for row in shop.rows("gold/fact_orders", "order_id", "net_amount_reporting") if row[0] == f"O-{D3}"]
    assert order[1] is None
