"""Where the records of a CSV file begin and end, and which of them are malformed.

A block of lines that is in order, which is nearly all of them, is parsed at the speed of the `csv` module; only a block
that is not is gone through record by record.

A quote out of place makes it unclear which of the next lines are records, and which are text of the broken one. Of such
a record the first line is malformed and the next line begins anew. For DOUBTED_LINES lines, what follows is believed
only if no other quote out of place comes after it there. A quote is in place when it opens or closes a whole field, or
is one of a pair inside a quoted field. Limits:

- Text with quotes that are not doubled, but which reads like whole records, cannot be told from records.
- A record, and the text that is looked through for a closing quote, has at most MAX_RECORD_CHARS characters.
- A file of nothing but open quotes costs a few times its size: when too much was read again, a quote has to be closed
  on its own line.

Does not belong here: what the columns are called (`csv_records.py`).
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence

from project_etl.core.bronze.readers.rescued import MAX_RECORD_CHARS, malformed, too_long

# More than people write into one field, and few enough to lose beside a broken record.
DOUBTED_LINES = 100

# To go on after an unclosed quote is to read lines again: so many characters, and so many more for every one that is
# done.
_FREE_CHARS = 4 << 20
_FREE_CHARS_PER_CHAR = 8

_QUOTED = r'"[^"]*+(?:""[^"]*+)*+"'
# All quotes open or close whole fields.
_IN_ORDER = re.compile(rf'(?:[^"]*+(?<![^,\r\n]){_QUOTED}(?![^,\r\n]))*+[^"]*+')
_FIELD = re.compile(rf"{_QUOTED}(?![^,\r\n])|[^,\r\n]*+")
# How spreadsheets keep a number as text.
_GUARDED = re.compile(r'="[^"]*+"')

_OPEN = "a quote that is opened here is not closed; expected a closing quote"
_OPEN_ON_LINE = "a quote that is not closed on its line, after many that were not closed at all; expected that it is"
_AFTER_QUOTE = "text after a closing quote; expected a comma or the end of the line (a quote inside quotes is doubled)"
_AFTER_BLANKS = "blanks before an opening quote; expected none between comma and quote"
_SEVERAL = "quotes in several unquoted fields; expected at most one such field (is a comma or a quote missing?)"
_STRAY_IN_DOUBT = "a quote in an unquoted field, after a quote that was not closed; expected none"
_IN_DOUBT = (
    "stands between two quotes out of place, so it may be text of another record; expected that a quote inside quotes "
    "is doubled"
)


class _Lines:
    """An iterator over some of the lines that knows whether more were asked for than there are."""

    def __init__(self, lines: Sequence[str], start: int, stop: int) -> None:
        self._lines, self._next, self._stop = lines, start, stop
        self.is_exhausted = False

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self._next < self._stop:
            self._next += 1
            return self._lines[self._next - 1]
        self.is_exhausted = True
        raise StopIteration


class CsvParser:
    """Parses blocks of lines into records of `width` fields, across the ends of the blocks."""

    def __init__(self, width: int) -> None:
        self._width = width
        # Lines of a record whose closing quote has not come yet, and how many characters there must be to look again.
        self._held: list[str] = []
        self._wanted_chars = 0
        self._free_chars = _FREE_CHARS
        self._records: list[Sequence[str]] = []
        self._problems: dict[int, str] = {}
        # Index and text of records that are believed when the doubt ends, and how long it still lasts.
        self._doubted: list[tuple[int, str]] = []
        self._doubt_lines = self._doubt_chars = 0

    def parse(self, lines: list[str]) -> tuple[list[Sequence[str]], dict[int, str]]:
        """Return the records that are clear with these lines, and the rescued text of malformed ones by index."""
        if self._held:
            self._held += lines
            self._wanted_chars -= sum(map(len, lines))
            if self._wanted_chars > 0:
                return [], {}
            lines, self._held = self._held, []
        records = self._parse_at_once(lines)
        if records is not None:
            return records, {}
        self._parse_carefully(lines, is_last=False)
        return self._clear()

    def finish(self) -> tuple[list[Sequence[str]], dict[int, str]]:
        """Return the records that were still unclear, as no more lines are coming."""
        lines, self._held = self._held, []
        self._parse_carefully(lines, is_last=True)
        self._doubted = []
        return self._clear()

    def _parse_at_once(self, lines: list[str]) -> list[Sequence[str]] | None:
        """The records of lines in perfect order; None if anything about them needs a closer look."""
        text = "".join(lines)
        if not text.strip("\r\n") or (self._width > 1 and text.isspace()):
            return []
        if self._doubt_lines or "\0" in text or len(text) > MAX_RECORD_CHARS:
            return None
        try:
            records: list[Sequence[str]] = list(csv.reader(lines, strict=True))
        except csv.Error:
            return None
        if not _is_in_order(text):
            has_a_line_each = len(records) == len(lines)
            if not has_a_line_each or any(misplaced(strays_of(line)) for line in lines if '"' in line):
                return None
        widths = set(map(len, records))
        if 0 in widths:
            records = [record for record in records if record]
            widths.discard(0)
        return records if widths <= {self._width} else None

    def _parse_carefully(self, lines: list[str], *, is_last: bool) -> None:
        """Parse record by record. Of a record that breaks off, the first line is malformed and the next begins anew."""
        start = 0
        while start < len(lines):
            is_free = self._free_chars > 0
            stop = len(lines) if is_free else start + 1
            feed = _Lines(lines, start, stop)
            start, broken_at, problem = self._take_records(feed, lines, start)
            if not problem:
                continue
            if feed.is_exhausted and stop == len(lines) and not is_last:
                chars = sum(map(len, lines[start:]))
                if chars <= MAX_RECORD_CHARS:
                    self._held, self._wanted_chars = lines[start:], chars
                    return
            self._free_chars -= sum(map(len, lines[start + 1 : broken_at]))
            self._take_malformed(problem if is_free or problem != _OPEN else _OPEN_ON_LINE, lines[start], lines=1)
            start += 1

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
                self._take(record, raw, end - start)
                start = end
        except csv.Error as error:
            end = first + reader.line_num
            return start, end, _explained(error, lines=end - start, is_open=feed.is_exhausted)
        return start, start, ""

    def _take(self, record: list[str], raw: str, lines: int) -> None:
        if not record or (len(record) < self._width and not raw.strip()):
            return
        strays = strays_of(raw)
        if problem := self._problem(record, raw, strays):
            self._take_malformed(problem, raw, lines)
        elif strays and self._doubt_lines:
            self._disbelieve()
            self._add_malformed(_STRAY_IN_DOUBT, raw)
            self._pass(raw, lines)
        else:
            if self._doubt_lines:
                self._doubted.append((len(self._records), raw))
            self._records.append(record)
            self._pass(raw, lines)

    def _problem(self, record: list[str], raw: str, strays: list[str]) -> str:
        if len(raw) > MAX_RECORD_CHARS:
            return too_long()
        if "\0" in raw:
            return f"a NUL character at position {raw.index(chr(0)) + 1}; expected text"
        if problem := misplaced(strays):
            return problem
        if len(record) != self._width:
            return f"{len(record)} fields; expected {self._width}, as many as the header has"
        return ""

    def _take_malformed(self, problem: str, raw: str, lines: int) -> None:
        if '"' in raw:
            self._disbelieve()
        self._add_malformed(problem, raw)
        self._pass(raw, lines)
        if '"' in raw:
            self._doubt_lines, self._doubt_chars = DOUBTED_LINES, MAX_RECORD_CHARS

    def _disbelieve(self) -> None:
        """Make malformed what was doubted so far."""
        for index, raw in self._doubted:
            self._records[index] = [""] * self._width
            self._problems[index] = malformed(_IN_DOUBT, raw)
        self._doubted = []

    def _add_malformed(self, problem: str, raw: str) -> None:
        self._problems[len(self._records)] = malformed(problem, raw)
        self._records.append([""] * self._width)

    def _pass(self, raw: str, lines: int) -> None:
        """Leave some lines behind."""
        self._free_chars = min(self._free_chars + _FREE_CHARS_PER_CHAR * len(raw), _FREE_CHARS)
        if self._doubt_lines:
            self._doubt_lines -= lines
            self._doubt_chars -= len(raw)
            if self._doubt_lines <= 0 or self._doubt_chars <= 0:
                self._doubted, self._doubt_lines = [], 0

    def _clear(self) -> tuple[list[Sequence[str]], dict[int, str]]:
        """Give out the records before the first doubted one."""
        end = self._doubted[0][0] if self._doubted else len(self._records)
        records, problems = self._records[:end], {at: text for at, text in self._problems.items() if at < end}
        self._records = self._records[end:]
        self._problems = {at - end: text for at, text in self._problems.items() if at >= end}
        self._doubted = [(at - end, raw) for at, raw in self._doubted]
        return records, problems


def _is_in_order(text: str) -> bool:
    """Whether all quotes open or close whole fields, in text that the `csv` module can read."""
    if '"' not in text:
        return True
    if text.startswith('"'):
        # Where all fields are quoted, all quotes but the first and the last are in these; a pattern takes longer.
        bare = text.replace('","', ",").replace('"\n"', "\n").replace('"\r\n"', "\n")
        if bare.count('"') == 2 and bare.rstrip("\r\n").endswith('"'):
            return True
    return _IN_ORDER.fullmatch(text) is not None


def strays_of(raw: str) -> list[str]:
    """Return those unquoted fields of a record in which there are quotes."""
    if '"' not in raw or _IN_ORDER.fullmatch(raw):
        return []
    fields: list[str] = _FIELD.findall(raw)
    return [field for field in fields if '"' in field and field[0] != '"' and not _GUARDED.fullmatch(field)]


def misplaced(strays: list[str]) -> str:
    """Return what is wrong with such fields of a record: nothing for one with a sign of inches."""
    if any(field.lstrip().startswith('"') for field in strays):
        return _AFTER_BLANKS
    return _SEVERAL if len(strays) > 1 else ""


def _explained(error: csv.Error, *, lines: int, is_open: bool) -> str:
    if "field limit" in str(error):
        limit = f"{csv.field_size_limit():,} characters"
        if lines > 1:
            return f"a quote that is opened here is not closed within {limit}; expected a closing quote"
        return f"a field of more than {limit}; expected at most that many"
    if is_open:
        return _OPEN
    if lines > 1:
        return f"a quote that is opened here meets another one {lines - 1:,} lines below; expected a closing quote"
    return _AFTER_QUOTE
