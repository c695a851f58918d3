"""A command of the platform in a process that dies, with all its children, at each crash point at which it never did.

    python -m project_etl_tests.promises.mortal DEATHS PATTERN dagster asset materialize …

DEATHS is the file that remembers where it died; PATTERN says at which points it may. The rest is a command of
`dagster` or `dagster-daemon`. Whoever calls it again and again until it dies no more has seen it die at every point.
"""

from __future__ import annotations

import os
import re
import signal
import sys
from pathlib import Path

from dagster._cli import main as dagster
from dagster._daemon.cli import main as dagster_daemon

from project_etl_tests.promises.crash_points import crash_points

PROGRAMS = {"dagster": dagster, "dagster-daemon": dagster_daemon}


def run(deaths: Path, pattern: str, command: list[str]) -> None:
    """Run a command, and die."""
    died = set(deaths.read_text().splitlines()) if deaths.exists() else set()
    # The JVM and all workers are of the same group; so would be whoever called, if this process did not lead it.
    assert os.getpgrp() == os.getpid(), "start this process in a session of its own"

    def at(point: str) -> None:
        if point in died or not re.search(pattern, point):
            return
        with deaths.open("a") as file:
            file.write(f"{point}\n")
            file.flush()
            os.fsync(file.fileno())
        os.killpg(os.getpid(), signal.SIGKILL)

    sys.argv = command
    with crash_points(at):
        PROGRAMS[command[0]]()


if __name__ == "__main__":
    run(Path(sys.argv[1]), sys.argv[2], sys.argv[3:])
