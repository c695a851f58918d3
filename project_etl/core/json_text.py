r"""JSON text that is the same, letter by letter, on every engine.

Engines write nulls, instants, decimals and control characters of JSON in their own ways, and read texts that are not
quite JSON differently. Text is written here as Spark's `to_json` writes it: no blanks, `\u00XX` in large digits. Not
here: JSON that Python reads and writes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce

from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql import types as T

INSTANT_FORMAT = "yyyy-MM-dd'T'HH:mm:ss.SSS'Z'"

_SHORT_ESCAPES = {"\\": "\\\\", '"': '\\"', "\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r"}
_ESCAPES = _SHORT_ESCAPES | {chr(code): f"\\u{code:04X}" for code in range(32) if chr(code) not in _SHORT_ESCAPES}
_NEEDS_ESCAPE = r'[\x00-\x1f"\\]'

# Elements that engines read alike: texts, whole numbers, true, false and null. They differ about 1e20, NaN, ['a'], half
# of a pair of surrogates, and objects. No group is repeated: Java matches those by recursion, and a long text would
# exhaust its stack.
_BLANKS = r"[ \t\n\r]*"
_SURROGATES = r"[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_ESCAPED = rf'\\(?:["\\/bfnrt]|u(?:[0-9a-cA-CeEfF][0-9a-fA-F]{{3}}|[dD][0-7][0-9a-fA-F]{{2}}|{_SURROGATES}))'
_TEXT = r'"[^"\\\x00-\x1f]*"'
_MEMBER = rf',{_BLANKS}(?:""|-?[1-9][0-9]{{0,17}}|0|true|false|null){_BLANKS}'
_EMPTY_ARRAY = rf"^{_BLANKS}\[{_BLANKS}\]{_BLANKS}\z"
_ARRAY = rf"^{_BLANKS}\[([^\x00]*)\]{_BLANKS}\z"


def json_object(fields: Mapping[str, tuple[Column, T.DataType]], *, keep_nulls: bool = False) -> Column:
    """Write columns as one JSON object.

    Args:
        fields: name → the column and its type: text, a number, a boolean, a date, a timestamp, or an array of text.
        keep_nulls: write fields without a value as `null` instead of leaving them out.

    Raises:
        TypeError: a field has another type.
    """
    texts = [_as_text(name, column, of) for name, (column, of) in fields.items()]
    is_quoted = [isinstance(of, T.StringType | T.DateType | T.TimestampType) for _, of in fields.values()]
    names = F.array(*[F.lit(name) for name in fields])
    return _object(names, F.array(*texts), keep_nulls=keep_nulls, is_quoted=is_quoted)


def read_texts(column: Column | str) -> Column:
    """Read a JSON array of texts, whole numbers, booleans and nulls as an array of text; NULL when it is none."""
    column = F.col(column) if isinstance(column, str) else column
    # What is left of an array without its escapes, texts and members, in this order, is nothing.
    bare = F.regexp_replace(F.regexp_replace(column, _ESCAPED, "x"), _TEXT, '""')
    members = F.concat(F.lit(","), F.regexp_extract(bare, _ARRAY, 1))
    is_array = bare.rlike(_EMPTY_ARRAY) | (F.regexp_replace(members, _MEMBER, "") == F.lit(""))
    return F.from_json(F.when(is_array, column), "array<string>")


def _object(names: Column, texts: Column, *, keep_nulls: bool, is_quoted: Sequence[bool]) -> Column:
    quoted = None if all(is_quoted) else F.array(*[F.lit(one) for one in is_quoted])

    def member(text: Column, index: Column) -> Column:
        place = index + F.lit(1)
        value = _quoted(text) if quoted is None else F.when(F.element_at(quoted, place), _quoted(text)).otherwise(text)
        value = F.coalesce(value, F.lit("null")) if keep_nulls else value
        return F.concat(_quoted(F.element_at(names, place)), F.lit(":"), value)

    # Without `null` in its place, an absent member is left out of the list.
    return F.concat(F.lit("{"), F.array_join(F.transform(texts, member), ","), F.lit("}"))


def _as_text(name: str, column: Column, of: T.DataType) -> Column:
    """A value as it stands in JSON, a text without its quotes."""
    if isinstance(of, T.TimestampType):
        return F.date_format(column, INSTANT_FORMAT)
    if isinstance(of, T.ArrayType) and isinstance(of.elementType, T.StringType):
        members = F.array_join(F.transform(column, _quoted), ",", "null")
        return F.concat(F.lit("["), members, F.lit("]"))
    if isinstance(of, T.StringType | T.NumericType | T.BooleanType | T.DateType):
        return column.cast("string")
    raise TypeError(
        f"{name} has the type {of.simpleString()}, which is not written as JSON; leave it out, or add it to _as_text"
    )


def _quoted(text: Column) -> Column:
    escaped = reduce(lambda done, each: F.replace(done, F.lit(each[0]), F.lit(each[1])), _ESCAPES.items(), text)
    return F.concat(F.lit('"'), F.when(text.rlike(_NEEDS_ESCAPE), escaped).otherwise(text), F.lit('"'))
