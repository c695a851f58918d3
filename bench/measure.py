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
SESSION, FIRST_TICKS, LAST_TICKS, RESIDENT_PAGES = 3, 11, 14, 21


class BenchError(RuntimeError):
    """The benchmark cannot be run here, or a command of it failed; the message says which and why."""


@dataclass(frozen=True)
class Usage:
    """What a command and all processes it started used.

    Attributes:
        wall_seconds: from start to end.
        cpu_seconds: user and system time of all processes. Of those that ended together, what they used after they
            were last looked at is missing.
        peak_bytes: largest sum of resident memory; pages that processes share count once for each of them.
        has_jvm: whether one of them was Java.
        others_cores: cores that all other processes of the machine kept busy meanwhile, on average.
    """

    wall_seconds: float
    cpu_seconds: float
    peak_bytes: int
    has_jvm: bool
    others_cores: float


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
    ticks, peak, has_jvm = 0, 0, False
    with log.open("wb") as output:
        begun, busy, waited = time.perf_counter(), _busy_seconds(), _waited_seconds()
        # Its own session marks all its descendants, also those whose parent is gone.
        process = subprocess.Popen(
            command, env=dict(env), cwd=folder, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
        code = None
        while code is None:
            seen = _session(process.pid)
            peak = max(peak, sum(each.resident_bytes for each in seen))
            has_jvm = has_jvm or any(each.name == "java" for each in seen)
            ticks = max(ticks, sum(each.ticks for each in seen))
            try:
                code = process.wait(SAMPLE_SECONDS)
            except subprocess.TimeoutExpired:
                continue
        wall, busy = time.perf_counter() - begun, _busy_seconds() - busy
    if code != 0:
        last_words = log.read_text(encoding="utf-8", errors="replace")[-SHOWN_OUTPUT:]
        raise BenchError(f"`{' '.join(command)}` exited with {code}, expected 0; its last words:\n{last_words}")
    cpu = max(_seconds(ticks), _waited_seconds() - waited)
    return Usage(wall, cpu, peak, has_jvm, max(0.0, busy - cpu) / wall)


@dataclass(frozen=True)
class _Process:
    name: str
    ticks: int  # its own, and those of its children that have ended
    resident_bytes: int


def _busy_seconds() -> float:
    """CPU seconds of the whole machine since it started, without those of waiting."""
    user, nice, system, _idle, _iowait, *interrupts = map(int, (PROC / "stat").read_text().splitlines()[0].split()[1:9])
    return _seconds(user + nice + system + sum(interrupts))


def _waited_seconds() -> float:
    """CPU seconds of the commands that have ended, and of the descendants that they waited for."""
    import resource  # not there on Windows, which is refused with a message

    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _seconds(ticks: int) -> float:
    return ticks / os.sysconf("SC_CLK_TCK")


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
    ticks = sum(map(int, values[FIRST_TICKS : LAST_TICKS + 1]))
    resident = int(values[RESIDENT_PAGES]) * os.sysconf("SC_PAGE_SIZE")
    return int(values[SESSION]), _Process(name, ticks, resident)
