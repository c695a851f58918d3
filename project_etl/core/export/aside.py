"""Files that readers never see half of: written aside in the same folder, brought to the disk, and renamed.

Who dies before the rename leaves the file as it was; what was aside is removed when the file is written next.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(file: Path, *, copied: bool = False, beside: Iterable[str] = ()) -> Generator[Path]:
    """Write a file aside in the block; it takes the file's place when the block ends without an exception.

    Args:
        file: the file to make or to replace; its folder is made.
        copied: whether to begin with a copy of it, where it is there.
        beside: endings of what the program behind the file keeps beside it and must not find beside the new one.
    """
    aside = file.with_name(f".{file.name}.tmp")
    file.parent.mkdir(parents=True, exist_ok=True)
    clear(file)
    if copied and file.exists():
        shutil.copyfile(file, aside)
    try:
        yield aside
        sync(aside)
        for ending in beside:
            file.with_name(f"{file.name}{ending}").unlink(missing_ok=True)
        aside.replace(file)
        sync(file.parent)
    finally:
        clear(file)


def clear(file: Path) -> None:
    """Remove what lies aside of a file, of who died or failed."""
    for left in file.parent.glob(f".{file.name}.tmp*"):
        shutil.rmtree(left) if left.is_dir() else left.unlink()


def sync(path: Path) -> None:
    """Bring a file or a folder to the disk."""
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def mark_of(file: Path) -> tuple[int, int, int] | None:
    """Identity, time and size of a file; None when it is not there."""
    try:
        found = file.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
