"""Maintenance of a table: small files put together, and files removed that nothing needs any more. Done without Spark.

Does not belong here: when it is done, and to which tables (`orchestration/maintenance.py`).
"""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path
from urllib.parse import unquote

from project_etl.core.lake.store import TableStore

# What the commits of an upkeep call themselves.
UPKEEP = ("OPTIMIZE", "VACUUM START", "VACUUM END")


def tidy(lake: TableStore, name: str, keep_hours: float, target_bytes: int | None = None) -> dict[str, int]:
    """Tidy a table under its lock.

    Rows stay as they are, and so do older versions that are younger than `keep_hours`. Each step is a commit of its
    own, and none is made where there is nothing to do.

    Args:
        lake: the lake.
        name: the table, which must exist.
        keep_hours: how long a file that is no longer needed, or that a crash left behind, is kept.
        target_bytes: files are put together up to this size; None for Delta's own, about 100 MB.

    Returns:
        Files put together (`files_compacted`), and files removed (`files_removed`).
    """
    with lake.lock(name):
        lake.state(name).keep_journal()
        found = lake.state(name).release().optimize.compact(target_size=target_bytes)
        removed = vacuum(lake, name, keep_hours)
        if found["numFilesRemoved"] or removed or _lacks_checkpoint(lake, name):
            lake.state(name).delta.create_checkpoint()
    return {"files_compacted": int(found["numFilesRemoved"]), "files_removed": removed}


def vacuum(lake: TableStore, name: str, keep_hours: float) -> int:
    """Remove the files of a table that its newest version does not need; the caller holds its lock.

    Args:
        lake: the lake.
        name: the table, which must exist.
        keep_hours: how long such a file is kept.

    Returns:
        How many files were removed. When there are none, no commit is made.
    """
    table = lake.state(name).release()
    clean = partial(table.vacuum, retention_hours=math.ceil(keep_hours), enforce_retention_duration=False, full=True)
    # The log goes on naming files that are gone already.
    stale = [file for file in clean(dry_run=True) if _may_be_there(lake, name, file)]
    if stale:
        clean(dry_run=False)
    return len(stale)


def _may_be_there(lake: TableStore, name: str, file: str) -> bool:
    """Whether a file of a table still lies there; for an object store, that is not asked."""
    return not lake.is_local or (Path(lake.path(name)) / unquote(file)).exists()


def _lacks_checkpoint(lake: TableStore, name: str) -> bool:
    """Whether an upkeep died before its checkpoint; for an object store, that is not asked."""
    state = lake.state(name)
    checkpoint = Path(lake.path(name)) / "_delta_log" / f"{state.version:020d}.checkpoint.parquet"
    return lake.is_local and state.made_by.operation in UPKEEP and not checkpoint.exists()
