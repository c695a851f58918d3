"""Text of files as people can see it in a message. Does not belong here: changing what is stored as received."""

from __future__ import annotations

_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
# Letters by name, and blank all the same: fillers of Hangul, an empty pattern of Braille.
_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")


def visible(text: str) -> str:
    """Return the text with an escape for each character that cannot be seen, such as a no-break space."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(char if char.isprintable() and char not in _BLANK else _escape(char) for char in text)


def _escape(char: str) -> str:
    code = ord(char)
    return _SHORT.get(char) or (f"\\u{code:04x}" if code < 1 << 16 else f"\\U{code:08x}")
