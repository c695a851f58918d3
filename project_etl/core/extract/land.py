"""A slice becomes a file in landing: JSON lines, written aside and renamed, so that nobody sees half of it.

Does not belong here: which slices there are (`pull.py`), what a record says (the source).
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from fsspec.implementations.local import LocalFileSystem

from project_etl.core.bronze.landing_store import file_system, new_digest
from project_etl.core.model.names import LOST_ENDING
from project_etl.core.model.pull import Record, Slice
from project_etl.core.model.source import Dataset

ENDING = ".jsonl"
# In the dataset's folder. Whoever dies leaves one behind, and the next one writes over it.
ASIDE = ".pulling"
# Somewhat more than the setting settle_seconds is where nobody changes it.
STILL_SECONDS = 10.0
# One for all: `json.dumps` makes one a record.
_AS_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


@dataclass(frozen=True)
class Landed:
    """A slice that was read.

    Attributes:
        slice: the slice.
        path: its landing path; empty when it held no record and no file was made.
        records: how many it held; what tells of a loss holds none.
        size_bytes: size of the file.
    """

    slice: Slice
    path: str
    records: int
    size_bytes: int


def land(root: str, dataset: Dataset, piece: Slice, has_landed: Callable[[int, str], bool]) -> Landed:
    """Read a slice into its file. One without records makes none, and one whose bytes have landed neither.

    The file's time is the slice's upper end, or a moment ago: it is finished, and no sensor waits for it to be still.

    Args:
        root: the landing root, a local folder or a URL.
        dataset: the dataset.
        piece: the slice.
        has_landed: size and hash of a file → whether these bytes have landed before.
    """
    name = f"{piece.name}{LOST_ENDING if piece.lost else ENDING}"
    path = f"{dataset.source}/{dataset.name}/{piece.until.date().isoformat()}/{name}"
    fs, base = file_system(root)
    is_local = isinstance(fs, LocalFileSystem)
    folder = Path(base) / dataset.source / dataset.name if is_local else Path(tempfile.gettempdir())
    aside = folder / (ASIDE if is_local else f"project_etl-{os.getpid()}-{piece.name}")
    folder.mkdir(parents=True, exist_ok=True)
    try:
        records, version = _write(aside, piece.records())
        size = aside.stat().st_size
        if size == 0 or (not piece.always and has_landed(size, version)):
            return Landed(piece, "", 0, 0)
        if is_local:
            written = min(piece.until.timestamp(), time.time() - STILL_SECONDS)
            os.utime(aside, (written, written))
            _rename(aside, Path(base) / path)
        else:
            # One PUT: a store shows all of it or nothing.
            fs.put_file(str(aside), f"{base}/{path}")
    finally:
        aside.unlink(missing_ok=True)
    return Landed(piece, path, 0 if piece.lost else records, size)


def _write(file: Path, records: Iterable[Record]) -> tuple[int, str]:
    """Write records, and return how many they are and the hash of the file."""
    number, digest = 0, new_digest()
    with file.open("wb") as out:
        for record in records:
            line = f"{record if isinstance(record, str) else _AS_JSON(record)}\n".encode()
            number += len(line) > 1
            digest.update(line)
            out.write(line)
        out.flush()
        # What was pulled is read off the names of files: one whose name outlives its bytes would lose them.
        os.fsync(out.fileno())
    return number, digest.hexdigest()


def _rename(aside: Path, file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    aside.replace(file)
    for folder in (file.parent, file.parent.parent):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
