"""Runs a command and measures it with everything it starts: wall time, CPU time, peak memory, and whether a JVM ran.

Reads `/proc`, so it needs Linux. Belongs here: one command. Not here: which commands there are (`scenarios.py`).
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
# Often enough for a peak of memory, and rarely enough not to be seen in the CPU time of two cores.
SAMPLE_SECONDS = 0.1
SHOWN_OUTPUT = 3_000
# Places of a process' numbers in /proc/<pid>/stat, counted from the state, which follows the name.
SESSION, USER_TICKS, SYSTEM_TICKS, RESIDENT_PAGES = 3, 11, 12, 21


class BenchError(RuntimeError):
    """The benchmark cannot be run here, or a command of it failed; the message says which and why."""


@dataclass(frozen=True)
class Usage:
    """What a command and all processes it started used.

    Attributes:
        wall_seconds: from start to end.
        cpu_seconds: user and system time of all processes; what one used after it was last looked at is missing.
        peak_bytes: largest sum of resident memory; pages that processes share count once for each of them.
        has_jvm: whether one of them was Java.
    """

    wall_seconds: float
    cpu_seconds: float
    peak_bytes: int
    has_jvm: bool


def require_linux() -> None:
    """Stop where processes cannot be measured.

    Raises:
        BenchError: there is no `/proc`.
    """
    if not (PROC / "self" / "stat").is_file():
        raise BenchError(
            f"bench reads {PROC}, which {sys.platform} does not have: "
            "run `make bench` on Linux, in WSL or in a container."
        )


def measure(command: Sequence[str], *, env: Mapping[str, str], folder: Path, log: Path) -> Usage:
    """Run a command to its end and measure it.

    Args:
        command: program and arguments.
        env: its environment.
        folder: its working directory.
        log: file that receives its output.

    Raises:
        BenchError: it exits with anything but 0; the message has its last words.
    """
    require_linux()
    ticks: dict[int, int] = {}
    peak, has_jvm = 0, False
    with log.open("wb") as output:
        begun = time.perf_counter()
        # Its own session marks all its descendants, also those whose parent is gone.
        process = subprocess.Popen(
            command, env=dict(env), cwd=folder, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
        code = None
        while code is None:
            seen = _session(process.pid)
            peak = max(peak, sum(each.resident_bytes for each in seen))
            has_jvm = has_jvm or any(each.name == "java" for each in seen)
            ticks |= {each.pid: each.ticks for each in seen}
            try:
                code = process.wait(SAMPLE_SECONDS)
            except subprocess.TimeoutExpired:
                continue
        wall = time.perf_counter() - begun
    if code != 0:
        last_words = log.read_text(encoding="utf-8", errors="replace")[-SHOWN_OUTPUT:]
        raise BenchError(f"`{' '.join(command)}` exited with {code}, expected 0; its last words:\n{last_words}")
    return Usage(wall, sum(ticks.values()) / os.sysconf("SC_CLK_TCK"), peak, has_jvm)


@dataclass(frozen=True)
class _Process:
    pid: int
    name: str
    ticks: int
    resident_bytes: int


def _session(leader: int) -> list[_Process]:
    found = (_read(path) for path in PROC.iterdir() if path.name.isdigit())
    return [process for session, process in filter(None, found) if session == leader]


def _read(folder: Path) -> tuple[int, _Process] | None:
    """Session and numbers of a process; None when it has ended meanwhile."""
    try:
        text = (folder / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # The name stands in parentheses, and may itself hold some.
    name, _, rest = text.partition("(")[2].rpartition(")")
    values = rest.split()
    ticks = int(values[USER_TICKS]) + int(values[SYSTEM_TICKS])
    resident = int(values[RESIDENT_PAGES]) * os.sysconf("SC_PAGE_SIZE")
    return int(values[SESSION]), _Process(int(folder.name), name, ticks, resident)
