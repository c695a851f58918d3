"""From the lines of a JSON file to records: one object a line, values as their exact source text.

Does not belong here: bytes and line ends (`text_lines.py`), or Arrow (`readers`).
"""

from __future__ import annotations

import json
import re
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
_KINDS = {list: "a list", str: "a string or number", bool: "true or false", type(None): "null"}


class _MalformedLineError(ValueError):
    """A line that is not a record; the text says what was found and what was expected."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise _MalformedLineError(f"the key {twice!a} more than once in an object; expected each key once")
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
        UnreadableFile: the file is one JSON document over several lines, or a list.
    """
    reader = _LineReader(columns)
    is_begun = False
    for block in blocks:
        lines = [line for line in block if not line.isspace()]
        if not lines:
            continue
        if not is_begun:
            _check_lines(lines, path)
            is_begun = True
        records = [reader.read(line) for line in lines]
        *values, rescued = zip(*records, strict=True)
        yield Rows(values, rescued)


def _check_lines(lines: list[str], path: str) -> None:
    first = lines[0].strip()
    is_pretty = first == "{" and len(lines) > 1 and not lines[1].lstrip().startswith("{")
    if first.startswith("[") or is_pretty:
        detail = (
            f"begins with {first[:60]!r}: one document over the whole file; expected one object a line (JSON Lines)"
        )
        raise UnreadableFile(path, FILE_JSON_LINES, detail)


class _LineReader:
    """Reads one line into the values of the declared columns and, last, the rescued text."""

    def __init__(self, columns: Sequence[str]) -> None:
        self._columns = tuple(columns)
        self._known = frozenset(columns)
        self._nothing: tuple[str | None, ...] = (None,) * len(columns)

    def read(self, line: str) -> tuple[str | None, ...]:
        try:
            members = _parsed(line)
        except _MalformedLineError as problem:
            return *self._nothing, malformed(str(problem), line)
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
