r"""Cleaning: what stands around a value in real exports, and words that mean that there is none.

Belongs here: the steps, with code points spelled out, for engines differ in what `\s` and `trim` take for a blank.
Does not belong here: which column is what (`RECORDS` in each Silver table's module), casts (`casts.py`).

The steps, in their order: blanks at the ends, the guards of spreadsheets, blanks again, words for nothing, and whole
numbers that a tool wrote as floats.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

# Blanks that have a width. Inside a label, a name or an instant, a run of them is one space.
_WIDE = [*range(0x09, 0x0E), 0x20, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000]
# Those without: emoji need them inside, nothing needs them at an end.
_NARROW = [*range(0x200B, 0x200E), 0x2060, 0xFEFF]
WIDE_BLANKS = "".join(map(chr, _WIDE))
BLANKS = "".join(map(chr, sorted([*_WIDE, *_NARROW])))

NOTHING = ("null", "none", "nan", "nat", "n/a", "#n/a", "\\n", "<na>", "nil", "(null)", "-")
"""Words for no value, in small letters; `na` is one too, except where it is Namibia."""
NOTHING_IN_TEXT = ("\\N",)
"""In names and texts all other words are words: people are called Null, and products None."""

_RUN = f"[{WIDE_BLANKS}]+"
_NEEDS_ONE_SPACE = f"[{WIDE_BLANKS}]{{2}}|[{WIDE_BLANKS.replace(' ', '')}]"
_GUARD = r'^="([^"]*)"\z'
_APOSTROPHE = r"^'[0-9]"
_FLOAT = r"^([0-9]+)\.0+\z"
ROUNDED_KEY = r"^[0-9]+([.][0-9]*)?[eE][+-][0-9]+\z"
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


def cleaned(rows: DataFrame, kinds: Mapping[str, Kind]) -> DataFrame:
    """Rows with some text columns cleaned; null where nothing is left, or it is a word for nothing.

    One step after the other, each a projection of its own: an engine that copies a step into every place that uses it
    would copy the steps before it as often.

    Args:
        rows: has the columns.
        kinds: column → what it is.
    """
    of_text = {name: F.btrim(F.col(name), F.lit(BLANKS)) for name, kind in kinds.items() if kind is not Kind.TEXT}
    rows = rows.withColumns(of_text) if of_text else rows
    for step in (_tidied, _without_float, _without_nothing):
        changed = {name: found for name, kind in kinds.items() if (found := step(F.col(name), kind)) is not None}
        rows = rows.withColumns(changed) if changed else rows
    return rows


def _tidied(text: Column, kind: Kind) -> Column | None:
    """A value with single spaces, or without `="…"` or the apostrophe by which a spreadsheet keeps its zeros."""
    if kind in (Kind.LABEL, Kind.NAME, Kind.INSTANT):
        return F.when(text.rlike(_NEEDS_ONE_SPACE), F.regexp_replace(text, _RUN, " ")).otherwise(text)
    if kind is Kind.TEXT:
        return None
    inner = F.btrim(F.regexp_extract(text, _GUARD, 1), F.lit(BLANKS))
    after = F.btrim(F.substring(text, 2, 2**31 - 1), F.lit(BLANKS))
    return F.when(text.startswith("="), F.when(text.rlike(_GUARD), inner).otherwise(text)).otherwise(
        F.when(text.startswith("'") & text.rlike(_APOSTROPHE), after).otherwise(text)
    )


def _without_float(text: Column, kind: Kind) -> Column | None:
    """A key that is a whole number, also where a tool has written it as a float."""
    if kind is not Kind.KEY:
        return None
    return F.when(text.endswith("0") & text.rlike(_FLOAT), F.regexp_extract(text, _FLOAT, 1)).otherwise(text)


def _without_nothing(text: Column, kind: Kind) -> Column | None:
    """Null for what is empty, and for words that mean that there is no value."""
    if kind is Kind.TEXT:
        bare = F.btrim(text, F.lit(BLANKS))
        return F.when(~bare.isin("", *NOTHING_IN_TEXT), text)
    if kind is Kind.NAME:
        return F.when(~text.isin("", *NOTHING_IN_TEXT), text)
    words = NOTHING if kind in (Kind.COUNTRY, Kind.LABEL) else (*NOTHING, "na")
    return F.when(~F.lower(text).isin("", *words), text)
