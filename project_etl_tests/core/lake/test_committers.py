"""delta-rs and Spark take turns on one table, and nobody can tell who made which commit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from project_etl.core.engine.base import Engine
from project_etl.core.lake import Append, Commit, Conflict, ReplaceWhere, TableStore, Upsert, delta_spark, store
from project_etl.core.lake.log import COUNTS
from project_etl.core.lake.maintenance import tidy
from project_etl_tests.core.lake.given import CHANGES, PARTITIONED, WHOLE, another_writer, ids_in, lake_in, rows

DELETE = Upsert(("id",), ("id",))
# What happens to a table, step by step: the change, the ids, the text, and what an upsert does with them.
STEPS = (
    (CHANGES["append"], (1, 2, 3), "a", None),
    (CHANGES["append"], (4,), "it's ${spark.sql.shuffle.partitions}", None),
    (CHANGES["upsert"], (2, 5), "b", "update"),
    (CHANGES["upsert"], (6,), "c", "insert"),
    (DELETE, (1, 9), "", "delete"),
    (CHANGES["upsert"], (), "", "update"),
    (ReplaceWhere("day = DATE'2025-01-02'"), (), "", None),
    (CHANGES["replace"], (3, 4), "d", None),
    (CHANGES["append"], (), "", None),
    (CHANGES["overwrite"], (7, 8), "e", None),
)


@contextmanager
def by_spark(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Spark commits in the block, however small a batch is."""
    with monkeypatch.context() as patch:
        patch.setattr(store, "MAX_BATCH_BYTES", -1)
        yield


def do(lake: TableStore, number: int, name: str, session: SparkSession | None = None) -> Commit:
    """One of `STEPS`, by Spark when there is a session."""
    change, ids, text, op = STEPS[number]
    given = rows(*ids, text=text, op=op)
    if change == DELETE:
        given = given.select(["id", "_op"])
    return lake.commit(name, change, session.createDataFrame(given) if session else given, {"step": number})


def told(commit: Commit) -> tuple[Any, ...]:
    """What the platform reads of a commit, but for its time."""
    names = COUNTS["MERGE"] if commit.operation == "MERGE" else ()
    counts = {name: commit.metrics.get(name) for name in names} if commit.may_change_rows else {}
    return (
        commit.version,
        # An upsert that finds nothing to do is an empty append with delta-rs.
        commit.operation if commit.may_change_rows else None,
        dict(commit.note),
        commit.may_change_rows,
        commit.may_change_stored_rows,
        counts,
    )


def feed_of(lake: TableStore, name: str, since: int) -> list[tuple[Any, ...]]:
    feed = lake.state(name).changes(since).to_pylist()
    return sorted((row["_commit_version"], row["_change_type"], row["id"], row["text"]) for row in feed)


@pytest.mark.parametrize("name", [PARTITIONED, WHOLE])
def test_committers_that_take_turns_make_what_one_makes(
    tmp_path: Path, jvm: SparkSession, jvm_engine: Engine, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    alone = lake_in(str(tmp_path / "alone"))
    both = lake_in(str(tmp_path / "both"), jvm_engine)
    calls = 0
    commit_by_spark: Callable[..., None] = delta_spark.commit

    def counting(*args: Any) -> None:
        nonlocal calls
        calls += 1
        commit_by_spark(*args)

    monkeypatch.setattr(delta_spark, "commit", counting)
    # Each kind of change is Spark's in one of the two tables, and delta-rs's in the other.
    is_spark_s = [(number + (name == WHOLE)) % 2 == 0 for number in range(len(STEPS))]
    for number, is_its in enumerate(is_spark_s):
        do(alone, number, name)
        if is_its:
            with by_spark(monkeypatch):
                commit = do(both, number, name, jvm)
        else:
            commit = do(both, number, name)
        assert told(commit) == told(alone.state(name).made_by)
        assert both.state(name).made_by == commit
        assert both.data_version(name) == alone.data_version(name)
        state, other = both.state(name), alone.state(name)
        columns = ["id", "day", "text"]
        assert sorted(map(str, state.rows(columns).to_pylist())) == sorted(map(str, other.rows(columns).to_pylist()))
        assert state.row_count == other.row_count
    assert calls == sum(is_spark_s)
    assert [told(commit) for commit in both.commits(name)] == [told(commit) for commit in alone.commits(name)]
    for since in range(len(STEPS)):
        assert feed_of(both, name, since) == feed_of(alone, name, since)
    # Spark reads the same feed.
    read = jvm.read.format("delta").option("readChangeFeed", "true").option("startingVersion", 1)
    columns = ("_commit_version", "_change_type", "id", "text")
    assert sorted(map(tuple, read.load(both.path(name)).select(*columns).collect())) == feed_of(both, name, 0)


def test_spark_commits_only_what_it_may(
    tmp_path: Path, jvm: SparkSession, jvm_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = lake_in(str(tmp_path), jvm_engine)
    with by_spark(monkeypatch):
        lake.commit(PARTITIONED, Append(), jvm.createDataFrame(rows(1)), {"run_id": "a"})
        for how, change in CHANGES.items():
            bad = rows(2, None, op="update" if how == "upsert" else None)
            with pytest.raises(Exception, match="rows for silver/things have no id"):
                lake.commit(PARTITIONED, change, jvm.createDataFrame(bad), {})
        # A row of Arrow is delta-rs's business, whatever the limit.
        assert lake.commit(PARTITIONED, Append(), rows(3), {}).version == 2
        found = lake.pinned([PARTITIONED])
        another_writer(lake).delete("id = 3")
        with pytest.raises(Conflict, match="was at version 2 when this run read it and is at 3"):
            found.commit(PARTITIONED, Append(), jvm.createDataFrame(rows(4)), {})
        tidy(lake, PARTITIONED, keep_hours=0)
        lake.commit(PARTITIONED, CHANGES["upsert"], jvm.createDataFrame(rows(5, op="insert")), {})
        assert ids_in(lake) == [1, 5]


def test_a_commit_whose_number_another_process_took_is_noticed(
    tmp_path: Path, jvm: SparkSession, jvm_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = lake_in(str(tmp_path), jvm_engine)
    commit = delta_spark.commit
    for how, change in CHANGES.items():
        before = ids_in(lake)
        op = "update" if how == "upsert" else None

        def overtaken(*args: Any) -> None:
            TableStore(str(tmp_path)).commit(PARTITIONED, Append(), rows(7), {"run_id": "theirs"})
            commit(*args)

        with by_spark(monkeypatch), monkeypatch.context() as patch:
            patch.setattr(delta_spark, "commit", overtaken)
            with pytest.raises(Conflict, match="the commit of this run is not in its log"):
                lake.commit(PARTITIONED, change, jvm.createDataFrame(rows(8, op=op)), {"run_id": "mine"})
        assert ids_in(lake) == [*before, 7]
