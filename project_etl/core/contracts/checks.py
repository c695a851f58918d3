"""What each Pandera check says: as Spark SQL, as a sentence, and for which column types.

A new check is one entry of `CHECKS`. Not here: which columns have which checks and what a broken one leads to
(`__init__.py`). Pandera's own `validate` is the oracle: the tests compare its verdict with these conditions.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from typing import Any, TypeGuard, cast

from pyspark.sql import types as T

from project_etl.core.contracts.rules import ContractError
from project_etl.core.contracts.sql_text import spark_text
from project_etl.core.transforms.patterns import portable

_INTEGERS = (T.ByteType, T.ShortType, T.IntegerType, T.LongType)
FLOATS = (T.FloatType, T.DoubleType)
_ORDERED = (*_INTEGERS, T.DecimalType, *FLOATS, T.DateType, T.TimestampType)
_TEXT = (T.StringType,)
_LISTED = (*_ORDERED, *_TEXT)
_COMPARED = (*_LISTED, T.BooleanType)

_SHOWN_VALUES = 10
"""A sentence that lists more values than this is no longer read."""

Says = tuple[str, str]
"""The condition of a check in Spark SQL, and the rest of the sentence that starts with the column's name."""


@dataclass(frozen=True)
class CheckKind:
    """One kind of Pandera check.

    Attributes:
        keyword: Its keyword in `pa.Field`, by which people know it.
        types: The Spark types it can be used on.
        says: Column name in SQL, column type and the check's values in; condition and sentence out.
    """

    keyword: str
    types: tuple[type[T.DataType], ...]
    says: Callable[[str, T.DataType, Mapping[str, Any]], Says]


def _compare(operator: str, words: str, value: str) -> Callable[[str, T.DataType, Mapping[str, Any]], Says]:
    """Make the meaning of a comparison with the one value that Pandera keeps under the name `value`."""

    def says(column: str, of: T.DataType, values: Mapping[str, Any]) -> Says:
        return f"{column} {operator} {literal(values[value], of)}", f"must {words} {_show(values[value])}"

    return says


def _listed(operator: str, words: str, value: str) -> Callable[[str, T.DataType, Mapping[str, Any]], Says]:
    """Make the meaning of a membership test in the list that Pandera keeps under the name `value`."""

    def says(column: str, of: T.DataType, values: Mapping[str, Any]) -> Says:
        given = values[value]
        if isinstance(given, str) or not isinstance(given, Collection) or not given:
            raise ContractError(f"found {given!r} as the list of values; give a list with at least one value")
        items = list(cast("Collection[object]", given))
        literals = [literal(item, of) for item in items]
        shown = [_show(item) for item in items]
        if isinstance(given, (set, frozenset)):
            shown.sort()
        # Sorted and without repeats, so that the version of the rule does not depend on how the list is written.
        return f"{column} {operator} ({', '.join(sorted(set(literals)))})", f"must {words} {_enumerate(shown)}"

    return says


def _text(function: str, words: str, value: str) -> Callable[[str, T.DataType, Mapping[str, Any]], Says]:
    """Make the meaning of a SQL function of the column and the text that Pandera keeps under the name `value`."""

    def says(column: str, of: T.DataType, values: Mapping[str, Any]) -> Says:
        given = str(values[value])
        return f"{function}({column}, {literal(given, of)})", f"must {words} '{given}'"

    return says


def _in_range(column: str, of: T.DataType, values: Mapping[str, Any]) -> Says:
    low, high = values["min_value"], values["max_value"]
    above, at_least = (">=", "at least") if values["include_min"] else (">", "greater than")
    below, at_most = ("<=", "at most") if values["include_max"] else ("<", "less than")
    return (
        f"{column} {above} {literal(low, of)} AND {column} {below} {literal(high, of)}",
        f"must be {at_least} {_show(low)} and {at_most} {_show(high)}",
    )


def _str_matches(column: str, of: T.DataType, values: Mapping[str, Any]) -> Says:
    pattern = _pattern(values["pattern"])
    if _has_open_alternation(pattern):
        # Pandera puts one ^ in front: in "^GBP|EUR" it binds to the first branch only, and "xEUR" would pass.
        raise ContractError(
            f"the pattern {pattern!r} has alternatives outside a group, and only the first of them would be tied to"
            f" the start of the text; write {'^(' + pattern.removeprefix('^') + ')'!r}"
        )
    anchored = pattern if pattern.startswith("^") else f"^{pattern}"
    return f"{column} RLIKE {literal(_portable(anchored), of)}", f"must match the pattern '{anchored}'"


def _str_contains(column: str, of: T.DataType, values: Mapping[str, Any]) -> Says:
    pattern = _pattern(values["pattern"])
    return f"regexp_like({column}, {literal(_portable(pattern), of)})", f"must contain the pattern '{pattern}'"


def _str_length(column: str, _of: T.DataType, values: Mapping[str, Any]) -> Says:
    exact = values.get("exact_value")
    low, high = (exact, exact) if exact is not None else (values.get("min_value"), values.get("max_value"))
    lengths = [("=", "exactly", exact)] if exact is not None else [(">=", "at least", low), ("<=", "at most", high)]
    given = [(operator, words, number) for operator, words, number in lengths if number is not None]
    conditions = [f"length({column}) {operator} {literal(number, T.IntegerType())}" for operator, _, number in given]
    words = " and ".join(f"{words} {number}" for _, words, number in given)
    return " AND ".join(conditions), f"must be {words} characters long"


CHECKS: Mapping[str, CheckKind] = {
    "equal_to": CheckKind("eq", _COMPARED, _compare("=", "be", "value")),
    "not_equal_to": CheckKind("ne", _COMPARED, _compare("!=", "not be", "value")),
    "greater_than": CheckKind("gt", _ORDERED, _compare(">", "be greater than", "min_value")),
    "greater_than_or_equal_to": CheckKind("ge", _ORDERED, _compare(">=", "be at least", "min_value")),
    "less_than": CheckKind("lt", _ORDERED, _compare("<", "be less than", "max_value")),
    "less_than_or_equal_to": CheckKind("le", _ORDERED, _compare("<=", "be at most", "max_value")),
    "in_range": CheckKind("in_range", _ORDERED, _in_range),
    "isin": CheckKind("isin", _LISTED, _listed("IN", "be one of", "allowed_values")),
    "notin": CheckKind("notin", _LISTED, _listed("NOT IN", "not be one of", "forbidden_values")),
    "str_startswith": CheckKind("str_startswith", _TEXT, _text("startswith", "start with", "string")),
    "str_endswith": CheckKind("str_endswith", _TEXT, _text("endswith", "end with", "string")),
    "str_contains": CheckKind("str_contains", _TEXT, _str_contains),
    "str_matches": CheckKind("str_matches", _TEXT, _str_matches),
    "str_length": CheckKind("str_length", _TEXT, _str_length),
}
"""By the name under which Pandera registers the check."""


def literal(value: object, of: T.DataType) -> str:
    """Write a Python value as a Spark SQL literal that compares exactly with a column of type `of`.

    Raises:
        ContractError: When the value is not of the column's kind or the column could not hold it: such a comparison
            would be inexact (a float against a decimal), depend on the machine (an instant without a time zone), or
            never be false (a null).
    """
    value = value.value if isinstance(value, Enum) else value
    if isinstance(of, T.StringType) and isinstance(value, str):
        return spark_text(value)
    if isinstance(of, T.BooleanType) and isinstance(value, bool):
        return str(value).upper()
    if isinstance(of, _INTEGERS) and _is_int(value):
        return str(value)
    if isinstance(of, T.DecimalType) and (_is_int(value) or isinstance(value, Decimal)) and _fits(Decimal(value), of):
        return f"{Decimal(value):f}BD"
    if isinstance(of, FLOATS) and (_is_int(value) or isinstance(value, float)) and not math.isnan(value):
        return f"double('{value}')" if math.isinf(value) else f"{float(value)!r}D"
    if isinstance(of, T.TimestampType) and isinstance(value, datetime) and value.utcoffset() is not None:
        return f"TIMESTAMP '{value.astimezone(UTC).isoformat(sep=' ')}'"
    if isinstance(of, T.DateType) and isinstance(value, date) and not isinstance(value, datetime):
        return f"DATE '{value.isoformat()}'"
    raise ContractError(
        f"found the value {value!r} ({type(value).__name__}), but a column of type {sql_type(of)} is compared with"
        f" {_expected(of)}; change the value or the column's type"
    )


def sql_type(of: T.DataType) -> str:
    """Return a Spark type as people write it in SQL, such as DECIMAL(18,4)."""
    return of.simpleString().upper()


def _pattern(value: str | re.Pattern[str]) -> str:
    return value.pattern if isinstance(value, re.Pattern) else value


def _portable(pattern: str) -> str:
    try:
        return portable(pattern)
    except ValueError as error:
        raise ContractError(str(error)) from error


def _is_int(value: object) -> TypeGuard[int]:
    # Beyond 64 bits Pandera itself cannot hand an int to Spark; a Decimal it can.
    return isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63


def _fits(value: Decimal, of: T.DecimalType) -> bool:
    if not value.is_finite():
        return False
    # Fractions, because arithmetic on decimals rounds to the 28 digits of Python's decimal context.
    exact = Fraction(value)
    return (exact * 10**of.scale).denominator == 1 and abs(exact) < 10 ** (of.precision - of.scale)


def _expected(of: T.DataType) -> str:
    if isinstance(of, T.DecimalType):
        return f"a Decimal (or an int of at most 64 bits) that fits in {sql_type(of)}"
    if isinstance(of, T.TimestampType):
        return "a datetime with a time zone"
    kinds: dict[type[T.DataType], str] = {T.StringType: "text", T.BooleanType: "a bool", T.DateType: "a date"}
    kinds |= dict.fromkeys(_INTEGERS, "an int of at most 64 bits") | dict.fromkeys(FLOATS, "a float that is not NaN")
    return kinds[type(of)]


def _show(value: object) -> str:
    value = value.value if isinstance(value, Enum) else value
    return value.isoformat() if isinstance(value, (date, datetime)) else str(value)


def _enumerate(shown: list[str]) -> str:
    if len(shown) <= _SHOWN_VALUES:
        return ", ".join(shown)
    return f"{', '.join(shown[:_SHOWN_VALUES])}, … ({len(shown)} values)"


def _has_open_alternation(pattern: str) -> bool:
    depth, in_class, escaped = 0, False, False
    for character in pattern:
        if escaped:
            escaped = False
        elif character == "\\":
            escaped = True
        elif in_class:
            in_class = character != "]"
        elif character == "[":
            in_class = True
        elif character in "()":
            depth += 1 if character == "(" else -1
        elif character == "|" and depth == 0:
            return True
    return False
