"""Real runs through Dagster: what they store, what they report, and what a tripped rule keeps from happening."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from project_etl.core.engine.base import Engine
from project_etl.core.lake import Conflict, TableStore
from project_etl.core.model.table import Snapshot
from project_etl.core.staleness import misjudged
from project_etl.orchestration import factory
from project_etl.orchestration.metadata import counts_of
from project_etl.orchestration.run_tags import LAKE_TAG
from project_etl_tests.orchestration.given import Done, definitions_of, run
from project_etl_tests.small_shop import CUSTOMER, ITEM, ORDER, PRODUCT, SmallShop, made_of

pytestmark = pytest.mark.long

D1, D2, D3 = "2025-01-01", "2025-01-02", "2025-01-03"
FACT, AOV, LTV = "gold/fact_order_items", "gold/daily_aov", "gold/customer_ltv"
# Tables that sum a day's revenue.
SUMS = {AOV}
ONLY = made_of(LTV, *SUMS)


@dataclass(frozen=True)
class Story:
    """Four runs over one shop, every table's Delta version after each of them, and what they wrote into their logs."""

    shop: SmallShop
    defs: dg.Definitions
    first: Done
    again: Done
    stopped: Done
    repaired: Done
    shop_before_the_rate: dict[str, list[tuple[Any, ...]]]
    versions: tuple[dict[str, int | None], ...]
    log: tuple[str, ...]


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory, engine: Engine) -> Story:
    """Load two days, load them again, then a day that lacks a rate, then that day with the rate."""
    folder = tmp_path_factory.mktemp("story")
    shop, defs = SmallShop(folder, engine, only=ONLY), definitions_of(folder, only=ONLY)
    tables = ["/".join(key.path) for key in defs.resolve_asset_graph().materializable_asset_keys]
    versions: list[dict[str, int | None]] = []
    runs: list[Done] = []

    def go(first: str, last: str | None = None) -> None:
        runs.append(run(defs, first, last, instance))
        versions.append({table: shop.version(table) for table in tables})

    with dg.DagsterInstance.ephemeral() as instance:
        land_two_days(shop)
        go(D1, D2)
        go(D1, D2)
        land_order_in_yen(shop)
        go(D3)
        before = {table: shop.rows(table, "order_date") for table in SUMS}
        shop.land_rows(
            "fx_rates", D3, {"rate_date": D2, "base_currency": "EUR", "quote_currency": "JPY", "rate": "160"}
        )
        go(D3)
        entries = [entry for done in runs for entry in instance.all_logs(done.result.run_id)]
    log = tuple(entry.user_message for entry in entries if entry.dagster_event is None)
    return Story(shop, defs, *runs, shop_before_the_rate=before, versions=tuple(versions), log=log)


def land_two_days(shop: SmallShop) -> None:
    """Two days with three good orders, and a bad one on each day."""
    shop.land_rows("customers", D1, CUSTOMER)
    shop.land_rows("products", D1, PRODUCT)
    shop.land_rows("orders", D1, ORDER, {**ORDER, "order_id": "O2", "status": "SHIPED"})
    shop.land_rows("order_items", D1, ITEM)
    later = {**ORDER, "order_ts": f"{D2}T09:00:00Z", "updated_at": f"{D2}T09:00:00Z"}
    shop.land_rows(
        "orders",
        D2,
        {**later, "order_id": "O3"},
        {**later, "order_id": "O4", "customer_id": ""},
        {**later, "order_id": "O5", "status": "lost"},
    )
    shop.land_rows(
        "order_items",
        D2,
        {**ITEM, "order_item_id": "I3", "order_id": "O3"},
        {**ITEM, "order_item_id": "I4", "order_id": "O4"},
    )


def broken_of(check: dg.AssetCheckEvaluation) -> int:
    """How many records broke the rule of a check."""
    return counts_of(check)["broken"]


def land_order_in_yen(shop: SmallShop) -> None:
    """A good order whose currency has no rate."""
    yen = {**ORDER, "order_id": "O6", "order_ts": f"{D3}T09:00:00Z", "currency": "JPY", "updated_at": f"{D3}T09:00:00Z"}
    shop.land_rows("orders", D3, yen)
    shop.land_rows("order_items", D3, {**ITEM, "order_item_id": "I6", "order_id": "O6", "unit_price": "1600.00"})


def test_a_range_is_one_run_that_records_each_day_of_each_table(story: Story) -> None:
    assert story.first.succeeded
    days = {table: {D1, D2} for table in story.versions[0]}
    snapshots = {table.name: {None} for table in ONLY if isinstance(table.write, Snapshot)}
    assert story.first.materialized == {**days, **snapshots}


def test_each_day_has_its_own_row_counts(story: Story) -> None:
    orders = {day: story.first.metadata("silver/orders", day) for day in (D1, D2)}
    assert {day: found["dagster/partition_row_count"] for day, found in orders.items()} == {D1: 1, D2: 2}
    assert [orders[D2][name] for name in ("read", "accepted", "quarantined")] == [3, 2, 1]
    assert story.first.metadata("bronze/shop/orders", D2)["dagster/partition_row_count"] == 3
    assert story.first.metadata("gold/daily_aov", D1)["dagster/partition_row_count"] == 1
    # And the files that came with the batch; the second time there are none.
    assert story.first.metadata("bronze/shop/orders", D2)["new_files"] == f"- `shop/orders/{D2}/orders.csv`"
    assert "new_files" not in story.again.metadata("bronze/shop/orders", D2)
    # A day on which nothing landed is zero, not unknown.
    assert story.first.metadata("silver/fx_rates", D2)["dagster/partition_row_count"] == 0


def test_metadata_says_which_commit_holds_the_rows(story: Story) -> None:
    found = story.first.metadata("silver/orders", D1)
    assert found["delta_version"] == story.versions[0]["silver/orders"]
    assert found["is_unchanged"] is False
    assert [found[f"commit_{name}"] for name in ("insert", "update", "delete", "released")] == [3, 0, 0, 0]
    assert found["commit_days_changed"] == f"{D1} to {D2}"
    facts = story.first.metadata("gold/fact_orders", D1)
    assert facts["commit_input_versions"]["silver/orders"] == found["delta_version"]


def test_the_log_says_of_each_table_what_was_counted_where_it_is_and_what_was_broken(story: Story) -> None:
    counts = "silver/orders: 5 read, 3 accepted, 0 deduplicated, 0 superseded, 2 quarantined; 3 rows in the table"
    broken = "broken: customer_id_not_null 1 (warn), status_isin 2 (quarantine)"
    assert [line for line in story.log if line.startswith("silver/orders: 5 ")] == [
        f"{counts}; version {story.versions[0]['silver/orders']}; {broken}",
        f"{counts}; nothing new, version {story.versions[0]['silver/orders']}; {broken}",
    ]
    aov = [line for line in story.log if line.startswith("gold/daily_aov: ")]
    assert aov[0] == f"gold/daily_aov: 2 published; 2 rows in the table; version {story.versions[0]['gold/daily_aov']}"


def test_every_rule_is_a_check_with_counts_also_unbroken_ones(story: Story) -> None:
    declared = {("/".join(key.asset_key.path), key.name) for key in story.defs.resolve_asset_graph().asset_check_keys}
    assert set(story.first.checks) == declared
    broken = {key: number for key, check in story.first.checks.items() if (number := broken_of(check))}
    assert broken == {
        ("silver/orders", "status_isin"): 2,
        ("silver/orders", "customer_id_not_null"): 1,
        # Customers have no phone, and products no subcategory.
        ("bronze/shop/customers", "columns_complete"): 1,
        ("bronze/shop/products", "columns_complete"): 1,
    }
    unbroken = counts_of(story.first.checks["silver/orders", "order_total_type"])
    assert (unbroken["broken"], unbroken["judged"]) == (0, 5)


def test_a_rule_that_keeps_a_few_records_out_is_no_alarm_and_a_file_without_a_column_is(story: Story) -> None:
    alarms = {key: check.description for key, check in story.first.checks.items() if not check.passed}
    assert alarms == {
        ("bronze/shop/customers", "columns_complete"): "1 file lacks a declared column",
        ("bronze/shop/products", "columns_complete"): "1 file lacks a declared column",
    }


def test_every_table_keeps_its_rows_in_each_run(story: Story) -> None:
    for done in (story.first, story.again, story.stopped, story.repaired):
        kept = {table: check for (table, rule), check in done.checks.items() if rule == "rows_kept"}
        assert {table: check.description for table, check in kept.items() if not check.passed} == {}
    assert kept.keys() == story.versions[0].keys()


def test_a_history_reports_no_rule_that_its_sister_reports(story: Story) -> None:
    told = {table for table, rule in story.first.checks if rule != "rows_kept"}
    assert {"silver/customers", "silver/products"} <= told
    assert not {"silver/customers_history", "silver/products_history"} & told


def test_a_check_that_keeps_records_out_leads_to_them(story: Story) -> None:
    check = story.first.checks["silver/orders", "status_isin"]
    assert check.metadata["kept_out_in"] == dg.MetadataValue.asset(dg.AssetKey(["quarantine", "orders"]))
    assert story.first.metadata("quarantine/orders")["dagster/row_count"] == 2
    # The run that changes it tells of it, and no other does.
    assert not [event for event in story.again.materializations if event.asset_key.path[0] == "quarantine"]


def test_a_broken_quarantine_rule_names_days_and_samples_and_stops_nothing(story: Story) -> None:
    check = story.first.checks["silver/orders", "status_isin"]
    assert check.severity is dg.AssetCheckSeverity.WARN
    assert counts_of(check) == {"action": "quarantine", "broken": 2, "judged": 5, "share": "40.00%"}
    assert check.description == "2 of 5 records kept out (40.00%)"
    by_day = check.metadata["by_day"]
    assert isinstance(by_day, dg.TableMetadataValue)
    assert [record.data for record in by_day.records] == [
        {"day": D1, "judged": 2, "broken": 1},
        {"day": D2, "judged": 3, "broken": 1},
    ]
    assert "SHIPED" in str(check.metadata["samples"].value)


def test_the_newest_day_of_a_run_has_the_plot_of_the_measure(story: Story) -> None:
    for done in (story.first, story.again):
        assert "![net_revenue by day]" in done.metadata("gold/daily_aov", D2)["plot"]
        assert "plot" not in done.metadata("gold/daily_aov", D1)
        assert "plot" not in done.metadata("gold/fact_orders", D2)


def test_running_again_commits_nothing_and_says_the_same(story: Story) -> None:
    assert story.again.succeeded
    assert story.versions[1] == story.versions[0]
    assert story.again.materialized == story.first.materialized
    assert all(
        story.again.metadata(table, day)["is_unchanged"]
        for table, days in story.again.materialized.items()
        for day in days
    )
    counts = {
        done: {key: (check.passed, broken_of(check)) for key, check in done.checks.items()}
        for done in (story.first, story.again)
    }
    assert counts[story.again] == counts[story.first]
    again, first = (done.metadata("silver/orders", D2) for done in (story.again, story.first))
    assert again["dagster/partition_row_count"] == first["dagster/partition_row_count"]
    # What the last change was, and rows of the day, stay readable.
    repeated = ("preview", "commit_days_changed", "commit_input_versions", "commit_insert", "delta_version")
    assert {name: again[name] for name in repeated} == {name: first[name] for name in repeated}
    assert again["last_changed"].startswith(f"by run {story.first.result.run_id}, ")


def test_a_tripped_fail_rule_fails_the_run_and_names_day_and_remedy(story: Story) -> None:
    assert not story.stopped.succeeded
    assert story.stopped.failures.keys() == SUMS
    said = story.stopped.failures[AOV]
    assert all(text in said for text in ("net_revenue_not_null", D3, "nothing was published", "add the rates"))
    check = story.stopped.checks[AOV, "net_revenue_not_null"]
    assert (check.passed, check.severity, broken_of(check)) == (False, dg.AssetCheckSeverity.ERROR, 1)


def test_what_a_tripped_rule_keeps_back_is_as_it_was_and_all_else_is_published(story: Story) -> None:
    assert story.stopped.materialized.keys() == story.first.materialized.keys() - SUMS
    for table in SUMS:
        assert {str(day) for (day,) in story.shop_before_the_rate[table]} <= {D1, D2}, table
    # The order is a fact, with a warning.
    assert story.stopped.metadata(FACT, D3)["dagster/partition_row_count"] == 1
    warned = {table: story.stopped.checks[table, "fx_rate_known"] for table in (FACT, "gold/fact_orders", LTV)}
    assert {table: broken_of(check) for table, check in warned.items()} == dict.fromkeys(warned, 1)
    assert {check.severity for check in warned.values()} == {dg.AssetCheckSeverity.WARN}


def test_the_day_is_published_once_its_rate_has_landed(story: Story) -> None:
    assert story.repaired.succeeded
    assert story.repaired.metadata(FACT, D3)["dagster/partition_row_count"] == 1
    (row,) = [row for row in story.shop.rows(FACT, "order_id", "net_amount_reporting", "fx_carried") if row[0] == "O6"]
    assert (str(row[1]), row[2]) == ("20.0000", True)


def test_a_run_that_was_asked_for_on_another_lake_is_refused(tmp_path: Path, engine: Engine) -> None:
    shop, defs = SmallShop(tmp_path, engine), definitions_of(tmp_path)
    land_two_days(shop)
    job = defs.resolve_implicit_global_asset_job_def()
    tags = {"dagster/partition": D1, LAKE_TAG: str(tmp_path / "other")}
    done = Done(job.execute_in_process(tags=tags, raise_on_error=False))
    assert not done.result.success
    assert shop.version("bronze/shop/orders") is None
    said = "\n".join(str(event.event_specific_data) for event in done.result.all_events if event.is_step_failure)
    assert f"on account of the lake {tmp_path / 'other'}" in said
    assert shop.lake.root in said


def test_gold_that_meets_another_run_between_two_tables_tries_again(
    tmp_path: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    only = made_of(FACT)
    shop, defs = SmallShop(tmp_path, engine, only=only), definitions_of(tmp_path, only=only)
    land_two_days(shop)
    shop.load(D1, D2)
    # An order moves to another day, and its items have not followed yet: what another process does between two commits.
    shop.land_rows("orders", D3, {**ORDER, "order_ts": f"{D2}T09:00:00Z", "updated_at": f"{D3}T00:00:00Z"})
    shop.bronze("orders", D3)
    shop.silver("orders", D3)
    seen: list[tuple[str, ...]] = []
    comes_to_items = False

    def look(lake: TableStore, inputs: Sequence[str]) -> tuple[str, ...]:
        if comes_to_items:
            # While Gold computes from what it found.
            shop.silver("order_items", D1)
        seen.append(misjudged(lake, inputs))
        return seen[-1]

    monkeypatch.setattr(factory, "misjudged", look)
    monkeypatch.setattr(factory, "PAUSE_SECONDS", 0)
    job = defs.resolve_implicit_global_asset_job_def()

    def compute() -> Done:
        tags = {"dagster/partition": D1}
        key = dg.AssetKey(FACT.split("/"))
        return Done(job.execute_in_process(asset_selection=[key], tags=tags, raise_on_error=False))

    stuck = compute()
    assert "order_ts_not_null" in stuck.failure
    assert seen == [("silver/order_items",)] * (factory.MOST_TRIES - 1)
    assert shop.rows(FACT) == []
    comes_to_items = True
    done = compute()
    assert done.succeeded
    assert done.materialized == {FACT: {D1}}
    assert (
        len([check for check in done.result.get_asset_check_evaluations() if check.check_name == "order_ts_not_null"])
        == 1
    )
    assert misjudged(shop.lake, ("silver/order_items",)) == ()


def test_no_check_is_green_of_rows_whose_commit_was_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shop, defs = SmallShop(tmp_path), definitions_of(tmp_path)
    land_two_days(shop)

    def refuse(*_: object) -> None:
        raise Conflict("another process was quicker")

    monkeypatch.setattr(TableStore, "commit", refuse)
    key = dg.AssetKey(["bronze", "shop", "orders"])
    job = defs.resolve_implicit_global_asset_job_def()
    done = Done(job.execute_in_process(asset_selection=[key], tags={"dagster/partition": D1}, raise_on_error=False))
    assert not done.succeeded
    assert done.result.get_asset_check_evaluations() == []
