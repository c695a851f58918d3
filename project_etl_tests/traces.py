"""Where a word is found below a folder, in whatever file: the proof that an erasure has left nothing.

Belongs here: decoding files. Does not belong here: which words may be found where.

Every file is searched as it is, byte for byte, without regard to case. Files that are compressed or encoded are decoded
too: Parquet (values, statistics, metadata), gzip, databases of SQLite and DuckDB. JSON and CSV are text, and JSON is
read as well, for it can spell a letter as a number.
"""

from __future__ import annotations

import gzip
import json
import sqlite3
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

Piece = tuple[str, str | bytes]
"""A place in a file, and what stands there."""


class Trace(NamedTuple):
    """Where a word was found.

    Attributes:
        file: the file, relative to the folder.
        place: where in the file: `name`, `bytes`, a column, a table.
        word: the word.
    """

    file: str
    place: str
    word: str


def traces_of(folder: Path, words: Sequence[str]) -> list[Trace]:
    """Where words are found in the names and contents of all files below a folder, in order.

    Raises:
        OSError, ValueError: a file cannot be decoded; nobody knows what it holds.
    """
    found: set[Trace] = set()
    for file in sorted(folder.rglob("*")):
        name = str(file.relative_to(folder))
        found |= {Trace(name, "name", word) for word in words if word.lower() in file.name.lower()}
        if not file.is_file():
            continue
        for place, content in _pieces(file):
            found |= {Trace(name, place, word) for word in words if _holds(content, word)}
    return sorted(found)


def _holds(content: str | bytes, word: str) -> bool:
    if isinstance(content, str):
        return word.lower() in content.lower()
    return word.lower().encode() in content.lower()


def _pieces(file: Path) -> Iterator[Piece]:
    content = file.read_bytes()
    yield "bytes", content
    yield from _decoded(file, content)


def _decoded(file: Path, content: bytes) -> Iterator[Piece]:
    for magic, start, decode in _KINDS:
        if content[start : start + len(magic)] == magic:
            yield from decode(file, content)
            return
    yield from _json(content)


def _parquet(_: Path, content: bytes) -> Iterator[Piece]:
    file = pq.ParquetFile(pa.BufferReader(content))
    # Statistics of each column, and what writers say of the file.
    groups = [file.metadata.row_group(number) for number in range(file.num_row_groups)]
    yield "statistics", json.dumps([group.to_dict() for group in groups], default=repr)
    yield "metadata", repr(file.metadata.metadata) + str(file.schema_arrow)
    for name, column in zip(file.schema_arrow.names, file.read().columns, strict=True):
        yield name, _text(column.to_pylist())


def _gzip(file: Path, content: bytes) -> Iterator[Piece]:
    for place, piece in _decoded(file, plain := gzip.decompress(content)):
        yield f"gzip {place}", piece
    yield "gzip bytes", plain


def _sqlite(file: Path, _: bytes) -> Iterator[Piece]:
    # Its write-ahead file, which is read with it, is searched byte for byte as a file of its own.
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
        for (table,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            rows = database.execute(f'SELECT * FROM "{table}"')
            names = [column[0] for column in rows.description]
            for values in rows:
                for column, value in zip(names, values, strict=True):
                    yield from _cell(f"{table}.{column}", value)


def _duckdb(file: Path, _: bytes) -> Iterator[Piece]:
    import duckdb

    with duckdb.connect(str(file), read_only=True) as database:
        found = "SELECT schema_name, table_name FROM duckdb_tables() WHERE NOT internal"
        for schema, table in database.execute(found).fetchall():
            rows = database.execute(f'SELECT * FROM "{schema}"."{table}"').fetchall()
            yield f"{schema}.{table}", _text(rows)


def _cell(place: str, value: Any) -> Iterator[Piece]:
    content = value if isinstance(value, bytes) else str(value)
    if isinstance(value, bytes):
        # As Dagster stores what jobs look like.
        with suppress(zlib.error):
            content = zlib.decompress(value)
    yield place, content
    yield from ((place, piece) for _, piece in _json(content))


def _json(content: str | bytes) -> Iterator[Piece]:
    """The text of JSON, whole or line by line; nothing where it is something else."""
    for part in (content, *content.splitlines()):
        if part[:1] in ("{", "[", '"', b"{", b"[", b'"'):
            try:
                yield "json", _text(json.loads(part))
            except ValueError:
                continue


def _text(value: Any) -> str:
    return json.dumps(
        value, ensure_ascii=False, default=lambda item: item.hex() if isinstance(item, bytes) else str(item)
    )


_KINDS: tuple[tuple[bytes, int, Callable[[Path, bytes], Iterator[Piece]]], ...] = (
    (b"PAR1", 0, _parquet),
    (b"\x1f\x8b", 0, _gzip),
    (b"SQLite format 3\x00", 0, _sqlite),
    (b"DUCK", 8, _duckdb),
)
