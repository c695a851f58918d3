"""Shared steps: small DataFrame and Column functions that several tables use.

Belongs here: casts, cleaning, calling transforms and holding their result against the contract. Does not belong here:
anything that only one table needs, money and rates (`money.py`), versions of dimensions (`asof.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce

from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql import types as T

from project_etl.core.transforms.patterns import BLANK

# What may stand around a value: a cast takes some of it off, and each engine something else.
_BLANKS = rf"{BLANK}*"
_CONTROLS = r"[\x00-\x20\x7f]*"
_SPACES = r"[\x00-\x20]*"

_OFFSET = r"(?:Z|UTC|[+-][0-9]{2}:?[0-9]{2})?"
_TIME = rf"[0-9]{{1,2}}:[0-9]{{2}}(?::[0-9]{{2}}(?:\.[0-9]{{1,9}})?)?{_BLANKS}{_OFFSET}"
_DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
INSTANT = rf"^{_BLANKS}{_DATE}(?:[ T]{_TIME})?{_BLANKS}\z"
# Offsets as databases and shops print them: hours alone, another name for UTC, small letters.
_ODD_OFFSET = rf"^({_DATE}[ T][0-9:.]+){_BLANKS}(?:([+-][0-9]{{2}})|Z|GMT|UTC|\+0000 UTC)?\z"

# What calendars of all languages cannot say: the year 0, and what an offset may bring before year 1 or after 9999.
_YEAR_0 = rf"^{_BLANKS}0000-"
_FAR = rf"^{_BLANKS}(?:0000-|(?:0001-01-01|9999-12-31)[ Tt][0-9:.]+{_BLANKS}[+-])"

_PLAIN_DATE = rf"^{_DATE}\z"
_PLAIN_INTEGER = r"^-?[0-9]{1,9}\z"
_PLAIN_NUMBER = r"^-?[0-9]{1,18}(?:\.[0-9]{1,18})?\z"
_MANTISSA = r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)"
# Further places than these say nothing of a rounded number, and not every engine reads more than 76 digits.
_PLACES = 40
_SHORT = rf"(?:[0-9]+\.?[0-9]{{0,{_PLACES}}}|\.[0-9]{{1,{_PLACES}}})"
_EXPONENT = r"[eE][+-]?[0-9]{1,3}"
SCIENTIFIC = rf"^{_SPACES}[+-]?{_MANTISSA}{_EXPONENT}{_SPACES}\z"
_PARTS = rf"^{_SPACES}([+-]?)([0-9]*)\.?([0-9]*)[eE]([+-]?[0-9]+){_SPACES}\z"

TRUE, FALSE = ("t", "true", "y", "yes", "1"), ("f", "false", "n", "no", "0")

# Letters that begin a word in another form than that of upper case, such as those of Georgian.
_LETTERS = [chr(code) for code in range(0x180, 0x2000)]
_TITLED = {
    letter: letter.title() for letter in _LETTERS if len(letter.title()) == 1 and letter.title() != letter.upper()
}


def cleaned(name: str) -> Column:
    """Text without spaces at its ends."""
    return F.trim(F.col(name))


def capitalized(text: Column) -> Column:
    """Begin each word with a capital letter and write the rest of it small; only a space begins a new word.

    What Spark's `initcap` means. Other engines also begin a word after a hyphen or an apostrophe.
    """
    return F.array_join(F.transform(F.split(text, " "), _word), " ")


def person_columns() -> dict[str, Column]:
    """What is known of a person: `first_name`, `last_name`, `full_name` and `email`, of the columns of these names.

    The same for all sources of people, who are matched by their address.
    """
    first, last = capitalized(cleaned("first_name")), capitalized(cleaned("last_name"))
    full_name = F.concat_ws(" ", first, last)
    return {
        "first_name": first,
        "last_name": last,
        "full_name": F.when(full_name != "", full_name),
        "email": F.lower(cleaned("email")),
    }


def _word(word: Column) -> Column:
    first, small = F.substring(word, 1, 1), F.lower(word)
    rest = small.substr(F.length(F.lower(first)) + F.lit(1), F.length(small))
    return F.concat(_title(first), rest)


def _title(letter: Column) -> Column:
    """A letter as it begins a word: `ß` is `Ss`, where upper case would be `SS`."""
    upper = F.upper(letter)
    # An iota below a Greek letter stays below it.
    others = F.lower(F.translate(F.substring(upper, 2, 2), "\u0399", "\u0345"))
    titled = F.translate(letter, "".join(_TITLED), "".join(_TITLED.values()))
    return (
        F.when(F.lit("".join(_TITLED)).contains(letter), titled)
        .when(letter == F.lit("\u0149"), upper)
        .otherwise(F.concat(F.substring(upper, 1, 1), others))
    )


def looked_up(key: Column, values: Mapping[str, str]) -> Column:
    """Translate texts by a short list; NULL for a text that is not in it.

    A CASE: an engine that does not fold literals would make a map anew for every row.
    """
    (first, value), *others = values.items()
    return reduce(
        lambda found, pair: found.when(key == F.lit(pair[0]), pair[1]), others, F.when(key == F.lit(first), value)
    )


def to_utc(name: str) -> Column:
    """Read text as an instant (UTC when it names no offset); null when it is not one, or of no year from 1 to 9999.

    Spark's own cast also accepts `now`, `12:30` (today) and bare years, whose meaning depends on the clock.
    """
    text, upper = F.col(name), F.upper(name)
    at, hours = (F.regexp_extract(upper, _ODD_OFFSET, group) for group in (1, 2))
    odd = F.concat(at, F.when(hours != "", F.concat(hours, F.lit(":00"))).otherwise("Z"))
    # Nearly every text is plain, and the others are not even looked at then.
    return (
        F.when(text.rlike(_FAR), F.lit(None).cast("timestamp"))
        .when(text.rlike(INSTANT), text.try_cast("timestamp"))
        .when(upper.rlike(_ODD_OFFSET), F.when(odd.rlike(INSTANT), odd.try_cast("timestamp")))
    )


def to_date(name: str) -> Column:
    """Read text as a day written `YYYY-MM-DD`, with blanks around it or not; null when it is not one from year 1 on."""
    text = F.col(name)
    found = F.when(text.rlike(_PLAIN_DATE), text.try_cast("date")).otherwise(
        _only(name, _DATE, _BLANKS).try_cast("date")
    )
    return F.when(~text.rlike(_YEAR_0), found)


def to_decimal(name: str, precision: int = 18, scale: int = 4) -> Column:
    """Read text as a decimal number, rounded half up to `scale` places; null when it is not one or too large.

    Digits are those of ASCII. `1e3` is a thousand; an exponent has at most three digits.
    """
    text, kind = F.col(name), T.DecimalType(precision, scale)
    short = _only(name, rf"[+-]?{_SHORT}", _SPACES, after="[0-9]*").try_cast(kind)
    written_out = _without_exponent(text).try_cast(kind)
    # Nearly every text is plain, and the others are not even looked at then.
    return (
        F.when(text.rlike(_PLAIN_NUMBER), text.try_cast(kind))
        .when(text.rlike(SCIENTIFIC), written_out)
        .otherwise(short)
    )


def to_int(name: str) -> Column:
    """Read text as a whole number, also one that a tool wrote as `12.0`; null when it is not one or out of range."""
    text = F.col(name)
    trimmed = _only(name, "[+-]?[0-9]+", _CONTROLS, after=r"(?:\.0+)?").try_cast("int")
    return F.when(text.rlike(_PLAIN_INTEGER), text.try_cast("int")).otherwise(trimmed)


def to_boolean(name: str) -> Column:
    """Read text as true or false in SQL's spellings (`t`, `true`, `y`, `yes`, `1`); null when it is neither."""
    # A tool that writes flags as floats, for some are missing, means 1 by 1.0.
    number = _only(name, "[01]", _CONTROLS, after=r"(?:\.0+)?")
    word = F.lower(F.concat(_only(name, "[A-Za-z]+", _CONTROLS), number))
    return F.when(word.isin(*TRUE), F.lit(True)).when(word.isin(*FALSE), F.lit(False))


def _only(name: str, pattern: str, around: str, after: str = "") -> Column:
    """The text that matches, without what stands around it; the empty text, which no cast reads, when none does."""
    return F.regexp_extract(F.col(name), rf"^{around}({pattern}){after}{around}\z", 1)


def _without_exponent(text: Column) -> Column:
    """A number in scientific notation written out: not every engine reads such a text."""
    sign, whole, fraction, exponent = (F.regexp_extract(text, _PARTS, group) for group in range(1, 5))
    digits = F.concat(whole, fraction)
    point = F.length(whole) + exponent.try_cast("int")
    missing = F.greatest(point - F.length(digits), F.lit(0))
    before = F.when(point <= F.lit(0), "0").otherwise(
        F.concat(digits.substr(F.lit(1), point), F.repeat(F.lit("0"), missing))
    )
    after = F.when(point < F.lit(0), F.concat(F.repeat(F.lit("0"), F.greatest(-point, F.lit(0))), digits)).otherwise(
        digits.substr(point + F.lit(1), F.length(digits))
    )
    return F.concat(sign, before, F.lit("."), F.substring(after, 1, _PLACES))
