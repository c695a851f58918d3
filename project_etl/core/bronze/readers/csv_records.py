"""From the lines of a CSV file to records: columns by header name, and malformed records with their raw text.

Does not belong here: where a record begins and ends (`csv_parser.py`), bytes and line ends (`text_lines.py`), or Arrow
(`readers`).
"""

from __future__ import annotations

import csv
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import NoReturn

from project_etl.core.bronze.readers.csv_parser import CsvParser, misplaced, strays_of
from project_etl.core.bronze.readers.rescued import MAX_RECORD_CHARS, RESERVED_KEYS, Rows, rescued_values, too_long
from project_etl.core.bronze.unreadable import FILE_HEADER, UnreadableFile

# A record with so large a share of the header's names is the header of another table.
_FOREIGN_HEADER_SHARE = 0.75
_SHOWN_CHARS = 1000


@dataclass(frozen=True)
class _Header:
    """Where the columns are: positions of the declared ones (None: absent), and names and positions of all others.

    `given` are the names as they stand in the file, without blanks around them.
    """

    given: tuple[str, ...]
    declared: tuple[int | None, ...]
    others: tuple[tuple[str, int], ...]
    absent: tuple[str, ...]

    @property
    def width(self) -> int:
        """How many fields a record has."""
        return len(self.given)

    def again(self, records: Sequence[Sequence[str]]) -> list[int]:
        """Which records may be a header again, as files that were joined have it. One name may be a value."""
        names = {name for name in self.given if name}
        if len(names) < 2:
            return []
        found = [index for index, record in enumerate(records) if record[0].strip() in names]
        # Of a header with most of the names, one name is in one of so many columns.
        for position in range(1, self.width - self._least(len(names)) + 1):
            if not names.isdisjoint([record[position] for record in records]):
                found += [index for index, record in enumerate(records) if record[position] in names]
        return [index for index in sorted({*found}) if self._is_header(records[index], names)]

    def is_repeated_by(self, record: Sequence[str]) -> bool:
        """Whether a record is the header once more, name by name."""
        return all(field.strip() == name for field, name in zip(record, self.given, strict=True))

    def _is_header(self, record: Sequence[str], names: set[str]) -> bool:
        return len(names.intersection(field.strip() for field in record)) >= self._least(len(names))

    @staticmethod
    def _least(names: int) -> int:
        return math.ceil(names * _FOREIGN_HEADER_SHARE)

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
        values = [absent if position is None else columns[position] for position in self.declared]
        return Rows(values, rescued, malformed=len(problems), absent=self.absent)


def read_csv(blocks: Iterable[list[str]], columns: Sequence[str], path: str) -> Iterator[Rows]:
    """Read the records of a CSV file: header first, comma, double quotes (doubled inside a quoted field).

    An empty field is NULL, quoted or not. A header name without text is `_c<position>`, from 0.
    Blank lines are no records, and neither is the header when it comes again. The header of another table is told by
    most of the names in another order or place; a second table whose names are other ones cannot be told.

    Args:
        blocks: the file's lines with their ends, as `text_lines.line_blocks` gives them.
        columns: the declared columns.
        path: the file's name for errors.

    Raises:
        UnreadableFile: no header, one longer than a record may be, none that names a declared column, one that names a
            column twice, or a second table.
    """
    blocks = iter(blocks)
    header, rest = _read_header(blocks, columns, path)
    parser = CsvParser(header.width)
    count = 0
    for records, problems in _parsed(parser, chain((rest,), blocks)):
        kept, problems = _without_headers(header, records, problems, path, count)
        count += len(kept)
        if kept:
            yield header.rows(kept, problems)


def _parsed(parser: CsvParser, blocks: Iterable[list[str]]) -> Iterator[tuple[list[Sequence[str]], dict[int, str]]]:
    for lines in blocks:
        yield parser.parse(lines)
    yield parser.finish()


def _without_headers(
    header: _Header, records: list[Sequence[str]], problems: dict[int, str], path: str, before: int
) -> tuple[list[Sequence[str]], dict[int, str]]:
    """Leave out the header where it comes again.

    Raises:
        UnreadableFile: the header of another table.
    """
    again = [index for index in header.again(records) if index not in problems]
    for dropped, index in enumerate(again):
        if not header.is_repeated_by(records[index]):
            found = ", ".join(records[index])[:_SHOWN_CHARS]
            detail = (
                f"after {before + index - dropped:,} records: found '{found}', which is the header of another table"
            )
            _refuse(path, f"{detail}; expected one table a file: split it")
    if not again:
        return records, problems
    headers = {*again}
    kept = [index for index in range(len(records)) if index not in headers]
    return [records[index] for index in kept], {new: problems[old] for new, old in enumerate(kept) if old in problems}


def _read_header(blocks: Iterator[list[str]], columns: Sequence[str], path: str) -> tuple[_Header, list[str]]:
    """Take the header from the first block that is not blank; return it with the lines that follow in that block."""
    for lines in blocks:
        first = next((line for line in lines if not line.isspace()), "")
        if not first:
            continue
        if len(first) > MAX_RECORD_CHARS:
            _refuse(path, f"a header of {too_long()}; found '{first[:_SHOWN_CHARS]}'")
        reader = csv.reader(lines, strict=True)
        start = 0
        try:
            for fields in reader:
                if fields and (len(fields) > 1 or fields[0].strip()):
                    raw = "".join(lines[start : reader.line_num])
                    return _header_of(fields, raw, columns, path), lines[reader.line_num :]
                start = reader.line_num
        except csv.Error as error:
            found = first[:200].rstrip()
            detail = f"line {reader.line_num}: found '{found}' ({error}); expected a row of names"
            raise UnreadableFile(path, FILE_HEADER, detail) from error
    detail = f"no header; expected a row of names with at least one of {', '.join(columns)}"
    raise UnreadableFile(path, FILE_HEADER, detail)


def _header_of(fields: list[str], raw: str, columns: Sequence[str], path: str) -> _Header:
    given = [field.strip() for field in fields]
    names = [name or f"_c{position}" for position, name in enumerate(given)]
    positions = {name: position for position, name in enumerate(names)}
    found = f"found '{', '.join(names)[:_SHOWN_CHARS]}'"
    if "\0" in raw:
        _refuse(path, f"{found}, which holds a NUL character; expected text")
    if problem := misplaced(strays_of(raw)):
        _refuse(path, f"{found}: {problem}")
    if len(positions) < len(names):
        twice = ", ".join(sorted(name for name, times in Counter(names).items() if times > 1))
        _refuse(path, f"{found}, which names {twice[:_SHOWN_CHARS]} more than once; expected each column once")
    if reserved := sorted(RESERVED_KEYS & positions.keys()):
        _refuse(path, f"{found}; {', '.join(reserved)} is a name of our own: rename the column")
    if not positions.keys() & set(columns):
        _refuse(path, f"{found}; expected at least one of {', '.join(columns)}, separated by commas, in the first line")
    return _Header(
        given=tuple(given),
        declared=tuple(positions.get(column) for column in columns),
        others=tuple((name, position) for name, position in positions.items() if name not in columns),
        absent=tuple(column for column in columns if column not in positions),
    )


def _refuse(path: str, detail: str) -> NoReturn:
    raise UnreadableFile(path, FILE_HEADER, detail)
