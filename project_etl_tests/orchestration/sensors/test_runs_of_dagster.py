"""What the sensors are told of runs, by a Dagster of its own."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import date

import dagster as dg
import pytest

from project_etl.orchestration.partitions import PARTITION, RANGE_END, RANGE_START
from project_etl.orchestration.run_tags import ASKER_TAG
from project_etl.orchestration.sensors.runs import RETRY_SECONDS, failures, recent, under_way

FOR_A_DAY = {PARTITION: "2025-01-15"}
OURS = {ASKER_TAG: "new_files"}


@dg.op
def work() -> None: ...


@dg.job
def job() -> None:
    work()


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made


def test_runs_for_days_are_seen_until_they_end(instance: dg.DagsterInstance) -> None:
    days = {RANGE_START: "2025-01-01", RANGE_END: "2025-01-09"}
    instance.create_run_for_job(job)
    instance.create_run_for_job(job, tags={PARTITION: "red"})
    run = instance.create_run_for_job(job, tags=days | OURS)
    (seen,) = under_way(instance, time.time())
    assert (seen.run_id, seen.days, seen.asker) == (run.run_id, (date(2025, 1, 1), date(2025, 1, 9)), "new_files")
    assert seen.covers(date(2025, 1, 9))
    assert not seen.covers(date(2025, 1, 10))
    instance.report_run_canceling(run)
    assert under_way(instance, time.time()), "it still works"
    instance.report_run_canceled(run)
    assert not under_way(instance, time.time())
    # It is asked for again.
    assert [each.run_id for each in failures(instance, OURS, time.time())] == [run.run_id]


def test_a_retry_that_dagster_promised_is_waited_for_but_not_for_ever(instance: dg.DagsterInstance) -> None:
    now = time.time()
    first = instance.create_run_for_job(job, tags=FOR_A_DAY | OURS | {"dagster/will_retry": "true"})
    instance.report_run_failed(first, message="the run worker vanished")
    assert under_way(instance, now + 1)
    assert not failures(instance, OURS, now + 1)
    assert not under_way(instance, now + 2 * RETRY_SECONDS)
    assert len(failures(instance, OURS, now + 2 * RETRY_SECONDS)) == 1
    again = instance.create_run_for_job(
        job, tags=FOR_A_DAY | OURS, parent_run_id=first.run_id, root_run_id=first.run_id
    )
    instance.report_run_failed(again)
    assert not [run for run in under_way(instance, now + 1) if run.run_id == again.run_id], "no other was promised"


def test_only_runs_with_the_tags_count(instance: dg.DagsterInstance) -> None:
    for tags in (OURS, {ASKER_TAG: "changed_days"}, {}):
        instance.report_run_failed(instance.create_run_for_job(job, tags=FOR_A_DAY | tags))
    assert len(recent(instance, OURS, time.time())) == 1
    assert len(failures(instance, OURS, time.time())) == 1


@pytest.mark.parametrize(
    ("job_name", "makes"), [("everything", True), ("silver", True), ("gold", False), ("own", False)]
)
def test_a_job_that_a_person_starts_makes_the_tables_of_its_layer(
    instance: dg.DagsterInstance, job_name: str, makes: bool
) -> None:
    status = dg.DagsterRunStatus.STARTED
    instance.add_run(dg.DagsterRun(job_name, run_id="r", tags=FOR_A_DAY, status=status))
    (seen,) = under_way(instance, time.time())
    assert seen.makes_any(["silver/orders"]) is makes


def test_a_run_that_nobody_submitted_is_not_waited_for_for_ever(instance: dg.DagsterInstance) -> None:
    instance.create_run_for_job(job, tags=FOR_A_DAY | OURS)
    assert under_way(instance, time.time() + 1)
    assert not under_way(instance, time.time() + 2 * RETRY_SECONDS)
