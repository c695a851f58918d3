r"""JSON text that is the same, letter by letter, on every engine.

Engines write nulls and control characters of JSON in their own ways, and read texts that are not quite JSON
differently. Text is written here as Spark's `to_json` writes it: no blanks, `\u00XX` in large digits. Not here: JSON
that Python reads and writes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import reduce

from pyspark.sql import Column
from pyspark.sql import functions as F

_SHORT_ESCAPES = {"\\": "\\\\", '"': '\\"', "\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r"}
_ESCAPES = _SHORT_ESCAPES | {chr(code): f"\\u{code:04X}" for code in range(32) if chr(code) not in _SHORT_ESCAPES}
_NEEDS_ESCAPE = r'[\x00-\x1f"\\]'

# Elements that engines read alike: texts, whole numbers, true, false and null. They differ about 1e20, NaN, ['a'], half
# of a pair of surrogates, and objects. U+0000 is no text. No group is repeated: Java matches those by recursion, and a
# long text would exhaust its stack.
_BLANKS = r"[ \t\n\r]*"
_SURROGATES = r"[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_LOW = "000[1-9a-fA-F]|00[1-9a-fA-F][0-9a-fA-F]|0[1-9a-fA-F][0-9a-fA-F]{2}"
_ESCAPED = rf'\\(?:["\\/bfnrt]|u(?:{_LOW}|[1-9a-cA-CeEfF][0-9a-fA-F]{{3}}|[dD][0-7][0-9a-fA-F]{{2}}|{_SURROGATES}))'
_TEXT = r'"[^"\\\x00-\x1f]*"'
_MEMBER = rf',{_BLANKS}(?:""|-?[1-9][0-9]{{0,17}}|0|true|false|null){_BLANKS}'
_EMPTY_ARRAY = rf"^{_BLANKS}\[{_BLANKS}\]{_BLANKS}\z"
_ARRAY = rf"^{_BLANKS}\[([^\x00]*)\]{_BLANKS}\z"


def json_object(texts: Mapping[str, Column]) -> Column:
    """Write text columns as one JSON object; those without a value as `null`.

    Args:
        texts: name → the column.
    """
    names = F.array(*[F.lit(f"{json.dumps(name, ensure_ascii=False)}:") for name in texts])

    def member(text: Column, index: Column) -> Column:
        return F.concat(F.element_at(names, index + F.lit(1)), F.coalesce(_quoted(text), F.lit("null")))

    return F.concat(F.lit("{"), F.array_join(F.transform(F.array(*texts.values()), member), ","), F.lit("}"))


def json_array(texts: Column) -> Column:
    """Write an array of texts, none of them null, as a JSON array."""
    return F.concat(F.lit("["), F.array_join(F.transform(texts, _quoted), ","), F.lit("]"))


def read_texts(column: Column | str) -> Column:
    """Read a JSON array of texts, whole numbers, booleans and nulls as an array of text; NULL when it is none."""
    column = F.col(column) if isinstance(column, str) else column
    # What is left of an array without its escapes, texts and members, in this order, is nothing.
    bare = F.regexp_replace(F.regexp_replace(column, _ESCAPED, "x"), _TEXT, '""')
    members = F.concat(F.lit(","), F.regexp_extract(bare, _ARRAY, 1))
    is_array = bare.rlike(_EMPTY_ARRAY) | (F.regexp_replace(members, _MEMBER, "") == F.lit(""))
    return F.from_json(F.when(is_array, column), "array<string>")


def _quoted(text: Column) -> Column:
    escaped = reduce(lambda done, each: F.replace(done, F.lit(each[0]), F.lit(each[1])), _ESCAPES.items(), text)
    return F.concat(F.lit('"'), F.when(text.rlike(_NEEDS_ESCAPE), escaped).otherwise(text), F.lit('"'))
