"""From the lines of a CSV file to records: columns by header name, and malformed records with their raw text.

Does not belong here: where a record begins and ends (`csv_parser.py`), bytes and line ends (`text_lines.py`), or Arrow
(`readers`).
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import NoReturn

from project_etl.core.bronze.readers.csv_parser import CsvParser
from project_etl.core.bronze.readers.rescued import RESERVED_KEYS, Rows, rescued_values
from project_etl.core.bronze.unreadable import FILE_HEADER, UnreadableFile


@dataclass(frozen=True)
class _Header:
    """Where the columns are: positions of the declared ones (None: absent), and names and positions of all others."""

    names: tuple[str, ...]
    declared: tuple[int | None, ...]
    others: tuple[tuple[str, int], ...]

    @property
    def width(self) -> int:
        """How many fields a record has."""
        return len(self.names)

    def is_repeated_by(self, record: Sequence[str]) -> bool:
        """Whether a record is the header once more, as files that were joined have it. One name may be a value."""
        return (
            self.width > 1
            and record[0].strip() == self.names[0]
            and all(field.strip() == name for field, name in zip(record, self.names, strict=True))
        )

    def rows(self, records: Sequence[Sequence[str]], problems: dict[int, str]) -> Rows:
        """Turn records of `width` fields into columns; `problems` is the rescued text of malformed ones by index."""
        columns: list[Sequence[str | None]] = [
            [value or None for value in column] for column in zip(*records, strict=True)
        ]
        absent: list[str | None] = [None] * len(records)
        rescued = list(absent)
        if self.others:
            for index, record in enumerate(records):
                values = {name: record[position] for name, position in self.others if record[position]}
                if values:
                    rescued[index] = rescued_values(values)
        for index, problem in problems.items():
            rescued[index] = problem
        return Rows([absent if position is None else columns[position] for position in self.declared], rescued)


def read_csv(blocks: Iterable[list[str]], columns: Sequence[str], path: str) -> Iterator[Rows]:
    """Read the records of a CSV file: header first, comma, double quotes (doubled inside a quoted field).

    An empty field is NULL, quoted or not. A header name without text is `_c<position>`, from 0.
    Blank lines are no records, and neither is the header when it comes again.

    Args:
        blocks: the file's lines with their ends, as `text_lines.line_blocks` gives them.
        columns: the declared columns.
        path: the file's name for errors.

    Raises:
        UnreadableFile: no header, none that names a declared column, or one that names a column twice.
    """
    blocks = iter(blocks)
    header, rest = _read_header(blocks, columns, path)
    parser = CsvParser(header.width)
    for lines in chain((rest,), blocks):
        yield from _in_rows(header, *parser.parse(lines))
    yield from _in_rows(header, *parser.finish())


def _in_rows(header: _Header, records: list[Sequence[str]], problems: dict[int, str]) -> Iterator[Rows]:
    kept = [index for index, record in enumerate(records) if index in problems or not header.is_repeated_by(record)]
    if len(kept) < len(records):
        records = [records[index] for index in kept]
        problems = {new: problems[old] for new, old in enumerate(kept) if old in problems}
    if records:
        yield header.rows(records, problems)


def _read_header(blocks: Iterator[list[str]], columns: Sequence[str], path: str) -> tuple[_Header, list[str]]:
    """Take the header from the first block that is not blank; return it with the lines that follow in that block."""
    for lines in blocks:
        reader = csv.reader(lines, strict=True)
        try:
            for fields in reader:
                if fields and (len(fields) > 1 or fields[0].strip()):
                    return _header_of(fields, columns, path), lines[reader.line_num :]
        except csv.Error as error:
            detail = f"line {reader.line_num}: found {lines[0][:200].rstrip()!r} ({error}); expected a row of names"
            raise UnreadableFile(path, FILE_HEADER, detail) from error
    detail = f"no header; expected a row of names with at least one of {', '.join(columns)}"
    raise UnreadableFile(path, FILE_HEADER, detail)


def _header_of(fields: list[str], columns: Sequence[str], path: str) -> _Header:
    names = [field.strip() or f"_c{position}" for position, field in enumerate(fields)]
    positions = {name: position for position, name in enumerate(names)}
    found = f"found {', '.join(names)[:1000]!r}"
    if any("\0" in name for name in names):
        _refuse(path, f"{found}, which holds a NUL character; expected text")
    if len(positions) < len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        _refuse(path, f"{found}, which names {', '.join(twice)} more than once; expected each column once")
    if reserved := sorted(RESERVED_KEYS & positions.keys()):
        _refuse(path, f"{found}; {', '.join(reserved)} is a name of our own: rename the column")
    if not positions.keys() & set(columns):
        _refuse(path, f"{found}; expected at least one of {', '.join(columns)}, separated by commas, in the first line")
    return _Header(
        names=tuple(names),
        declared=tuple(positions.get(column) for column in columns),
        others=tuple((name, position) for name, position in positions.items() if name not in columns),
    )


def _refuse(path: str, detail: str) -> NoReturn:
    raise UnreadableFile(path, FILE_HEADER, detail)
