"""`Upsert` against a dictionary: whatever is inserted, updated and deleted, by either committer, and the feed of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession
from pyspark.sql import types as T

from project_etl.core.contracts.sql_text import sql_list
from project_etl.core.engine.base import Engine
from project_etl.core.lake import Append, LakeError, TableStore, Upsert, store
from project_etl_tests.core.lake.given import FEED

NAME = "silver/places"
SCHEMA = T.StructType(
    [
        T.StructField("key", T.StringType(), False),
        T.StructField("number", T.LongType(), False),
        T.StructField("place", T.StringType()),
        T.StructField("amount", T.DecimalType(12, 2)),
        T.StructField("at", T.TimestampType()),
        T.StructField("tags", T.ArrayType(T.StringType())),
    ]
)
COLUMNS = tuple(SCHEMA.fieldNames())
VALUES = COLUMNS[2:]
GONE = ("delete", "update_preimage")

Key = tuple[Any, ...]
Row = dict[str, Any]
Model = dict[Key, Row]

# Text that one SQL dialect or another does not take as it stands.
TEXTS = ("a", "it's", '"b"', "${c}", "${spark.sql.shuffle.partitions}", "d\\e", "`f`", "naïve ☃", "%2F/..", "")
texts = st.sampled_from(TEXTS)
# A change feed is not read where a folder's name must escape one: see the last test.
places = st.none() | st.sampled_from(("a", "b-c_1"))
instants = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)).map(lambda at: at.replace(tzinfo=UTC))
amounts = st.none() | st.decimals(Decimal(-9999999), Decimal(9999999), places=2)
keys = st.fixed_dictionaries({"key": texts, "number": st.integers(0, 2)})
values = st.fixed_dictionaries(
    {
        "place": places,
        "amount": amounts,
        "at": st.none() | instants,
        "tags": st.none() | st.lists(st.none() | texts, max_size=2),
    }
)
records = st.builds(lambda key, row: {**key, **row}, keys, values)
ops = st.sampled_from(("insert", "update", "delete"))


@dataclass(frozen=True)
class Batch:
    """What one commit is given.

    Attributes:
        rows: records, each with its `_op`; at most one a key.
        keep: columns that an update leaves as they are.
        is_pruned: whether the condition names the partitions in which rows may match.
        only_keys: whether nothing but keys is written.
    """

    rows: list[Row]
    keep: tuple[str, ...]
    is_pruned: bool
    only_keys: bool


@dataclass(frozen=True)
class Life:
    """A table and the batches that it lives through."""

    on: tuple[str, ...]
    partition_by: str | None
    first: list[Row]
    batches: list[Batch]

    def key(self, row: Mapping[str, Any]) -> Key:
        return tuple(row[column] for column in self.on)


@st.composite
def lives(draw: st.DrawFn, most: int = 3) -> Life:
    """A life, of tables with one key column or two, partitioned or not."""
    on = draw(st.sampled_from((("key",), ("number", "key"))))

    def by_key(row: Row) -> Key:
        return tuple(row[column] for column in on)

    changes = st.builds(lambda row, op: {**row, "_op": op}, records, ops)
    batch = st.builds(
        Batch,
        st.lists(changes, max_size=5, unique_by=by_key),
        st.lists(st.sampled_from(VALUES), unique=True, max_size=len(VALUES)).map(tuple),
        st.booleans(),
        st.integers(0, 9).map(lambda number: number == 0),
    )
    return Life(
        on,
        draw(st.none() | st.just("place")),
        draw(st.lists(records, max_size=5, unique_by=by_key)),
        draw(st.lists(batch, min_size=1, max_size=most)),
    )


def upsert_of(life: Life, batch: Batch, model: Model) -> Upsert:
    columns = life.on if batch.only_keys else COLUMNS
    held = {model[key]["place"] for row in batch.rows if (key := life.key(row)) in model}
    # A place without a name is in no list.
    within = f"t.`place` IN ({sql_list(held)})" if batch.is_pruned and held and None not in held else None
    return Upsert(life.on, columns, within, tuple(column for column in batch.keep if column in columns))


def apply(model: Model, life: Life, batch: Batch, change: Upsert) -> Model:
    """What the dictionary holds afterwards."""
    after = dict(model)
    for row in batch.rows:
        key = life.key(row)
        if row["_op"] == "delete":
            after.pop(key, None)
        elif key in after:
            after[key] = {**after[key], **{column: row[column] for column in change.updated}}
        else:
            after[key] = {column: row[column] if column in change.columns else None for column in COLUMNS}
    return after


def arrow(lake: TableStore, rows: list[Row], *, with_op: bool = True) -> Any:
    schema = lake.state(NAME).arrow_schema
    return pa.Table.from_pylist(rows, schema.append(pa.field("_op", pa.string())) if with_op else schema)


def counted(rows: list[Row]) -> Counter[str]:
    return Counter(
        repr([str(at) if isinstance(at := row[column], datetime) else at for column in COLUMNS]) for row in rows
    )


def stored(lake: TableStore) -> Counter[str]:
    return counted(lake.state(NAME).rows().to_pylist())


def live(life: Life, lake: TableStore, make: Callable[[Any], Any] = lambda rows: rows) -> None:
    """Let a table live, and compare it with the dictionary after each commit.

    Args:
        life: the table.
        lake: an empty lake.
        make: makes of rows in this process what is committed.
    """
    # Where only keys are inserted, nothing else may be required.
    required = set(life.on)
    fields = [T.StructField(item.name, item.dataType, item.name not in required) for item in SCHEMA.fields]
    lake.create(NAME, T.StructType(fields), partition_by=life.partition_by, properties=FEED)
    lake.commit(NAME, Append(), make(arrow(lake, life.first, with_op=False)), {"number": 0})
    model: Model = {life.key(row): row for row in life.first}
    feed = stored(lake)
    for number, batch in enumerate(life.batches, start=1):
        before = lake.version(NAME) or 0
        change = upsert_of(life, batch, model)
        model = apply(model, life, batch, change)
        commit = lake.commit(NAME, change, make(arrow(lake, batch.rows)), {"number": number})
        assert (commit.version, commit.note) == (before + 1, {"number": number})
        assert stored(lake) == counted(list(model.values()))
        if has_feed(lake):
            # That of this commit, applied to the rows of before.
            feed = followed(feed, lake, before)
            assert feed == stored(lake)
    if has_feed(lake):
        # And that of all commits, from nothing.
        assert followed(Counter(), lake, 0) == stored(lake)


def has_feed(lake: TableStore) -> bool:
    """Whether no folder of the table has a name in which `deltalake` escapes anything."""
    return not any("%" in str(folder) for folder in Path(lake.path(NAME)).iterdir())


def followed(rows: Counter[str], lake: TableStore, since: int) -> Counter[str]:
    """Rows of an older version, brought up to date by the feed; fails where it takes out what is not there."""
    feed = lake.state(NAME).changes(since).to_pylist()
    rows = rows.copy()
    for version in sorted({change["_commit_version"] for change in feed}):
        changes = [change for change in feed if change["_commit_version"] == version]
        gone = counted([change for change in changes if change["_change_type"] in GONE])
        assert not gone - rows
        rows = (rows - gone) + counted([change for change in changes if change["_change_type"] not in GONE])
    return rows


@settings(max_examples=25, deadline=None, database=None)
@given(life=lives())
def test_delta_rs_upserts_as_a_dictionary_does(life: Life, tmp_path_factory: pytest.TempPathFactory) -> None:
    live(life, TableStore(str(tmp_path_factory.mktemp("lake"))))


@settings(
    max_examples=3,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(life=lives(most=2))
def test_spark_upserts_as_a_dictionary_does(
    life: Life, tmp_path_factory: pytest.TempPathFactory, jvm: SparkSession, jvm_engine: Engine
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "MAX_BATCH_BYTES", -1)
        live(life, TableStore(str(tmp_path_factory.mktemp("lake")), jvm_engine), jvm.createDataFrame)


def test_a_feed_that_cannot_be_read_is_said_and_never_cut_short(tmp_path: Path) -> None:
    lake = TableStore(str(tmp_path))
    lake.create(NAME, SCHEMA, partition_by="place", properties=FEED)
    row = {"key": "a", "number": 1, "amount": None, "at": None, "tags": None}
    lake.commit(NAME, Append(), arrow(lake, [{**row, "place": "home garden"}], with_op=False), {})
    assert lake.state(NAME).row_count == 1
    # When this fails, `deltalake` can do it: `has_feed` and what `TableState.changes` says of it may go.
    with pytest.raises(LakeError, match="The change feed of silver/places does not go back to version 1"):
        lake.state(NAME).changes(0)
