"""`project-etl erase customer`: nobody is left of, no number is wrong, and nobody comes back (P1, P6).

One shop is erased from. The command dies between any two of its steps before it comes through.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from click.testing import CliRunner
from filelock import FileLock

from project_etl.catalog import exports, stale_exports, tables, targets_of
from project_etl.cli import main
from project_etl.commands.erase import run as erase
from project_etl.commands.shared.errors import UserError
from project_etl.core.bronze import tombstones
from project_etl.core.engine.base import Engine
from project_etl.core.export.push import exported, push
from project_etl.settings import Settings
from project_etl_tests.commands.given import dagster_home_in, memory_in, paper, settings_in, text_of
from project_etl_tests.promises.contents import assert_same, contents
from project_etl_tests.small_shop import CUSTOMER as ADA_AS_SENT
from project_etl_tests.small_shop import EVENT as EVENT_AS_SENT
from project_etl_tests.small_shop import ITEM, ORDER, PRODUCT, REFUND, SmallShop
from project_etl_tests.small_shop import REVIEW as REVIEW_AS_SENT
from project_etl_tests.traces import traces_of

pytestmark = pytest.mark.long

D1, D2, D3 = DAYS = ("2025-01-01", "2025-01-02", "2025-01-03")
ADA, MAIL, SHARED = "ada-1815", "ada@example.org", "shop@example.org"
CUSTOMER = ADA_AS_SENT | {"customer_id": ADA}
EVENT = EVENT_AS_SENT | {"customer_id": ADA}
REVIEW = REVIEW_AS_SENT | {"customer_id": ADA, "review_ts": f"{D2}T09:00:00Z", "updated_at": f"{D2}T09:00:00Z"}
GRACE = CUSTOMER | {"customer_id": "C2", "first_name": "grace", "email": "grace@example.org"}
JOAN = CUSTOMER | {"customer_id": "C3", "first_name": "joan", "email": SHARED}
Rows = list[dict[str, Any]]


def order(number: int, customer: str, day: str, **other: str) -> dict[str, Any]:
    at = f"{day}T10:00:00Z"
    return ORDER | {"order_id": f"O{number}", "customer_id": customer, "order_ts": at, "updated_at": at} | other


def item(number: int) -> dict[str, Any]:
    return ITEM | {"order_id": f"O{number}", "order_item_id": f"I{number}"}


def land(shop: SmallShop, of_person: Callable[[str, Rows], Rows] = lambda _, rows: rows) -> None:
    """Three days of a shop; `of_person` says what becomes of the records of Ada in a dataset."""

    def put(dataset: str, day: str, *rows: Mapping[str, Any]) -> None:
        named = [dict(row) for row in rows if str(row.get("customer_id", "")).strip() == ADA]
        left = iter(of_person(dataset, named))
        after = [next(left, None) if str(row.get("customer_id", "")).strip() == ADA else row for row in rows]
        shop.land_rows(dataset, day, *filter(None, after))

    put("customers", D1, CUSTOMER, GRACE, JOAN)
    put("customers", D2, CUSTOMER | {"email": SHARED, "city": "Paris", "updated_at": f"{D2}T00:00:00Z"}, GRACE)
    put("products", D1, PRODUCT)
    put("orders", D1, order(1, ADA, D1), order(2, "C2", D1), order(3, ADA, D1, status="BAD"))
    put("orders", D2, order(4, f" {ADA} ", D2), order(5, "", D2), order(6, "C3", D2))
    put("orders", D3, order(7, ADA, D3), order(8, "C2", D3))
    for day, numbers in ((D1, (1, 2, 3)), (D2, (4, 5, 6)), (D3, (7, 8))):
        put("order_items", day, *map(item, numbers))
    put("events", D1, EVENT, EVENT | {"event_id": "E2", "visitor_id": "V2", "customer_id": "C2"})
    put("reviews", D2, REVIEW, REVIEW | {"review_id": "R2", "customer_id": "C2", "rating": "6"})
    put("reviews", D3, REVIEW | {"review_id": "R3", "rating": "7"})
    put("refunds", D3, REFUND | {"refunded_at": f"{D3}T09:00:00Z", "updated_at": f"{D3}T09:00:00Z"})


def without_ada(dataset: str, rows: Rows) -> Rows:
    """What a person would leave of her records by hand."""
    return [] if dataset == "customers" else [row | {"customer_id": ""} for row in rows]


def digest_of(folder: Path) -> dict[str, str]:
    files = (file for file in folder.rglob("*") if file.is_file())
    return {str(file): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


@dataclass
class Story:
    """What was seen of an erasure."""

    shop: SmallShop
    expected: SmallShop
    folder: Path
    settings: Settings
    dry_run: str
    before: dict[str, str]
    after_dry_run: dict[str, str]
    deaths: list[str]
    said: str
    is_fine: bool


class Died(BaseException):
    """Stands for the death of the process."""


def dying_at(patch: pytest.MonkeyPatch, step: str, calls: int) -> None:
    """Let the command die at the so-manieth call of a step."""
    left, real = [calls], getattr(erase, step)

    def mortal(*args: Any, **named: Any) -> Any:
        left[0] -= 1
        if not left[0]:
            raise Died(step)
        return real(*args, **named)

    patch.setattr(erase, step, mortal)


# Before Bronze, after it, after Silver and before Gold, amid the purge, before the end.
DEATHS = [
    ("_erase_bronze", 1),
    ("_bring_up_to_date", 1),
    ("bring_gold_up_to_date", 1),
    ("purge", 3),
    ("_forget", 2),
]


def command(settings: Settings, who: str = ADA, **how: bool) -> tuple[str, bool]:
    console = paper()
    is_fine = erase.run(console, settings, who, **{"dry_run": False, "is_sure": True} | how)
    return text_of(console), is_fine


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory, engine: Engine) -> Story:
    folder = tmp_path_factory.mktemp("erased")
    shop, expected = SmallShop(folder, engine), SmallShop(folder / "expected", engine)
    land(shop)
    shop.everything(*DAYS)
    land(expected, without_ada)
    expected.everything(*DAYS)
    settings = settings_in(
        folder,
        f"end_date: {D3}",
        LAKE_ROOT=str(folder / "lake"),
        LANDING_ROOT=str(folder / "landing"),
        DAGSTER_HOME=dagster_home_in(folder),
        ENGINE="embedded",
        EXPORTS="csv,sqlite,duckdb",
        EXPORT_ROOT=str(folder / "exports"),
    )
    for target in targets_of(settings):
        push(exported(shop.lake, exports(), tables(), target), target)
    assert {trace.file for trace in traces_of(folder / "exports", [ADA])} >= {"star.sqlite", "star.duckdb"}
    lake = folder / "lake"
    before = digest_of(lake)
    dry_run, _ = command(settings, dry_run=True)
    after_dry_run, deaths = digest_of(lake), []
    for step, calls in DEATHS:
        with pytest.MonkeyPatch.context() as patch:
            dying_at(patch, step, calls)
            with pytest.raises(Died, match=step):
                command(settings)
        deaths.append(step)
    said, is_fine = command(settings)
    return Story(shop, expected, folder, settings, dry_run, before, after_dry_run, deaths, said, is_fine)


def test_it_comes_through_after_every_death(story: Story) -> None:
    assert story.is_fine, story.said
    assert len(story.deaths) == len(DEATHS)
    assert f"Customer {ADA} is erased" in story.said


def test_every_table_is_as_if_the_person_had_never_been(story: Story) -> None:
    # Where a record stood in its file, and the bytes of that.
    but = {"_row_number", "_source_version"}
    found, expected = (contents(each.lake, but=but) for each in (story.shop, story.expected))
    computed = {name for name in {*found, *expected} if not name.startswith("bronze/")}
    assert len(computed) > 30
    assert_same(*({name: rows for name, rows in each.items() if name in computed} for each in (found, expected)))


def test_nothing_of_the_person_is_left_in_any_file(story: Story) -> None:
    for folder in ("lake", "exports", "home"):
        assert traces_of(story.folder / folder, [ADA, MAIL]) == []


def test_orders_stay_as_those_of_guests(story: Story) -> None:
    rows = story.shop.rows("silver/orders", "order_id", "customer_id")
    assert rows == [
        ("O1", None),
        ("O2", "C2"),
        ("O4", None),
        ("O5", None),
        ("O6", "C3"),
        ("O7", None),
        ("O8", "C2"),
    ]
    assert story.shop.rows("gold/repeat_customers", "customers", "repeat_customers") == [(1, 0), (1, 0), (1, 1)]
    assert [key for (key,) in story.shop.rows("gold/customer_first_order", "customer_id")] == ["C2", "C3"]


def test_exports_are_made_anew(story: Story) -> None:
    assert stale_exports(story.shop.lake, story.settings, tables()) == ()
    with closing(sqlite3.connect(story.folder / "exports/star.sqlite")) as star:
        rows = star.execute("SELECT order_id, customer_id FROM fact_orders ORDER BY 1").fetchall()
    assert rows == story.shop.rows("gold/fact_orders", "order_id", "customer_id")


def test_the_books_are_right(story: Story) -> None:
    for name in ("customers", "orders", "reviews", "events"):
        books = story.shop.books(name)
        assert books.are_right, books.in_words()


def test_a_dry_run_writes_nothing_and_says_what_will_be_done(story: Story) -> None:
    assert story.before == story.after_dry_run
    for words in (
        r"bronze/shop/customers",
        "1 e-mail address of this customer alone",
        f"E-mail {SHARED} is also that of another customer",
        "quarantine/reviews: 1 rows are judged again",
        "gold/customer_ltv",
        f"shop/orders/{D1}/orders.csv",
        "Not erased: what people wrote",
    ):
        assert words in story.dry_run


def test_it_says_which_files_are_to_be_deleted_by_hand(story: Story) -> None:
    named = [line.strip() for line in story.said.splitlines() if line.startswith("  shop/")]
    assert named == [
        f"shop/{dataset}/{day}/{dataset}.{ending}"
        for dataset, ending, days in (
            ("customers", "jsonl", (D1, D2)),
            ("events", "jsonl", (D1,)),
            ("orders", "csv", (D1, D2, D3)),
            ("reviews", "csv", (D2, D3)),
        )
        for day in days
    ]


def test_nothing_is_stale_and_a_second_time_does_nothing(story: Story) -> None:
    said, is_fine = command(story.settings)
    assert is_fine
    assert "An earlier erasure named them" in said
    assert "Bronze holds no record of the customer" in said
    assert "Gold computed again: none" in said


def test_who_is_not_there_is_not_erased(story: Story) -> None:
    with pytest.raises(UserError, match=r"no customer 'C22' to erase: no record of the 8 .* Did you mean C2\?"):
        command(story.settings, "C22")


def test_runs_in_progress_and_another_erasure_keep_it_from_starting(story: Story) -> None:
    with FileLock(story.folder / "lake/.locks/erasure.lock"), pytest.raises(UserError, match="Another erasure"):
        command(story.settings)
    with memory_in(story.folder) as instance:
        run = instance.create_run_for_job(dg.GraphDefinition("busy").to_job(), status=dg.DagsterRunStatus.STARTED)
    with pytest.raises(UserError, match=rf"runs in progress: {run.run_id} \(busy, STARTED\)"):
        command(story.settings)
    with memory_in(story.folder) as instance:
        instance.delete_run(run.run_id)


def test_who_is_asked_and_says_no_has_written_nothing(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROJECT_ETL_CONFIG_DIR", str(story.folder / "config"))
    for name in ("lake_root", "landing_root", "dagster_home"):
        monkeypatch.setenv(f"PROJECT_ETL_{name.upper()}", str(getattr(story.settings, name)))
    before = digest_of(story.folder / "lake")
    asked = CliRunner().invoke(main, ["erase", "customer", "C2"], input="n\n")
    assert asked.exit_code == 1, asked.output
    assert "Erase customer C2? Nobody can undo this." in asked.output
    assert CliRunner().invoke(main, ["erase", "customer", "nobody"]).exit_code == 2
    assert digest_of(story.folder / "lake") == before


def test_a_table_of_a_source_that_is_off_is_said_not_to_be_looked_at(story: Story) -> None:
    story.shop.lake.create("bronze/other/people", tombstones.SCHEMA)
    said, _ = command(story.settings, "C2", dry_run=True)
    assert "Not looked at: bronze/other/people, of sources that are off" in said


def test_landing_brings_nobody_back(story: Story) -> None:
    shop = story.shop
    shop.land_rows("customers", D3, CUSTOMER, CUSTOMER | {"customer_id": "C9", "email": MAIL.upper()})
    shop.land_rows("orders", D3, order(9, f'="{ADA}"', D3), name="more.csv")
    (shop.landing / "shop/customers" / D1 / "customers.jsonl").touch()
    for name in ("customers", "orders"):
        shop.bronze(name, *DAYS)
        shop.silver(name, *DAYS)
    assert [key for (key,) in shop.rows("silver/customers", "customer_id")] == ["C2", "C3"]
    assert ("O9", None) in shop.rows("silver/orders", "order_id", "customer_id")
    assert tombstones.read(shop.lake).customers
