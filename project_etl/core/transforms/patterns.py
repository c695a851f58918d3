r"""Regular expressions that match the same texts on every engine.

Spark uses Java's expressions and the embedded engine those of Rust. They differ in what `\d`, `\w`, `\s`, `.` and `$`
match, and Rust knows no look-around and no back references. Here: the way from a pattern as people write it to one
that both read alike. Not here: which patterns there are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

LINE_BREAKS = r"\n\r\u0085\u2028\u2029"
BLANK = r"[ \t\n\x0B\f\r]"
"""What Java's `\\s` matches: a blank of ASCII."""
END = rf"(?:\r\n|[{LINE_BREAKS}])?\z"
"""What Java's `$` matches: the end of the text, or the line break before it. Java alone sees that a `\\n` after what
matched a `\\r` is no line break of its own."""

# Java's meaning, as the inside of a class.
_CLASSES = {"d": "0-9", "w": "A-Za-z0-9_", "s": r" \t\n\x0B\f\r"}
_SAME_ESCAPES = frozenset("tnrfxuAz")
_SAME_QUANTIFIER = re.compile(r"\{[0-9]+(,[0-9]*)?\}")


def portable(pattern: str) -> str:
    r"""Write a pattern of Java so that Java and Rust read it alike, with Java's meaning.

    Args:
        pattern: may use classes, groups, `(?:…)`, alternatives, quantifiers, `^`, `$`, `.`, `\d`, `\w` and `\s`.

    Raises:
        ValueError: something in it has no meaning that both share; says what, and what to write instead.
    """
    return "".join(_translated(pattern))


def _translated(pattern: str) -> Iterator[str]:
    at, in_class = 0, False
    while at < len(pattern):
        token = _token(pattern, at)
        yield _inside(pattern, at, token) if in_class else _outside(pattern, at, token)
        if token in ("[", "[^"):
            in_class = True
            if pattern.startswith("]", at + len(token)):
                raise _refused(pattern, at, "a class that begins with ]", r"\]")
        elif token == "]":
            in_class = False
        at += len(token)


def _token(pattern: str, at: int) -> str:
    """The next character with what belongs to it: an escape, the beginning of a class or group, a quantifier."""
    if pattern[at] == "\\":
        return pattern[at : at + 2]
    if pattern.startswith("[^", at):
        return "[^"
    if quantifier := _SAME_QUANTIFIER.match(pattern, at):
        return quantifier[0]
    return pattern[at]


def _outside(pattern: str, at: int, token: str) -> str:
    after = pattern[at + len(token) : at + len(token) + 1]
    if token[0] == "\\":
        name = token[1:]
        if name.lower() in _CLASSES:
            return f"[{'^' if name.isupper() else ''}{_CLASSES[name.lower()]}]"
        return _same_escape(pattern, at, token)
    if token == ".":
        return f"[^{LINE_BREAKS}]"
    if token == "$":
        if after not in ("", ")", "|"):
            raise _refused(pattern, at, "$ before the end", "it at the end")
        return END
    if token == "(" and after == "?" and not pattern.startswith("(?:", at):
        raise _refused(pattern, at, "look-around, a flag or a named group", "a group, ( or (?:")
    if token == "{":
        raise _refused(pattern, at, "{ that is no quantifier", r"\{")
    if after == "+" and (token in ("*", "+", "?") or token[0] == "{"):
        raise _refused(pattern, at, "a possessive quantifier", "it without the +")
    return token


def _inside(pattern: str, at: int, token: str) -> str:
    if token[0] == "\\":
        name = token[1:]
        if name in _CLASSES:
            return _CLASSES[name]
        if name.lower() in _CLASSES:
            raise _refused(pattern, at, f"{token} in a class", "the characters themselves")
        return _same_escape(pattern, at, token)
    if token[0] == "[":
        raise _refused(pattern, at, "[ in a class", r"\[")
    if pattern[at : at + 2] in ("&&", "--", "~~"):
        raise _refused(pattern, at, f"{pattern[at : at + 2]} in a class", "it escaped")
    return token


def _same_escape(pattern: str, at: int, token: str) -> str:
    name = token[1:]
    if not name or (name.isalnum() and name not in _SAME_ESCAPES):
        raise _refused(pattern, at, token, "a class of characters")
    return token


def _refused(pattern: str, at: int, found: str, instead: str) -> ValueError:
    return ValueError(
        f"the pattern {pattern!r} has {found} at position {at + 1}, which engines read differently or not at all;"
        f" write {instead}"
    )
