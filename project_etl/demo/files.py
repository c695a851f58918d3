"""Writers of landing files that keep the books while they write. What is in a record belongs to its dataset."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from io import TextIOWrapper
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from project_etl.demo.kinds import EXTRA_COLUMN
from project_etl.demo.manifest import DatasetBooks, FileBooks, Planted

SOURCE = "shop"

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class RecordFile:
    """One landing file being written, record by record; leaving the context enters it in the books."""

    def __init__(self, root: Path, path: str, books: DatasetBooks) -> None:
        self.path = path
        self.rows = 0
        self._books = books
        self._target = root / path
        self._open = ExitStack()

    def __enter__(self) -> Self:
        self._target.parent.mkdir(parents=True, exist_ok=True)
        raw = self._open.enter_context(self._target.open("wb"))
        if self.path.endswith(".gz"):
            # Neither a time nor a name, so that the same records are the same bytes (under one zlib).
            packed = gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=raw, mtime=0)
            raw = self._open.enter_context(packed)
        self._text = self._open.enter_context(TextIOWrapper(raw, encoding="utf-8", newline=""))
        self._start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()
        self._books.files.append(FileBooks(self.path, self.rows))

    def write_text(self, line: str, key: str, *kinds: str) -> None:
        """Write a line as it is, such as a malformed record."""
        self._text.write(line + "\n")
        self._enter(key, kinds)

    def _start(self) -> None:
        """Write what stands before the first record."""

    def _enter(self, key: str, kinds: Sequence[str]) -> None:
        self.rows += 1
        if kinds:
            self._books.add_record(Planted(self.path, self.rows, key), kinds)
        else:
            self._books.add_clean_record()


class CsvFile(RecordFile):
    """A CSV file with a header line.

    Args:
        root: The landing root.
        path: The file, relative to the root.
        books: The books of its dataset.
        columns: The header.
        extra: An undeclared column for this file: its place, its name, and the value for a record's key.
    """

    def __init__(
        self,
        root: Path,
        path: str,
        books: DatasetBooks,
        columns: Sequence[str],
        extra: tuple[int, str, Callable[[str], str]] | None = None,
    ) -> None:
        super().__init__(root, path, books)
        self._columns = list(columns)
        self._extra = extra

    def _start(self) -> None:
        self._writer = csv.writer(self._text, lineterminator="\n")
        header = self._columns
        if self._extra:
            place, name, _ = self._extra
            header = [*header[:place], name, *header[place:]]
        self._writer.writerow(header)

    def write(self, row: Sequence[str], key: str, *kinds: str) -> None:
        """Write a record whose fields stand in the order of the columns."""
        if self._extra:
            row = self.widen(row, key)
            kinds = (*kinds, EXTRA_COLUMN)
        self._writer.writerow(row)
        self._enter(key, kinds)

    def widen(self, row: Sequence[str], key: str) -> list[str]:
        """Return the fields with the value of this file's extra column, if it has one."""
        if not self._extra:
            return list(row)
        place, _, value = self._extra
        return [*row[:place], value(key), *row[place:]]


class JsonLinesFile(RecordFile):
    """A file with one JSON object a line.

    Args:
        root: The landing root.
        path: The file, relative to the root.
        books: The books of its dataset.
        extra: An undeclared key for this file: its name, and the value for a record's key.
    """

    def __init__(
        self, root: Path, path: str, books: DatasetBooks, extra: tuple[str, Callable[[str], str]] | None = None
    ) -> None:
        super().__init__(root, path, books)
        self._extra = extra

    def write(self, record: dict[str, Any], key: str, *kinds: str) -> None:
        """Write a record."""
        if self._extra:
            name, value = self._extra
            record = {**record, name: value(key)}
            kinds = (*kinds, EXTRA_COLUMN)
        self._text.write(to_json(record) + "\n")
        self._enter(key, kinds)


def to_json(record: dict[str, Any]) -> str:
    """Write a record as one line of JSON, letters as they are."""
    return _encode(record)


def landing_path(dataset: str, day: str, name: str) -> str:
    """Return a file's path below the landing root."""
    return f"{SOURCE}/{dataset}/{day}/{name}"
