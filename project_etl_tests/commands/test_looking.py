"""`trace`, `status` and `plan`: where a number comes from, what waits, what a backfill would do; on a small shop."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from click.testing import CliRunner
from rich.console import Console

from project_etl.catalog import feeds_of
from project_etl.cli import main
from project_etl.commands.doctor import data as doctor
from project_etl.commands.doctor.machine import Level
from project_etl.commands.plan import run as plan
from project_etl.commands.plan.timing import in_words
from project_etl.commands.plan.work import work_of
from project_etl.commands.shared.errors import UserError
from project_etl.commands.status import run as status
from project_etl.commands.trace import run as trace
from project_etl.core.engine.base import Engine
from project_etl.core.lake import LakeError
from project_etl.core.trace import Origin, Tables
from project_etl.core.trace import trace as trace_of
from project_etl.settings import Settings
from project_etl.standing.standing import find
from project_etl_tests.commands.given import (
    an_order,
    dagster_home_in,
    lake_in,
    paper,
    settings_in,
    surroundings,
    text_of,
    write,
)
from project_etl_tests.small_shop import CUSTOMER, ITEM, ORDER, PRODUCT, SmallShop

pytestmark = pytest.mark.long

D1, D2 = "2025-01-01", "2025-01-02"
LATE = {**ORDER, "order_id": "O2"}
FILE = f"shop/orders/{D1}/orders.csv"
LATE_FILE = f"shop/orders/{D2}/late.csv"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, engine: Engine) -> SmallShop:
    """A day with a good and a bad order, and one more order of that day that landed on the next."""
    shop = SmallShop(tmp_path_factory.mktemp("traced"), engine)
    shop.land_rows("customers", D1, CUSTOMER)
    shop.land_rows("products", D1, PRODUCT)
    shop.land_rows("orders", D1, ORDER, {**ORDER, "order_id": "O9", "status": "LOST"})
    shop.land_rows("order_items", D1, ITEM)
    shop.load(D1)
    shop.land_rows("orders", D2, LATE, name="late.csv")
    shop.land_rows("order_items", D2, {**ITEM, "order_item_id": "I2", "order_id": "O2"}, name="late.csv")
    for name in ("orders", "order_items"):
        shop.bronze(name, D2)
    for name in ("orders", "order_items"):
        shop.silver(name, D2)
    shop.all_gold(D1, D2)
    return shop


@pytest.fixture
def settings(shop: SmallShop, monkeypatch: pytest.MonkeyPatch) -> Settings:
    folder = shop.landing.parent
    monkeypatch.setenv("DAGSTER_HOME", dagster_home_in(folder))
    return settings_in(folder, LANDING_ROOT=str(shop.landing), LAKE_ROOT=shop.lake.root, SETTLE_SECONDS="0")


def found(origin: Origin, table: str) -> Origin:
    """The origin of a table somewhere below."""
    below = [origin]
    for each in below:
        if each.table == table:
            return each
        below += each.inputs
    raise AssertionError(f"{table} is not among {[each.table for each in below]}")


def traced(shop: SmallShop, settings: Settings, table: str, day: date | None = None) -> Origin:
    feeds = {each.name: [feed.bronze for feed in feeds_of(each, settings)] for each in shop.tables.values()}
    return trace_of(Tables(lake_in(settings), shop.tables, feeds), table, day)


def test_a_number_leads_to_its_files(shop: SmallShop, settings: Settings) -> None:
    origin = traced(shop, settings, "gold/daily_aov", date(2025, 1, 1))
    (made,) = origin.made
    assert made.commit.version == shop.version("gold/daily_aov")
    assert (made.counts, made.broken) == ({"published": 1}, {})
    orders = found(origin, "silver/orders")
    assert orders.files == {FILE: 1, LATE_FILE: 1}
    assert orders.kept_out == {"status_isin": 1}
    assert orders.version == shop.version("silver/orders")
    # Two landing days, two commits: the newer one first.
    assert [entry.days for entry in orders.made] == [(D2,), (D1,)]
    assert [entry.commit.note["run_id"] for entry in orders.made]


def test_a_snapshot_is_traced_without_a_day(shop: SmallShop, settings: Settings) -> None:
    origin = traced(shop, settings, "gold/customer_ltv")
    assert origin.days is None
    assert origin.made
    assert found(origin, "gold/fact_orders").made


@pytest.mark.parametrize(
    ("table", "day", "words"),
    [
        ("silver/orders", None, r"by day: say which"),
        ("silver/orders", date(2025, 3, 1), r"silver/orders holds nothing for 2025-03-01"),
        ("silver/customers", date(2025, 1, 1), r"as a whole: leave out the day"),
        ("bronze/shop/orders", date(2025, 3, 1), r"holds nothing for 2025-03-01"),
        ("gold/daily_aov", None, r"by day: say which"),
        ("gold/customer_ltv", date(2025, 1, 1), r"as a whole: leave out the day"),
        ("gold/daily_aov", date(2025, 3, 1), r"has not been computed for 2025-03-01"),
    ],
)
def test_what_cannot_be_traced_is_said(
    shop: SmallShop, settings: Settings, table: str, day: date | None, words: str
) -> None:
    with pytest.raises(LakeError, match=words):
        traced(shop, settings, table, day)


def test_silver_and_bronze_are_traced_too(shop: SmallShop, settings: Settings) -> None:
    silver = traced(shop, settings, "silver/orders", date(2025, 1, 1))
    assert silver.files == {FILE: 1, LATE_FILE: 1}
    bronze = traced(shop, settings, "bronze/shop/orders", date(2025, 1, 1))
    assert (bronze.files, [entry.days for entry in bronze.made]) == ({FILE: 2}, [(D1,)])
    assert traced(shop, settings, "silver/customers").made


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("daily_aov", f"gold/daily_aov {D1}, version "),
        ("orders", f"silver/orders {D1}, version "),
    ],
)
def test_the_last_part_of_a_name_will_do(settings: Settings, asked: str, words: str) -> None:
    console = paper()
    trace.run(console, settings, asked, date(2025, 1, 1))
    assert text_of(console).startswith(words)


def test_a_name_that_is_nearly_right_is_told(settings: Settings) -> None:
    with pytest.raises(UserError, match=re.escape("There is no table 'daily_aow'; did you mean gold/daily_aov?")):
        trace.run(paper(), settings, "daily_aow", date(2025, 1, 1))


def test_people_read_a_tree(shop: SmallShop, settings: Settings) -> None:
    console = paper()
    trace.run(console, settings, "gold/daily_aov", date(2025, 1, 1))
    lines = [line.strip("│├└─ ") for line in text_of(console).splitlines()]
    assert lines[0] == f"gold/daily_aov 2025-01-01, version {shop.version('gold/daily_aov')}"
    assert f"{FILE}: 1 row" in lines
    assert "checks: no rule was broken" in lines
    (commit,) = shop.lake.commits("gold/daily_aov")[:1]
    assert lines[1].startswith(f"version {commit.version} by run {commit.note['run_id']} at ")
    assert any(line.startswith("in quarantine of these files: ") for line in lines)


def test_what_two_tables_read_is_shown_once(shop: SmallShop, settings: Settings) -> None:
    console = paper()
    trace.run(console, settings, "gold/daily_aov", date(2025, 1, 1))
    lines = [line.strip("│├└─ ") for line in text_of(console).splitlines()]
    orders = f"silver/orders 2025-01-01, version {shop.version('silver/orders')}"
    assert [line for line in lines if line.startswith("silver/orders")] == [orders, f"{orders}: as above"]
    assert lines.count(f"{FILE}: 1 row") == 1


def test_a_trace_is_cut_at_no_width(settings: Settings) -> None:
    def words(width: int) -> str:
        console = Console(file=StringIO(), width=width, highlight=False)
        trace.run(console, settings, "gold/daily_aov", date(2025, 1, 1))
        return "".join(text_of(console).replace("│", "").replace("├──", "").replace("└──", "").split())

    assert words(48) == words(1000)


def test_a_trace_is_one_json_document_for_programs(settings: Settings) -> None:
    console = paper()
    trace.run(console, settings, "gold/daily_aov", date(2025, 1, 1), as_json=True)
    found = json.loads(text_of(console))
    assert (found["table"], found["days"]) == ("gold/daily_aov", [D1])
    (facts,) = [item for item in found["inputs"] if item["table"] == "gold/fact_orders"]
    (orders,) = [item for item in facts["inputs"] if item["table"] == "silver/orders"]
    assert (orders["files"], orders["kept_out"]) == ({FILE: 1, LATE_FILE: 1}, {"status_isin": 1})


def test_a_day_before_the_first_one_is_named(settings: Settings) -> None:
    with pytest.raises(UserError, match="2024-12-31 is before 2025-01-01, the first day that has a partition"):
        trace.run(paper(), settings, "gold/daily_aov", date(2024, 12, 31))


def test_status_is_fine_when_all_is_loaded(settings: Settings) -> None:
    console = paper()
    assert status.run(console, settings)
    text = text_of(console)
    assert f"Nothing waits: all 6 files in {settings.landing_root} are loaded." in text
    assert "Up to date: Silver and Gold are computed from all that is loaded." in text
    assert "set `freshness_deadline` in config/local.yaml to be told when a day is late." in text
    latest = [line.split()[:2] for line in text.splitlines() if "gold/daily_aov" in line or "silver/orders" in line]
    # Gold's day without rows is no news.
    assert latest == [["silver/orders", D2], ["gold/daily_aov", D1]]
    assert f"landed in the 7 days to {D2}" in text
    assert ["orders", "1", "1"] in [line.split() for line in text.splitlines()]


def exit_code(shop: SmallShop) -> int:
    """What `project-etl status` tells a script."""
    return CliRunner().invoke(main, ["status"], env=surroundings(shop.landing.parent, SETTLE_SECONDS=0)).exit_code


def test_status_names_files_that_wait_and_tables_that_are_late(shop: SmallShop, settings: Settings) -> None:
    late = settings.model_copy(update={"freshness_deadline": "00:00"})
    assert not status.run(paper(), late), "late, and nothing waits"
    file = shop.land_rows("orders", D2, {**ORDER, "order_id": "O3"}, name="waits.csv")
    try:
        console = paper()
        assert not status.run(console, late)
        assert exit_code(shop) == 1
    finally:
        file.unlink()
    assert exit_code(shop) == 0
    text = text_of(console)
    assert f"Waiting for bronze/shop/orders, 1 file new: shop/orders/{D2}/waits.csv" in text
    assert f"Load them: `project-etl run --days {D2}`." in text
    assert "Nothing waits" not in text
    assert "Overdue: gold/" in text


@pytest.fixture
def copied(shop: SmallShop, settings: Settings, tmp_path: Path) -> Settings:
    """The settings of a landing with the same files, for what else is put there."""
    shutil.copytree(shop.landing, tmp_path / "landing")
    moved = {"landing_root": str(tmp_path / "landing"), "landing_moved_from": settings.landing_root}
    return settings.model_copy(update=moved)


def put(settings: Settings, path: str) -> Path:
    file = Path(settings.landing_root) / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("order_id")
    return file


def test_status_names_what_is_not_read_and_claims_no_more_than_is_so(copied: Settings) -> None:
    for path in (
        "Shop/orders/2025-01-01/a.csv",
        "online_retail/online_retail/2025-01-01/a.csv",
        "shop/orders/2024-12-30/a.csv",
        "shop/orders/2024-12-31/b.csv",
        "shop/orders/2025-01-02/a[red].xlsx",
    ):
        put(copied, path)
    console = paper()
    assert not status.run(console, copied)
    lines = text_of(console).splitlines()
    start = lines.index(f"Not read: 4 things in {copied.landing_root}.")
    assert lines[start + 1 :] == [
        "  Shop: no source is called so; move its files into shop",
        "  online_retail: a source that is not on; turn the source on in the settings: sources: [shop, online_retail]",
        "  shop/orders/2024-12-30 to 2024-12-31 (2 files): before start_date, 2025-01-01; "
        "move start_date back in the settings, or correct the name",
        "  shop/orders/2025-01-02/a[red].xlsx: not a known kind of file; "
        "save it as one of .csv, .json, .jsonl, each also with .gz",
    ]


def test_what_is_not_read_tells_a_script(shop: SmallShop) -> None:
    file = shop.landing / "shop/orders/orders.csv"
    file.write_text("order_id")
    try:
        assert exit_code(shop) == 1
    finally:
        file.unlink()
    assert exit_code(shop) == 0


def test_status_names_twenty_things_and_counts_the_others(copied: Settings) -> None:
    for number in range(23):
        put(copied, f"shop/orders/{D2}/{number:02}.txt")
    console = paper()
    assert not status.run(console, copied)
    lines = text_of(console).splitlines()
    assert f"Not read: 23 things in {copied.landing_root}." in lines
    assert sum("not a known kind of file" in line for line in lines) == 20
    assert "  and 3 more" in lines


def test_status_does_not_claim_that_a_file_is_loaded_that_still_changes(copied: Settings) -> None:
    put(copied, f"shop/orders/{D2}/growing.csv")
    console = paper()
    assert status.run(console, copied.model_copy(update={"settle_seconds": 3600.0}))
    assert "Nothing waits" not in text_of(console)
    told = "Still being written: 1 file, to be loaded after 3600 s without a change: "
    assert f"{told}shop/orders/{D2}/growing.csv" in text_of(console)


def test_status_tells_of_a_file_that_was_changed_in_place(copied: Settings) -> None:
    file = Path(copied.landing_root) / FILE
    file.write_text(file.read_text() + "more")
    console = paper()
    assert not status.run(console, copied)
    lines = text_of(console).splitlines()
    assert f"Waiting for bronze/shop/orders, 1 file changed since a run looked: {FILE}" in lines
    assert lines[-1] == f"Load them: `project-etl run --days {D1}`."


def test_status_does_not_wait_for_a_day_yet_to_come(copied: Settings) -> None:
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)
    put(copied, f"shop/orders/{tomorrow}/early.csv")
    console = paper()
    assert not status.run(console, copied)
    assert "Waiting for" not in text_of(console)
    assert f"shop/orders/{tomorrow}: after today, " in text_of(console)


def test_status_counts_rows_that_are_in_no_gold_day(settings: Settings, shop: SmallShop, tmp_path: Path) -> None:
    console = paper()
    assert status.run(console, settings)
    assert "In no Gold day" not in text_of(console)
    shutil.copytree(shop.lake.root, tmp_path / "lake")
    changed = settings.model_copy(update={"lake_root": str(tmp_path / "lake")})
    days = [date(1900, 1, 1), date(2024, 12, 31), date(2024, 12, 31), datetime.now(UTC).date() + timedelta(days=1)]
    write(
        lake_in(changed),
        "silver/orders",
        [an_order(1) | {"order_id": f"X{n}", "order_date": day} for n, day in enumerate(days)],
    )
    console = paper()
    status.run(console, changed)
    # An update of an old order is no fault.
    assert replace(find(changed, datetime.now(UTC)), silver_behind={}, gold_behind={}).is_fine
    lines = text_of(console).splitlines()
    assert (
        "In no Gold day: 3 rows of silver/orders before start_date (2025-01-01): 1900-01-01, 2024-12-31. "
        "Move start_date back in the settings, or correct the dates."
    ) in lines
    assert f"In no Gold day yet: 1 row of silver/orders after today: {days[-1]}." in lines
    # The numbers are those of now, whatever start_date was when the rows were judged.
    console = paper()
    status.run(console, changed.model_copy(update={"start_date": date(1900, 1, 1)}))
    assert "before start_date" not in text_of(console)


@pytest.fixture
def twin(shop: SmallShop, settings: Settings, tmp_path: Path) -> tuple[SmallShop, Settings]:
    """The shop with its lake, copied together, and its settings."""
    shutil.copytree(shop.landing, tmp_path / "landing")
    shutil.copytree(shop.lake.root, tmp_path / "lake")
    twin = SmallShop(tmp_path)
    roots = {"landing_root": str(twin.landing), "lake_root": twin.lake.root}
    return twin, settings.model_copy(update=roots)


def test_status_names_gold_that_is_behind_silver_as_plan_does(twin: tuple[SmallShop, Settings]) -> None:
    shop, settings = twin
    write(shop.lake, "silver/orders", [an_order(2)], {"touched": [D2]})
    console = paper()
    assert not status.run(console, settings)
    stale = {table: days for table, days in planned(shop, settings, D1, D2).items() if table.startswith("gold/")}
    assert stale["gold/fact_orders"] == (D2,)
    lines = text_of(console).splitlines()
    start = lines.index(
        f"Gold behind Silver: {len(stale)} tables, {D2}. Compute them: `project-etl run --days {D2} --select 'gold/*'`."
    )
    told = dict(line.strip().split(": ") for line in lines[start + 1 : start + 1 + len(stale)])
    assert told == {table: "the whole table" if days == ("whole",) else D2 for table, days in stale.items()}
    assert "Up to date" not in text_of(console)


def test_status_names_silver_that_is_behind_bronze(twin: tuple[SmallShop, Settings]) -> None:
    shop, settings = twin
    shop.land_rows("orders", D2, {**ORDER, "order_id": "O3"}, name="more.csv")
    shop.bronze("orders", D2)
    console = paper()
    assert not status.run(console, settings)
    assert (
        f"Silver behind Bronze: silver/orders has not judged {D2}. Judge it: `project-etl run --days {D2}`."
    ) in text_of(console).splitlines()


def test_files_that_are_kept_out_whole_are_counted_and_traced(twin: tuple[SmallShop, Settings]) -> None:
    shop, settings = twin
    shop.land("orders", D2, b"PK\x03\x04", "orders.csv")
    shop.bronze("orders", D2)
    console = paper()
    assert status.run(console, settings)
    assert f"Nothing waits: all 7 files in {settings.landing_root} are loaded (1 kept out whole)." in text_of(console)
    console = Console(file=StringIO(), width=1000)
    trace.run(console, settings, "gold/daily_aov", date(2025, 1, 1))
    told = [line.strip("│├└─ ") for line in text_of(console).splitlines() if "not read: " in line]
    (why,) = traced(shop, settings, "bronze/shop/orders", date(2025, 1, 2)).not_read.values()
    # Late orders of the day may be in it.
    assert told == [f"not read: shop/orders/{D2}/orders.csv ({why})"]


def test_status_of_an_empty_lake_says_what_to_do(settings: Settings, tmp_path: Path) -> None:
    empty = settings.model_copy(update={"lake_root": str(tmp_path / "lake")})
    console = paper()
    assert not status.run(console, empty)
    *_, last = text_of(console).splitlines()
    told = f"Nothing has been loaded yet: 6 files wait in {settings.landing_root}. Load them: "
    assert last == f"{told}`project-etl run --days {D1}..{D2}`."
    assert "Tables" not in text_of(console)
    console = paper()
    nothing = empty.model_copy(update={"landing_root": str(tmp_path / "landing")})
    assert status.run(console, nothing)
    place = f"{nothing.landing_root}/shop/<dataset>/<YYYY-MM-DD>/"
    told = f"Nothing has been loaded yet: put files into {place}, or try `project-etl demo`."
    assert told in text_of(console).splitlines()


def test_status_is_one_json_document_for_programs(copied: Settings) -> None:
    put(copied, f"shop/orders/{D2}/waits.csv")
    put(copied, "shop/orders/a.csv")
    console = paper()
    assert not status.run(console, copied, as_json=True)
    found = json.loads(text_of(console))
    assert found["is_fine"] is False
    assert found["waiting"] == {"bronze/shop/orders": [f"shop/orders/{D2}/waits.csv"]}
    assert [item["path"] for item in found["not_read"]] == ["shop/orders/a.csv"]
    assert found["tables"]["gold/daily_aov"]["latest_day_with_rows"] == D1
    assert found["quarantine"]["orders"] == {"rows": 1, "recent": 1}
    assert datetime.fromisoformat(found["tables"]["silver/orders"]["last_commit"])


def planned(shop: SmallShop, settings: Settings, *days: str) -> dict[str, tuple[str, ...]]:
    """Table → days that a run would compute; a table that is computed as a whole has the word for it."""
    work = work_of(shop.lake, settings, days)
    return {each.table: ("whole",) if each.is_whole else each.days for each in work if each.is_busy}


def plan_of(settings: Settings, select: str = "*", last: date | None = None) -> list[str]:
    """What the command says, as lines."""
    console = paper()
    plan.run(console, settings, None, last, select)
    return [line.strip() for line in text_of(console).splitlines()]


def test_what_is_up_to_date_is_not_computed_nor_are_days_that_have_not_landed(
    shop: SmallShop, settings: Settings
) -> None:
    assert planned(shop, settings, D1, D2, "2025-01-03") == {}
    last = plan_of(settings)[-1]
    assert last == "Nothing to compute: every file of these days is loaded and judged, and Gold is up to date."


def test_an_empty_lake_is_planned_whole_and_nobody_knows_how_long_that_takes(
    settings: Settings, tmp_path: Path
) -> None:
    empty = settings.model_copy(update={"lake_root": str(tmp_path)})
    work = {each.table: each for each in work_of(lake_in(empty), empty, (D1, D2, "2025-01-03"))}
    idle = [name for name, each in work.items() if not each.is_busy]
    of_no_source = {"crm_contacts", "crm_deals"}
    assert {name.rpartition("/")[2] for name in idle} == {"events", "fx_rates", "refunds", "reviews"} | of_no_source
    assert work["gold/daily_aov"].days == (D1, D2)
    assert work["gold/customer_ltv"].is_whole
    busy, all_of_it = len(work) - len(idle), len(work)
    assert plan_of(empty)[-2] == f"{busy} of {all_of_it} tables to compute. No estimate yet: none has run before."


def test_a_new_file_is_planned_from_bronze_to_gold(shop: SmallShop, settings: Settings) -> None:
    file = shop.land_rows("orders", D2, {**ORDER, "order_id": "O3"}, name="planned.csv")
    try:
        found, said = planned(shop, settings, D1, D2), plan_of(settings)
    finally:
        file.unlink()
    assert {found.pop(name) for name in ("bronze/shop/orders", "silver/orders")} == {(D2,)}
    daily = {name: days for name, days in found.items() if days != ("whole",)}
    # Items are judged with their orders, but not on account of them.
    assert set(daily.values()) == {(D2,)}
    assert {"gold/fact_orders", "gold/daily_aov"} <= set(daily)
    assert found["gold/customer_ltv"] == ("whole",)
    assert (
        said[-1] == "Of Gold, these days at least. Days that late records reach are added once Silver has judged them."
    )


def test_a_plan_for_programs(shop: SmallShop, settings: Settings) -> None:
    file = shop.land_rows("orders", D2, {**ORDER, "order_id": "O3"}, name="planned.csv")
    try:
        console = paper()
        plan.run(console, settings, None, None, "bronze/*", as_json=True)
    finally:
        file.unlink()
    said = json.loads(text_of(console))
    (busy,) = (table for table in said["tables"] if table["days"])
    assert (busy["table"], busy["days"], busy["seconds"]) == ("bronze/shop/orders", [D2], None)
    assert (said["to_compute"], said["seconds"], said["never_timed"]) == (1, None, ["bronze/shop/orders"])
    assert said["gold_days_may_follow"]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        ((0.2, 0.4), "up to 1 s"),
        ((1.2, 2), "1-2 s"),
        ((1, 1), "1 s"),
        ((11, 44), "10-45 s"),
        ((61, 118), "1-2 min"),
        ((20, 118), "up to 2 min"),
    ],
)
def test_a_time_is_a_range(seconds: tuple[float, float], words: str) -> None:
    assert in_words(seconds) == words


def test_the_landing_of_another_lake_is_neither_planned_nor_compared(
    copied: Settings, settings: Settings, shop: SmallShop
) -> None:
    other = copied.model_copy(update={"landing_moved_from": None})
    told = f"The lake in {shop.lake.root} was loaded from {settings.landing_root}, and landing_root is now "
    with pytest.raises(UserError, match=re.escape(told)):
        plan.run(paper(), other, date(2025, 1, 1), date(2025, 1, 2), "*")
    console = paper()
    put(other, f"shop/orders/{D2}/waits.csv")
    assert not status.run(console, other)
    assert told in text_of(console)
    assert "waits.csv" not in text_of(console)
    assert not list(doctor.same_landing(settings))
    (finding,) = doctor.same_landing(other)
    assert (finding.level, finding.found.startswith(told)) == (Level.FAIL, True)
    assert finding.advice.startswith("Set PROJECT_ETL_LAKE_ROOT to another folder, too, or ")


def test_a_plan_for_no_table_or_no_days_says_what_there_is(settings: Settings) -> None:
    with pytest.raises(UserError, match="expected 2025-01-01 or later, in order"):
        plan.run(paper(), settings, date(2025, 1, 4), date(2025, 1, 2), "*")
    with pytest.raises(UserError, match=r"There is no table 'gold/nowhere'; there is bronze/"):
        plan.run(paper(), settings, date(2025, 1, 1), date(2025, 1, 2), "gold/nowhere")
