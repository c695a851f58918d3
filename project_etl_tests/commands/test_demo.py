"""A small demo from end to end, and a replay after a rule was changed: the commands as people use them, with Spark."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pandera.pyspark as pa
import pytest
from click.testing import CliRunner
from pyspark.sql import types as T

from project_etl.catalog import tables
from project_etl.cli import main
from project_etl.commands.demo import run as demo
from project_etl.commands.plan.timing import timing_of
from project_etl.commands.quarantine import replay as replay_command
from project_etl.commands.run import run as run_command
from project_etl.commands.shared.environment import dagster_instance
from project_etl.commands.shared.errors import UserError
from project_etl.commands.shared.options import Days
from project_etl.commands.shared.runs import materialize, platform
from project_etl.core.lake import TableStore
from project_etl.settings import Settings
from project_etl.silver import order_items
from project_etl.standing import held
from project_etl_tests.commands.given import lake_in, paper, text_of

pytestmark = pytest.mark.long

SMALL = {"days": 4, "scale": 0.02, "seed": 7}
GOLD = [table.name for table in tables() if table.layer == "gold"]
RULE = "quantity_less_than_or_equal_to"


@dataclass(frozen=True)
class Shown:
    folder: Path
    text: str
    settings: Settings
    lake: TableStore


@pytest.fixture(scope="module")
def shown(spark, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    """The demo after its first call. It runs in this process, in the session that all tests share."""
    assert spark
    folder = tmp_path_factory.mktemp("demo")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAGSTER_HOME", str(mine := tmp_path_factory.mktemp("mine")))
        console = paper()
        assert demo.run(console, demo.Demo(**SMALL, folder=folder)), text_of(console)
        assert list(mine.iterdir()) == [], "a demo leaves no run among the user's own"
        settings = demo.demo_settings(folder)
        yield Shown(folder, text_of(console), settings, lake_in(settings))


def rows_of(lake: TableStore) -> dict[str, list[str]]:
    """Every row of every Gold table, as text in order."""
    return {name: sorted(map(str, lake.state(name).rows().to_pylist())) for name in GOLD}


def test_every_table_is_shown_as_it_is_made_and_in_the_summary(shown):
    lines = shown.text.splitlines()
    for name in [*GOLD, "bronze/shop/orders", "silver/order_items"]:
        assert any(line.startswith(f"✓ {name} ") for line in lines), name
    for word in ("Bronze", "Silver", "Gold", "Quarantine", "Revenue of the last days", "Kept out of orders"):
        assert word in shown.text
    assert "net revenue, EUR" in shown.text
    assert str(shown.folder / "lake") in shown.text
    assert "quarantine list" in shown.text
    # Its calendar ends with its data, also for other commands.
    assert "PROJECT_ETL_END_DATE=2025-01-04 " in shown.text


def test_counts_of_the_progress_are_those_of_all_days(shown):
    line = next(line.split() for line in shown.text.splitlines() if line.startswith("✓ bronze/shop/orders "))
    assert int(line[3].replace(",", "")) == shown.lake.state("bronze/shop/orders").dataset().count_rows()


def test_the_second_call_has_nothing_to_do(shown):
    before = {name: shown.lake.version(name) for name in GOLD}
    console = paper()
    assert demo.run(console, demo.Demo(**SMALL, folder=shown.folder))
    progress = [line for line in text_of(console).splitlines() if line.startswith("✓")]
    assert progress
    assert all(line.endswith("nothing new") for line in progress)
    assert {name: shown.lake.version(name) for name in GOLD} == before
    # It says nothing of how long the work takes.
    with dagster_instance(shown.settings) as instance:
        took = timing_of(instance, shown.lake).tables
    assert set(GOLD) < set(took)
    assert all(least == most for least, most in took.values())


def test_a_run_of_some_tables_shows_them_and_says_what_is_next(shown):
    console, first = paper(), shown.settings.start_date
    assert run_command.run(console, shown.settings, Days(first, first), "gold/daily_aov,silver/orders")
    lines = text_of(console).splitlines()
    assert sorted(line.split()[1] for line in lines[:-1]) == ["gold/daily_aov", "silver/orders"]
    assert lines[-1].startswith(f"2 tables are up to date for {first}")
    assert lines[-1].endswith(" --env demo status")


def test_the_gate_that_is_named_in_the_end_passes_the_demo(shown):
    (line,) = (line for line in shown.text.splitlines() if line.endswith(" gate"))
    words = shlex.split(line.partition("checks")[2])
    places = dict(word.split("=", 1) for word in words if word.startswith("PROJECT_ETL_"))
    done = CliRunner().invoke(main, words[words.index("--env") :], env=places)
    assert done.exit_code == 0, done.output
    assert "Data checks: passed" in done.output


def test_a_demo_is_not_made_over_with_other_arguments(shown):
    with pytest.raises(UserError, match="choose another folder with --folder"):
        demo.run(paper(), demo.Demo(**{**SMALL, "scale": 0.03}, folder=shown.folder))


class MoreThanEnough(order_items.OrderItems):
    """The contract of order items with one rule made wider."""

    quantity: T.IntegerType = pa.Field(gt=0, le=2**31 - 1, description="Pieces sold.")


@pytest.fixture(scope="module")
def replayed(shown) -> Iterator[tuple[str, int]]:
    """What a replay says after the rule on quantities was made wider, and how many records the rule had kept out."""
    (count,) = held.over_days(held.counts(shown.lake, "order_items", held.Filter(rule=RULE)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(order_items, "TABLE", replace(order_items.TABLE, contract=MoreThanEnough))
        console = paper()
        assert replay_command.run(console, shown.settings, replay_command.Replay("order_items")), text_of(console)
        yield text_of(console), count.rows


def test_records_that_pass_now_are_published_once(shown, replayed):
    said, kept_out = replayed
    assert kept_out >= 1
    assert held.counts(shown.lake, "order_items", held.Filter(rule=RULE)) == []
    items = shown.lake.state("silver/order_items").rows().to_pylist()
    assert sum(item["quantity"] > order_items.MAX_QUANTITY for item in items) == kept_out
    assert len({item["order_item_id"] for item in items}) == len(items)
    assert "Quarantine of silver/order_items held" in said


def test_gold_is_what_it_would_be_from_scratch(shown, replayed):
    assert replayed
    found = rows_of(shown.lake)
    assert any(str(order_items.MAX_QUANTITY)[:-1] in row for row in found["gold/fact_order_items"])
    first = shown.settings.start_date
    defs, _ = platform(shown.settings)
    with dagster_instance(shown.settings) as instance:
        outcome = materialize(defs, instance, (first, first + timedelta(days=SMALL["days"] - 1)), command="test")
    assert outcome.is_success, outcome.failures
    assert rows_of(shown.lake) == found


def test_a_replay_without_changes_does_nothing(shown, replayed):
    assert replayed
    before = {name: shown.lake.version(name) for name in GOLD}
    console = paper()
    assert replay_command.run(console, shown.settings, replay_command.Replay("order_items"))
    assert "Quarantine of silver/order_items is as it was." in text_of(console)
    assert "Nothing of Gold is stale." in text_of(console)
    assert {name: shown.lake.version(name) for name in GOLD} == before


def test_a_replay_of_days_without_quarantine_says_so(shown):
    console = paper()
    late = shown.settings.start_date + timedelta(days=200)
    assert replay_command.run(console, shown.settings, replay_command.Replay("orders", since=late))
    assert "holds no records of silver/orders, silver/order_items, silver/refunds on these landing days" in text_of(
        console
    )
