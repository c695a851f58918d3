r"""Cleaning: what stands around a value in real exports, and words that mean that there is none.

Belongs here: the steps, with code points spelled out, for engines differ in what `\s` and `trim` take for a blank.
Does not belong here: which column is what (`RECORDS` in each Silver table's module), casts (`casts.py`).

The steps, in their order: blanks at the ends, the guards of spreadsheets, blanks again, whole numbers that a tool wrote
as floats, and words for nothing. `clean` is for columns of a frame, and `clean_key` and `clean_code` for one text.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from enum import Enum

from pyspark.sql import Column
from pyspark.sql import functions as F

from project_etl.core.transforms.words import NOTHING, NOTHING_IN_TEXT

# Blanks that have a width. Inside a label, a name or an instant, a run of them is one space.
_WIDE = [*range(0x09, 0x0E), 0x20, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000]
# Those without: emoji need them inside, nothing needs them at an end.
_NARROW = [*range(0x200B, 0x200E), 0x2060, 0xFEFF]
BLANKS = "".join(map(chr, sorted([*_WIDE, *_NARROW])))

_RUN = f"[{''.join(map(chr, _WIDE))}]+"
# `="001"`, or an apostrophe before a digit.
_GUARDS = r"""^="([^"]*)"\z|^'([0-9])"""
_FLOAT = r"^([0-9]+)\.0+\z"
ROUNDED_KEY = r"[+-]?([0-9]+([.,][0-9]*)?|[.,][0-9]+)[eE][+-][0-9]+\z"
"""A number as a spreadsheet writes a long one: its last digits are lost. `12E5` is an article number."""


class Kind(Enum):
    """What a column of a record is, and so what is cleaned off it."""

    KEY = "identifies a thing, here or in another table"
    CODE = "one of a list, such as a currency"
    COUNTRY = "a code of which `NA` is one"
    NUMBER = "a number or a flag"
    INSTANT = "an instant or a day"
    LABEL = "names a group, such as a category"
    NAME = "what people call a thing or a person"
    TEXT = "written by people, or by a machine as a whole, such as JSON"


def clean(text: Column, kind: Kind, nothing: Collection[str] = NOTHING) -> Column:
    """A text without what is no part of it; null when nothing is left, or when it is a word for nothing.

    Each step names the step before it once. Where an engine copies the whole into a filter, it then stays as long as it
    is, and does not grow with each step.

    Args:
        text: a text as received.
        kind: what it is.
        nothing: words that mean that there is no value, in small letters.
    """
    if kind is Kind.TEXT:
        return F.when(~F.btrim(text, F.lit(BLANKS)).isin("", *NOTHING_IN_TEXT), text)
    text = F.btrim(text, F.lit(BLANKS))
    if kind in (Kind.LABEL, Kind.NAME, Kind.INSTANT):
        text = F.regexp_replace(text, _RUN, " ")
    if kind is not Kind.NAME:
        text = F.btrim(F.regexp_replace(text, _GUARDS, "$1$2"), F.lit(BLANKS))
    if kind is Kind.KEY:
        text = F.regexp_replace(text, _FLOAT, "$1")
    if kind is Kind.NAME:
        return F.when(~text.isin("", *NOTHING_IN_TEXT), text)
    words = nothing if kind in (Kind.COUNTRY, Kind.LABEL) else (*nothing, "na")
    return F.when(~F.lower(text).isin("", *words), text)


def clean_key(text: str | None, nothing: Collection[str] = NOTHING) -> str | None:
    """What `clean` makes of a text that is a `Kind.KEY`, without an engine."""
    return _plain(text, nothing, is_key=True)


def clean_code(text: str | None, nothing: Collection[str] = NOTHING) -> str | None:
    """What `clean` makes of a text that is a `Kind.CODE`, without an engine."""
    return _plain(text, nothing, is_key=False)


# Python writes the end of a text in capitals.
_PLAIN_GUARDS, _PLAIN_FLOAT = (re.compile(pattern.replace(r"\z", r"\Z")) for pattern in (_GUARDS, _FLOAT))


def _plain(text: str | None, nothing: Collection[str], *, is_key: bool) -> str | None:
    if text is None:
        return None
    text = text.strip(BLANKS)
    text = _PLAIN_GUARDS.sub(lambda found: (found[1] or "") + (found[2] or ""), text).strip(BLANKS)
    if is_key:
        text = _PLAIN_FLOAT.sub(r"\1", text)
    return None if text.lower() in ("", "na", *nothing) else text
