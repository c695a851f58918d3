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
# Digits of an operand of a division. One of an engine's own divisions works on these, the digits of a step and four
# more, which must fit in 128 bits.
OPERAND = T.DecimalType(22, 0)
STEP = 8
REMAINDER = T.DecimalType(OPERAND.precision + STEP, 0)


def quotient(dividend: Column, divisor: Column, of: T.DecimalType, places: int) -> Column:
    """Divide two decimals and round the exact quotient half up, once.

    Args:
        dividend: becomes `of`.
        divisor: becomes `of`.
        of: a type of at most 22 digits.
        places: places of the quotient, at most 19.

    Returns:
        DECIMAL(38, places); NULL when the divisor is 0, when a value does not fit in `of`, or when the quotient has
        more than 37 - `places` digits before the point.
    """
    top, bottom = _units(dividend, of), _units(divisor, of)
    is_negative = (top < F.lit(0)) != (bottom < F.lit(0))
    by = F.when(bottom != F.lit(0), F.abs(bottom))
    rest = _remainder(F.abs(top), by)
    before_point = MAX_PRECISION - 1 - places
    found = _exact_quotient(F.abs(top), rest, by).try_cast(T.DecimalType(before_point, 0))
    done = 0
    while done < places:
        step = min(STEP, places - done)
        done += step
        ahead = (rest * _decimal(Decimal(10) ** step)).cast(REMAINDER)
        rest = _remainder(ahead, by)
        digits = _exact_quotient(ahead, rest, by)
        if done == places:
            digits = digits + (rest + rest >= by).cast("int").cast(T.DecimalType(1, 0))
        part = digits.cast(T.DecimalType(step + 1, 0)) * _decimal(Decimal(1).scaleb(-done))
        # A sum has a digit more before the point, which it does not need and which would cost one behind it.
        found = (found + part).try_cast(T.DecimalType(before_point + done, done))
    of_result = T.DecimalType(MAX_PRECISION, places)
    # Not -found: Spark rounds the negative of a decimal to 34 digits.
    negative = F.lit(0).cast(T.DecimalType(1, 0)) - found
    return F.when(is_negative, negative.cast(of_result)).otherwise(found.cast(of_result))


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


def _units(value: Column, of: T.DecimalType) -> Column:
    """A decimal as a whole number of its last place."""
    return (value.try_cast(of) * _decimal(Decimal(10) ** of.scale)).cast(OPERAND)


def _remainder(dividend: Column, divisor: Column) -> Column:
    return (dividend % divisor).cast(OPERAND)


def _exact_quotient(dividend: Column, rest: Column, divisor: Column) -> Column:
    # Nothing is left over, so that it does not matter how an engine rounds.
    return ((dividend - rest) / divisor).cast(OPERAND)


def _decimal(value: Decimal) -> Column:
    """A power of ten as a literal of the narrowest type; engines take a bare literal for different types."""
    exponent = int(value.log10())
    of = T.DecimalType(exponent + 1, 0) if exponent >= 0 else T.DecimalType(-exponent, -exponent)
    return F.lit(f"{value:f}").cast(of)
