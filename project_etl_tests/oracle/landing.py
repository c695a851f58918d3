"""Raw landing files as text records, read with nothing but the standard library.

Here: which files count, how bytes become records, and which of them are left out (unreadable files, malformed records).
Not here: what a value means. This module shares no code with the platform, on purpose: it is the second opinion.
"""

from __future__ import annotations

import codecs
import gzip
import json
import re
import zlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

from project_etl_tests.oracle.values import cleaned, to_instant

_DATA_FILE = re.compile(r"^[^._].*\.(?P<format>csv|json|jsonl)(?P<gzip>\.gz)?$", re.DOTALL)
_NOT_THERE_YET = (".tmp", ".part")
_PHYSICAL_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|$)")
_LINE_ENDS = "\r\n"
_LINE_END = re.compile(r"\r\n|\r|\n|")
_LINE_ENDED = re.compile(r"\r\n|\r|\n|[^\r\n]\Z")
_QUOTED = re.compile(r'"((?:[^"]|"")*+)"')
_PLAIN = re.compile(r"[^,\r\n]*")
_GUARDED = re.compile(r'="[^"]*"')
_LONGEST_FIELD = 131_072
_DOUBTED_LINES = 100


@dataclass(frozen=True, slots=True)
class RawRecord:
    """One record as received: text by column name, `None` where there is nothing, and where it was found."""

    values: dict[str, str | None]
    landing_day: date
    source_file: str
    row_number: int
    zone: str = "UTC"

    def __getitem__(self, column: str) -> str | None:
        """Return the text of a column; an empty text and a column that the file does not have are both `None`."""
        return self.values.get(column) or None

    def read_as(self, kinds: Mapping[str, str]) -> RawRecord:
        """Return the record with its columns cleaned, each as what it is (see `values.cleaned`)."""
        return replace(self, values={name: cleaned(self.values.get(name), kind) for name, kind in kinds.items()})

    def instant(self, column: str) -> datetime | None:
        """Return the instant of a column in naive UTC; one without an offset is of the time zone of the source."""
        return to_instant(self[column], self.zone)

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


def read_dataset(landing_root: Path, source: str, dataset: str, columns: Collection[str], zone: str = "UTC") -> Dataset:
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
                    found.records.append(RawRecord(values, day, name, row_number, zone))
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
    text = "".join(_physical_lines(text))
    start = len(text) - len(text.lstrip())
    start = max(text.rfind("\n", 0, start), text.rfind("\r", 0, start)) + 1
    header = _csv_record(text, start)
    if header is None or _is_misquoted(header):
        raise UnreadableError("no header")
    names = [name.strip() for name in header.fields]
    named = {name for name in names if name}
    if len(named) != len([name for name in names if name]) or not named & set(columns):
        raise UnreadableError(f"header {names}: expected {sorted(columns)}, each once")
    for fields in _csv_records(text, header.end, len(names)):
        given = [field.strip() for field in fields or ()]
        if len(named) > 1 and 4 * len(named.intersection(given)) >= 3 * len(named):
            if given == names:
                # Files were joined.
                continue
            raise UnreadableError(f"a second table begins with {given}")
        yield dict(zip(names, fields, strict=True)) if fields is not None else None


@dataclass(frozen=True)
class _CsvRecord:
    """A record, those unquoted fields that hold quotes (but the guards of spreadsheets), and where the next begins."""

    fields: list[str]
    strays: list[str]
    end: int


def _csv_record(text: str, at: int) -> _CsvRecord | None:
    """The record at a place; none where a quote does not close, or where text follows one that does."""
    fields: list[str] = []
    strays: list[str] = []
    while True:
        if text[at : at + 1] == '"':
            quoted = _QUOTED.match(text, at)
            if quoted is None or text[quoted.end() : quoted.end() + 1] not in ("", ",", *_LINE_ENDS):
                return None
            at = quoted.end()
            fields.append(quoted[1].replace('""', '"'))
        else:
            plain = _PLAIN.match(text, at)
            assert plain is not None
            at = plain.end()
            fields.append(plain[0])
            if '"' in plain[0] and not _GUARDED.fullmatch(plain[0]):
                strays.append(plain[0])
        if len(fields[-1]) > _LONGEST_FIELD:
            return None
        if text[at : at + 1] != ",":
            return _CsvRecord(fields, strays, at + len(_LINE_END.match(text, at)[0]))  # pyright: ignore[reportOptionalSubscript]
        at += 1


def _is_misquoted(record: _CsvRecord) -> bool:
    """One unquoted field may hold quotes, as signs of inches, but not several, nor one that begins with blanks."""
    return len(record.strays) > 1 or any(field.lstrip().startswith('"') for field in record.strays)


def _csv_records(text: str, at: int, width: int) -> list[list[str] | None]:
    """The fields of each record, `None` for a malformed one; blank lines are none.

    Of a badly quoted record only the first physical line is given up, so that one stray quote cannot swallow the file.
    In the hundred lines after it, a further stray quote takes with it all that comes before.
    """
    found: list[list[str] | None] = []
    doubted: list[int] = []
    doubt = 0
    while at < len(text):
        record = _csv_record(text, at)
        line = _PHYSICAL_LINE.match(text, at)
        assert line is not None
        raw = line[0] if record is None else text[at : record.end]
        at += len(raw)
        fields = record.fields if record else []
        if not raw.strip(_LINE_ENDS) or (record and len(fields) < width and not raw.strip()):
            continue
        is_broken = record is None or len(fields) != width or "\0" in raw or _is_misquoted(record)
        is_out_of_place = '"' in raw and (is_broken or (doubt > 0 and record is not None and bool(record.strays)))
        if is_out_of_place:
            for index in doubted:
                found[index] = None
            doubted = []
        found.append(None if is_broken or is_out_of_place else fields)
        if doubt and found[-1] is not None:
            doubted.append(len(found) - 1)
        doubt = max(doubt - len(_LINE_ENDED.findall(raw)), 0)
        if is_broken and '"' in raw:
            doubt = _DOUBTED_LINES
        if not doubt:
            doubted = []
    return found


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
            parse_int=_Number,
            parse_float=_Number,
            parse_constant=_no_constant,
        )
        if not isinstance(value, dict):
            return None
        if any("\0" in text for text in _strings(value)):
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


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in [*value, *value.values()] if isinstance(value, dict) else value:
            yield from _strings(item)


def _no_constant(name: str) -> str:
    raise ValueError(f"{name} is not JSON")


class _Number(str):
    """A number of JSON as its own text, so that no digit is lost."""


def _json_text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else _nested(value)


def _nested(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(name)}: {_nested(item)}" for name, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_nested(item) for item in value) + "]"
    return str(value) if isinstance(value, _Number) else json.dumps(value)
