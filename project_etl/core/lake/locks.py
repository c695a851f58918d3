"""Locks between processes of one machine.

Belongs here: the lock around the writing of a local table. Does not belong here: which table is written when
(`store.py`).
"""

from __future__ import annotations

import logging
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from project_etl.core.lake.errors import LakeError

# As long as a run may take (`max_runtime_seconds` in dagster.yaml).
LOCK_TIMEOUT_SECONDS = 4 * 3600
# Who waits longer says so.
PATIENCE_SECONDS = 10
LOG = logging.getLogger("project_etl")


@contextmanager
def file_lock(file: Path, name: str) -> Generator[None]:
    """Hold the operating system's lock on a file; it goes when its owner dies.

    Args:
        file: the lock file; made with its folder when it is not there.
        name: the table, for the message.

    Raises:
        LakeError: another process held the lock for `LOCK_TIMEOUT_SECONDS`.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(file)
    try:
        lock.acquire(timeout=min(PATIENCE_SECONDS, LOCK_TIMEOUT_SECONDS))
    except Timeout:
        LOG.warning("Table %s is being written by another process; this run waits for it to end.", name)
        _wait(lock, file, name)
    try:
        yield
    finally:
        lock.release()


def _wait(lock: FileLock, file: Path, name: str) -> None:
    try:
        lock.acquire(timeout=LOCK_TIMEOUT_SECONDS)
    except Timeout as error:
        raise LakeError(
            f"Table {name} has been locked by another process for {LOCK_TIMEOUT_SECONDS} s ({file}). "
            "Wait for that run to end, or stop it, and run again."
        ) from error
