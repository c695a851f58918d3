"""Business days of a time zone of the shop's own, from files to Gold, around the changes of clocks.

Each lake is held against the oracle, which has the time zones from Python. Steps alone are in
`core/transforms/test_zones.py`.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from project_etl.catalog import feeds_of, staleness_of
from project_etl.commands.plan.work import work_of
from project_etl.core.engine.base import Engine
from project_etl.core.model.days import each_day, instants_of
from project_etl.orchestration.partitions import daily_partitions
from project_etl_tests.core.transforms.test_zones import CHANGES
from project_etl_tests.oracle import Zones, expected_gold
from project_etl_tests.oracle.compare import assert_gold_equal
from project_etl_tests.small_shop import CUSTOMER, ITEM, ORDER, PRODUCT, REFUND, SmallShop, made_of, settings_of

pytestmark = pytest.mark.long

# The tables of facts, and after them those that the oracle knows.
GOLD = ("fact_order_items", "fact_orders", "hourly_sales", "daily_aov")
ONLY = made_of(*(f"gold/{name}" for name in GOLD))
# West of Greenwich, and far east of it with half an hour instead of one; what follows them is in Berlin.
LIVED = ("America/New_York", "Australia/Lord_Howe")
HALF_HOUR = timedelta(minutes=30)
BERLIN = {"reporting_timezone": "Europe/Berlin", "source_timezones": {"shop": "Europe/Berlin"}}


@dataclass
class Changed:
    """A shop of a zone, with orders around both changes of its clocks in a year.

    Attributes:
        shop: the shop, loaded.
        zone: its zone.
        changes: the days of the changes: the first skips local times, the second shows some twice.
        days: those and the days beside them, in order.
        warned: rule of local times → landing day → records that break it.
    """

    shop: SmallShop
    zone: str
    changes: tuple[date, date]
    days: list[str]
    warned: Mapping[str, Mapping[str, int]]

    def check(self) -> None:
        """Hold Gold against the oracle."""
        assert_right(self.shop, map(date.fromisoformat, self.days))


def assert_right(shop: SmallShop, days: Iterable[date]) -> None:
    """Hold the tables of Gold that a shop has, and the oracle knows, against the oracle."""
    given = shop.settings
    zones = Zones(given.reporting_timezone, dict(given.source_timezones))
    expected = expected_gold(shop.landing, shop.sources, "EUR", days, dict(given.namespaces), zones)
    made = {name: table for name, table in expected.items() if f"gold/{name}" in shop.tables}
    assert made
    assert_gold_equal(shop.lake.root, made)


def land(shop: SmallShop, day: str, orders: Mapping[str, str], **changes: Any) -> None:
    """Land an order for each id and text of its instant, with an item, and what they need."""
    at = {"updated_at": f"{day}T00:00:00Z"}
    shop.land_rows("customers", day, CUSTOMER)
    shop.land_rows("products", day, PRODUCT)
    shop.land_rows("orders", day, *[{**ORDER, **at, "order_id": id_, "order_ts": ts} for id_, ts in orders.items()])
    shop.land_rows("order_items", day, *[{**ITEM, **at, **changes, "order_id": id_} for id_ in orders])


def orders_around(zone: str, first: datetime, length: timedelta) -> dict[str, str]:
    """An order at each half of an hour of a day on which the clocks change, and some of the days beside it.

    Args:
        zone: the zone.
        first: the first local time that is skipped or shown twice.
        length: for how long local times are.

    Returns:
        Number of an order → its instant. `Z` names its offset; the others are local times.
    """
    day = first.date()
    start, end = instants_of(day, zone)
    number = (end - start) // HALF_HOUR
    orders = {f"Z{step}": f"{start + HALF_HOUR * step:%Y-%m-%dT%H:%M:%SZ}" for step in range(-2, number + 2)}
    tick = timedelta(microseconds=1)
    odd = [first - tick, first, first + length - tick, first + length]
    orders |= {f"L{at}": str(local) for at, local in enumerate(odd)}
    orders |= {f"M{more}": f"{day + timedelta(days=more)} 00:00:00" for more in (-1, 0, 1)}
    orders |= {f"D{more}": f"{day + timedelta(days=more)}" for more in (-1, 0, 1)}
    orders |= {f"E{more}": f"{day + timedelta(days=more)} 23:59:59.999999" for more in (-1, 0, 1)}
    return {f"{day}{id_}": at for id_, at in orders.items()}


@pytest.fixture(scope="module", params=LIVED)
def changed(request: pytest.FixtureRequest, engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Changed:
    """A year of a zone."""
    zone, (*texts, minutes) = request.param, CHANGES[request.param]
    zones = {"reporting_timezone": zone, "source_timezones": {"shop": zone}}
    shop = SmallShop(tmp_path_factory.mktemp("days"), engine, only=ONLY, **zones)
    firsts = [datetime.fromisoformat(str(text)) for text in texts]
    skipped, doubled = (first.date() for first in firsts)
    for first in firsts:
        land(shop, str(first.date()), orders_around(zone, first, timedelta(minutes=minutes)))
    days = sorted(str(day + timedelta(days=more)) for day in (skipped, doubled) for more in (-1, 0, 1))
    report = shop.load(*days)["silver/orders"]
    for name in GOLD:
        shop.gold(name, *days)
    warned = {rule.name: rule.by_day for rule in report.rules if rule.name.startswith("local_time")}
    return Changed(shop, zone, (skipped, doubled), days, warned)


def test_gold_is_what_the_oracle_expects(changed: Changed) -> None:
    changed.check()


def test_each_order_is_on_the_day_that_the_clocks_show(changed: Changed) -> None:
    found = changed.shop.rows("silver/orders", "order_ts", "order_date")
    assert len(found) > 100
    assert all(day == at.astimezone(ZoneInfo(changed.zone)).date() for at, day in found)
    assert changed.shop.quarantined("orders") == []


def test_a_day_has_as_many_hours_as_its_clocks_show(changed: Changed) -> None:
    orders = [day for id_, day in changed.shop.rows("silver/orders", "order_id", "order_date") if "Z" in id_]
    hours = changed.shop.rows("gold/hourly_sales", "order_date", "hour")
    for day in changed.changes:
        first, end = instants_of(day, changed.zone)
        instants = [first + HALF_HOUR * step for step in range((end - first) // HALF_HOUR)]
        assert orders.count(day) == len(instants)
        shown = {at.astimezone(ZoneInfo(changed.zone)).hour for at in instants}
        assert {hour for of, hour in hours if of == day} == shown


def test_local_times_that_are_none_or_two_are_counted_and_kept(changed: Changed) -> None:
    skipped, doubled = map(str, changed.changes)
    assert changed.warned == {"local_time_exists": {skipped: 2}, "local_time_unambiguous": {doubled: 2}}


def test_a_run_writes_the_days_of_the_zone_and_no_others(changed: Changed) -> None:
    units = changed.shop.lake.journal("gold/daily_aov").units
    assert sorted(units) == changed.days
    rows = changed.shop.rows("gold/daily_aov", "order_date", "orders")
    assert sum(orders for _, orders in rows) == len(changed.shop.rows("silver/orders", "order_id"))


# --- what is of the future --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("zone", ["America/New_York", "Australia/Lord_Howe"])
def test_an_instant_is_in_the_future_two_days_after_its_landing_day_by_the_clocks(
    engine: Engine, tmp_path: Path, zone: str
) -> None:
    day = "2025-03-29"
    shop = SmallShop(tmp_path, engine, only=made_of("silver/orders"), reporting_timezone=zone)
    after = instants_of(date(2025, 3, 30), zone)[1]
    instants = [after - timedelta(microseconds=1), after]
    land(shop, day, {f"O{at}": f"{instant:%Y-%m-%dT%H:%M:%S.%fZ}" for at, instant in enumerate(instants)})
    shop.load(day)
    assert shop.rows("silver/orders", "order_id", "order_date") == [("O0", date(2025, 3, 30))]
    assert [rules for *_, rules in shop.quarantined("orders")] == [["order_ts_in_range"]]


def test_dagsters_newest_partition_is_today_by_the_clocks() -> None:
    for zone, changes in CHANGES.items():
        settings = settings_of(reporting_timezone=zone)
        partitions = daily_partitions(settings)
        for day in (date.fromisoformat(at[:10]) for at in changes[:2]):
            for instant in (at + ago for at in instants_of(day, zone) for ago in (-timedelta(seconds=1), timedelta())):
                newest = partitions.get_partition_keys(current_time=instant)[-1]
                assert newest == str(settings.last_day(instant.timestamp())), (zone, instant)


@pytest.mark.parametrize("zone", [*CHANGES, "America/Sao_Paulo", "Africa/Cairo"])
def test_every_day_of_the_calendar_has_a_partition(zone: str) -> None:
    # Clocks that change at midnight leave out the first hour of a day.
    first, last = date(2017, 1, 1), date(2025, 12, 31)
    settings = settings_of(reporting_timezone=zone, start_date=first, end_date=last)
    assert daily_partitions(settings).get_partition_keys() == [str(day) for day in each_day(first, last)]


# --- a change of the settings -----------------------------------------------------------------------------------------


def test_without_a_zone_the_versions_say_nothing_of_zones() -> None:
    table = SmallShop(Path("unused")).tables["silver/orders"]
    plain, zoned = feeds_of(table, settings_of()), feeds_of(table, settings_of(**BERLIN))
    assert plain[0].version != zoned[0].version
    assert zoned[0].version == f"{plain[0].version}/Europe/Berlin"


CHANGED_DAYS = ["2025-07-01", "2025-07-02", "2025-07-03"]


@pytest.fixture(scope="module")
def without_zones(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a shop that was loaded without any zone."""
    folder = tmp_path_factory.mktemp("without")
    shop = SmallShop(folder, engine, only=ONLY)
    orders = {"O1": "2025-07-01 23:30:00", "O2": "2025-07-02 00:30:00", "O3": "2025-07-01T22:30:00Z"}
    land(shop, CHANGED_DAYS[1], orders)
    at = dict.fromkeys(("refunded_at", "updated_at"), "2025-07-02 00:45:00")
    shop.land_rows("refunds", CHANGED_DAYS[1], REFUND | at)
    shop.everything(*CHANGED_DAYS)
    return folder


@pytest.mark.parametrize(
    "change", [{"reporting_timezone": "Europe/Berlin"}, {"source_timezones": BERLIN["source_timezones"]}]
)
def test_another_zone_makes_everything_stale_and_plan_says_so(
    engine: Engine, without_zones: Path, tmp_path: Path, change: dict[str, Any]
) -> None:
    shutil.copytree(without_zones, tmp_path, dirs_exist_ok=True)
    days = list(map(date.fromisoformat, CHANGED_DAYS))
    shop = SmallShop(tmp_path, engine, only=ONLY, **change)
    work = work_of(shop.lake, shop.settings, CHANGED_DAYS, shop.tables)
    busy = {each.table for each in work if each.is_busy}
    concerned = {name for name in shop.tables if name != "silver/fx_rates"}
    if "reporting_timezone" in change:
        assert {"silver/customers", "silver/orders", "silver/order_items", "gold/fact_orders"} <= busy <= concerned
    else:
        assert {name for name in concerned if name.startswith("silver/")} <= busy
    shop.everything(*CHANGED_DAYS)
    assert staleness_of(shop.lake, shop.settings, ONLY).everywhere(days) == {}
    assert_right(shop, days)
    fresh = SmallShop(tmp_path / "fresh", engine, only=ONLY, **change)
    fresh.landing = shop.landing
    fresh.load(*CHANGED_DAYS)
    assert shop.state() == fresh.state()


def test_a_late_version_of_the_first_hour_of_a_day_reaches_that_day(engine: Engine, tmp_path: Path) -> None:
    # 22:30 and 23:00 in UTC are on 2 July in Berlin, and on 1 July in UTC.
    days = ["2025-07-01", "2025-07-02", "2025-07-03", "2025-07-04"]
    only = made_of("gold/fact_order_items", "gold/daily_revenue_by_category")
    shop = SmallShop(tmp_path, engine, only=only, reporting_timezone="Europe/Berlin")
    land(shop, days[0], {"O1": "2025-07-01T22:30:00Z", "O2": "2025-07-01T10:00:00Z"})
    later = PRODUCT | {"category": "Later", "updated_at": "2025-07-01T23:00:00Z"}
    shop.land_rows("products", days[1], later)
    shop.everything(*days)
    shop.land_rows("products", days[2], PRODUCT | {"category": "Between", "updated_at": "2025-07-01T22:15:00Z"})
    shop.load(*days)
    stale = staleness_of(shop.lake, shop.settings, tuple(shop.tables.values()))
    table = shop.tables["gold/fact_order_items"]
    assert stale.units_of(table, days) == (days[1],)
    shop.all_gold(*days)
    assert_right(shop, map(date.fromisoformat, days))


# --- records that wait, and several sources ---------------------------------------------------------------------------


def test_a_record_that_waited_is_read_in_the_zone_of_its_source(engine: Engine, tmp_path: Path) -> None:
    shop = SmallShop(tmp_path, engine, only=made_of("silver/order_items"), **BERLIN)
    first, second = "2025-03-30", "2025-03-31"
    shop.land_rows("order_items", first, ITEM | {"updated_at": "2025-03-30 02:30:00"})
    shop.load(first)
    assert [sorted(rules) for *_, rules in shop.quarantined("order_items")] == [
        ["local_time_exists", "order_exists", "product_exists"]
    ]
    land(shop, second, {"O2": "2025-03-30 10:00:00"})
    shop.load(second)
    assert [sorted(rules) for *_, rules in shop.quarantined("order_items")] == [["local_time_exists", "order_exists"]]
    shop.land_rows(
        "orders",
        second,
        ORDER | {"order_ts": "2025-03-30 00:30:00", "updated_at": "2025-03-30 00:30:00"},
        name="late.csv",
    )
    shop.load(second)
    assert shop.quarantined("order_items") == []
    at = {id_: (ts, day) for id_, ts, day in shop.rows("silver/order_items", "order_id", "updated_at", "order_date")}
    assert at["O1"] == (datetime(2025, 3, 30, 1, 30, tzinfo=UTC), date(2025, 3, 30))


def test_each_source_has_a_zone_of_its_own(engine: Engine, tmp_path: Path) -> None:
    zones = {"shop": "America/New_York", "online_retail": "Europe/London"}
    shop = SmallShop(
        tmp_path,
        engine,
        ("shop", "online_retail"),
        {"shop": "", "online_retail": "or-"},
        only=ONLY,
        reporting_timezone="Europe/Berlin",
        source_timezones=zones,
    )
    day = "2025-07-01"
    land(shop, day, {"O1": "2025-07-01 17:59:59", "O2": "2025-07-01 18:00:00"})
    header = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
    lines = "1,P,cup,1,2025-07-01 22:59:59,2,7,France\n2,P,cup,1,2025-07-01 23:00:00,2,7,France\n"
    shop.land("online_retail", day, header + lines, source="online_retail", name="lines.csv")
    rate = {"rate_date": "2025-07-01", "base_currency": "GBP", "quote_currency": "EUR", "rate": "1.2"}
    shop.land_rows("fx_rates", day, rate)
    days = [day, "2025-07-02"]
    shop.everything(*days)
    first, second = date(2025, 7, 1), date(2025, 7, 2)
    expected = [("O1", first), ("O2", second), ("or-1", first), ("or-2", second)]
    assert shop.rows("silver/orders", "order_id", "order_date") == expected
    assert_right(shop, [first, second])
