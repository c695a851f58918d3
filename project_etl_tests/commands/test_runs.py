"""Runs that commands start, and how their progress looks. Pins what we use of Dagster beyond its documentation."""

from __future__ import annotations

import os
from datetime import date

import dagster as dg
import pytest

from project_etl.commands.shared.progress import Progress, count_text
from project_etl.commands.shared.runs import errors_into, materialize
from project_etl.commands.shared.shown_runs import ShownRuns
from project_etl.orchestration.failures import failure_text, table_of_step
from project_etl.orchestration.partitions import RANGE_END, RANGE_START
from project_etl_tests.commands.given import paper, settings_in, text_of
from project_etl_tests.commands.small_shop import asset_with_check, definitions

JANUARY = date(2025, 1, 3), date(2025, 1, 5)


@pytest.fixture(scope="module")
def instance():
    with dg.instance_for_test() as made:
        yield made


SHOP = definitions(
    asset_with_check("bronze/shop/orders"),
    asset_with_check("silver/orders", deps=("bronze/shop/orders",), action="fail", broken=2),
    asset_with_check("gold/daily_aov", deps=("silver/orders",)),
    asset_with_check("gold/other", error=KeyError("no such thing")),
    asset_with_check("gold/silent", error=AssertionError()),
)


@pytest.fixture(scope="module")
def watched(instance):
    events: list[dg.DagsterEvent] = []
    outcome = materialize(SHOP, instance, JANUARY, command="test", watch=events.append)
    return outcome, events


def test_one_run_has_all_days_and_is_kept(instance, watched):
    outcome, _ = watched
    run = instance.get_run_by_id(outcome.run_id)
    assert (run.tags[RANGE_START], run.tags[RANGE_END]) == ("2025-01-03", "2025-01-05")
    assert run.tags["project_etl/command"] == "test"
    partitions = {
        each.partition_key
        for each in instance.fetch_materializations(dg.AssetKey(["bronze", "shop", "orders"]), limit=9).records
    }
    assert partitions == {"2025-01-03", "2025-01-04", "2025-01-05"}


def test_the_logger_hands_on_every_event_of_a_step(watched):
    _, events = watched
    kinds = [event.event_type for event in events if event.step_key == "bronze__shop__orders"]
    happened = dg.DagsterEventType
    assert {
        happened.STEP_START,
        happened.HANDLED_OUTPUT,
        happened.ASSET_CHECK_EVALUATION,
        happened.STEP_SUCCESS,
    } <= set(kinds)


def test_failures_are_told_in_the_assets_own_words(watched):
    outcome, _ = watched
    assert not outcome.is_success
    assert outcome.failures["silver/orders"] == "nothing was published"
    assert outcome.failures["gold/other"] == "KeyError: 'no such thing'"
    assert outcome.failures["gold/silent"].startswith('AssertionError (File "')
    assert set(outcome.failures) == {"silver/orders", "gold/other", "gold/silent"}


def test_only_the_named_tables_are_materialized(instance):
    seen: set[str] = set()
    outcome = materialize(
        SHOP,
        instance,
        JANUARY,
        names=["bronze/shop/orders"],
        command="test",
        watch=lambda e: seen.add(e.step_key or ""),
    )
    assert outcome.is_success
    assert {table_of_step(step) for step in seen if step} == {"bronze/shop/orders"}


def test_a_run_that_is_shown_says_in_full_what_failed(instance, tmp_path):
    console, settings = paper(), settings_in(tmp_path, "dagster_home: home\n")
    work = ShownRuns(console, settings, SHOP, instance, command="test")
    outcome = work.materialize(JANUARY, ["bronze/shop/orders", "silver/orders", "gold/other"])
    said = text_of(console).splitlines()
    assert {line.split()[0] for line in said if line[:1] in "✓✗"} == {"✓", "✗"}
    assert "silver/orders failed: nothing was published" in said
    assert said[-1].endswith(f"Dagster keeps this as run {outcome.run_id}.")


def test_progress_is_a_line_per_table_where_there_is_no_terminal(watched):
    _, events = watched
    console = paper()
    with Progress(console, tables=5) as progress:
        for event in events:
            progress(event)
    lines = {line.split()[1]: line.split() for line in text_of(console).splitlines()}
    # The counts of all three days together.
    assert lines["bronze/shop/orders"][2:10] == ["read", "30", "accepted", "27", "repeats", "-", "rejected", "3"]
    assert lines["bronze/shop/orders"][0] == "✓"
    assert lines["silver/orders"][0] == "✗"
    assert "nothing was published" not in lines["silver/orders"]
    # Dagster has no event for a step whose inputs failed.
    assert "gold/daily_aov" not in lines


def test_progress_is_a_table_on_a_terminal(watched):
    _, events = watched
    console = paper(is_terminal=True)
    with Progress(console, tables=5) as progress:
        for event in events:
            progress(event)
    said = text_of(console)
    assert "4 of 5 tables" in said
    assert "rejected" in said


def test_counts_are_for_people():
    assert count_text(43500) == "43,500"
    assert count_text(None) == "-"


def test_a_failure_without_words_still_says_something(watched):
    _, events = watched
    (event,) = [e for e in events if e.event_type is dg.DagsterEventType.STEP_FAILURE and e.step_key == "gold__other"]
    assert failure_text(event).startswith("KeyError")


def test_the_error_stream_of_the_whole_process_goes_to_a_file(tmp_path):
    log = tmp_path / "logs" / "spark.log"
    with errors_into(log):
        os.write(2, b"from the JVM\n")
    with errors_into(log):
        os.write(2, b"and again\n")
    assert log.read_text() == "from the JVM\nand again\n"
