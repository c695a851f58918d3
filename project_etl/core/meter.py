"""The meter: what each table of a run took, as JSON in the file that the variable `PROJECT_ETL_METER` names.

Nothing is counted without that variable. It is for measuring (`make bench`), and for runs that are one process.
"""

from __future__ import annotations

import atexit
import json
import os
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

VARIABLE = "PROJECT_ETL_METER"
OUTSIDE = "(outside)"
"""What is counted while no table is being made."""

_counts: dict[str, dict[str, float]] = {}
_making: list[str] = []


def count(what: str, table: str | None = None, by: float = 1) -> None:
    """Add to a count of a table, by default the one that is being made."""
    if VARIABLE not in os.environ:
        return
    if not _counts:
        atexit.register(_write, Path(os.environ[VARIABLE]))
    counts = _counts.setdefault(table or (_making[-1] if _making else OUTSIDE), {})
    counts[what] = counts.get(what, 0) + by


@contextmanager
def measured(table: str) -> Generator[None]:
    """Count the seconds, CPU seconds and queries of the block for a table; a block that fails counts for nothing."""
    if VARIABLE not in os.environ:
        yield
        return
    before = _readings()
    _making.append(table)
    try:
        yield
    finally:
        _making.pop()
    for what, now in _readings().items():
        count(what, table, now - before[what])
    # A new table's log is not read.
    count("log_reads", table, 0)


def _readings() -> dict[str, float]:
    """What only grows: the clock, the CPU seconds of this process and all below it, the jobs of its JVM."""
    import psutil

    cpu = 0.0
    for process in (own := psutil.Process(), *own.children(recursive=True)):
        with suppress(psutil.Error):  # it ended meanwhile, and its parent's times hold its own
            cpu += sum(process.cpu_times()[:4])  # own user and system, then those of children that ended
    return {"seconds": time.perf_counter(), "cpu_seconds": cpu, "queries": _spark_jobs()}


def _spark_jobs() -> int:
    pyspark: Any = sys.modules.get("pyspark")  # not imported where no table needs it
    context = pyspark and pyspark.SparkContext._active_spark_context
    return context._jsc.sc().dagScheduler().numTotalJobs() if context else 0


def _write(path: Path) -> None:
    path.write_text(json.dumps(_counts, indent=1), encoding="utf-8")
