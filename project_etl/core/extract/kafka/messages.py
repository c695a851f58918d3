"""A message as a line of landing: the value's own text, with where it stood in the topic put before it.

Nothing is judged here. What is no object of JSON becomes a line that is none either, so that Bronze counts it as
malformed and Silver keeps it in quarantine, with its text.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from functools import lru_cache
from json.encoder import encode_basestring

PARTITION, OFFSET, TIMESTAMP, KEY = "_partition", "_offset", "_timestamp", "_key"
COLUMNS = {
    PARTITION: "Partition of the topic that the message was in.",
    OFFSET: "Offset of the message in it.",
    TIMESTAMP: "When the topic got the message, or its producer sent it, whichever the topic keeps.",
    KEY: "Key of the message.",
}
# The end of the year 9999, beyond which Python has no calendar.
_LAST = 253_402_300_799_999
# Line ends, which are white space of JSON that a line cannot hold, and characters that no JSON holds as they are.
_LINE_ENDS = str.maketrans("\r\n", "  ")
_CONTROLS = re.compile(r"[\x00-\x08\x0a-\x1f]")
_MARK = "\ufeff"


def line_of(partition: int, offset: int, milliseconds: int, key: bytes | None, value: bytes | None) -> str:
    """The line of a message.

    Args:
        partition: its partition.
        offset: its offset.
        milliseconds: its timestamp since the epoch; one that no calendar has is left out.
        key: its key; None where it has none.
        value: its value; None for a tombstone, whose line says where it stood and nothing else.
    """
    # Of a hundred thousand messages a second each is written by hand.
    at = f'"{_second(milliseconds // 1000)}.{milliseconds % 1000:03}Z"' if 0 <= milliseconds <= _LAST else "null"
    named = "null" if key is None else encode_basestring(_visible(key))
    place = f'{{"{PARTITION}":{partition},"{OFFSET}":{offset},"{TIMESTAMP}":{at},"{KEY}":{named}'
    if value is None:
        return f"{place}}}"
    text = _on_one_line(value)
    # What begins and ends so is an object, or is seen to be none when it is read, with members put before it or not.
    if text is not None and len(text) > 1 and text[0] == "{" and text[-1] == "}":
        rest = text[1:].lstrip()
        return f"{place}{'' if rest == '}' else ','}{rest}"
    return encode_basestring(f"{place}}} {_visible(value)}")


def _on_one_line(value: bytes) -> str | None:
    """A text that may be JSON, without line ends; None for one that is none, and must not become any."""
    try:
        text = value.decode().lstrip(_MARK).strip()
    except UnicodeDecodeError:
        return None
    if not _CONTROLS.search(text):
        return text
    try:
        # Between values line ends are white space. Within one they are a fault, which a blank would hide.
        json.loads(text)
    except (ValueError, RecursionError):
        return None
    return text.translate(_LINE_ENDS)


def _visible(content: bytes) -> str:
    """Bytes as text on one line; what is no UTF-8, and control characters, as escapes."""
    text = content.decode("utf-8", "backslashreplace")
    return _CONTROLS.sub(lambda found: f"\\x{ord(found[0]):02x}", text) if _CONTROLS.search(text) else text


@lru_cache(maxsize=1024)
def _second(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}"
