"""Pulled sources through Dagster: a run pulls, loads and judges; schedules ask; what is wrong is told."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import dagster as dg
import pytest
from dagster_pyspark import LazyPySparkResource

from project_etl.catalog import pulled, pulled_datasets
from project_etl.commands.shared.runs import materialize
from project_etl.core.engine.base import Engine
from project_etl.core.extract.pull import Pulled
from project_etl.core.model.table import Table
from project_etl.orchestration import build
from project_etl.orchestration.build import build_defs
from project_etl.orchestration.pulls import recount_config, verdicts
from project_etl.settings import Settings
from project_etl_tests.commands.given import dagster_home_in, memory_in
from project_etl_tests.core.extract.given import FileShop
from project_etl_tests.orchestration.given import Done, run, settings_of
from project_etl_tests.small_shop import made_of

pytestmark = pytest.mark.long

ORDERS = "landing/oltp/orders"
WITHOUT = ("customers", "events", "fx_rates", "order_items", "products", "refunds", "reviews")
ONLY: tuple[Table, ...] = made_of("silver/orders")


class Pulling:
    """A shop in a database, and the definitions that pull it."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, **settings: object) -> None:
        self.shop = FileShop(folder, without=WITHOUT)
        monkeypatch.setattr(build, "tables", lambda: ONLY)
        start = {"start_date": date(2025, 1, 1), "pull": self.shop.shop.settings.pull}
        self.settings: Settings = settings_of(folder, ("oltp",)).model_copy(update={**start, **settings})
        self.defs = build_defs(self.settings, resources={"spark": LazyPySparkResource(spark_config={})})

    def run(self) -> Done:
        """All tables, on today's landing day."""
        return run(self.defs, datetime.now(UTC).date().isoformat())

    def pull(self, *, recount: bool = False) -> Done:
        """What pulls, alone."""
        job = self.defs.resolve_implicit_global_asset_job_def()
        config = recount_config([ORDERS]) if recount else {}
        keys = [dg.AssetKey(ORDERS.split("/"))]
        return Done(job.execute_in_process(asset_selection=keys, run_config=config, raise_on_error=False))


@pytest.fixture
def pulling(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: Engine) -> Pulling:
    assert engine
    return Pulling(tmp_path, monkeypatch)


def test_a_run_pulls_loads_and_judges(pulling: Pulling) -> None:
    pulling.shop.add(1, 2, seconds=1)
    done = pulling.run()
    assert done.succeeded
    assert pulling.shop.shop.rows("silver/orders", "order_id") == [("1",), ("2",)]
    metadata = done.metadata(ORDERS)
    assert {name: metadata[name] for name in ("published", "files", "is_unchanged")} == {
        "published": 2,
        "files": 1,
        "is_unchanged": False,
    }
    assert metadata["paths"][0].startswith("oltp/orders/")
    assert all(done.checks[ORDERS, name].passed for name in ("is_fresh", "no_gaps", "nothing_missed"))
    again = pulling.run()
    assert again.metadata(ORDERS)["is_unchanged"]
    assert again.metadata("bronze/oltp/orders", datetime.now(UTC).date().isoformat())["is_unchanged"]


def test_bronze_stands_behind_what_pulls_it(pulling: Pulling) -> None:
    graph = pulling.defs.resolve_asset_graph()
    assert graph.get(dg.AssetKey(["bronze", "oltp", "orders"])).parent_keys == {dg.AssetKey(ORDERS.split("/"))}
    # Of what the database does not have, somebody may bring files.
    assert not graph.get(dg.AssetKey(["bronze", "oltp", "reviews"])).parent_keys
    assert {"/".join(key.path) for key in graph.materializable_asset_keys if key.path[0] == "landing"} == {ORDERS}


def test_a_recount_warns_of_what_was_missed(pulling: Pulling) -> None:
    pulling.shop.add(1, seconds=1)
    pulling.run()
    waits = pulling.pull(recount=True)
    assert "waits_for" not in waits.metadata(ORDERS)
    pulling.shop.add(2, seconds=99_999)
    pulling.shop.database.execute("DELETE FROM orders WHERE order_id = 1")
    done = pulling.pull(recount=True)
    verdict = done.checks[ORDERS, "nothing_missed"]
    assert done.succeeded
    assert (verdict.passed, verdict.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert verdict.description == (
        "1 rows had not been pulled, and are now; 1 rows are gone from the database, and count as deleted now"
    )
    assert "not in Bronze yet" in pulling.pull(recount=True).metadata(ORDERS)["waits_for"]
    pulling.run()
    assert pulling.shop.shop.rows("silver/orders", "order_id") == [("2",)]


def test_a_gap_is_told(pulling: Pulling) -> None:
    for number in (1, 2):
        pulling.shop.add(number)
        pulling.pull()
    pulling.shop.files()[0].unlink()
    verdict = pulling.pull().checks[ORDERS, "no_gaps"]
    assert not verdict.passed
    assert "was missing, and is pulled again" in (verdict.description or "")


def test_a_source_that_has_said_nothing_for_long_is_not_fresh(pulling: Pulling) -> None:
    (dataset,) = pulled_datasets(pulling.settings, "oltp")
    how, _ = pulled(pulling.settings)["oltp"]
    is_fresh, said = verdicts(Pulled(dataset, (), datetime(2025, 1, 2, 3, tzinfo=UTC)), how)["is_fresh"]
    assert not is_fresh
    assert said == "read until 2025-01-02 03:00 UTC; expected within 24 hours"
    is_fresh, said = verdicts(Pulled(dataset, (), None), how)["is_fresh"]
    assert not is_fresh
    assert said.startswith("nothing has been read yet")


def test_a_source_that_does_not_answer_fails_its_step_and_all_behind_it(pulling: Pulling, tmp_path: Path) -> None:
    dagster_home_in(tmp_path)
    pulling.shop.add(1, seconds=1)
    pulling.pull()
    pulling.shop.database.execute("ALTER TABLE orders RENAME TO sales")
    today = datetime.now(UTC).date()
    with memory_in(tmp_path) as instance:
        outcome = materialize(pulling.defs, instance, (today, today), command="test")
    assert list(outcome.failures) == [ORDERS]
    assert outcome.failures[ORDERS].startswith("oltp cannot be pulled: sqlite:///")
    assert "Set pull.oltp.tables.orders.table" in outcome.failures[ORDERS]
    assert not pulling.shop.shop.lake.exists("bronze/oltp/orders")
    # The sensors load what has landed by then, whatever pulls.
    assert pulling.shop.ids() == [[1]]


def test_a_source_that_is_not_said_is_refused_with_what_to_add(tmp_path: Path) -> None:
    with pytest.raises(Exception, match=r"Add `pull: \{oltp: \{url: …\}\}` to config/test.yaml"):
        build_defs(settings_of(tmp_path, ("oltp",)))


def test_schedules_pull_and_recount(pulling: Pulling, tmp_path: Path) -> None:
    dagster_home_in(tmp_path)
    repository = pulling.defs.get_repository_def()
    found = {each.name: each for each in repository.schedule_defs}
    assert {"oltp_etl", "oltp_recount"} <= found.keys()
    assert found["oltp_etl"].cron_schedule == "*/10 * * * *"
    assert found["oltp_etl"].default_status is dg.DefaultScheduleStatus.STOPPED
    with memory_in(tmp_path) as instance:
        context = dg.build_schedule_context(instance=instance, repository_def=repository)
        (asked,) = list(found["oltp_recount"].evaluate_tick(context).run_requests or [])
        assert asked.run_config == {"ops": {"landing__oltp__orders": {"config": {"recount": True}}}}
        # One at a time: a slow one is not followed by another before it has ended.
        instance.create_run_for_job(
            repository.get_implicit_global_asset_job_def(),
            tags={**asked.tags, "dagster/schedule_name": "oltp_recount"},
            status=dg.DagsterRunStatus.STARTED,
        )
        skipped = found["oltp_recount"].evaluate_tick(context)
        assert not skipped.run_requests
        assert "has not ended" in (skipped.skip_message or "")


def test_recounts_may_be_left_out(tmp_path: Path) -> None:
    shop = FileShop(tmp_path, recount="never")
    settings = settings_of(tmp_path, ("oltp",)).model_copy(update={"pull": shop.shop.settings.pull})
    repository = build_defs(settings).get_repository_def()
    assert not repository.has_schedule_def("oltp_recount")
    assert repository.has_schedule_def("oltp_etl")
