"""Reads any landing file, of any size, into Arrow batches of text: the way from landing to Bronze.

Does not belong here: the formats (`csv_records.py`, `json_records.py`), or types: what a value means is Silver's.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from io import BytesIO
from pathlib import PurePosixPath
from typing import BinaryIO

import pyarrow as pa

from project_etl.core.arrow import ArrowRecordBatch, ArrowSchema
from project_etl.core.bronze.landing_store import COMPRESSED, new_digest, open_bytes, stream_etag
from project_etl.core.bronze.readers.csv_records import read_csv
from project_etl.core.bronze.readers.json_records import read_json_lines
from project_etl.core.bronze.readers.rescued import Rows, is_malformed
from project_etl.core.bronze.readers.text_lines import BLOCK_BYTES, COMPRESSED_BLOCK_BYTES, decoded, gunzip, line_blocks
from project_etl.core.bronze.unreadable import FILE_STABLE, FILE_WELL_FORMED, UnreadableFile
from project_etl.core.model.names import MALFORMED_KEY, RESCUED

ROW_NUMBER_COLUMN = "_row_number"
# Key in the metadata of a batch's schema.
ABSENT = "absent_columns"
# A file of which more records are malformed, and more than half so far, is no file of such records.
MAX_MALFORMED = 100_000

_Reader = Callable[[Iterable[list[str]], Sequence[str], str], Iterator[Rows]]
_READERS: dict[str, _Reader] = {".csv": read_csv, ".json": read_json_lines, ".jsonl": read_json_lines}


def batch_schema(columns: Sequence[str]) -> ArrowSchema:
    """Return the schema of `read_batches`: declared columns and `_rescued_data` as string, `_row_number` as int64."""
    texts = [pa.field(name, pa.string()) for name in (*columns, RESCUED)]
    return pa.schema([*texts, pa.field(ROW_NUMBER_COLUMN, pa.int64(), nullable=False)])


def read_batches(
    root: str | os.PathLike[str],
    path: str,
    columns: Sequence[str],
    *,
    expect_version: str | None,
    content: bytes | None = None,
    batch_rows: int = 10_000,
) -> Iterator[ArrowRecordBatch]:
    """Stream a landing file into Arrow batches of `batch_schema(columns)`, in the file's order.

    `_row_number` counts the file's records from 1: malformed ones too, the CSV header and blank lines not. A malformed
    record has NULL in every declared column, and what is wrong with it and its raw text in `_rescued_data`.
    Memory is bounded by the block size and the longest record, not by the file. A file with more than MAX_MALFORMED
    malformed records, if they are more than half of those so far, is read no further and cannot be read as a whole.

    Args:
        root: the landing root.
        path: the file, relative to the root.
        columns: the declared columns.
        expect_version: the file's `content_version` when it was listed; None does not look.
        content: the file's bytes, where the caller has read them; None reads them from landing.
        batch_rows: rows in a batch, at most.

    Returns:
        A generator. A file that cannot be read as a whole raises UnreadableFile from it, **possibly after batches were
        yielded**: the caller then discards those.

    Raises:
        ValueError: the columns or the file's name cannot be read this way.
    """
    wrong = [name for name in columns if name in (RESCUED, ROW_NUMBER_COLUMN) or not name]
    if not columns or wrong or len(set(columns)) < len(columns):
        raise ValueError(f"columns {columns!r}: expected one or more different names, none empty or our own")
    if batch_rows < 1:
        raise ValueError(f"batch_rows is {batch_rows}; expected 1 or more")
    extension = PurePosixPath(path.lower().removesuffix(COMPRESSED)).suffix
    if extension not in _READERS:
        raise ValueError(f"{path}: no reader for {extension!r}; expected one of {', '.join(_READERS)}")
    source = open_bytes(root, path) if content is None else nullcontext(BytesIO(content))
    return _read(source, path, tuple(columns), _READERS[extension], expect_version, batch_rows)


def _read(
    source: AbstractContextManager[BinaryIO],
    path: str,
    columns: tuple[str, ...],
    reader: _Reader,
    expect_version: str | None,
    batch_rows: int,
) -> Iterator[ArrowRecordBatch]:
    try:
        with source as stream:
            etag = stream_etag(stream)
            # A store with ETags refuses by itself to go on with an object that is no longer the one that was opened.
            if etag is not None and expect_version is not None:
                _check_version(path, expect_version, etag)
            digest = new_digest() if etag is None and expect_version is not None else None
            is_compressed = path.lower().endswith(COMPRESSED)
            blocks = _raw_blocks(stream, digest, COMPRESSED_BLOCK_BYTES if is_compressed else BLOCK_BYTES)
            failure = None
            try:
                plain = gunzip(blocks, path, compressed_bytes=_size(stream)) if is_compressed else blocks
                chunks = reader(line_blocks(decoded(plain, path)), columns, path)
                yield from _batches(_well_formed(chunks, path), batch_schema(columns), batch_rows)
            except UnreadableFile as error:
                failure = error
            if digest is not None and expect_version is not None:
                # What was not read yet counts too. A change explains whatever else is wrong, so it comes first.
                for _ in blocks:
                    pass
                _check_version(path, expect_version, digest.hexdigest(), failure)
            if failure is not None:
                raise failure
    except FileNotFoundError as error:
        raise UnreadableFile(path, FILE_STABLE, "is gone; expected it to stay in landing until it is loaded") from error
    except OSError as error:
        # How s3fs says that the object was replaced after it was opened.
        if error.errno != errno.EBUSY:
            raise
        raise UnreadableFile(path, FILE_STABLE, f"changed while it was read ({error}); expected no change") from error


def _raw_blocks(stream: BinaryIO, digest: hashlib.blake2b | None, block_bytes: int) -> Iterator[bytes]:
    while block := stream.read(block_bytes):
        if digest is not None:
            digest.update(block)
        yield block


def _size(stream: BinaryIO) -> int:
    size = stream.seek(0, os.SEEK_END)
    stream.seek(0)
    return size


def _well_formed(chunks: Iterator[Rows], path: str) -> Iterator[Rows]:
    """Pass on the records of a file, as long as not too many of them are malformed."""
    first, malformed, records = "", 0, 0
    for rows in chunks:
        if rows.malformed and not first:
            at, text = next((at, text) for at, text in enumerate(rows.rescued) if text and is_malformed(text))
            first = f"record {records + at + 1:,}: {json.loads(text)[MALFORMED_KEY]}"
        records += len(rows.rescued)
        malformed += rows.malformed
        if malformed > MAX_MALFORMED and malformed * 2 > records:
            detail = f"{malformed:,} of the first {records:,} records are malformed; expected few. The first is {first}"
            raise UnreadableFile(path, FILE_WELL_FORMED, detail)
        yield rows


def _batches(chunks: Iterator[Rows], schema: ArrowSchema, batch_rows: int) -> Iterator[ArrowRecordBatch]:
    row_number = 1
    for rows in chunks:
        count = len(rows.rescued)
        arrays = [pa.array(column, pa.string()) for column in (*rows.columns, rows.rescued)]
        arrays.append(pa.array(range(row_number, row_number + count), pa.int64()))
        told = schema.with_metadata({ABSENT: ",".join(sorted(rows.absent))})
        batch = pa.RecordBatch.from_arrays(arrays, schema=told)
        for offset in range(0, count, batch_rows):
            yield batch.slice(offset, batch_rows)
        row_number += count


def absent_columns(batch: ArrowRecordBatch) -> list[str]:
    """The declared columns that the file of a batch does not have, as far as it has been read."""
    told = (batch.schema.metadata or {}).get(ABSENT.encode(), b"").decode()
    return told.split(",") if told else []


def _check_version(path: str, expected: str, found: str, failure: UnreadableFile | None = None) -> None:
    if found != expected:
        detail = f"changed while it was read: its version is {found}, expected {expected} as listed; load it again"
        raise UnreadableFile(path, FILE_STABLE, detail) from failure
