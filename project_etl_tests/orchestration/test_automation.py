"""What lands is in Gold at the end with nobody touching it; a late record recomputes what it reaches and no more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import pytest

from project_etl.core.engine.base import Engine
from project_etl.core.staleness import Staleness
from project_etl.orchestration.run_tags import WHY_TAG
from project_etl_tests.core.staleness.given import behind
from project_etl_tests.oracle import expected_gold
from project_etl_tests.oracle.compare import assert_gold_equal
from project_etl_tests.orchestration.autopilot import Autopilot, Ran, autopilot
from project_etl_tests.small_shop import CUSTOMER, ITEM, ORDER, PARAMETERS, PRODUCT, SmallShop

pytestmark = pytest.mark.long

FIRST = date(2025, 1, 1)
DAYS = 20
LATE = 6
# Days on which the customer of the late order orders too. On the first of them they are no longer new; on the next one
# nothing is other than before.
LATER_ORDERS = {9, 10}
REACHED = {
    "top_products_7d": set(range(LATE, LATE + 7)),
    "category_growth_wow": set(range(LATE, LATE + 14)),
    "new_vs_returning": {LATE, 9},
    "repeat_customers": {LATE, 9},
}


def iso(number: int) -> str:
    return (FIRST + timedelta(days=number - 1)).isoformat()


def land_order(shop: SmallShop, number: int, customer: str, landing: int, name: str) -> None:
    """An order of one lamp on a business day, landing on a day."""
    at = f"{iso(number)}T10:00:00Z"
    key = f"{customer}-{number}"
    order = {**ORDER, "order_id": key, "customer_id": customer, "order_ts": at, "updated_at": at}
    item = {**ITEM, "order_item_id": key, "order_id": key, "updated_at": at}
    shop.land_rows("orders", iso(landing), order, name=f"{name}.csv")
    shop.land_rows("order_items", iso(landing), item, name=f"{name}.csv")


def computed_days(shop: SmallShop, table: str, since: int) -> set[int]:
    """The numbers of the days that commits after a version computed, as their notes say."""
    days = [day for commit in shop.lake.commits(table) if commit.version > since for day in commit.note.get("days", ())]
    return {(date.fromisoformat(day) - FIRST).days + 1 for day in days}


def run_keys(pilot: Autopilot) -> list[str | None]:
    """The keys of what a tick of `new_files` asks for, of which no run is made."""
    return [request.run_key for request in pilot.tick("new_files").run_requests or ()]


@dataclass(frozen=True)
class Story:
    """What the sensors did on their own when a shop landed, when nothing more did, and when one late order came."""

    shop: SmallShop
    pilot: Autopilot
    lost: list[list[str | None]]
    first: list[Ran]
    nothing: list[Ran]
    late: list[Ran]
    before: dict[str, int]


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory, engine: Engine) -> Iterator[Story]:
    folder = tmp_path_factory.mktemp("automation")
    shop = SmallShop(folder, engine)
    customers = [{**CUSTOMER, "customer_id": name} for name in ("C1", "C2")]
    with autopilot(folder) as pilot:
        assert pilot.until_quiet() == []
        shop.land_rows("customers", iso(1), *customers)
        shop.land_rows("products", iso(1), PRODUCT)
        for number in range(1, DAYS + 1):
            land_order(shop, number, "C2" if number in LATER_ORDERS else "C1", number, "orders")
        lost = [run_keys(pilot) for _ in range(2)]
        first = pilot.until_quiet()
        nothing = pilot.until_quiet()
        daily = [name for name in shop.gold_names() if shop.tables[f"gold/{name}"].is_daily]
        before = {name: shop.version(f"gold/{name}") or 0 for name in daily}
        land_order(shop, LATE, "C2", DAYS, "late")
        yield Story(shop, pilot, lost, first, nothing, pilot.until_quiet(), before)


def test_what_lands_comes_to_gold_by_itself(story: Story) -> None:
    assert all(ran.done.succeeded for ran in story.first)
    loads = [ran for ran in story.first if ran.sensor == "new_files"]
    assert [ran.days for ran in loads] == [(iso(1), iso(DAYS))]
    # One run for all of Gold, up to the newest landing day, however far windows look back.
    computed = [ran for ran in story.first if ran.sensor == "changed_days"]
    assert [ran.days for ran in computed] == [(iso(1), iso(DAYS))]


def test_a_tick_that_died_before_its_run_was_made_asks_with_the_same_key(story: Story) -> None:
    # Dagster makes no second run for a key.
    assert story.lost[0] == story.lost[1]
    assert [ran.request.run_key for ran in story.first[:1]] == story.lost[0]


def test_nothing_new_asks_for_nothing_and_says_so(story: Story) -> None:
    assert story.nothing == []
    assert story.pilot.why_nothing("new_files") == "nothing new in landing"
    assert story.pilot.why_nothing("changed_days") == "Gold is up to date with Silver"


def test_a_late_order_loads_its_landing_day_alone(story: Story) -> None:
    (load,) = [ran for ran in story.late if ran.sensor == "new_files"]
    assert load.days == (iso(DAYS), iso(DAYS))
    bronze, silver = ({f"{layer}/{name}" for name in ("orders", "order_items")} for layer in ("bronze/shop", "silver"))
    # Refunds may wait for an order.
    assert load.tables == bronze | silver | {"silver/refunds"}
    assert load.request.tags[WHY_TAG] == (
        f"new: shop/order_items/{iso(DAYS)} (late.csv), shop/orders/{iso(DAYS)} (late.csv)"
    )


def test_a_late_order_recomputes_the_days_it_reaches_and_no_other(story: Story) -> None:
    assert all(ran.done.succeeded for ran in story.late)
    # One run for all tables.
    (gold,) = [ran for ran in story.late if ran.sensor == "changed_days"]
    assert gold.days == (iso(LATE), iso(LATE + 13))
    assert gold.tables == behind("silver/orders")
    # No commit since then computed a day that it does not reach.
    for name, before in story.before.items():
        reached = REACHED.get(name, {LATE}) if f"gold/{name}" in gold.tables else set[int]()
        assert computed_days(story.shop, f"gold/{name}", before) == reached, name


def test_who_asks_for_all_days_then_computes_nothing(story: Story) -> None:
    days = [FIRST + timedelta(days=number) for number in range(DAYS)]
    assert Staleness(story.shop.lake, story.shop.tables, PARAMETERS).everywhere(days) == {}


def test_gold_is_what_the_oracle_makes_of_the_files(story: Story) -> None:
    days = [FIRST + timedelta(days=number) for number in range(DAYS)]
    assert_gold_equal(story.shop.lake.root, expected_gold(story.shop.landing, ["shop"], "EUR", days))


def test_why_a_day_was_computed_stands_on_its_run(story: Story) -> None:
    why = "changed: silver/order_items, silver/orders"
    (gold,) = [ran for ran in story.late if ran.sensor == "changed_days"]
    assert gold.request.tags[WHY_TAG] == why
    # And on the table's own page.
    assert gold.done.metadata("gold/daily_aov", iso(LATE))["why"] == why
