"""Shared steps: text is read and cleaned alike by every engine, and as a plain reading says."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from project_etl.core.transforms.casts import (
    capitalized,
    cleaned,
    looked_up,
    to_boolean,
    to_date,
    to_decimal,
    to_int,
    to_utc,
)
from project_etl.core.transforms.json_text import json_object, read_texts
from project_etl.core.transforms.patterns import portable
from project_etl.core.transforms.text import Kind, clean, clean_code, clean_key
from project_etl_tests.oracle import values as plain
from project_etl_tests.parity.engines import Build, Engines, Rows, arrow, same_rows
from project_etl_tests.parity.values import ARRAYS, BLANK, BOOLEANS, DAYS, ESCAPED, NUMBERS, OFFSETS, TIMES, WORDS

FEW = settings(
    max_examples=2,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)
# Of a letter that is newer than its Unicode, an engine does not know the case.
TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cn"], exclude_characters="\x00"), max_size=12)


def of_texts(texts: Sequence[str | None], result: Callable[[], Column]) -> Callable[[SparkSession], DataFrame]:
    """A frame of the texts as `t`, their number, and a result."""
    table = pa.table({"row": pa.array(range(len(texts)), pa.int32()), "t": pa.array(texts, pa.string())})
    return lambda session: session.createDataFrame(table).select("row", "t", result().alias("found"))


def padded(texts: Sequence[str]) -> list[str | None]:
    around = [f"{before}{texts[0]}{after}" for before in BLANK for after in BLANK]
    return [*texts, *around, *(f" {text}\t" for text in texts), None]


def assert_reading(rows: Rows, reading: Callable[[str | None], Any]) -> None:
    wrong = [(row["t"], row["found"], reading(row["t"])) for row in rows if row["found"] != reading(row["t"])]
    assert not wrong, ascii(wrong[:5])


def stripped(text: str | None, blanks: str) -> str | None:
    """Text without such blanks around it; with others it is no number."""
    inner = (text or "").strip(blanks)
    return inner if inner.isascii() and inner == inner.strip() else None


CONTROLS = "".join(map(chr, range(33)))


@pytest.mark.parametrize(("precision", "scale"), [(18, 4), (28, 18), (38, 18)])
def test_decimals(engines: Engines, precision: int, scale: int) -> None:
    rows = same_rows(engines, of_texts(padded(NUMBERS), lambda: to_decimal("t", precision, scale)))
    if scale == plain.AMOUNT_PLACES:
        assert_reading(rows, lambda text: plain.to_amount(stripped(text, CONTROLS)))


@FEW
@given(seed=st.integers(0, 2**32))
def test_drawn_decimals(engines: Engines, seed: int) -> None:
    random = Random(seed)

    def number() -> str:
        digits = [str(random.choice((0, 4, 5, 9, random.randrange(10)))) for _ in range(random.randrange(1, 50))]
        at = random.randrange(len(digits) + 1)
        exponent = random.choice(("", "", f"e{random.randrange(-60, 60)}", f"E+{random.randrange(20)}"))
        return random.choice(("", "-", "+")) + "".join([*digits[:at], ".", *digits[at:]]) + exponent

    rows = same_rows(engines, of_texts([number() for _ in range(2000)], lambda: to_decimal("t")))
    assert_reading(rows, plain.to_amount)


def test_whole_numbers(engines: Engines) -> None:
    rows = same_rows(engines, of_texts(padded(NUMBERS), lambda: to_int("t")))

    def reading(text: str | None) -> int | None:
        inner = stripped(text, CONTROLS + "\x7f") or ""
        whole = re.fullmatch(r"([+-]?[0-9]+)(\.0+)?", inner)
        found = int(whole[1]) if whole else 2**31
        return found if -(2**31) <= found < 2**31 else None

    assert_reading(rows, reading)


def test_booleans(engines: Engines) -> None:
    rows = same_rows(engines, of_texts(padded(BOOLEANS), lambda: to_boolean("t")))
    assert_reading(rows, lambda text: plain.to_bool(stripped(text, CONTROLS + "\x7f")))


def test_days(engines: Engines) -> None:
    same_rows(engines, of_texts(padded(DAYS), lambda: to_date("t")))


def test_instants(engines: Engines) -> None:
    ends = ["0001-01-01", "9999-12-31", "0000-01-01", "1969-12-31", "1582-10-10", "2025-02-30"]
    instants = [f"2025-01-02{between}{time}{offset}" for between in " T" for time in TIMES for offset in OFFSETS]
    instants += [
        f"{day}T{time}{offset}" for day in ends for time in ("00:00:00", "23:59:59.9999999") for offset in OFFSETS
    ]
    instants += ["now", "12:30", "epoch", "T12:30", "2025-01-02  03:04:05", "2025-01-02t03:04:05"]
    rows = same_rows(engines, of_texts(padded([*DAYS, *instants]), lambda: to_utc("t")))
    assert sum(row["found"] is not None for row in rows) > 200


def test_cleaned_text(engines: Engines) -> None:
    texts = padded(["Ab c", *WORDS])
    same_rows(engines, of_texts(texts, lambda: F.struct(cleaned("t"), F.upper(cleaned("t")), F.lower("t"))))


def test_words_begin_with_a_capital_as_initcap_means_it(engines: Engines) -> None:
    cased = [chr(code) for code in range(1, 0x1E944) if not 0xD800 <= code < 0xE000]
    cased = [letter for letter in cased if letter.lower() != letter or letter.upper() != letter]
    texts = [*WORDS, *cased, *(f"a{letter}a x{letter} {letter}a" for letter in cased), None]
    rows = same_rows(engines, of_texts(texts, lambda: capitalized(F.col("t"))))
    expected = of_spark(engines, of_texts(texts, lambda: F.initcap("t")))
    assert [row for row in rows if row["found"] != expected[row["row"]]] == []


@FEW
@given(texts=st.lists(TEXTS, min_size=200, max_size=200))
def test_drawn_words(engines: Engines, texts: list[str]) -> None:
    same_rows(engines, of_texts(texts, lambda: capitalized(F.col("t"))))


def test_lists_of_codes(engines: Engines) -> None:
    codes = {"EIRE": "IE", "it's": "IT", "": "none"}
    rows = same_rows(engines, of_texts(["EIRE", "it's", "", "eire", None], lambda: looked_up(F.col("t"), codes)))
    assert [row["found"] for row in rows] == ["IE", "IT", "none", None, None]


def test_arrays_of_text(engines: Engines) -> None:
    rows = same_rows(engines, of_texts(ARRAYS, lambda: read_texts("t")))
    found = {row["t"]: row["found"] for row in rows}
    assert found['["a",1,null]'] == ["a", "1", None]
    assert found["['a']"] is None
    assert [found[text] for text in ('["a"] x', '["a"]["b"]', '["a"]//x', '["\\u0000"]')] == [None] * 4
    assert found["{}"] is None


def test_json_is_what_spark_writes(engines: Engines) -> None:
    def written() -> Column:
        return json_object({"a": F.col("t"), 'b"\n': F.lit(None).cast("string"), "c": F.col("t")})

    rows = same_rows(engines, of_texts(ESCAPED, written))
    for row in rows:
        assert json.loads(row["found"]) == {"a": row["t"], 'b"\n': None, "c": row["t"]}

    def as_spark() -> Column:
        fields = [F.col("t").alias("a"), F.lit(None).cast("string").alias('b"\n'), F.col("t").alias("c")]
        return F.to_json(F.struct(*fields), {"ignoreNullFields": "false"})

    spark = of_spark(engines, of_texts(ESCAPED, as_spark))
    assert spark == {row["row"]: row["found"] for row in rows}


def of_spark(engines: Engines, build: Build) -> dict[int, Any]:
    """What Spark alone finds, by row."""
    return {row["row"]: row["found"] for row in arrow(engines[0], build).to_pylist()}


PATTERNS = [
    r"^\d+$", r"^\w$", r"^\s$", r"^.$", r"^\D$", r"^\W$", r"^\S$", r"^[\d.]+$", r"^[^@]+@[^@]+$", r"^(a|b)$",
    r"^a{1,2}$", r"x$|^y", r"^[A-Z]{2}$", r"^\u00e9\t?$", r"^a.b\.c$", r"\$$", r"^[a\-z]$", r"^a*?b+?$",
]  # fmt: skip
MATCHED = [
    "1", "\u0663", "a", "é", "_", " ", "\t", "\u00a0", "\u3000", "\n", "\r", "\u0085", "\u2028", "", "x@y", "x@\ny",
    "b", "aa", "aaa", "ax", "yx", "AB", "AB\n", "AB\r\n", "AB\n\n", "AB\u2029", "a1b.c", "a\nb.c", "$", "-", "1.2",
    "é\t", None,
]  # fmt: skip


@pytest.mark.parametrize("pattern", PATTERNS)
def test_patterns_mean_what_they_mean_in_java(engines: Engines, pattern: str) -> None:
    rows = same_rows(engines, of_texts(MATCHED, lambda: F.col("t").rlike(portable(pattern))))
    java = of_spark(engines, of_texts(MATCHED, lambda: F.col("t").rlike(pattern)))
    assert java == {row["row"]: row["found"] for row in rows}


KEYS = ["12", "12.0", "12.00.0", "012", ".0", "1.0a", "-1.0", "C1", "c1.0", *NUMBERS, *WORDS, "NA", "nUlL", "n/a", "-"]
GUARDED = [
    f for key in KEYS[:12] for f in (f'="{key}"', f" '{key}", f'="{key}" ', f'="{key}', f'x="{key}"', f'=" {key} "')
]
SPELLED = st.lists(st.sampled_from([*" \t\n\u00a0\u200b\ufeff\"'=.0123", "na", "N/A", "İ", "x"]), max_size=6).map(
    "".join
)


@pytest.mark.parametrize(("kind", "reading"), [(Kind.KEY, clean_key), (Kind.CODE, clean_code)])
@FEW
@given(drawn=st.lists(SPELLED | TEXTS, min_size=300, max_size=300))
def test_keys_and_codes_are_cleaned_alike_with_and_without_an_engine(
    engines: Engines, kind: Kind, reading: Callable[[str | None], str | None], drawn: list[str]
) -> None:
    texts = padded([*KEYS, *GUARDED, *drawn])
    rows = same_rows(engines, of_texts(texts, lambda: clean(F.col("t"), kind)))
    assert_reading(rows, reading)
