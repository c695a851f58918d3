"""Reading a topic with Spark: its executors read the partitions side by side, and write what will be slices.

Spark's Structured Streaming is told from which offsets to read, and ends with what is there. Its own memory of them is
thrown away: landing remembers.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, BinaryIO, cast
from uuid import uuid4

from project_etl.core.arrow import ArrowRecordBatch
from project_etl.core.bronze.landing_store import file_system
from project_etl.core.bronze.readers.records import MAX_MALFORMED
from project_etl.core.engine.base import CommittingEngine, Engine
from project_etl.core.extract.kafka.client import Client
from project_etl.core.extract.kafka.held import Held
from project_etl.core.extract.kafka.pieces import Of
from project_etl.core.model.pull import PullError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

# Not there yet, for whoever looks into landing; the next pull of Spark has another one.
ASIDE = ".pulling-"
_PART = "partition int, first long, last long, milliseconds long, path string"


@dataclass(frozen=True, order=True)
class Part:
    """What will be a slice.

    Attributes:
        partition: its partition.
        first: offset of its first message.
        last: offset of its last message.
        milliseconds: timestamp of its last message.
        path: the file with its lines.
    """

    partition: int
    first: int
    last: int
    milliseconds: int
    path: str


@contextmanager
def read_on_spark(engine: Engine | None, client: Client, starts: dict[int, int], folder: str) -> Generator[list[Part]]:
    """What a topic holds now, from offsets on, in the order of its partitions and offsets.

    Args:
        engine: what computes.
        client: the topic.
        starts: partition → offset.
        folder: where executors may write, and this process can read; what they wrote goes with the block.

    Raises:
        PullError: there is no Spark, it cannot read topics, or it has failed.
    """
    from pyspark.errors import PySparkException

    if not isinstance(engine, CommittingEngine) or engine.is_connect:
        raise PullError(f"{client.path}.spark needs Spark in this process: set `engine: spark` or `engine: cluster`")
    fs, base = file_system(folder)
    aside = f"{base}/{ASIDE}{uuid4().hex}"
    fs.makedirs(aside, exist_ok=True)
    parts: list[Part] = []
    try:
        write = partial(_write, folder=aside, root=folder, limit=int(client.options.megabytes * 1e6))
        with engine.active(), tempfile.TemporaryDirectory() as checkpoint:
            try:
                rows = _rows(engine, client, starts)
                query = (
                    rows.writeStream.foreachBatch(
                        lambda batch, _: parts.extend(Part(*row) for row in batch.mapInArrow(write, _PART).collect())
                    )
                    .trigger(availableNow=True)
                    .option("checkpointLocation", checkpoint)
                    .start()
                )
                query.awaitTermination()
            except PySparkException as error:
                raise PullError(_words(error, client)) from error
        yield sorted(parts)
    finally:
        fs.rm(aside, recursive=True)


def lines_of(part: Part) -> Iterator[str]:
    """The lines of what will be a slice."""
    fs, path = file_system(part.path)
    with fs.open(path, "rb") as file:
        for line in cast("BinaryIO", file):
            yield line.decode().rstrip("\n")


def _rows(engine: Engine, client: Client, starts: dict[int, int]) -> DataFrame:
    topic = client.options.topic
    reader = engine.session().readStream.format("kafka")
    for name, value in client.settings.items():
        if not callable(value) and name != "log_level":
            reader = reader.option(f"kafka.{name}", value)
    return (
        reader.option("assign", json.dumps({topic: sorted(starts)}))
        .option("startingOffsets", json.dumps({topic: starts}))
        .option("kafka.isolation.level", "read_committed")
        .load()
        .selectExpr("partition", "offset", "unix_millis(timestamp) AS milliseconds", "key", "value")
    )


def _write(batches: Iterable[ArrowRecordBatch], *, folder: str, root: str, limit: int) -> Iterator[ArrowRecordBatch]:
    """Write messages, in an executor: a file for each slice, and a row that says what it holds."""
    held = dict[int, Held]()
    for batch in batches:
        for partition, offset, *message in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            each = held.get(partition)
            if each is None:
                each = held[partition] = Held(Of("", "", partition), 1, offset, offset)
            each.take(offset, *message)
            if each.size >= limit or len(each.lines) >= MAX_MALFORMED:
                yield _part(held.pop(partition), folder, root)
    for each in held.values():
        yield _part(each, folder, root)


def _part(held: Held, folder: str, root: str) -> ArrowRecordBatch:
    import pyarrow as pa

    fs, _ = file_system(root)
    path = f"{folder}/{held.of.partition}-{held.first}"
    with fs.open(path, "wb") as file:
        cast("BinaryIO", file).write("".join(f"{line}\n" for line in held.lines).encode())
    row: dict[str, Any] = {
        "partition": held.of.partition,
        "first": held.first,
        "last": held.position - 1,
        "milliseconds": held.milliseconds,
        "path": fs.unstrip_protocol(path),
    }
    types = (pa.int32(), pa.int64(), pa.int64(), pa.int64(), pa.string())
    return pa.RecordBatch.from_pylist([row], schema=pa.schema([*zip(row, types, strict=True)]))


def _words(error: Exception, client: Client) -> str:
    said = str(error)
    if "kafka" in said and "DATA_SOURCE_NOT_FOUND" in said:
        from pyspark import __version__

        return (
            "Spark has nothing that reads topics: add `spark: {conf: {spark.jars.packages: "
            f"org.apache.spark:spark-sql-kafka-0-10_2.13:{__version__}}}}}` to the settings, or take out "
            f"{client.path}.spark"
        )
    return f"Spark cannot read {client.address}: {said.strip().partition(chr(10))[0]}"
