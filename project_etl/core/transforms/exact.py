"""Exact decimal arithmetic that gives the same digits on every engine.

Engines agree on sums, differences and remainders of decimals, and on products that fit in 38 digits. They differ in how
many places a quotient has, in whether its last one is rounded, and in what a wider product becomes. So quotients are
divided here by hand, and wide products are added up from parts that fit. Not here: what an amount or a rate is
(`money.py`).
"""

from __future__ import annotations

from decimal import Decimal

from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql import types as T

MAX_PRECISION = 38
WHOLE = T.DecimalType(MAX_PRECISION, 0)


def quotient(dividend: Column, divisor: Column, of: T.DecimalType, into: T.DecimalType) -> Column:
    """Divide two decimals and round the exact quotient half up, once.

    Args:
        dividend: becomes `of`.
        divisor: becomes `of`.
        of: the type of both; its digits and the places of `into` are at most 36 together.
        into: the type of the quotient.

    Returns:
        NULL when the divisor is 0, or when a value does not fit in its type.

    Raises:
        ValueError: `of` has too many digits for so many places.
    """
    places = into.scale
    if of.precision + places + 2 > MAX_PRECISION:
        raise ValueError(f"{of.simpleString()} has too many digits for a quotient of {places} places")
    top, bottom = _units(dividend, of), _units(divisor, of)
    by = F.when(bottom != F.lit(0), F.abs(bottom))
    # Rounded half up, a / b is the whole part of (2a + b) / 2b.
    units = _whole_part((F.abs(top) * _whole(2 * 10**places)).cast(WHOLE) + by, by + by)
    units = units.try_cast(T.DecimalType(into.precision, 0))
    ones = _whole_part(units, _whole(10**places)).cast(T.DecimalType(into.precision - places, 0))
    rest = (units % _whole(10**places)).cast(T.DecimalType(places, 0)) * _place(places)
    found = (ones + rest.cast(T.DecimalType(places, places))).cast(into)
    is_negative = (top < F.lit(0)) != (bottom < F.lit(0))
    return F.when(is_negative, (_whole(0) - found).cast(into)).otherwise(found)


def scaled_product(amount: Column, rate: Column) -> Column:
    """Multiply a DECIMAL(18,4) by a DECIMAL(28,18) without losing a digit.

    Returns:
        DECIMAL(38,22); NULL when the product has more than 15 digits before the point.
    """
    whole, fraction = _parts(rate)
    by_whole = (amount.try_cast(T.DecimalType(18, 4)) * whole).try_cast(T.DecimalType(19, 4))
    by_fraction = amount.try_cast(T.DecimalType(18, 4)) * fraction
    return (by_whole + by_fraction).cast(T.DecimalType(MAX_PRECISION, 22))


def rate_product(first: Column, second: Column) -> Column:
    """Multiply two DECIMAL(28,18), rounded half up at 27 places.

    Returns:
        DECIMAL(38,27); NULL when the product has more than ten digits before the point.
    """
    (whole, fraction), (other_whole, other_fraction) = _parts(first), _parts(second)
    large = (whole * other_whole).try_cast(T.DecimalType(10, 0))
    middle = (large + whole * other_fraction + fraction * other_whole).try_cast(T.DecimalType(28, 18))
    small = (fraction * other_fraction).cast(T.DecimalType(28, 27))
    return (middle + small).try_cast(T.DecimalType(MAX_PRECISION - 1, 27)).cast(T.DecimalType(MAX_PRECISION, 27))


def _parts(rate: Column) -> tuple[Column, Column]:
    """A rate's whole number below it, and what is left, from 0 to less than 1."""
    rate = rate.try_cast(T.DecimalType(28, 18))
    whole = F.floor(rate).cast(T.DecimalType(11, 0))
    return whole, (rate - whole).cast(T.DecimalType(18, 18))


def _whole_part(dividend: Column, divisor: Column) -> Column:
    """The whole part of a quotient. Nothing is left over, so that it does not matter how an engine rounds."""
    return ((dividend - dividend % divisor) / divisor).cast(WHOLE)


def _units(value: Column, of: T.DecimalType) -> Column:
    """A decimal as a whole number of its last place."""
    return (value.try_cast(of) * _whole(10**of.scale)).cast(T.DecimalType(of.precision, 0))


def _whole(value: int) -> Column:
    """A whole number as a literal of the narrowest decimal type; engines take a bare literal for different types."""
    return F.lit(str(value)).cast(T.DecimalType(len(str(value)), 0))


def _place(places: int) -> Column:
    """One unit of a decimal place."""
    return F.lit(f"{Decimal(1).scaleb(-places):f}").cast(T.DecimalType(max(places, 1), places))
