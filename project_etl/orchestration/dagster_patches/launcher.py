"""Launching runs on one machine, and noticing when their processes are gone.

Dagster's own launcher cannot tell a run whose process died together with the server that watched it (`kill -9` of
everything) from one that works: such a run would hold its tables until `max_runtime_seconds` had passed. Here run
monitoring looks at the process that the run's events name. Belongs in dagster.yaml as `run_launcher`, for runs of one
machine. Waits for a `check_run_worker_health` of Dagster's own `DefaultRunLauncher`, as its launchers for Docker,
Kubernetes and ECS have one (https://github.com/dagster-io/dagster/pull/5197). Does not belong here: what becomes of a
failed run (`run_retries` in dagster.yaml, `sensors/reconcile.py`).
"""

from __future__ import annotations

import json

import dagster as dg
import psutil
from dagster._core.launcher import CheckRunHealthResult, WorkerStatus
from dagster._core.launcher.default_run_launcher import DefaultRunLauncher
from dagster._core.storage.tags import GRPC_INFO_TAG

# A process that began so long after its run was first reported is another one under the same number. Not less, for
# the operating system tells when a process began by the clock of today, which may have been set since.
CLOCK_SECONDS = 60.0
LOCAL_HOSTS = {"localhost", "127.0.0.1", "::1"}


class WatchingRunLauncher(DefaultRunLauncher):
    """Dagster's default launcher, for which run monitoring also looks whether the process of a run is there."""

    @property
    def supports_check_run_worker_health(self) -> bool:
        """Yes."""
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """Whether the process that works on a run is alive on this machine; of other machines nothing is known."""
        server = json.loads(run.tags.get(GRPC_INFO_TAG, "{}"))
        if server.get("host", "localhost") not in LOCAL_HOSTS:
            return CheckRunHealthResult(WorkerStatus.RUNNING, f"its process is on {server['host']}")
        events = self._instance.get_records_for_run(run.run_id, of_type=dg.DagsterEventType.ENGINE_EVENT).records
        for record in events:
            event = record.event_log_entry.dagster_event
            found = event.engine_event_data.metadata.get("pid") if event else None
            # The first is the run's own; those of steps in processes of their own come later.
            if found is not None:
                return _health(int(str(found.value)), record.timestamp)
        return CheckRunHealthResult(WorkerStatus.RUNNING, "no process has reported for this run yet")


def _health(pid: int, reported_at: float) -> CheckRunHealthResult:
    try:
        process = psutil.Process(pid)
        is_alive = process.status() != psutil.STATUS_ZOMBIE
        is_same = process.create_time() <= reported_at + CLOCK_SECONDS
    except psutil.NoSuchProcess:
        is_alive = is_same = False
    if is_alive and is_same:
        return CheckRunHealthResult(WorkerStatus.RUNNING)
    return CheckRunHealthResult(WorkerStatus.FAILED, f"process {pid} is gone: it was killed, or the machine stopped")
