"""Where the records of a CSV file begin and end, and which of them are malformed.

A block of lines that is in order, which is nearly all of them, is parsed at the speed of the `csv` module; only a block
that is not is gone through record by record.
Does not belong here: what the columns are called (`csv_records.py`).
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence

from project_etl.core.bronze.readers.rescued import MAX_RECORD_CHARS, malformed, too_long

# To go on after an unclosed quote is to read lines again: so many, and so many more for every line that is done. Beyond
# that, a quote has to be closed on its own line. So a file of nothing but open quotes costs a few times its size.
_FREE_LINES = 10_000
_FREE_LINES_PER_LINE = 8


class _Lines:
    """An iterator over lines that knows whether more were asked for than there are."""

    def __init__(self, lines: Sequence[str]) -> None:
        self._lines = iter(lines)
        self.is_exhausted = False

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        for line in self._lines:
            return line
        self.is_exhausted = True
        raise StopIteration


class CsvParser:
    """Parses blocks of lines into records of `width` fields, across the ends of the blocks."""

    def __init__(self, width: int) -> None:
        self._width = width
        # Lines of a record whose closing quote has not come yet.
        self._held: list[str] = []
        # Up to this index in the lines at hand, an unclosed quote has made it unclear where records begin.
        self._unclear_until = 0
        self._free_lines = _FREE_LINES
        self._records: list[Sequence[str]] = []
        self._problems: dict[int, str] = {}

    def parse(self, lines: list[str]) -> tuple[list[Sequence[str]], dict[int, str]]:
        """Return the records that end in these lines, and the rescued text of malformed ones by index."""
        lines = self._held + lines
        self._held = []
        records = self._parse_at_once(lines)
        if records is not None:
            return records, {}
        return self._parse_carefully(lines, is_last=False)

    def finish(self) -> tuple[list[Sequence[str]], dict[int, str]]:
        """Return the records of the lines that were still held, as no more are coming."""
        return self._parse_carefully(self._held, is_last=True)

    def _parse_at_once(self, lines: list[str]) -> list[Sequence[str]] | None:
        """The records of lines in perfect order; None if anything about them needs a closer look."""
        text = "".join(lines)
        if self._unclear_until or "\0" in text or len(text) > MAX_RECORD_CHARS:
            return None
        try:
            records: list[Sequence[str]] = list(csv.reader(lines, strict=True))
        except csv.Error:
            return None
        widths = set(map(len, records))
        if 0 in widths:
            records = [record for record in records if record]
            widths.discard(0)
        return records if widths <= {self._width} else None

    def _parse_carefully(self, lines: list[str], *, is_last: bool) -> tuple[list[Sequence[str]], dict[int, str]]:
        """Parse record by record. Of a record that breaks off, the first line is malformed and the next begins anew."""
        self._records, self._problems = [], {}
        start = 0
        while start < len(lines):
            stop = len(lines) if self._free_lines > 0 else start + 1
            feed = _Lines(lines[start:stop])
            start, broken_at, problem = self._take_records(feed, lines, start)
            if not problem:
                continue
            is_open = feed.is_exhausted and stop == len(lines) and not is_last
            if is_open and sum(map(len, lines[start:])) <= MAX_RECORD_CHARS:
                break
            self._add_malformed(problem, lines[start])
            self._earn(1)
            if broken_at - start > 1:
                self._free_lines -= broken_at - start
                self._unclear_until = max(self._unclear_until, broken_at)
            start += 1
        self._held = lines[start:]
        self._unclear_until = max(self._unclear_until - start, 0)
        return self._records, self._problems

    def _take_records(self, feed: _Lines, lines: list[str], start: int) -> tuple[int, int, str]:
        """Take records until one breaks off; return the index of its first line, the one after its last, and why."""
        reader = csv.reader(feed, strict=True)
        first = start
        try:
            for record in reader:
                end = first + reader.line_num
                raw = lines[start] if end - start == 1 else "".join(lines[start:end])
                if len(raw) > MAX_RECORD_CHARS and end - start > 1:
                    return start, end, too_long()
                self._take(record, raw, is_unclear=start < self._unclear_until)
                self._earn(end - start)
                start = end
        except csv.Error as error:
            return start, first + reader.line_num, _explained(error, is_open=feed.is_exhausted)
        return start, start, ""

    def _earn(self, lines: int) -> None:
        self._free_lines = min(self._free_lines + _FREE_LINES_PER_LINE * lines, _FREE_LINES)

    def _take(self, record: list[str], raw: str, *, is_unclear: bool) -> None:
        if not record or (len(record) < self._width and not raw.strip()):
            return
        if len(raw) > MAX_RECORD_CHARS:
            self._add_malformed(too_long(), raw)
        elif "\0" in raw:
            self._add_malformed(f"a NUL character at position {raw.index(chr(0)) + 1}; expected text", raw)
        elif len(record) != self._width:
            self._add_malformed(f"{len(record)} fields; expected {self._width}, as many as the header has", raw)
        elif is_unclear and '""' not in raw and any('"' in field for field in record):
            # Perhaps the end of the record that broke off, which happens to have the right number of fields.
            self._add_malformed("a quote in an unquoted field, after a quote that was not closed; expected none", raw)
        else:
            self._records.append(record)

    def _add_malformed(self, problem: str, raw: str) -> None:
        self._problems[len(self._records)] = malformed(problem, raw)
        self._records.append([""] * self._width)


def _explained(error: csv.Error, *, is_open: bool) -> str:
    if is_open:
        return "a quote that is opened here is not closed; expected a closing quote"
    if "field limit" in str(error):
        return f"a field of more than {csv.field_size_limit():,} characters; expected at most that many"
    return "text after a closing quote; expected a comma or the end of the line (a quote inside quotes is doubled)"
