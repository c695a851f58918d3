"""Commands of the platform as processes of their own, over a shop's folder.

Belongs here: what they are, and what is left of them. Does not belong here: their environment (`commands/given.py`),
what happens to them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import psutil

LAKE_ROOT = "PROJECT_ETL_LAKE_ROOT"
DEFINITIONS = ("-m", "project_etl.definitions")
MAINTENANCE_JOB = ("job", "execute", *DEFINITIONS, "-j", "maintenance")
# What the operating system may take to end a process that has been told to.
END_SECONDS = 30

Found = TypeVar("Found")


def everything(first: str, last: str, select: str = "*") -> tuple[str, ...]:
    """The command of `dagster` that materializes everything, or what it selects, for some days."""
    return ("asset", "materialize", *DEFINITIONS, "--select", select, "--partition-range", f"{first}...{last}")


def left_over(folder: Path) -> list[psutil.Process]:
    """Processes over a folder's lake, JVMs and workers included, that are there when they have had time to end."""
    return at_rest(lambda: processes_with(LAKE_ROOT, str(folder / "lake")))


def orphans(folder: Path) -> list[psutil.Process]:
    """JVMs over a folder's lake that are there when the runs that started them have ended."""

    def found() -> list[psutil.Process]:
        processes = processes_with(LAKE_ROOT, str(folder / "lake"))
        return [process for process in processes if process.name() == "java" and process.parent() not in processes]

    return at_rest(found)


def at_rest(find: Callable[[], Found]) -> Found:
    """What is found when it is nothing, or when processes have had time to end."""
    end = time.monotonic() + END_SECONDS
    while (found := find()) and time.monotonic() < end:
        time.sleep(0.2)
    return found


def processes_with(name: str, value: str) -> list[psutil.Process]:
    """Processes in whose environment a variable has a value; all children inherit it."""
    return [process for process in psutil.process_iter() if _variable(process, name) == value]


def _variable(process: psutil.Process, name: str) -> str | None:
    try:
        return process.environ().get(name)
    except psutil.Error:
        return None
