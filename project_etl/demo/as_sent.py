"""What real exports do to records: the same thing spelled otherwise, instants that no business has, and deletions.

All this is written beside the shop's own records, with draws and keys of its own, so that no number of the shop depends
on it. Belongs here: spellings. Does not belong here: which kinds there are (`kind_table.py`), whose records show them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from project_etl.demo.kinds import Kind

Value = TypeVar("Value")

# Keys beside the shop's own, below those that nobody knows.
CUSTOMERS_BESIDE = 9_500_000
ORDERS_BESIDE = 980_000_000

_BLANKS = ("  {}", "{}\t", "\u00a0{}", "{}\u200b", " {}\u00a0")
_WORDS = ("NULL", "None", "nan", "N/A", "-", "\\N")
_OFFSETS = ("+00", " GMT", " +0000 UTC")
_FAR = ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "1899-12-31T23:59:59Z")

# A kind's name is the column's and one of these: a text and the number of the occurrence → the text as it is sent.
_SPELLINGS: Mapping[str, Callable[[str, int], str]] = {
    "padded": lambda text, number: _BLANKS[number % len(_BLANKS)].format(text),
    "guarded": lambda text, _: f'="{text}"',
    "as_float": lambda text, _: f"{text}.0",
    "as_word": lambda _, number: _WORDS[number % len(_WORDS)],
    "offset": lambda text, number: text.removesuffix("Z") + _OFFSETS[number % len(_OFFSETS)],
    "far": lambda _, number: _FAR[number % len(_FAR)],
    "rounded": lambda text, _: f"{text[1]}.{text[2:4]}E+{len(text) - 2:02d}",
}


def as_sent(record: Mapping[str, Value], kind: Kind, number: int) -> dict[str, Value | str]:
    """Return a record with the column of a kind spelled as the kind's name says."""
    assert kind.column is not None, kind
    spell = _SPELLINGS[kind.name.removeprefix(f"{kind.column}_")]
    return {**record, kind.column: spell(str(record[kind.column]), number)}
