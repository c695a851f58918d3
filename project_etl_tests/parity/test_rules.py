"""Rules of contracts: every engine says of any row what a plain reading of each rule says."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pandera.pyspark as pa
import pyarrow
import pytest
from hypothesis import given
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import types as T

from project_etl.core.contracts import ContractError, broken_rules, rules_of, sql_rule
from project_etl.core.transforms.patterns import portable
from project_etl_tests.core.contracts.test_contract_property import (
    EDGES,
    GOOD,
    RULES,
    UNREADABLE,
    frames,
    plain_reading,
    read_as_silver_does,
    text_of,
)
from project_etl_tests.parity.engines import Engines, same_rows
from project_etl_tests.parity.test_steps import FEW

Cells = list[dict[str, tuple[Any, str | None]]]


def assert_plain(engines: Engines, rows: Cells) -> None:
    def judged(session: SparkSession) -> DataFrame:
        return read_as_silver_does(session, rows).select("row", broken_rules(RULES).alias("broken"))

    found = {int(row["row"]): set(row["broken"]) for row in same_rows(engines, judged)}
    assert found == {number: plain_reading(row) for number, row in enumerate(rows)}


@FEW
@given(rows=frames())
def test_rules_agree_with_a_plain_reading(engines: Engines, rows: Cells) -> None:
    assert_plain(engines, rows)


def test_rules_agree_on_every_edge_at_once(engines: Engines) -> None:
    good: dict[str, tuple[Any, str | None]] = {name: (value, text_of(value)) for name, value in GOOD.items()}
    edges = [good | {name: (value, text_of(value))} for name, values in EDGES.items() for value in values]
    unreadable = [good | {name: (None, text)} for name, texts in UNREADABLE.items() for text in texts]
    assert_plain(engines, [good, *edges, *unreadable, *(good | {name: (None, None)} for name in GOOD)])


def test_literals_survive_quotes_backslashes_and_settings(engines: Engines) -> None:
    words = [
        "it's",
        "back\\slash",
        "${spark.app.name}",
        'say "x"',
        "line\nbreak",
        "ü😀",
        "--",
        "/* */",
        "\\u0041",
        "%_",
    ]

    class Words(pa.DataFrameModel):
        a: T.StringType = pa.Field(isin=words, str_startswith="", description="d")
        b: T.StringType = pa.Field(str_matches=r"^[^@\s]+\.\d{2}$", nullable=True, description="d")

    table = pyarrow.table({"a": [*words, "other"], "b": [*["a.12"] * len(words), "a.1\u0663"]})
    rows = same_rows(
        engines, lambda session: session.createDataFrame(table).select("a", broken_rules(rules_of(Words)).alias("b"))
    )
    broken = {row["a"]: row["b"] for row in rows if row["b"]}
    assert broken == {"other": ["a_isin", "b_str_matches"]}


def test_ancient_instants_compare_exactly(engines: Engines) -> None:
    class Ancient(pa.DataFrameModel):
        a: T.TimestampType = pa.Field(gt=datetime(1, 1, 1, tzinfo=UTC), description="d")

    def judged(session: SparkSession) -> DataFrame:
        frame = session.sql(
            "SELECT timestamp(t) AS a FROM VALUES ('0001-01-01 00:00:00'), ('0001-01-01 00:00:01') v(t)"
        )
        return frame.select("a", broken_rules(rules_of(Ancient)).alias("b"))

    broken = {row["a"]: row["b"] for row in same_rows(engines, judged)}
    assert [broken[at] for at in sorted(broken)] == [["a_greater_than"], []]


def test_conditions_on_nothing_hold(engines: Engines) -> None:
    rules = [sql_rule("unknown", "id > null", description="nobody knows"), sql_rule("no", "id < 0", description="no")]
    rows = same_rows(engines, lambda session: session.range(1).select(broken_rules(rules).alias("b")))
    assert rows == [{"b": ["no"]}]
    assert same_rows(engines, lambda session: session.range(1).select(broken_rules([]).alias("b"))) == [{"b": []}]


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        (r"^(?=a)", "look-around, a flag or a named group at position 2.*write a group"),
        (r"^(?i)a", "look-around, a flag"),
        (r"^(a)\1", r"has \\1 at position 5"),
        (r"^\bword", r"has \\b at position 2"),
        (r"^\p{Lu}", r"has \\p at"),
        (r"^a++", "possessive quantifier at position 3"),
        (r"^[a&&b]", "&& in a class"),
        (r"^[a--b]", "-- in a class"),
        (r"^[[a]]", r"\[ in a class"),
        (r"^[]a]", "a class that begins with ]"),
        (r"^[\D]", r"\\D in a class"),
        (r"^a$b", "\\$ before the end"),
        (r"^a{x}", "{ that is no quantifier"),
        ("^a\\", r"has \\ at position 3"),
    ],
)
def test_a_pattern_that_engines_read_differently_is_refused(pattern: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        portable(pattern)


def test_a_contract_names_the_column_of_such_a_pattern() -> None:
    class Word(pa.DataFrameModel):
        a: T.StringType = pa.Field(str_matches=r"^\bword", description="d")

    with pytest.raises(ContractError, match=r"contract Word, column a, check str_matches: the pattern .* has \\b at"):
        rules_of(Word)
