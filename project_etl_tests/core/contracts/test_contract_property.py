"""Compiled rules say, of any frame, what Pandera's own validation and a plain reading of each rule say.

Frames are made as in Silver: every value arrives as text, is read with `try_cast`, and keeps its text in `_text`. The
plain reading is written by hand, over Python values that are known by construction; it shares no code with the rules.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any

import pandera.pyspark as pa
import pyarrow
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from project_etl.core.contracts import (
    QUARANTINE,
    TEXT_COLUMN,
    WARN,
    Action,
    broken_rules,
    on_fail,
    rules_of,
    schema_of,
    sql_rule,
)
from project_etl.core.engine.spark import runtime_conf

pytestmark = pytest.mark.usefixtures("compiled")

ORACLE_CONF = {
    # Pandera runs a Spark job per check; compiling each of them takes five times as long as interpreting it.
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    # Pandera filters; a filter on a cached frame skips batches by bounds that leave NaN out, and so loses NaN rows.
    "spark.sql.inMemoryColumnarStorage.partitionPruning": "false",
}

DAY, INSTANT = date(2020, 2, 29), datetime(2020, 2, 29, 23, 59, 59, 999_999, tzinfo=UTC)
# Not older: Pandera's own literals of instants before 1582-10-15 are days off, by way of java.sql.Timestamp.
CENTURY = datetime(1900, 1, 1, tzinfo=UTC)
HUGE = Decimal(38 * "9")
HUGE_NEGATIVE = Decimal("-" + 37 * "9" + "8")
TINY = Decimal("1E-18")


class Sample(pa.DataFrameModel):
    """One row per nothing: a column of each type, with every check somewhere."""

    code: T.StringType = pa.Field(str_matches="[A-Z]{2}$", ne="ZZ", description="d")
    word: T.StringType = pa.Field(
        str_startswith="é",
        str_endswith="'",
        str_contains=r"\d",
        str_length=(2, 6),
        notin=["é1'", "é\\2'"],
        nullable=True,
        description="d",
    )
    status: T.StringType = pa.Field(isin=["NEW", "it's"], str_length=3, description="d", metadata=on_fail(null=WARN))
    pieces: T.IntegerType = pa.Field(gt=0, le=100_000, notin=[13], description="d")
    count: T.LongType = pa.Field(isin=[-(2**63), 0, 2**63 - 1], nullable=True, description="d")
    price: Annotated[T.DecimalType, 18, 4] = pa.Field(gt=0, lt=Decimal("99999999999999.9999"), description="d")
    huge: Annotated[T.DecimalType, 38, 0] = pa.Field(ge=HUGE_NEGATIVE, ne=HUGE, nullable=True, description="d")
    tiny: Annotated[T.DecimalType, 38, 18] = pa.Field(
        in_range=(TINY, 1, False, True), nullable=True, description="d", metadata=on_fail(type=WARN)
    )
    ratio: T.DoubleType = pa.Field(ge=0, lt=1, description="d")
    small: T.FloatType = pa.Field(in_range=(-0.5, float("inf"), True, False), nullable=True, description="d")
    day: T.DateType = pa.Field(ge=DAY, description="d")
    at: T.TimestampType = pa.Field(gt=CENTURY, le=INSTANT, description="d")
    paid: T.BooleanType = pa.Field(eq=True, nullable=True, description="d")


RULES = rules_of(
    Sample,
    text_columns=Sample.to_schema().columns,
    extra=[sql_rule("pieces_below_count", "pieces < count", description="pieces must be below count", action=WARN)],
)


def spark_order(value: float) -> tuple[bool, float]:
    """Sort a float as Spark does: NaN above everything."""
    return (math.isnan(value), 0.0 if math.isnan(value) else value)


READING: Mapping[str, tuple[str, Callable[[Any], bool]]] = {
    "code_not_equal_to": ("code", lambda v: v != "ZZ"),
    "code_str_matches": ("code", lambda v: re.match(r"[A-Z]{2}$", v) is not None),
    "word_notin": ("word", lambda v: v not in ("é1'", "é\\2'")),
    "word_str_contains": ("word", lambda v: re.search("[0-9]", v) is not None),
    "word_str_endswith": ("word", lambda v: v.endswith("'")),
    "word_str_length": ("word", lambda v: 2 <= len(v) <= 6),
    "word_str_startswith": ("word", lambda v: v.startswith("é")),
    "status_isin": ("status", lambda v: v in ("NEW", "it's")),
    "status_str_length": ("status", lambda v: len(v) == 3),
    "pieces_greater_than": ("pieces", lambda v: v > 0),
    "pieces_less_than_or_equal_to": ("pieces", lambda v: v <= 100_000),
    "pieces_notin": ("pieces", lambda v: v != 13),
    "count_isin": ("count", lambda v: v in (-(2**63), 0, 2**63 - 1)),
    "price_greater_than": ("price", lambda v: v > 0),
    "price_less_than": ("price", lambda v: v < Decimal("99999999999999.9999")),
    "huge_not_equal_to": ("huge", lambda v: v != HUGE),
    "huge_greater_than_or_equal_to": ("huge", lambda v: v >= HUGE_NEGATIVE),
    "tiny_in_range": ("tiny", lambda v: TINY < v <= 1),
    "ratio_not_nan": ("ratio", lambda v: not math.isnan(v)),
    "ratio_greater_than_or_equal_to": ("ratio", lambda v: spark_order(v) >= spark_order(0)),
    "ratio_less_than": ("ratio", lambda v: spark_order(v) < spark_order(1)),
    "small_not_nan": ("small", lambda v: not math.isnan(v)),
    "small_in_range": ("small", lambda v: spark_order(-0.5) <= spark_order(v) < spark_order(math.inf)),
    "day_greater_than_or_equal_to": ("day", lambda v: v >= DAY),
    "at_greater_than": ("at", lambda v: v > CENTURY),
    "at_less_than_or_equal_to": ("at", lambda v: v <= INSTANT),
    "paid_equal_to": ("paid", lambda v: v is True),
}
"""Rule name → its column and what it says of a value that is there."""

REQUIRED = ("code", "status", "pieces", "price", "ratio", "day", "at")
GOOD: Mapping[str, Any] = {
    "code": "DE",
    "word": "é7'",
    "status": "NEW",
    "pieces": 1,
    "count": 2**63 - 1,
    "price": Decimal("0.0001"),
    "huge": Decimal(0),
    "tiny": Decimal(1),
    "ratio": 0.0,
    "small": 0.25,
    "day": DAY,
    "at": INSTANT,
    "paid": True,
}
EDGES: Mapping[str, list[Any]] = {
    "code": ["", "ZZ", "de", "DEU", "\x00", "\U0001d507\U0001d508"],
    "word": ["", "é", "é1'", "é\\2'", "x1'", "é1", "é𝟙'", "é😀1'", "é123456'", "${é}"],
    "status": ["it's", "", "new", "neu", "NEW "],
    "pieces": [0, 13, 100_000, 100_001, -(2**31), 2**31 - 1],
    "count": [-(2**63), 0, 1, -1],
    "price": [Decimal(0), Decimal("-0.0001"), Decimal("99999999999999.9999"), Decimal("99999999999999.9998")],
    "huge": [HUGE, HUGE.copy_negate(), HUGE_NEGATIVE, HUGE_NEGATIVE.copy_negate()],
    "tiny": [TINY, 2 * TINY, -TINY, 1 + TINY, Decimal("99999999999999999999.999999999999999999")],
    "ratio": [math.nan, math.inf, -math.inf, -0.0, -5e-324, 1.0, math.nextafter(1, 0)],
    "small": [math.nan, math.inf, -math.inf, -0.5, -0.75],
    "day": [date.min, date.max, date(2020, 2, 28)],
    "at": [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC), CENTURY, CENTURY.replace(second=1)],
    "paid": [False],
}
UNREADABLE: Mapping[str, list[str]] = {
    "pieces": ["x", "", "1.5.2", "2147483648", "1e400"],
    "count": ["9223372036854775808", "one"],
    "price": ["100000000000000", "1,5", "NULL"],
    "huge": ["1" + 38 * "0", "-"],
    "tiny": ["1" + 20 * "0", "0x1"],
    "ratio": ["abc", "1,0"],
    "small": ["", "--1"],
    "day": ["2025-02-30", "29.02.2020", "0000-00-00"],
    "at": ["2025-02-30 00:00:00", "25:00", "yesterday-ish"],
    "paid": ["maybe", "2"],
}


def text_of(value: Any) -> str:
    """Write a value as it would stand in a file."""
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


@st.composite
def cells(draw: st.DrawFn, column: str) -> tuple[Any, str | None]:
    """Draw one value (None where there is none) and the text it comes from."""
    drawn: dict[str, st.SearchStrategy[Any]] = {
        "code": st.text(st.characters(exclude_categories=["Cs"]), max_size=3),
        "word": st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
        "pieces": st.integers(-(2**31), 2**31 - 1),
        "count": st.integers(-(2**63), 2**63 - 1),
        "price": st.decimals(-(10**14) + 1, 10**14 - 1, places=4),
        "tiny": st.decimals(-2, 2, places=18),
        "ratio": st.floats(),
        "small": st.floats(width=32),
        "day": st.dates(),
        "at": st.datetimes(timezones=st.just(UTC)),
    }
    kinds = ["edge", "null"] + ["drawn"] * (column in drawn) + ["unreadable"] * (column in UNREADABLE)
    kind = draw(st.sampled_from(kinds))
    if kind == "null":
        return None, None
    if kind == "unreadable":
        return None, draw(st.sampled_from(UNREADABLE[column]))
    value = draw(st.sampled_from(EDGES[column]) if kind == "edge" else drawn[column])
    return value, text_of(value)


@st.composite
def frames(draw: st.DrawFn) -> list[dict[str, tuple[Any, str | None]]]:
    """Draw rows of which a few columns, the same in every row, are not simply good.

    With all columns dirty every check would fail in every frame, and the verdict on a table would never be tested.
    """
    dirty = draw(st.sets(st.sampled_from(sorted(GOOD)), min_size=0, max_size=4))
    row = st.fixed_dictionaries(
        {name: cells(name) if name in dirty else st.just((good, text_of(good))) for name, good in GOOD.items()}
    )
    return draw(st.lists(row, min_size=1, max_size=25))


def read_as_silver_does(spark: SparkSession, rows: list[dict[str, tuple[Any, str | None]]]) -> DataFrame:
    columns: dict[str, list[str | None]] = {name: [row[name][1] for row in rows] for name in GOOD}
    columns["row"] = [str(number) for number in range(len(rows))]
    # Arrow, because rows given as Python objects travel through a Python worker that has to be started.
    raw = spark.createDataFrame(pyarrow.table(columns, pyarrow.schema([(name, pyarrow.string()) for name in columns])))
    typed = [F.col(field.name).try_cast(field.dataType).alias(field.name) for field in schema_of(Sample)]
    return raw.select(F.col("row"), *typed, F.struct(*GOOD).alias(TEXT_COLUMN))


def plain_reading(row: Mapping[str, tuple[Any, str | None]]) -> set[str]:
    broken = {f"{name}_type" for name, (value, text) in row.items() if value is None and text is not None}
    broken |= {f"{name}_not_null" for name in REQUIRED if row[name] == (None, None)}
    values = {name: value for name, (value, _) in row.items()}
    broken |= {rule for rule, (name, holds) in READING.items() if values[name] is not None and not holds(values[name])}
    pieces, count = values["pieces"], values["count"]
    if pieces is not None and count is not None and pieces >= count:
        broken.add("pieces_below_count")
    return broken


def pandera_verdict(frame: DataFrame) -> set[tuple[str, str]]:
    """Return column and check of every complaint of Pandera's own validation."""
    # Pandera hangs its errors on the frame by an accessor, which types do not show.
    validated: Any = Sample.to_schema().validate(frame)
    errors: Mapping[str, Mapping[str, list[dict[str, str]]]] = validated.pandera.errors
    complaints = [complaint for kinds in errors.values() for found in kinds.values() for complaint in found]
    return {(complaint["column"], complaint["check"].partition("(")[0]) for complaint in complaints}


def as_pandera_says(broken: set[str]) -> set[tuple[str, str]]:
    """Translate broken rules of a table into what Pandera can say: it knows neither texts nor NaN nor SQL."""
    said: set[tuple[str, str]] = set()
    for rule in RULES:
        if rule.name not in broken or rule.column is None:
            continue
        check = rule.name.removeprefix(f"{rule.column}_")
        if check in ("not_null", "type"):
            said |= {(rule.column, "not_nullable")} if rule.column in REQUIRED else set()
        elif check != "not_nan":
            said.add((rule.column, check))
    return said


def test_the_plain_reading_speaks_of_every_rule() -> None:
    derived = {f"{name}_not_null" for name in REQUIRED} | {f"{name}_type" for name in UNREADABLE}
    assert {rule.name for rule in RULES} == set(READING) | derived | {"pieces_below_count"}


@settings(
    max_examples=6,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)
@given(rows=frames())
def test_rules_agree_with_pandera_and_with_a_plain_reading(spark: SparkSession, rows: list[Any]) -> None:
    frame = read_as_silver_does(spark, rows).coalesce(1).cache()
    judged = frame.select("row", broken_rules(RULES).alias("broken")).collect()
    found = {int(row["row"]): row["broken"] for row in judged}
    order = [rule.name for rule in RULES]
    for number, row in enumerate(rows):
        assert found[number] == sorted(plain_reading(row), key=order.index), row
    broken_in_table = {name for names in found.values() for name in names}
    with runtime_conf(spark, ORACLE_CONF):
        assert pandera_verdict(frame.drop("row", TEXT_COLUMN)) == as_pandera_says(broken_in_table)
    frame.unpersist()


def test_rules_agree_on_every_edge_at_once(spark: SparkSession) -> None:
    good = {name: (value, text_of(value)) for name, value in GOOD.items()}
    edges = [good | {name: (value, text_of(value))} for name, values in EDGES.items() for value in values]
    unreadable = [good | {name: (None, text)} for name, texts in UNREADABLE.items() for text in texts]
    missing = [good | {name: (None, None)} for name in GOOD]
    rows = [good, *edges, *unreadable, *missing]
    judged = read_as_silver_does(spark, rows).select("row", broken_rules(RULES).alias("broken")).collect()
    found = {int(row["row"]): set(row["broken"]) for row in judged}
    assert found == {number: plain_reading(row) for number, row in enumerate(rows)}
    assert set().union(*found.values()) == {rule.name for rule in RULES}


def test_no_rules_break_nothing(spark: SparkSession) -> None:
    broken = spark.range(2).select(broken_rules([]).alias("broken"))
    assert broken.schema["broken"].dataType.simpleString() == "array<string>"
    assert [row["broken"] for row in broken.collect()] == [[], []]


def test_null_conditions_hold(spark: SparkSession) -> None:
    rules = [sql_rule("unknown", "id > null", description="nobody knows"), sql_rule("no", "id < 0", description="no")]
    assert [row["broken"] for row in spark.range(1).select(broken_rules(rules).alias("broken")).collect()] == [["no"]]


@pytest.mark.parametrize(("action", "broken"), [(QUARANTINE, ["a_type"]), (WARN, ["a_type", "a_not_null"])])
def test_unreadable_text_is_reported_once_unless_its_null_would_be_published(
    spark: SparkSession, action: Action, broken: list[str]
) -> None:
    class OneColumn(pa.DataFrameModel):
        a: T.IntegerType = pa.Field(description="d", metadata=on_fail(type=action))

    rules = rules_of(OneColumn, text_columns=["a"])
    frame = spark.sql("SELECT try_cast(t AS INT) AS a, struct(t AS a) AS _text FROM VALUES ('x'), (NULL) AS v(t)")
    judged = frame.select("_text.a", broken_rules(rules).alias("broken")).collect()
    assert {row["a"]: row["broken"] for row in judged} == {"x": broken, None: ["a_not_null"]}


def test_literals_survive_quotes_backslashes_and_settings(spark: SparkSession) -> None:
    words = ["it's", "back\\slash", "${spark.app.name}", 'say "x"', "line\nbreak", "ü😀", "--", "/* */"]

    class Words(pa.DataFrameModel):
        a: T.StringType = pa.Field(isin=words, description="d")

    frame = spark.createDataFrame(pyarrow.table({"a": [*words, "other"]}))
    judged = frame.select("a", broken_rules(rules_of(Words)).alias("broken")).collect()
    assert {row["a"] for row in judged if row["broken"]} == {"other"}


def test_ancient_instants_compare_exactly(spark: SparkSession) -> None:
    class Ancient(pa.DataFrameModel):
        a: T.TimestampType = pa.Field(gt=datetime(1, 1, 1, tzinfo=UTC), description="d")

    frame = spark.sql("SELECT timestamp(t) AS a FROM VALUES ('0001-01-01 00:00:00'), ('0001-01-01 00:00:01') AS v(t)")
    judged = frame.select(
        F.date_format("a", "ss").alias("a"), broken_rules(rules_of(Ancient)).alias("broken")
    ).collect()
    assert {row["a"]: row["broken"] for row in judged} == {"00": ["a_greater_than"], "01": []}


def test_nan_is_found_in_a_cached_frame(spark: SparkSession) -> None:
    class Ratio(pa.DataFrameModel):
        a: T.DoubleType = pa.Field(lt=1, description="d")

    frame = spark.sql("SELECT double('NaN') AS a").cache()
    judged = frame.select(broken_rules(rules_of(Ratio)).alias("broken")).filter("size(broken) > 0").collect()
    assert [row["broken"] for row in judged] == [["a_not_nan", "a_less_than"]]
    frame.unpersist()
