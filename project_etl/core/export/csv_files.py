r"""The target `csv`: a file for each export in the folder `csv`, and `manifest.json`, which is written last.

RFC 4180: a header, commas, CRLF, quotes where they are needed; UTF-8. A cell of text that a spreadsheet would take for
a formula (it begins with `=`, `+`, `-`, `@`, a tab or a CR) gets a leading `'`; numbers stay as they are. No value and
an empty text look the same. Decimals have all their digits; days, instants, arrays and structs are text
(`as_text.py`).
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Collection, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from project_etl.core.arrow import ArrowRecordBatch, ArrowRecordBatchReader
from project_etl.core.export.as_text import is_text, plain
from project_etl.core.export.aside import clear, mark_of, replacing
from project_etl.core.export.base import CSV, ExportedTable, Found
from project_etl.core.lake import WHOLE

MANIFEST = "manifest.json"
FORMULA = r"^([=+\-@\t\r])"
CHUNK = 1 << 20


@dataclass(frozen=True)
class CsvFiles:
    """A folder of CSV files; see `Target`.

    Attributes:
        root: the folder of all exports.
    """

    root: Path
    name: str = CSV
    holds_days: bool = False

    @property
    def folder(self) -> Path:
        """Where the files are."""
        return self.root / "csv"

    @property
    def place(self) -> str:
        """Where it is, for people."""
        return str(self.folder)

    @property
    def size_bytes(self) -> int:
        """How many bytes the files take."""
        return sum(mark[2] for name in self.manifest() if (mark := mark_of(self.file(name))))

    @property
    def mark(self) -> object:
        """Equal marks mean that it holds the same."""
        return mark_of(self.folder / MANIFEST), [mark_of(self.file(name)) for name in self.manifest()]

    def file(self, name: str) -> Path:
        """The file of a table."""
        return self.folder / f"{name}.csv"

    def manifest(self) -> dict[str, dict[str, Any]]:
        """What the manifest says of each table; nothing when it is not there or cannot be read."""
        try:
            return json.loads((self.folder / MANIFEST).read_text(encoding="utf-8"))["tables"]
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            # Everything is written again.
            return {}

    def held(self) -> Mapping[str, Mapping[str, str]]:
        """Table → `WHOLE` → bookmark; a file that has not the size that the manifest says counts as not there."""
        there = self.manifest()
        return {name: {WHOLE: each["bookmark"]} for name, each in there.items() if self._size(name) == each["bytes"]}

    def found(self, tables: Iterable[ExportedTable]) -> Mapping[str, Found]:
        """What is there of some tables, read and counted."""
        said = self.manifest()
        there = [table.name for table in tables if self.file(table.name).exists()]
        return {name: _found(self.file(name), said.get(name, {})) for name in there}

    @contextmanager
    def writing(self, *, anew: bool) -> Generator[CsvWriter]:
        """Replace single files in the block; the manifest follows at its end."""
        writer = CsvWriter(self, {} if anew else self.manifest())
        yield writer
        with replacing(self.folder / MANIFEST) as aside:
            said = {"tables": dict(sorted(writer.manifest.items()))}
            aside.write_text(json.dumps(said, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

    def remove(self) -> None:
        """Delete all files that the manifest names, and the manifest."""
        for name in self.manifest():
            clear(self.file(name))
            self.file(name).unlink(missing_ok=True)
        clear(self.folder / MANIFEST)
        (self.folder / MANIFEST).unlink(missing_ok=True)

    def _size(self, name: str) -> int | None:
        mark = mark_of(self.file(name))
        return mark[2] if mark else None


@dataclass(frozen=True)
class CsvWriter:
    """Replaces CSV files; see `Writer`.

    Attributes:
        files: the folder.
        manifest: what the manifest is to say.
    """

    files: CsvFiles
    manifest: dict[str, dict[str, Any]]

    def put(self, table: ExportedTable, bookmarks: Mapping[str, str], rows: ArrowRecordBatchReader) -> None:
        """Replace the file of a table by these rows."""
        with replacing(self.files.file(table.name)) as aside:
            number = write_csv(aside, table.columns, rows)
            size, sha256 = aside.stat().st_size, _sha256(aside)
        said = {"file": self.files.file(table.name).name, "rows": number, "bytes": size, "sha256": sha256}
        self.manifest[table.name] = {**said, "bookmark": bookmarks[WHOLE]}

    def drop_days(self, table: ExportedTable, days: Collection[str]) -> None:
        """Nothing: a file is a whole."""

    def drop_table(self, name: str) -> None:
        """Remove the file of a table."""
        self.files.file(name).unlink(missing_ok=True)
        self.manifest.pop(name, None)


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[ArrowRecordBatch]) -> int:
    """Write a CSV file.

    Args:
        path: the file.
        columns: the header.
        rows: the rows, in batches.

    Returns:
        How many rows there were.
    """
    number = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\r\n")
        writer.writerow(columns)
        for batch in rows:
            writer.writerows(zip(*(_cells(column) for column in batch.columns), strict=True))
            number += batch.num_rows
    return number


def _cells(column: Any) -> list[Any]:  # noqa: ANN401 - an array of pyarrow
    import pyarrow as pa
    import pyarrow.compute as pc

    values = plain(column)
    if pa.types.is_boolean(values.type):
        values = values.cast(pa.string())
    elif is_text(column.type) or pa.types.is_nested(column.type):
        values = pc.replace_substring_regex(values, FORMULA, r"'\1")  # pyright: ignore[reportAttributeAccessIssue]
    return values.to_pylist()


def _found(file: Path, said: Mapping[str, Any]) -> Found:
    """What a file holds, beside what the manifest says of it."""
    rows, is_quoted, read = -1, False, hashlib.sha256()
    with file.open("rb") as opened:
        while chunk := opened.read(CHUNK):
            read.update(chunk)
            for part in chunk.split(b'"'):
                # A record ends at a line's end that is not in quotes; the first one is the header.
                rows += 0 if is_quoted else part.count(b"\n")
                is_quoted = not is_quoted
            # The last part goes on in the next chunk.
            is_quoted = not is_quoted
    with file.open(encoding="utf-8", newline="") as opened:
        columns = tuple(next(csv.reader(opened), ()))
    is_whole = read.hexdigest() == said.get("sha256")
    return Found({WHOLE: rows}, columns, "" if is_whole else f"{file.name} is not the file that {MANIFEST} names")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
