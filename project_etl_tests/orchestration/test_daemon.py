"""Left alone: Dagster's own daemon runs the sensors, its webserver is looked at, files are dropped into landing, and
Gold is right in the end.

A minute or two of it, in which files drop for a few seconds, belongs to every test run. To `make soak` belong an hour
(SOAK_MINUTES says how long), in which everything is killed while a run works, and started again; a daemon that dies
between what a sensor asks for and the sensor's cursor; and a run that takes too long.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.launcher import WorkerStatus

from project_etl.demo import generate
from project_etl.orchestration.run_tags import ASKER_TAG, CONTENT_TAG, STATE_TAG
from project_etl_tests.commands.given import REPOSITORY, memory_in, surroundings, with_memory
from project_etl_tests.oracle import expected_gold
from project_etl_tests.oracle.compare import assert_gold_equal
from project_etl_tests.orchestration.autopilot import SENSORS
from project_etl_tests.promises.commands import at_rest, orphans
from project_etl_tests.webserver import ask, served

pytestmark = pytest.mark.long

FIRST = date(2025, 1, 1)
# Far more than it takes, for a machine that does other things too.
QUIET_SECONDS = 1200


CODE = ("-m", "project_etl.definitions")
DAEMON = ("run", *CODE)
RUNS = "{ runsOrError { ... on Runs { results { runId status } } } }"
REQUESTS = [f"{when} a request of {sensor}" for sensor in SENSORS for when in ("before", "after")]


@contextmanager
def left_alone(
    folder: Path, program: Sequence[str] = (str(REPOSITORY / ".venv/bin/dagster-daemon"),), most_seconds: int = 14400
) -> Iterator[subprocess.Popen[bytes]]:
    """Run the daemon over the landing and lake of a folder; its output is in `daemon.log`. All its processes end.

    Args:
        folder: where everything is.
        program: what runs the daemon.
        most_seconds: how long a run may take.
    """
    env = environment(folder, most_seconds)
    with (folder / "daemon.log").open("ab") as output:
        daemon = subprocess.Popen(
            [*program, *DAEMON],
            cwd=folder,
            # A program may be a module of the tests.
            env=env | {"PYTHONPATH": str(REPOSITORY)},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            yield daemon
        finally:
            daemon.send_signal(signal.SIGINT)
            try:
                daemon.wait(timeout=60)
            finally:
                # Runs and their JVMs are of the same group, and may outlive the daemon on purpose: not a test's.
                with suppress(ProcessLookupError):
                    os.killpg(daemon.pid, signal.SIGKILL)


def environment(folder: Path, most_seconds: int = 14400) -> dict[str, str]:
    """The environment of Dagster's processes over the landing and lake of a folder."""
    env = surroundings(folder, ENV="local", AUTOMATION="true", TICK_SECONDS=2, SETTLE_SECONDS=1)
    limit(Path(env["DAGSTER_HOME"]) / "dagster.yaml", most_seconds)
    return env


def limit(dagster_yaml: Path, most_seconds: int) -> None:
    """Set how long a run may take, and look often."""
    text = dagster_yaml.read_text()
    for setting, seconds in (("max_runtime_seconds", most_seconds), ("poll_interval_seconds", 2)):
        text, found = re.subn(rf"(?<={setting}: )\d+", str(seconds), text)
        assert found == 1, setting
    dagster_yaml.write_text(text)


def drop(staged: Path, landing: Path) -> None:
    """Land a file as people do: under a name that is not there yet, then by its own."""
    target = landing / staged.relative_to(staged.parents[3])
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.part")
    shutil.copyfile(staged, part)
    part.rename(target)


def wait_for_gold(folder: Path, days: int) -> None:
    """Wait until Gold is what the oracle makes of the files; on the way the oracle is asked once."""
    wanted = [FIRST + timedelta(days=number) for number in range(days)]
    expected = expected_gold(folder / "landing", ["shop"], "EUR", wanted)
    end = time.monotonic() + QUIET_SECONDS
    while True:
        try:
            assert_gold_equal(folder / "lake", expected)
        except (AssertionError, OSError) as error:
            if time.monotonic() > end:
                last_words = (folder / "daemon.log").read_text()[-5000:]
                raise AssertionError(f"{error}\n\nThe daemon's last words:\n{last_words}") from error
            time.sleep(2)
        else:
            return


def kill_all(daemon: subprocess.Popen[bytes], lake: Path) -> None:
    """Kill the daemon, the code server, and the run that has begun to write, with its JVM."""
    end = time.monotonic() + QUIET_SECONDS
    while not list(lake.glob("bronze/*/*/_delta_log/*1.json")):
        assert time.monotonic() < end, "no run has begun"
        time.sleep(0.1)
    os.killpg(daemon.pid, signal.SIGKILL)


def live(folder: Path, days: int, minutes: float, *, is_killed: bool) -> None:
    """Drop the files of a generated shop, in any order, over some minutes, and wait for Gold."""
    staging, landing, lake = folder / "staging", folder / "landing", folder / "lake"
    generate(staging, days=days, scale=0.01)
    files = sorted(staging.glob("shop/*/*/*"))
    random.Random(days).shuffle(files)
    if is_killed:
        with left_alone(folder) as daemon:
            drop(files.pop(), landing)
            kill_all(daemon, lake)
    with_memory(folder)
    server = (str(REPOSITORY / ".venv/bin/dagster-webserver"), *CODE, "-h", "127.0.0.1", "-p", "{port}")
    with served(*server, cwd=folder, env=environment(folder)) as url, ExitStack() as stack:
        # The webserver takes a while to answer; the daemon would make a run for each file that is there by then.
        ask(url, RUNS)
        stack.enter_context(left_alone(folder))
        for file in files:
            drop(file, landing)
            # Somebody looks at the UI all the time.
            ask(url, RUNS)
            time.sleep(minutes * 60 / len(files))
        wait_for_gold(folder, days)
        seen = {run["runId"] for run in ask(url, RUNS)["runsOrError"]["results"]}
    assert seen == {run.run_id for run in runs_in(folder)}


@pytest.mark.timeout(2400)
def test_files_that_are_dropped_come_to_gold_with_nobody_touching_it(tmp_path: Path) -> None:
    live(tmp_path, days=2, minutes=0.05, is_killed=False)


@pytest.mark.soak
def test_an_hour_left_alone(tmp_path: Path, soak_minutes: float) -> None:
    live(tmp_path, days=60, minutes=soak_minutes, is_killed=True)


@pytest.mark.soak
def test_killed_between_what_a_sensor_asks_for_and_its_cursor(tmp_path: Path) -> None:
    generate(tmp_path / "landing", days=2, scale=0.01)
    deaths = tmp_path / "deaths.txt"
    mortal = [sys.executable, "-m", "project_etl_tests.promises.mortal", str(deaths), "request", "dagster-daemon"]
    for _ in REQUESTS:
        with left_alone(tmp_path, mortal) as daemon:
            assert daemon.wait(QUIET_SECONDS) == -signal.SIGKILL, (tmp_path / "daemon.log").read_text()[-5000:]
    assert sorted(deaths.read_text().splitlines()) == sorted(REQUESTS)
    with left_alone(tmp_path):
        wait_for_gold(tmp_path, 2)
    asked = [run for run in runs_in(tmp_path) if not run.parent_run_id]
    keys = [run.tags["dagster/run_key"] for run in asked]
    assert len(keys) == len(set(keys)), "something was asked for twice"
    # The same state of the lake would be another key, too, when it is asked for after a run that succeeded.
    whats = [(run.tags[ASKER_TAG], run.tags[STATE_TAG], run.tags[CONTENT_TAG]) for run in asked]
    assert len(whats) == len(set(whats)), "something was asked for twice"


@pytest.mark.soak
@pytest.mark.parametrize("most_seconds", [3, 8])
def test_a_run_that_takes_too_long_is_stopped(most_seconds: int, tmp_path: Path) -> None:
    # While the run makes its first tables, and later; on an engine without a JVM, a load of these takes longer.
    days = 60
    generate(tmp_path / "landing", days=days, scale=1)
    with left_alone(tmp_path, most_seconds=most_seconds):
        end, log = time.monotonic() + QUIET_SECONDS, tmp_path / "daemon.log"
        while f"has exceeded maximum runtime of {most_seconds}" not in log.read_text():
            assert time.monotonic() < end, "no run was stopped"
            time.sleep(0.5)
        run = runs_in(tmp_path)[-1]
        assert not at_rest(lambda: works_on(run, tmp_path))
        assert orphans(tmp_path) == []
    # Which of the two depends on whether the run could say itself that it ends.
    assert runs_in(tmp_path)[-1].status in (dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED)
    with left_alone(tmp_path):
        wait_for_gold(tmp_path, days)


def runs_in(folder: Path) -> Sequence[dg.DagsterRun]:
    """Runs that Dagster's home in a folder remembers, newest first."""
    with memory_in(folder) as instance:
        return instance.get_runs()


def works_on(run: dg.DagsterRun, folder: Path) -> bool:
    """Whether there is a process that works on a run."""
    with memory_in(folder) as instance:
        return instance.run_launcher.check_run_worker_health(run).status is WorkerStatus.RUNNING
