"""The named points at which a process may die: before, within and after everything that makes rows visible.

Belongs here: where the points are, and what a writer leaves behind that dies there. Does not belong here: what happens
there (a caller's `at`): a real process is killed (`mortal.py`), the state machine raises (`machine.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import wraps
from pathlib import Path
from typing import Any
from unittest.mock import patch
from uuid import uuid4

import dagster as dg
import deltalake
import pyarrow as pa
import pyarrow.dataset as ds
from dagster._core.storage.tags import SENSOR_NAME_TAG
from deltalake.table import TableOptimizer
from pyspark.sql import DataFrame

from project_etl.core.lake import Change, TableState, TableStore, delta_rs, delta_spark

At = Callable[[str], None]

# What else is written: where the function is found, its name there, and what people call it.
OTHERS = (
    (TableOptimizer, "compact", "compaction"),
    (deltalake.DeltaTable, "vacuum", "vacuum"),
    (deltalake.DeltaTable, "create_checkpoint", "a checkpoint"),
)
# An entry of a log that was not put in its place yet, as delta-rs calls it.
TORN = "_commit_5f5c0ee3.json.tmp"


@contextmanager
def crash_points(at: At) -> Iterator[None]:
    """Call `at` with the name of each point that is reached in the block, in the thread that reaches it.

    A commit has four, such as for `upsert to silver/orders`: `before` it; `within` it, when its files are there and
    the log does not name them; `at the end of` it, when the log names them and nobody remembers that; and `after` it.
    """
    with ExitStack() as stack:
        stack.enter_context(patch.object(TableStore, "create", _create(TableStore.create, at)))
        stack.enter_context(patch.object(TableStore, "commit", _commit(TableStore.commit, at)))
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


# --- tables -----------------------------------------------------------------------------------------------------------


def _create(method: Callable[..., Any], at: At) -> Callable[..., Any]:
    @wraps(method)
    def wrapped(lake: TableStore, name: str, *args: Any, **options: Any) -> None:
        if lake.exists(name):
            method(lake, name, *args, **options)
            return
        with _left_behind(Path(lake.path(name)) / "_delta_log" / TORN) as file:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text('{"protocol":')
            at(f"within the making of {name}")
        method(lake, name, *args, **options)
        at(f"after the making of {name}")

    return wrapped


def _commit(method: Callable[..., Any], at: At) -> Callable[..., Any]:
    @wraps(method)
    def wrapped(lake: TableStore, name: str, change: Change, *args: Any, **options: Any) -> Any:
        point = f"{type(change).__name__.lower()} to {name}"
        at(f"before {point}")
        with ExitStack() as stack:
            for committer in (delta_rs, delta_spark):
                write = _write(committer.commit, at, point, lake.state(name))
                stack.enter_context(patch.object(committer, "commit", write))
            result = method(lake, name, change, *args, **options)
        at(f"after {point}")
        return result

    return wrapped


def _write(method: Callable[..., Any], at: At, point: str, table: TableState) -> Callable[..., Any]:
    @wraps(method)
    def wrapped(*given: Any) -> None:
        # A stream is read once, and here twice.
        args = [arg.read_all() if isinstance(arg, pa.RecordBatchReader) else arg for arg in given]
        # What the writer is given as Arrow, or computes itself.
        rows = next(arg for arg in args if isinstance(arg, (pa.Table, DataFrame)))
        with _files_without_a_commit(table, rows if isinstance(rows, pa.Table) else rows.toArrow()):
            at(f"within {point}")
        method(*args)
        at(f"at the end of {point}")

    return wrapped


@contextmanager
def _files_without_a_commit(table: TableState, rows: Any) -> Iterator[None]:
    """What a writer leaves that dies when its files are written: they lie in the table, and no version names them."""
    folder = Path(table.path)
    written: list[Path] = []
    ds.write_dataset(
        rows,
        folder,
        format="parquet",
        partitioning=list(table.partition_columns) or None,
        partitioning_flavor="hive" if table.partition_columns else None,
        basename_template=f"part-{uuid4()}-{{i}}.parquet",
        existing_data_behavior="overwrite_or_ignore",
        file_visitor=lambda file: written.append(Path(file.path)),
    )
    with ExitStack() as stack:
        for file in (*written, folder / "_delta_log" / TORN):
            stack.enter_context(_left_behind(file)).touch()
        yield


@contextmanager
def _left_behind(file: Path) -> Iterator[Path]:
    """A file that is there while a process may die, and stays when it does."""
    yield file
    file.unlink(missing_ok=True)
