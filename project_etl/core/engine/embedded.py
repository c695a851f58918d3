"""Sail as an engine: a Spark Connect server in this process, without a JVM.

It computes; delta-rs commits. Nothing is computed otherwise than on Spark: `project_etl_tests/parity` holds every
transform and shared step to that, and the version of `pysail` is pinned, for its semantics change between versions.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote

import grpc
import pyarrow.parquet as pq

from project_etl.core import meter
from project_etl.core.arrow import ArrowTable
from project_etl.core.engine.base import Engine

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


class EmbeddedEngine(Engine):
    """Sail, in this process."""

    name: ClassVar[str] = "embedded"
    is_connect = True

    def session(self) -> SparkSession:
        """The session; the first call starts the server."""
        return self._session

    @cached_property
    def _session(self) -> SparkSession:
        # Its server tells every connection otherwise.
        os.environ.setdefault("RUST_LOG", "error")
        from pysail.spark import SparkConnectServer

        server = SparkConnectServer("127.0.0.1", 0)
        server.start(background=True)
        address = server.listening_address
        assert address is not None
        host, port = address
        with self.active():
            from pyspark.sql.connect.client import DefaultChannelBuilder
            from pyspark.sql.connect.session import SparkSession

            channel = DefaultChannelBuilder(f"sc://{host}:{port}")
            channel.add_interceptor(_QueryCounter())
            session = SparkSession.builder.channelBuilder(channel).create()
        # Left to the end of the interpreter, the server waits for a lock that nobody gives back.
        atexit.register(lambda: (session.stop(), server.stop()))
        session.conf.set("spark.sql.session.timeZone", "UTC")
        # Sail makes no use of the place in the code that calls each function, and finding it is a seventh of the time.
        session.conf.set("spark.python.sql.dataFrameDebugging.enabled", "false")
        return session  # pyright: ignore[reportReturnType] - Spark Connect's is not a subclass of the classic one

    def read(self, path: str, version: int) -> DataFrame:
        """A Delta table at a version, lazily."""
        return super().read(_plain(path), version)

    @contextmanager
    def keep(self, rows: DataFrame) -> Generator[DataFrame]:
        """The same rows, computed once for the length of the block: as Parquet in a folder for temporary files."""
        with _folder() as folder:
            _write(rows, folder)
            yield self.session().read.parquet(folder)

    def arrow(self, rows: DataFrame) -> ArrowTable:
        """Compute rows and bring them into this process; by way of a file, which is half the work of a stream."""
        with _folder() as folder:
            _write(rows, folder)
            return pq.read_table(folder)

    def frame(self, rows: ArrowTable) -> DataFrame:
        """A frame of rows that are in this process."""
        return self.session().createDataFrame(rows)


@cache
def _plain(path: str) -> str:
    """The path, or a link to it where it has signs that a URL escapes: Sail's reader of Delta escapes them twice."""
    if quote(path) == path:
        return path
    folder = Path(tempfile.mkdtemp(prefix="project-etl-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    link = folder / "table"
    link.symlink_to(path)
    return str(link)


@contextmanager
def _folder() -> Generator[str]:
    """A folder for temporary files."""
    folder = tempfile.mkdtemp(prefix="project-etl-")
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _write(rows: DataFrame, folder: str) -> None:
    """Compute rows into Parquet files of a folder; no rows make a file of none."""
    rows.write.mode("overwrite").parquet(folder)
    if not any(Path(folder).glob("*.parquet")):
        pq.write_table(rows.limit(0).toArrow(), Path(folder) / "none.parquet")


class _QueryCounter(grpc.UnaryStreamClientInterceptor):
    """Counts what the server is asked to compute."""

    def intercept_unary_stream(self, continuation: Any, client_call_details: Any, request: Any) -> Any:  # noqa: ANN401
        if client_call_details.method.endswith("/ExecutePlan"):
            meter.count("queries")
        return continuation(client_call_details, request)
