"""Whether a day can be trusted: each thing that speaks against it, on a small lake to which it is done for real."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from click.testing import CliRunner
from deltalake import DeltaTable

from project_etl.catalog import tables
from project_etl.cli import main
from project_etl.core.engine.base import Engine
from project_etl.core.lake import Append, LakeError, TableStore
from project_etl.gold import validation
from project_etl.settings import Settings
from project_etl.standing.verdict import Kind, Verdict, verdict_on
from project_etl_tests.commands.given import settings_in, surroundings
from project_etl_tests.small_shop import CUSTOMER, ITEM, ORDER, PRODUCT, SmallShop, made_of

pytestmark = pytest.mark.long

FIRST, SECOND = date(2025, 1, 1), date(2025, 1, 2)
D1, D2 = str(FIRST), str(SECOND)
AOV, LTV, TOP = "gold/daily_aov", "gold/customer_ltv", "gold/top_products_7d"
PRODUCTS = "gold/dim_products"
TABLES = made_of(AOV, LTV, TOP, PRODUCTS)


@dataclass
class Desk:
    """A shop of two days whose files and lake may be spoiled, and what is said of it then."""

    shop: SmallShop

    @property
    def settings(self) -> Settings:
        """The settings of the shop's folder."""
        folder = self.shop.landing.parent
        return settings_in(folder, LANDING_ROOT=str(self.shop.landing), LAKE_ROOT=self.shop.lake.root, **SETTLED)

    def verdict(
        self, table: str = AOV, day: date | None = FIRST, now: datetime | None = None, **settings: Any
    ) -> Verdict:
        """What is known, read anew."""
        chosen = self.settings.model_copy(update=settings)
        return verdict_on(TableStore(self.shop.lake.root), chosen, tables(), table, day, now or datetime.now(UTC))

    def wrong(self, table: str = AOV, day: date | None = FIRST) -> list[tuple[str, str]]:
        """What is wrong, each with the command that mends it."""
        found = self.verdict(table, day)
        assert found.is_trusted == (not found.of(Kind.WRONG))
        return [(each.text, each.command) for each in found.of(Kind.WRONG)]

    def orders(self, day: str, *names: str, file: str | None = None, **changes: Any) -> Path:
        """Land orders with an item each; the file of the orders."""
        at = {"order_ts": f"{day}T10:00:00Z", "updated_at": f"{day}T10:00:00Z"}
        self.shop.land_rows(
            "order_items", day, *({**ITEM, "order_id": name, "order_item_id": name} for name in names), name=file
        )
        return self.shop.land_rows(
            "orders", day, *({**ORDER, **at, "order_id": name} | changes for name in names), name=file
        )

    def load(self, day: str) -> None:
        """Load the orders and items of a landing day."""
        for materialize in (self.shop.bronze, self.shop.silver):
            for name in ("orders", "order_items"):
                materialize(name, day)

    def star(self, severity: str, broken: int) -> None:
        """Have a check of the star schema say something."""
        lake = self.shop.lake
        lake.create(validation.TABLE.name, validation.TABLE.schema)
        schema = lake.state(validation.TABLE.name).arrow_schema
        row = dict.fromkeys(schema.names) | {
            "name": "totals",
            "table": "fact_orders",
            "kind": "totals",
            "severity": severity,
            "checked": 9,
            "broken": broken,
            "passed": not broken,
            "days": [],
            "sample_keys": [],
            "as_of": SECOND,
        }
        rows = pa.Table.from_pylist([{name: row[name] for name in schema.names}], schema)
        lake.commit(validation.TABLE.name, Append(), rows, {})


SETTLED = {"SETTLE_SECONDS": "0"}


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory, engine: Engine) -> Path:
    folder = tmp_path_factory.mktemp("trusted")
    desk = Desk(SmallShop(folder, engine, only=TABLES))
    desk.shop.land_rows("customers", D1, CUSTOMER)
    desk.shop.land_rows("products", D1, PRODUCT)
    desk.orders(D1, "O1")
    desk.orders(D2, "O2")
    desk.shop.everything(D1, D2)
    return folder


@pytest.fixture
def desk(loaded: Path, tmp_path: Path, engine: Engine) -> Desk:
    shutil.copytree(loaded, tmp_path, dirs_exist_ok=True)
    return Desk(SmallShop(tmp_path, engine, only=TABLES))


def texts(found: Verdict, kind: Kind) -> list[str]:
    """What is said of a kind."""
    return [each.text for each in found.of(kind)]


# --- yes --------------------------------------------------------------------------------------------------------------


def test_a_day_that_is_as_it_should_be_is_trusted_with_reasons(desk: Desk) -> None:
    found = desk.verdict()
    assert (found.table, found.day, found.in_words(), found.is_trusted) == (AOV, FIRST, "yes", True)
    computed, *others = texts(found, Kind.GOOD)
    assert computed.startswith(f"{AOV} for {D1} was computed at 20")
    assert others == ["It was computed from what Silver says now.", "All 6 files that it is made from are loaded."]


def test_without_a_day_the_newest_one_with_rows_is_judged(desk: Desk) -> None:
    found = desk.verdict(day=None)
    late = f"Nothing has landed after {D2}: what happened late on {D2} may be yet to come."
    assert (found.day, found.in_words(), texts(found, Kind.NOTE)) == (SECOND, "yes, with 1 note", [late])


def test_a_day_that_is_not_over_is_noted(desk: Desk) -> None:
    found = desk.verdict(day=SECOND, now=datetime(2025, 1, 2, 22, 59, tzinfo=UTC), reporting_timezone="Europe/Berlin")
    assert f"{D2} is not over." in texts(found, Kind.NOTE)
    found = desk.verdict(day=SECOND, now=datetime(2025, 1, 2, 23, 1, tzinfo=UTC), reporting_timezone="Europe/Berlin")
    assert f"{D2} is not over." not in texts(found, Kind.NOTE)


def test_a_snapshot_table_is_judged_as_a_whole(desk: Desk) -> None:
    found = desk.verdict(LTV, FIRST)
    assert (found.day, found.in_words()) == (None, "yes")
    assert texts(found, Kind.GOOD)[0].startswith(f"{LTV} was computed at ")


def test_records_that_are_kept_out_are_noted_with_their_share(desk: Desk) -> None:
    desk.orders(D1, "O8", "O9", file="bad.csv", status="LOST")
    desk.load(D1)
    found = desk.verdict()
    # The items wait for their orders.
    kept_out = {each.text: each.command for each in found.of(Kind.NOTE)}
    assert kept_out == {
        f"2 of 3 records of silver/{name} that landed on {D1} are kept out (66.7%).": (
            f"project-etl quarantine show {name} --day {D1}"
        )
        for name in ("orders", "order_items")
    }
    assert found.in_words() == "yes, with 2 notes"


def test_a_rule_that_only_warns_is_a_note_on_its_day_alone(desk: Desk) -> None:
    desk.orders(D2, "O3", file="guest.csv", customer_id="")
    desk.load(D2)
    (note,) = texts(desk.verdict("silver/orders", SECOND), Kind.NOTE)
    assert note == f"1 record that landed on {D2} breaks customer_id_not_null: customer_id must not be missing."
    assert desk.verdict("silver/orders", date(2025, 1, 4)).in_words() == "yes"


def test_a_file_that_cannot_be_read_is_noted(desk: Desk) -> None:
    desk.shop.land("orders", D1, b"\xff\xfe\x00", name="broken.csv.gz")
    desk.shop.bronze("orders", D1)
    found = desk.verdict()
    (note,) = texts(found, Kind.NOTE)
    assert note.startswith(f"shop/orders/{D1}/broken.csv.gz could not be read: ")
    assert found.is_trusted


def test_what_a_source_has_lost_is_noted(desk: Desk) -> None:
    desk.shop.land("orders", D1, '{"_lost": "offsets 5 to 7"}\n', name="x.lost.jsonl")
    desk.shop.bronze("orders", D1)
    (note,) = texts(desk.verdict(), Kind.NOTE)
    assert note == "What shop had is lost: offsets 5 to 7."


def test_a_file_that_is_being_written_is_noted(desk: Desk) -> None:
    desk.orders(D1, "O3", file="new.csv")
    found = desk.verdict(settle_seconds=3600.0)
    paths = [f"shop/{name}/{D1}/new.csv" for name in ("order_items", "orders")]
    assert texts(found, Kind.NOTE) == [f"2 files still being written: {', '.join(paths)}."]
    assert "All 6 files that it is made from are loaded." not in texts(found, Kind.GOOD)


def test_what_is_no_file_of_a_dataset_is_noted(desk: Desk) -> None:
    desk.shop.land("orders", D1, "?", name="orders.xml")
    (note,) = desk.verdict().of(Kind.NOTE)
    assert (note.text, note.command) == ("1 other thing in landing cannot be read.", "project-etl status")


# --- no ---------------------------------------------------------------------------------------------------------------


def test_files_that_wait_are_wrong_with_the_days_to_load(desk: Desk) -> None:
    desk.orders(D1, "O3", file="new.csv")
    desk.orders(D2, "O4", file="new.csv")
    paths = [f"shop/{name}/{day}/new.csv" for name in ("order_items", "orders") for day in (D1, D2)]
    ((text, command),) = desk.wrong()
    assert text == f"4 files landed and not loaded: {', '.join(paths[:3])} and 1 more."
    assert command == f"project-etl run --days {D1}..{D2}"
    assert desk.verdict().in_words() == f"no: {text}"


def test_files_of_other_tables_do_not_count(desk: Desk) -> None:
    desk.shop.land("fx_rates", D1, "rate_date,base_currency,quote_currency,rate\n")
    desk.shop.land("reviews", D1, "review_id\n")
    assert [text for text, _ in desk.wrong()] == [f"1 file landed and not loaded: shop/fx_rates/{D1}/fx_rates.csv."]
    assert desk.wrong("silver/products") == []


def test_a_file_that_has_changed_is_wrong(desk: Desk) -> None:
    file = desk.orders(D2, "O2", "O3")
    (text, command), *others = desk.wrong()
    assert not others
    assert (
        text
        == f"2 files changed since a run looked: shop/order_items/{D2}/order_items.csv, shop/orders/{D2}/{file.name}."
    )
    assert command == f"project-etl run --days {D2}"


def test_files_that_silver_has_not_judged_are_wrong(desk: Desk) -> None:
    desk.orders(D2, "O3", file="new.csv")
    desk.shop.bronze("orders", D2)
    desk.shop.bronze("order_items", D2)
    assert {each for each in desk.wrong() if "judged" in each[0]} == {
        (f"silver/{name} has not judged {D2} as they are now.", f"project-etl run --days {D2}")
        for name in ("order_items", "orders")
    }


def test_a_day_that_was_never_computed_is_wrong(desk: Desk) -> None:
    never = date(2025, 1, 7)
    assert desk.wrong(AOV, never) == [
        (f"{AOV} for {never} has never been computed.", f"project-etl run --days {never} --select 'gold/*'")
    ]


def test_a_table_that_was_never_computed_is_wrong(desk: Desk) -> None:
    assert desk.wrong("gold/daily_refunds") == [
        ("gold/daily_refunds has not been computed yet.", "project-etl run --days FIRST..LAST")
    ]


def test_a_day_is_out_of_date_once_silver_has_changed(desk: Desk) -> None:
    desk.orders(D1, "O3", file="new.csv")
    desk.load(D1)
    ((text, command),) = desk.wrong()
    assert text.startswith(f"{AOV} for {D1} is out of date (")
    assert command == f"project-etl run --days {D1} --select 'gold/*'"
    assert desk.wrong(AOV, SECOND) == []
    # A week's window of the second day looks back on the first one, and a whole on all.
    for table, what, days in ((TOP, f"{TOP} for {D2}", f"{D1}..{D2}"), (LTV, LTV, D1)):
        ((text, command),) = desk.wrong(table, SECOND)
        assert text.startswith(f"{what} is out of date (")
        assert command == f"project-etl run --days {days} --select 'gold/*'"
    desk.shop.all_gold(D1, D2)
    assert desk.wrong() == desk.wrong(LTV) == desk.wrong(TOP, SECOND) == []


def test_a_dimension_is_out_of_date_once_its_records_have_changed(desk: Desk) -> None:
    assert desk.verdict(PRODUCTS).in_words() == "yes"
    desk.shop.land_rows("products", D2, {**PRODUCT, "name": "Lantern", "updated_at": f"{D2}T00:00:00Z"})
    desk.shop.bronze("products", D2)
    desk.shop.silver("products", D2)
    desk.shop.silver("products_history", D2)
    ((text, command),) = desk.wrong(PRODUCTS)
    assert text.startswith(f"{PRODUCTS} is out of date (")
    assert command == f"project-etl run --days {D2} --select 'gold/*'"


def test_a_day_that_is_held_back_is_wrong_with_the_rules_that_it_breaks(desk: Desk) -> None:
    third = "2025-01-03"
    desk.orders(D2, "O3", file="yen.csv", currency="JPY")
    desk.orders(third, "O4", currency="JPY")
    desk.load(D2)
    desk.load(third)
    for name in ("fact_order_items", "fact_orders", "daily_aov"):
        desk.shop.gold(name, D2, third)
    # The second day keeps what it had; the third one has never had anything.
    assert [text.partition(" It breaks")[0] for text, _ in desk.wrong(AOV, date(2025, 1, 3))] == [
        f"{AOV} for {third} is held back and keeps the rows that it had, or none."
    ]
    (text, command), *others = desk.wrong(AOV, SECOND)
    assert text.startswith(f"{AOV} for {D2} is held back and keeps the rows that it had, or none. It breaks: ")
    assert "net_revenue_not_null 1" in text
    assert (command, others) == ("project-etl status", [])
    assert desk.wrong() == []


@pytest.mark.parametrize(("table", "layer"), [(AOV, "Gold"), ("silver/orders", "Silver")])
def test_rows_that_somebody_has_deleted_are_wrong(desk: Desk, table: str, layer: str) -> None:
    DeltaTable(desk.shop.lake.path(table)).delete(f"order_date = DATE'{D1}'")
    assert [text for text, _ in desk.wrong(table) if text.startswith(f"{layer}: {table} should have 2 rows and has 1")]


def test_a_broken_star_schema_is_wrong_and_a_warning_of_it_a_note(desk: Desk) -> None:
    desk.star("WARN", 3)
    assert texts(desk.verdict(), Kind.NOTE) == ["Of the star schema, totals fails for 3 rows, over all days."]
    assert desk.wrong() == []
    desk.star("ERROR", 4)
    assert desk.wrong() == [("The star schema is wrong: totals fails for 4 rows.", "project-etl validate")]


def test_what_is_wrong_comes_first(desk: Desk) -> None:
    desk.star("ERROR", 4)
    desk.star("WARN", 3)
    desk.orders(D1, "O3", file="new.csv")
    found = desk.verdict()
    assert [each.kind for each in found.findings] == [Kind.WRONG] * 2 + [Kind.NOTE] + [Kind.GOOD] * 2
    assert found.in_words().endswith(" And 1 more.")


# --- other tables, and the command line -------------------------------------------------------------------------------


def test_a_silver_table_is_judged_by_its_newest_business_day(desk: Desk) -> None:
    found = desk.verdict("silver/orders", None)
    assert (found.day, found.is_trusted) == (SECOND, True)
    assert texts(found, Kind.GOOD) == ["All 2 files that it is made from are loaded."]


@pytest.mark.parametrize("table", ["bronze/shop/orders", "quarantine/orders", "gold/none"])
def test_other_tables_are_not_judged(desk: Desk, table: str) -> None:
    with pytest.raises(LakeError, match=f"{table} is no Gold or Silver table: only these are judged"):
        desk.verdict(table)


def test_commands_name_the_environment(desk: Desk) -> None:
    desk.orders(D1, "O3", file="new.csv")
    (wrong,) = desk.verdict(env="prod").of(Kind.WRONG)
    assert wrong.command == f"project-etl --env prod run --days {D1}"


def test_the_command_prints_the_verdict_and_exits_1_where_it_is_no(desk: Desk) -> None:
    environment = surroundings(desk.shop.landing.parent, **SETTLED)

    def asked(*words: str) -> tuple[int, str]:
        result = CliRunner().invoke(main, ["trust", *words], env=environment)
        return result.exit_code, result.output

    code, said = asked("daily_aov", D1)
    assert (code, said.splitlines()[0]) == (0, f"{AOV}, {D1}: yes")
    assert "  ✓ It was computed from what Silver says now." in said.splitlines()
    code, said = asked("customer_ltv")
    assert (code, said.splitlines()[0]) == (0, f"{LTV}: yes")
    desk.orders(D2, "O3", file="new.csv")
    code, said = asked("daily_aov", D1)
    assert (code, said.splitlines()[0].startswith(f"{AOV}, {D1}: no: 2 files landed and not loaded: ")) == (1, True)
    assert f" project-etl run --days {D2}" in said
    code, said = asked("orders", D1, "--json")
    document = json.loads(said)
    assert (code, document["table"], document["day"], document["is_trusted"]) == (1, "silver/orders", D1, False)
    assert document["findings"][0]["kind"] == "wrong"
    code, said = asked("daily_aovs")
    assert (code, said) == (2, "Error: There is no table 'daily_aovs'; did you mean gold/daily_aov?\n")
    assert asked("daily_aov", "yesterday")[0] == 2
