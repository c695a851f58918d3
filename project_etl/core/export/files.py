"""Files that readers never see by half: written aside in the same folder, then renamed.

Does not belong here: what is in them.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path


def aside(path: Path) -> Path:
    """Where a file is written before it takes its name."""
    return path.with_name(f".{path.name}.new")


@contextmanager
def replacing(path: Path) -> Generator[Path]:
    """Give a path to write to in the block; at its end the file there takes the name of `path`.

    What an earlier process left there when it died is removed first. An error leaves the file at `path` as it was.
    """
    new = aside(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    new.unlink(missing_ok=True)
    try:
        yield new
        flush(new)
        new.replace(path)
        flush(path.parent)
    finally:
        new.unlink(missing_ok=True)


def flush(path: Path) -> None:
    """Have the disk hold a file, or the names in a folder, before what follows."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
