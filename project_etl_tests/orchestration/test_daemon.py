"""Left alone: Dagster's own daemon runs the sensors, files are dropped into landing, and Gold is right in the end.

A minute of it belongs to every test run, an hour to `make soak` (SOAK_MINUTES says how long), in which the power fails
too: everything is killed while a run works, and started again.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import date, timedelta
from pathlib import Path

import pytest

from project_etl.generator import generate
from project_etl_tests.commands.given import REPOSITORY, surroundings
from project_etl_tests.oracle import expected_gold
from project_etl_tests.oracle.compare import assert_gold_equal

FIRST = date(2025, 1, 1)
# Rolling tables have rows for so many days after the last order.
WINDOW_DAYS = 13
# Far more than it takes, for a machine that does other things too.
QUIET_SECONDS = 1200


@contextmanager
def left_alone(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run the daemon over the landing and lake of a folder; its output is in `daemon.log`. All its processes end."""
    env = surroundings(folder, ENV="local", AUTOMATION="true", TICK_SECONDS=2, SETTLE_SECONDS=1)
    with (folder / "daemon.log").open("ab") as output:
        daemon = subprocess.Popen(
            [str(REPOSITORY / ".venv/bin/dagster-daemon"), "run", "-m", "project_etl.definitions"],
            cwd=folder,
            env=env,
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


def drop(staged: Path, landing: Path) -> None:
    """Land a file as people do: under a name that is not there yet, then by its own."""
    target = landing / staged.relative_to(staged.parents[3])
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.part")
    shutil.copyfile(staged, part)
    part.rename(target)


def wait_for_gold(lake: Path, landing: Path, days: int, log: Path) -> None:
    """Wait until Gold is what the oracle makes of the files; on the way the oracle is asked once."""
    wanted = [FIRST + timedelta(days=number) for number in range(days + WINDOW_DAYS)]
    expected = expected_gold(landing, ["shop"], "EUR", wanted)
    end = time.monotonic() + QUIET_SECONDS
    while True:
        try:
            assert_gold_equal(lake, expected)
        except (AssertionError, OSError) as error:
            if time.monotonic() > end:
                raise AssertionError(f"{error}\n\nThe daemon's last words:\n{log.read_text()[-5000:]}") from error
            time.sleep(2)
        else:
            return


def fail_power(daemon: subprocess.Popen[bytes], lake: Path) -> None:
    """Kill the daemon, the code server, and the run that has begun to write, with its JVM."""
    end = time.monotonic() + QUIET_SECONDS
    while not list(lake.glob("bronze/*/_delta_log/*1.json")):
        assert time.monotonic() < end, "no run has begun"
        time.sleep(0.1)
    os.killpg(daemon.pid, signal.SIGKILL)


def live(folder: Path, days: int, minutes: float, *, has_power_cut: bool) -> None:
    """Drop the files of a generated shop, in any order, over some minutes, and wait for Gold."""
    staging, landing, lake = folder / "staging", folder / "landing", folder / "lake"
    generate(staging, days=days, scale=0.01)
    files = sorted(staging.glob("shop/*/*/*"))
    random.Random(days).shuffle(files)
    if has_power_cut:
        with left_alone(folder) as daemon:
            drop(files.pop(), landing)
            fail_power(daemon, lake)
    with left_alone(folder):
        for file in files:
            drop(file, landing)
            time.sleep(minutes * 60 / len(files))
        wait_for_gold(lake, landing, days, folder / "daemon.log")


@pytest.mark.timeout(2400)
def test_files_that_are_dropped_come_to_gold_with_nobody_touching_it(tmp_path: Path) -> None:
    live(tmp_path, days=2, minutes=0.2, has_power_cut=False)


@pytest.mark.soak
def test_an_hour_left_alone(tmp_path: Path, soak_minutes: float) -> None:
    live(tmp_path, days=60, minutes=soak_minutes, has_power_cut=True)
