"""The named points at which a process may die: before, within and after everything that makes rows visible.

Belongs here: where the points are. Does not belong here: what happens there (a caller's `at`): a real process is killed
(`mortal.py`), the state machine raises (`machine.py`).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import wraps
from pathlib import Path
from typing import Any
from unittest.mock import patch

import dagster as dg
import deltalake
from dagster._core.storage.tags import SENSOR_NAME_TAG
from deltalake.table import TableOptimizer

from project_etl.core.lake import Change, TableStore

At = Callable[[str], None]

# What else is written: where the function is found, its name there, and what people call it.
OTHERS = (
    (TableOptimizer, "compact", "compaction"),
    (deltalake.DeltaTable, "vacuum", "vacuum"),
    (deltalake.DeltaTable, "create_checkpoint", "a checkpoint"),
)


# A commit of a few rows takes a quarter of a second or more, and looking costs what the commit could use.
POLL_SECONDS = 0.01


@contextmanager
def crash_points(at: At, within: At | None = None) -> Iterator[None]:
    """Call `at` with the name of each point that is reached in the block.

    Args:
        at: is called between things, in the thread that does them.
        within: is called from another thread as soon as a commit has written its first file and before it is in
            the log, if the machine is quick enough; None leaves these points out.
    """
    with ExitStack() as stack:
        stack.enter_context(patch.object(TableStore, "commit", _commit(TableStore.commit, at, within)))
        for owner, name, point in OTHERS:
            stack.enter_context(patch.object(owner, name, _around(getattr(owner, name), at, point)))
        stack.enter_context(patch.object(dg.DagsterInstance, "submit_run", _submit(dg.DagsterInstance.submit_run, at)))
        yield


def _around(method: Callable[..., Any], at: At, point: str) -> Callable[..., Any]:
    @wraps(method)
    def wrapped(*args: Any, **options: Any) -> Any:
        # A dry run of a vacuum is no vacuum.
        name = f"a look before {point}" if options.get("dry_run") else point
        at(f"before {name}")
        result = method(*args, **options)
        at(f"after {name}")
        return result

    return wrapped


def _submit(method: Callable[..., Any], at: At) -> Callable[..., Any]:
    @wraps(method)
    def wrapped(instance: dg.DagsterInstance, run_id: str, *args: Any, **options: Any) -> Any:
        run = instance.get_run_by_id(run_id)
        sensor = run.tags.get(SENSOR_NAME_TAG, "nobody") if run else "nobody"
        at(f"before a request of {sensor}")
        result = method(instance, run_id, *args, **options)
        # The daemon writes the sensor's cursor when all that a tick asks for is submitted.
        at(f"after a request of {sensor}")
        return result

    return wrapped


def _commit(method: Callable[..., Any], at: At, within: At | None) -> Callable[..., Any]:
    @wraps(method)
    def wrapped(lake: TableStore, name: str, change: Change, *args: Any, **options: Any) -> Any:
        point = f"{type(change).__name__.lower()} to {name}"
        at(f"before {point}")
        with _first_file(Path(lake.path(name)), within, f"within {point}"):
            result = method(lake, name, change, *args, **options)
        at(f"after {point}")
        return result

    return wrapped


@contextmanager
def _first_file(table: Path, within: At | None, point: str) -> Iterator[None]:
    """Call `within` as soon as there is a file of rows that was not there before."""
    if within is None:
        yield
        return
    before, over = _files(table), threading.Event()

    def watch() -> None:
        while not over.wait(POLL_SECONDS):
            if _files(table) - before:
                within(point)
                return

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()


def _files(table: Path) -> set[Path]:
    return {file for file in table.rglob("*.parquet") if "_delta_log" not in file.parts}
