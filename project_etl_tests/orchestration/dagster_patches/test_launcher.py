"""Whether the process of a run is alive, as run monitoring asks; `test_daemon.py` has it asked by the real daemon."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.events import EngineEventData
from dagster._core.launcher import WorkerStatus

from project_etl_tests.commands.given import dagster_home_in


@dg.job
def nothing() -> None:
    """A job to have a run of."""


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    """Dagster's memory with the platform's own dagster.yaml."""
    monkeypatch.setenv("DAGSTER_HOME", dagster_home_in(tmp_path))
    with dg.DagsterInstance.get() as instance:
        yield instance


def run_of(instance: dg.DagsterInstance, *pids: int, reported_at: float | None = None) -> dg.DagsterRun:
    """A run for which processes have reported, in order."""
    run = instance.create_run_for_job(nothing)
    for pid in pids:
        event = dg.DagsterEvent(
            event_type_value=dg.DagsterEventType.ENGINE_EVENT.value,
            job_name=run.job_name,
            event_specific_data=EngineEventData.in_process(pid),
        )
        entry = dg.EventLogEntry(None, 20, "", run.run_id, reported_at or time.time(), None, run.job_name, event)
        instance.handle_new_event(entry)
    return run


def status_of(instance: dg.DagsterInstance, run: dg.DagsterRun) -> WorkerStatus:
    launcher = instance.run_launcher
    assert launcher.supports_check_run_worker_health
    return launcher.check_run_worker_health(run).status


def ended() -> int:
    """The number of a process that is gone."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_a_run_whose_process_is_there_works(instance: dg.DagsterInstance) -> None:
    assert status_of(instance, run_of(instance, os.getpid())) is WorkerStatus.RUNNING


def test_a_run_whose_process_is_gone_has_failed(instance: dg.DagsterInstance) -> None:
    assert status_of(instance, run_of(instance, ended())) is WorkerStatus.FAILED


def test_another_process_under_the_same_number_is_not_the_run(instance: dg.DagsterInstance) -> None:
    # Reported to before this process began, as after a restart of the machine.
    assert status_of(instance, run_of(instance, os.getpid(), reported_at=1.0)) is WorkerStatus.FAILED


def test_a_step_that_has_ended_says_nothing_of_its_run(instance: dg.DagsterInstance) -> None:
    assert status_of(instance, run_of(instance, os.getpid(), ended())) is WorkerStatus.RUNNING


def test_a_run_that_nobody_has_reported_for_is_waited_for(instance: dg.DagsterInstance) -> None:
    assert status_of(instance, run_of(instance)) is WorkerStatus.RUNNING
