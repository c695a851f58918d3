"""From the lines of a JSON file to records: one object a line, values as their exact source text.

Does not belong here: bytes and line ends (`text_lines.py`), or Arrow (`readers`).
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NoReturn, cast

from project_etl.core.bronze.readers.rescued import MAX_RECORD_CHARS, RESERVED_KEYS, Rows, malformed, too_long
from project_etl.core.bronze.unreadable import FILE_JSON_LINES, UnreadableFile

# Parsers have limits of their own, which depend on the machine; this one is below them all.
MAX_NESTING = 200

_STRING = r'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_FLAT_LIST = rf'\[[^\[\]{{}}"]*+(?:{_STRING}[^\[\]{{}}"]*+)*+\]'
_SPACE = r"[ \t\r\n]*+"
# A key, and its value where that is a scalar or a list of scalars; anything deeper is left to the JSON parser.
_MEMBER = re.compile(rf'{_SPACE}[{{,]{_SPACE}({_STRING}){_SPACE}:{_SPACE}({_STRING}|[^\s"\[{{,}}]+|{_FLAT_LIST})?')
_STRING_OR_BRACKET = re.compile(rf"{_STRING}|[\[\]{{}}]")
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
# A run of backslashes of odd length escapes what follows it.
_NUL = re.compile(r"(?<!\\)(?:\\\\)*+\\u0000")
# How the first line of a document over several lines ends.
_GOES_ON = ("{", "[", ",", ":")
_MEMBER_OPENS = re.compile(rf"{_SPACE}{{{_SPACE}({_STRING}){_SPACE}:{_SPACE}[\[{{]")
_ENVELOPES = 3
_SHOWN_CHARS = 200
_KINDS = {list: "a list", str: "a string or number", bool: "true or false", type(None): "null"}


class _MalformedLineError(ValueError):
    """A line that is not a record; the text says what was found and what was expected."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        twice = next(key for key, times in Counter(key for key, _ in pairs).items() if times > 1)
        raise _MalformedLineError(
            f"the key '{twice[:_SHOWN_CHARS]}' more than once in an object; expected each key once"
        )
    return members


def _refuse_constant(name: str) -> NoReturn:
    raise _MalformedLineError(f"{name}, which is not JSON; expected a number or null")


# Numbers stay text, so that no digit is lost.
_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_float=str, parse_int=str, parse_constant=_refuse_constant)
_encode = json.JSONEncoder(ensure_ascii=False).encode


def read_json_lines(blocks: Iterable[list[str]], columns: Sequence[str], path: str) -> Iterator[Rows]:
    """Read the records of a JSON Lines file.

    Strings are decoded, numbers and nested values keep their source text, true and false are text, null is NULL.
    Unknown keys are rescued with their JSON values. Blank lines are no records.

    Args:
        blocks: the file's lines, as `text_lines.line_blocks` gives them.
        columns: the declared columns.
        path: the file's name for errors.

    Raises:
        UnreadableFile: the file is one JSON document over several lines, a list, or the envelope of an API.
    """
    reader = _LineReader(columns)
    for number, lines in enumerate(_lines(blocks)):
        if number == 0:
            _check_lines(lines, columns, path)
        records = [reader.read(line) for line in lines]
        *values, rescued = zip(*records, strict=True)
        yield Rows(values, rescued, malformed=reader.take_malformed(), absent=frozenset(reader.unseen))


def _lines(blocks: Iterable[list[str]]) -> Iterator[list[str]]:
    """The lines that are not blank, in blocks; two at least in the first, if there are."""
    lines: list[str] = []
    is_begun = False
    for block in blocks:
        lines += [line for line in block if not line.isspace()]
        if len(lines) > (0 if is_begun else 1):
            yield lines
            lines, is_begun = [], True
    if lines:
        yield lines


def _check_lines(lines: list[str], columns: Sequence[str], path: str) -> None:
    """Refuse a file that begins with something else than a record on a line of its own."""
    first = lines[0].strip()
    found = f"begins with '{first[:60]}'"
    wanted = "expected one object a line (JSON Lines)"
    if first.startswith("["):
        _refuse(path, f"{found}: one document over the whole file, a list; {wanted}: write it so, as jq -c '.[]' does")
    if key := _envelope(lines[0], columns, is_alone=len(lines) == 1):
        todo = f"take the records out of it, as jq -c '{key}[]' does"
        _refuse(path, f"{found}: the envelope of an API, with its records inside; {wanted}: {todo}")
    goes_on = first.startswith("{") and first.endswith(_GOES_ON) and len(lines) > 1
    if goes_on and (first.endswith("[") or not lines[1].lstrip().startswith("{")):
        _refuse(path, f"{found}: one document over several lines; {wanted}: write it so, as jq -c . does")


def _refuse(path: str, detail: str) -> NoReturn:
    raise UnreadableFile(path, FILE_JSON_LINES, detail)


def _envelope(line: str, columns: Sequence[str], *, is_alone: bool) -> str:
    """Where the records are in the envelope on a line, as a path of jq; nothing if it is none.

    One that is alone in its file may have a column's name beside them: many answers begin with a `status`.
    """
    if len(line) > MAX_RECORD_CHARS:
        found = _MEMBER_OPENS.match(line)
        return f".{found[1]}" if found and json.loads(found[1]) not in columns else ""
    try:
        members = _parsed(line)
    except _MalformedLineError:
        return ""
    declared = members.keys() & {*columns}
    if len(declared) > (1 if is_alone else 0):
        return ""
    return _records_in({key: value for key, value in members.items() if key not in declared}, _ENVELOPES)


def _records_in(members: dict[str, Any], levels: int) -> str:
    for key, value in members.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            return f".{_encode(key)}"
        if isinstance(value, dict) and levels > 1:
            inner = _records_in(cast("dict[str, Any]", value), levels - 1)
            if inner:
                return f".{_encode(key)}{inner}"
    return ""


class _LineReader:
    """Reads one line into the values of the declared columns and, last, the rescued text."""

    def __init__(self, columns: Sequence[str]) -> None:
        self._columns = tuple(columns)
        self._known = frozenset(columns)
        self._nothing: tuple[str | None, ...] = (None,) * len(columns)
        self._malformed = 0
        # Declared columns that no line has had.
        self.unseen = set(columns)

    def take_malformed(self) -> int:
        """How many lines were malformed since this was asked last."""
        count, self._malformed = self._malformed, 0
        return count

    def read(self, line: str) -> tuple[str | None, ...]:
        try:
            members = _parsed(line)
        except _MalformedLineError as problem:
            self._malformed += 1
            return *self._nothing, malformed(str(problem), line)
        if self.unseen:
            self.unseen -= members.keys()
        values: list[str | None] = []
        texts: dict[str, str] = {}
        for column in self._columns:
            value = members.get(column)
            if value is None or type(value) is str:
                values.append(value)
            elif type(value) is bool:
                values.append("true" if value else "false")
            else:
                texts = texts or _source_texts(line)
                values.append(texts[column])
        rescued = None
        if not members.keys() <= self._known:
            texts = texts or _source_texts(line)
            unknown = (f"{_encode(key)}:{texts[key]}" for key in members if key not in self._known)
            rescued = f"{{{','.join(unknown)}}}"
        return *values, rescued


def _parsed(line: str) -> dict[str, Any]:
    """The members of the object on a line: strings and numbers as text, nested values parsed."""
    if len(line) > MAX_RECORD_CHARS:
        raise _MalformedLineError(too_long())
    if line.count("{") + line.count("[") > MAX_NESTING and _depth(line) > MAX_NESTING:
        raise _MalformedLineError(f"values nested more than {MAX_NESTING} deep; expected at most that many levels")
    try:
        value = _DECODER.decode(line.rstrip("\r\n"))
    except json.JSONDecodeError as error:
        if error.msg == "Extra data":
            raise _MalformedLineError(
                f"more than one document, the second at character {error.pos + 1}; expected one"
            ) from error
        raise _MalformedLineError(
            f"not JSON at character {error.pos + 1} ({error.msg}); expected one object"
        ) from error
    if type(value) is not dict:
        raise _MalformedLineError(f"{_KINDS[type(value)]}; expected an object")
    members = cast("dict[str, Any]", value)
    if reserved := RESERVED_KEYS & members.keys():
        raise _MalformedLineError(f"the key {min(reserved)}, which is a name of our own; expected another")
    if "\\u0000" in line and _NUL.search(line):
        raise _MalformedLineError("a NUL character (\\u0000); expected text")
    if _SURROGATE.search(line) and _has_lone_surrogate(members):
        raise _MalformedLineError(
            "half of a surrogate pair (\\ud800 to \\udfff), which is not a character; expected both halves"
        )
    return members


def _source_texts(line: str) -> dict[str, str]:
    """The exact text of each member's value, of a line that is known to be one JSON object."""
    texts: dict[str, str] = {}
    position = 0
    while match := _MEMBER.match(line, position):
        key, text = match.groups()
        position = match.end()
        if text is None:
            _, end = _DECODER.raw_decode(line, position)
            text = line[position:end]
            position = end
        texts[json.loads(key) if "\\" in key else key[1:-1]] = text
    return texts


def _depth(line: str) -> int:
    depth = deepest = 0
    for match in _STRING_OR_BRACKET.finditer(line):
        token = match[0]
        depth += (token in "[{") - (token in "]}")
        deepest = max(deepest, depth)
    return deepest


def _has_lone_surrogate(members: dict[str, Any]) -> bool:
    try:
        _encode(members).encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False
