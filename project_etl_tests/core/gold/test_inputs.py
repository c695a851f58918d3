"""What a Gold transform is given of its inputs: the days and the columns that the table declares."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from project_etl.core.engine.base import Engine
from project_etl.core.gold.stage import GoldJob, stage_gold
from project_etl.core.lake import TableStore
from project_etl.core.model.staged import Run
from project_etl.core.model.table import Input, Snapshot, Table, lookup, same_day, whole, window
from project_etl.core.trace import Tables, trace
from project_etl_tests.core.staleness.given import day
from project_etl_tests.core.staleness.returns import OTHERS, daily, made

# The first of its columns that an input has is its key.
KEYS = ("return_id", "sale_id", "rate_date", "person_id")


@pytest.fixture
def lake(tmp_path: Path, engine: Engine) -> TableStore:
    """The small lake, with an engine."""
    return TableStore(made(str(tmp_path)).root, engine)


def transform(returns: DataFrame, other: DataFrame) -> DataFrame:
    """For each day of the returns, the keys that the other input has."""
    key = next(name for name in KEYS if name in other.columns)
    keys = F.array_join(F.array_sort(F.collect_list(F.col(key).cast("string"))), " ")
    return returns.select("return_date").distinct().crossJoin(other.agg(keys.alias("seen")))


def seeing(other: Input) -> Table:
    return replace(daily(returns=same_day("silver/returns"), other=other), transform=transform)


def seen(lake: TableStore, table: Table, *numbers: int) -> dict[int, str]:
    """Number of a day → what was seen; the days are computed one by one."""
    declared = {each.name: each for each in (*OTHERS, table)}
    for number in numbers:
        staged = stage_gold(GoldJob(lake, table, declared, (str(day(number)),), Run("run")))
        with staged.kept:
            staged.publish()
    rows = lake.state(table.name).rows().to_pylist()
    return {(row["return_date"] - day(1)).days + 1: row["seen"] for row in rows}


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (lookup("gold/sales", at="sale_date"), {3: "s1", 4: "s1 s2", 6: "s3"}),
        (lookup("silver/returns", at="sale_date", by="sale_date"), {3: "r1 r3", 4: "r1 r2 r3", 6: "r4"}),
        (lookup("silver/returns", at="sale_date"), {3: "", 4: "", 6: ""}),
        (same_day("silver/returns", by="sale_date"), {3: "", 4: "", 6: ""}),
        (window("silver/returns", back=2, by="sale_date"), {3: "r1 r2 r3", 4: "r2", 6: "r4"}),
        (lookup("silver/rates", at="sale_date"), dict.fromkeys((3, 4, 6), "2025-01-01 2025-01-02 2025-01-05")),
        (whole("silver/people", columns=("person_id",)), dict.fromkeys((3, 4, 6), "ann cid")),
    ],
)
def test_a_day_is_computed_from_the_days_that_are_declared(
    lake: TableStore, other: Input, expected: dict[int, str]
) -> None:
    assert seen(lake, seeing(other), 3, 4, 6) == expected


@pytest.mark.parametrize("write", [None, Snapshot()])
def test_a_transform_sees_no_other_columns(lake: TableStore, write: Snapshot | None) -> None:
    given: list[list[str]] = []

    def looking(returns: DataFrame, other: DataFrame) -> DataFrame:
        given.append(other.columns)
        return transform(returns, other)

    table = replace(seeing(whole("silver/people", columns=("name", "person_id"))), transform=looking)
    seen(lake, replace(table, write=write) if write else table, 4)
    assert given == [["name", "person_id"]]


def test_several_days_together_see_what_all_of_them_name(lake: TableStore) -> None:
    table = seeing(lookup("gold/sales", at="sale_date"))
    staged = stage_gold(
        GoldJob(lake, table, {each.name: each for each in (*OTHERS, table)}, ("2025-01-03", "2025-01-06"), Run("run"))
    )
    with staged.kept:
        staged.publish()
    rows = lake.state(table.name).rows(["seen"]).to_pylist()
    assert [row["seen"] for row in rows] == ["s1 s3", "s1 s3"]


def test_a_day_is_traced_to_the_rows_that_it_looked_up(lake: TableStore) -> None:
    table = seeing(lookup("silver/returns", at="sale_date", by="sale_date"))
    seen(lake, table, 4)
    tables = Tables(lake, {each.name: each for each in (*OTHERS, table)}, {"silver/returns": []})
    own, others = trace(tables, table.name, day(4)).inputs
    assert (own.days, own.read_by, own.files) == (("2025-01-04",), "", {"shop/files/2025-01-09/a.csv": 2})
    looked_up = (("2025-01-01", "2025-01-02"), "sale_date", {"shop/files/2025-01-09/a.csv": 3})
    assert (others.days, others.read_by, others.files) == looked_up
    seen(lake, table, 8)
    assert [each.days for each in trace(tables, table.name, day(8)).inputs] == [("2025-01-08",)]
