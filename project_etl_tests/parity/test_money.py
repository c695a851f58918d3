"""Money: quotients, products, rates and sums have the same digits on every engine, and those of exact arithmetic."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Context, Decimal
from fractions import Fraction
from functools import partial
from random import Random
from typing import Any

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from project_etl.core.transforms import exact, money
from project_etl_tests.parity.engines import Engines, same_rows
from project_etl_tests.parity.test_steps import FEW

WIDE = Context(prec=200)
SEEDS = st.integers(0, 2**32)


def half_up(value: Fraction, places: int, precision: int = 38) -> Decimal | None:
    """A fraction rounded half away from zero; None when it has too many digits."""
    units = (abs(value) * 10**places * 2 + 1) // 2
    if units >= 10**precision:
        return None
    return WIDE.create_decimal(units if value >= 0 else -units).scaleb(-places, WIDE)


def arrow_type(of: T.DecimalType) -> pa.DataType:
    return pa.decimal128(of.precision, of.scale)


def drawn(random: Random, of: T.DecimalType) -> Decimal:
    """A decimal of a type: of any number of digits, often one at which rounding or a type ends."""
    most = 10**of.precision - 1
    edges = (0, 1, 5, most, most // 2, most // 2 + 1, most // 10, 10 ** random.randrange(of.precision))
    unit = random.choice(edges) if random.random() < 0.3 else random.randrange(10 ** random.randint(1, of.precision))
    return WIDE.create_decimal(random.choice((unit, unit, -unit))).scaleb(-of.scale, WIDE)


def pairs(seed: int, one: T.DecimalType, other: T.DecimalType) -> list[tuple[Decimal, Decimal]]:
    random = Random(seed)
    return [(drawn(random, one), drawn(random, other)) for _ in range(1500)]


def of_pairs(
    given_pairs: Sequence[tuple[Decimal, Decimal]],
    types: tuple[T.DecimalType, T.DecimalType],
    result: Callable[[], Column],
) -> Callable[[SparkSession], DataFrame]:
    """A frame of the pairs as `a` and `b`, their number, and a result."""
    table = pa.table(
        {
            "row": pa.array(range(len(given_pairs)), pa.int32()),
            "a": pa.array([a for a, _ in given_pairs], arrow_type(types[0])),
            "b": pa.array([b for _, b in given_pairs], arrow_type(types[1])),
        }
    )
    return lambda session: session.createDataFrame(table).select("row", "a", "b", result().alias("found"))


def assert_exact(rows: list[dict[str, Any]], expected: Callable[[Fraction, Fraction], Decimal | None]) -> None:
    wrong = [row for row in rows if row["found"] != expected(Fraction(row["a"]), Fraction(row["b"]))]
    assert not wrong, wrong[:3]


@FEW
@given(seed=SEEDS)
def test_a_quotient_of_sums_is_exact(engines: Engines, seed: int) -> None:
    rows = pairs(seed, money.TOTAL, money.TOTAL)
    for divide, of in ((money.average, money.MONEY), (money.share, money.SHARE)):

        def quotient(a: Fraction, b: Fraction, of: T.DecimalType = of) -> Decimal | None:
            return None if b == 0 else half_up(a / b, of.scale, of.precision)

        build = of_pairs(rows, (money.TOTAL, money.TOTAL), partial(divide, "a", "b"))
        assert_exact(same_rows(engines, build), quotient)


@FEW
@given(seed=SEEDS)
def test_a_converted_amount_is_exact(engines: Engines, seed: int) -> None:
    rows = pairs(seed, money.AMOUNT, money.RATE)

    def converted(a: Fraction, b: Fraction) -> Decimal | None:
        once = half_up(a * b, 13, 60)
        return None if once is None else half_up(Fraction(once), 4, money.AMOUNT.precision)

    build = of_pairs(rows, (money.AMOUNT, money.RATE), lambda: money.convert("a", "b"))
    assert_exact(same_rows(engines, build), converted)


@FEW
@given(seed=SEEDS)
def test_a_cross_rate_is_exact(engines: Engines, seed: int) -> None:
    rows = pairs(seed, money.RATE, money.RATE)

    def crossed(a: Fraction, b: Fraction) -> Decimal | None:
        return None if abs(a * b) >= 10**10 else half_up(a * b, 27)

    positive = [(abs(a), abs(b)) for a, b in rows]
    build = of_pairs(positive, (money.RATE, money.RATE), lambda: exact.rate_product(F.col("a"), F.col("b")))
    assert_exact(same_rows(engines, build), crossed)


@FEW
@given(seed=SEEDS)
def test_an_inverse_is_exact(engines: Engines, seed: int) -> None:
    into = money.RATE
    rows = [*pairs(seed, money.SMALL_RATE, money.SMALL_RATE), *pairs(seed, money.LARGE_RATE, money.LARGE_RATE)]
    build = of_pairs(rows, (into, into), lambda: money.inverse_of(F.col("b")))
    assert_exact(same_rows(engines, build), lambda _, b: None if b == 0 else half_up(1 / b, into.scale, into.precision))
