"""A command of the platform in a process that dies, with all its children, at each crash point at which it never did.

    python -m project_etl_tests.promises.mortal DEATHS PATTERN asset materialize …

DEATHS is the file that remembers where it died; PATTERN says at which points it may. The rest is a command of
`dagster`. Whoever calls it again and again until it succeeds has seen it die at every point.
"""

from __future__ import annotations

import os
import re
import signal
import sys
from pathlib import Path

from dagster._cli import main as dagster

from project_etl_tests.promises.crash_points import crash_points


def run(deaths: Path, pattern: str, command: list[str]) -> None:
    """Run a command of `dagster`, and die."""
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

    sys.argv = ["dagster", *command]
    with crash_points(at, at):
        dagster()


if __name__ == "__main__":
    run(Path(sys.argv[1]), sys.argv[2], sys.argv[3:])
