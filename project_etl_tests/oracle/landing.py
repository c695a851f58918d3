"""Raw landing files as text records, read with nothing but the standard library.

Here: which files count, how bytes become records, and which of them are left out (unreadable files, malformed records).
Not here: what a value means. This module shares no code with the platform, on purpose: it is the second opinion.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import json
import re
import zlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

from project_etl_tests.oracle.values import cleaned

_DATA_FILE = re.compile(r"^[^._].*\.(?P<format>csv|json|jsonl)(?P<gzip>\.gz)?$", re.DOTALL)
_NOT_THERE_YET = (".tmp", ".part")
_PHYSICAL_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|$)")
_LINE_ENDS = "\r\n"


@dataclass(frozen=True, slots=True)
class RawRecord:
    """One record as received: text by column name, `None` where there is nothing, and where it was found."""

    values: dict[str, str | None]
    landing_day: date
    source_file: str
    row_number: int

    def __getitem__(self, column: str) -> str | None:
        """Return the text of a column; an empty text and a column that the file does not have are both `None`."""
        return self.values.get(column) or None

    def read_as(self, kinds: Mapping[str, str]) -> RawRecord:
        """Return the record with its columns cleaned, each as what it is (see `values.cleaned`)."""
        return replace(self, values={name: cleaned(self.values.get(name), kind) for name, kind in kinds.items()})

    @property
    def lineage(self) -> dict[str, date | str | int]:
        """Return where the record was found, by column name."""
        return {"landing_day": self.landing_day, "source_file": self.source_file, "row_number": self.row_number}


@dataclass
class Dataset:
    """What landing holds of one dataset, and what of it could not be used."""

    records: list[RawRecord] = field(default_factory=list)
    malformed: list[tuple[str, int]] = field(default_factory=list)
    unreadable: dict[str, str] = field(default_factory=dict)
    repeated_files: list[str] = field(default_factory=list)


class UnreadableError(Exception):
    """A file that cannot be read as a whole; none of its records count."""


def landing_days(landing_root: Path, source: str) -> list[date]:
    """Return the days that have a folder in any dataset of a source, in order."""
    return sorted({day for dataset in _folders(landing_root / source) for day in _day_folders(dataset)})


def read_dataset(landing_root: Path, source: str, dataset: str, columns: Collection[str]) -> Dataset:
    """Read every file of a dataset, in the order of landing day and path.

    The same bytes under two names on one landing day are read once, under the smaller name.
    """
    found = Dataset()
    for day, folder in sorted(_day_folders(landing_root / source / dataset).items()):
        seen: set[bytes] = set()
        for path in sorted(folder.iterdir()):
            match = _DATA_FILE.match(path.name)
            if match is None or path.name.endswith(_NOT_THERE_YET) or not path.is_file():
                continue
            name = path.relative_to(landing_root).as_posix()
            content = path.read_bytes()
            if content in seen:
                found.repeated_files.append(name)
                continue
            seen.add(content)
            try:
                text = _text(content, compressed=match["gzip"] is not None)
                rows = list(_csv_rows(text, columns) if match["format"] == "csv" else _json_rows(text))
            except UnreadableError as error:
                found.unreadable[name] = str(error)
                continue
            for row_number, values in enumerate(rows, start=1):
                if values is None:
                    found.malformed.append((name, row_number))
                else:
                    found.records.append(RawRecord(values, day, name, row_number))
    return found


def _folders(path: Path) -> list[Path]:
    return sorted(child for child in path.iterdir() if child.is_dir()) if path.is_dir() else []


def _day_folders(dataset: Path) -> dict[date, Path]:
    days: dict[date, Path] = {}
    for folder in _folders(dataset):
        try:
            days[date.fromisoformat(folder.name)] = folder
        except ValueError:
            continue
    return {day: folder for day, folder in days.items() if folder.name == day.isoformat()}


def _text(content: bytes, *, compressed: bool) -> str:
    if compressed and content:
        try:
            content = gzip.decompress(content)
        except (EOFError, OSError, zlib.error) as error:
            raise UnreadableError(f"bad gzip: {error}") from error
    if not content.removeprefix(codecs.BOM_UTF8):
        raise UnreadableError("no bytes")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UnreadableError(f"not UTF-8: {error}") from error


def _physical_lines(text: str) -> list[str]:
    """Lines with their ends; a mark at the start of one is left of a file that was joined to others."""
    return [line.lstrip("\ufeff") for line in _PHYSICAL_LINE.findall(text)]


def _csv_rows(text: str, columns: Collection[str]) -> Iterator[dict[str, str | None] | None]:
    records = _csv_records(text)
    header = next(records, None)
    if header is None:
        raise UnreadableError("no header")
    names = [name.strip() for name in header]
    named = [name for name in names if name]
    if len(set(named)) != len(named) or not set(named) & set(columns):
        raise UnreadableError(f"header {header}: expected {sorted(columns)}, each once")
    for fields in records:
        if len(names) > 1 and fields is not None and [field.strip() for field in fields] == names:
            # Files were joined.
            continue
        is_whole = fields is not None and len(fields) == len(names) and not any("\0" in value for value in fields)
        yield dict(zip(names, fields, strict=True)) if is_whole and fields is not None else None


def _csv_records(text: str) -> Iterator[list[str] | None]:
    """Yield the fields of each record, `None` for a badly quoted one; blank lines are none.

    After bad quoting only the first physical line is given up, so that one stray quote cannot swallow the file.
    """
    lines = [line for line in _physical_lines(text) if line]
    position = 0
    while position < len(lines):
        line = lines[position]
        position += 1
        if not line.strip(_LINE_ENDS):
            continue
        if '"' not in line:
            yield line.rstrip(_LINE_ENDS).split(",")
            continue
        fields, used = _quoted_record(lines, position - 1)
        yield fields
        position += used - 1


def _quoted_record(lines: list[str], start: int) -> tuple[list[str] | None, int]:
    quotes = 0
    for end in range(start, len(lines)):
        quotes += lines[end].count('"')
        if quotes % 2 == 0:
            record = "".join(lines[start : end + 1])
            try:
                # The last line end is not part of the record; those before it belong to quoted values.
                parsed = list(csv.reader([record.rstrip(_LINE_ENDS)], strict=True))
            except csv.Error:
                break
            return (parsed[0], end - start + 1) if len(parsed) == 1 else (None, 1)
    return None, 1


def _json_rows(text: str) -> Iterator[dict[str, str | None] | None]:
    if text.lstrip().startswith("["):
        raise UnreadableError("one JSON array, expected one object a line")
    for line in _physical_lines(text):
        if line.strip():
            yield _json_object(line)


def _json_object(line: str) -> dict[str, str | None] | None:
    try:
        value = json.loads(
            line,
            object_pairs_hook=_object_without_repeats,
            parse_int=str,  # a number is kept as its own text, so that no digit is lost
            parse_float=str,
            parse_constant=_no_constant,
        )
        if not isinstance(value, dict):
            return None
        texts = {name: _json_text(item) for name, item in value.items()}
        "".join(text for text in texts.values() if text).encode("utf-8")
    except (ValueError, RecursionError):
        return None
    return texts


def _object_without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({name for name, _ in pairs}) != len(pairs):
        raise ValueError("a key is there twice")
    return dict(pairs)


def _no_constant(name: str) -> str:
    raise ValueError(f"{name} is not JSON")


def _json_text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value)
