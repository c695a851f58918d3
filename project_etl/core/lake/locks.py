"""Locks between processes of one machine.

Belongs here: the lock around the writing of a local table. Does not belong here: which table is written when
(`store.py`).
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from project_etl.core.lake.errors import LakeError

LOCK_TIMEOUT_SECONDS = 600


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
    try:
        with FileLock(file, timeout=LOCK_TIMEOUT_SECONDS):
            yield
    except Timeout as error:
        raise LakeError(
            f"Table {name} has been locked by another process for {LOCK_TIMEOUT_SECONDS} s ({file}). "
            "Wait for that run to end, or stop it, and run again."
        ) from error
