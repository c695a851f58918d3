"""Spark as an engine: the one place that knows `spark.*` keys.

Belongs here: every Spark and Delta setting, each with its reason, and how a session comes to be for a local JVM, a
Spark Connect server or a cluster master. Does not belong here: reading settings files, tables, or anything Dagster.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from pyspark.sql import DataFrame, SparkSession

from project_etl.core.arrow import ArrowTable
from project_etl.core.engine.base import CommittingEngine

LOGGING = Path(__file__).resolve().with_name("log4j2.properties")
DELTA_EXTENSION = "io.delta.sql.DeltaSparkSessionExtension"
DELTA_CATALOG = "org.apache.spark.sql.delta.catalog.DeltaCatalog"

# What holds on every engine, local or not.
COMMON: dict[str, str] = {
    # Days and hours of every table are UTC, wherever the driver stands.
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.extensions": DELTA_EXTENSION,
    "spark.sql.catalog.spark_catalog": DELTA_CATALOG,
    # A commit whose response was lost must not be written a second time (off by default in Delta).
    "spark.databricks.delta.commit.idempotencyCheck.enabled": "true",
    # A commit of no rows counts too: its note says that the day was computed and holds nothing.
    "spark.databricks.delta.skipRecordingEmptyCommits": "false",
    # A run reads its inputs as it found them. Delta refuses a version that is a week old, which may be a moment after a
    # newer one came; its files are there until VACUUM takes them.
    "spark.databricks.delta.vacuum.enforceTimeTravelWithinDeletedFileRetentionDuration": "false",
    # Spark's own default, INT96, is read by Spark alone; these are read alike by everybody, from year 1 to 9999.
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    # The default of 50 runs a job of 50 tasks over the log for every snapshot; our logs are small.
    "spark.databricks.delta.snapshotPartitions": "1",
    # Listing files for VACUUM and for partition discovery starts a job of up to 10,000 tasks by default.
    "spark.sql.sources.parallelPartitionDiscovery.parallelism": "8",
    # Compiled expressions that are kept; the default of 100 is less than one run over all tables makes.
    "spark.sql.codegen.cache.maxEntries": "2000",
    # No table has buckets; looking for them copies the session for each frame that is persisted, a quarter of a second.
    "spark.sql.sources.bucketing.autoBucketedScan.enabled": "false",
    # A half-read gzip must fail loudly, never give the rows before the fault.
    "spark.sql.files.ignoreCorruptFiles": "false",
    # Rows travel to Python workers as Arrow; 10,000 a batch is what the landing reader makes.
    "spark.sql.execution.arrow.maxRecordsPerBatch": "10000",
}

# What holds when the driver and the executors are this process.
LOCAL: dict[str, str] = {
    # 200 shuffle partitions for a few thousand rows is 200 tasks of nothing; the core count is set below.
    "spark.default.parallelism": "{cores}",
    "spark.sql.shuffle.partitions": "{cores}",
    # Adaptive execution makes a job of every shuffle; on tables this small that costs more than a better plan saves.
    "spark.sql.adaptive.enabled": "false",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    # Hadoop's default keeps a checksum file beside each file. delta-rs writes some of the log's files anew without it,
    # and Spark would not read them any more. Delta's default for its log goes past this file system.
    "spark.hadoop.fs.file.impl": "org.apache.hadoop.fs.RawLocalFileSystem",
    "spark.delta.logStore.file.impl": "io.delta.storage.LocalLogStore",
    # A port and a web page for each run that nobody looks at; the Dagster UI is the page.
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    # What that page would show of past queries, their plans above all: a thousand of them are 200 MB.
    "spark.sql.ui.retainedExecutions": "10",
}


@dataclass(frozen=True)
class EngineConfig:
    """Where Spark runs and what it may use.

    Attributes:
        master: Spark master URL of a classic session, such as `local[*]` or `spark://host:7077`.
        remote: Spark Connect URL (`sc://host:port`); when set, `master` is not used.
        driver_memory: heap of the driver JVM, as Spark writes it (`2g`).
        jars: folder with the jars that set-up resolved; its `*.jar` files join the class path of a classic session.
        java_home: JVM to use; None leaves the choice to `JAVA_HOME` and `PATH`.
        conf: further `spark.*` settings, which win over ours.
    """

    master: str = "local[*]"
    remote: str | None = None
    driver_memory: str = "2g"
    jars: Path | None = None
    java_home: Path | None = None
    conf: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def is_local(self) -> bool:
        """Whether Spark runs inside this process' own JVM."""
        return self.remote is None and self.master.startswith("local")

    @property
    def cores(self) -> int:
        """Cores that a local master may use (1 when Spark is not local)."""
        if not self.is_local:
            return 1
        inside = self.master.partition("[")[2].partition("]")[0] or "1"
        first = inside.split(",")[0]
        return len(os.sched_getaffinity(0)) if first == "*" else int(first)


def spark_conf(config: EngineConfig) -> dict[str, str]:
    """Return every `spark.*` setting of a session for `config`."""
    conf = dict(COMMON)
    if config.remote is not None:
        conf["spark.remote"] = config.remote
        # A Connect server loads its own jars and extensions; a client cannot set static settings.
        for static in ("spark.sql.extensions", "spark.sql.catalog.spark_catalog"):
            del conf[static]
    else:
        conf["spark.master"] = config.master
        conf["spark.driver.memory"] = config.driver_memory
        conf["spark.driver.extraJavaOptions"] = f"-Dlog4j2.configurationFile={LOGGING.as_uri()}"
        jars = [str(jar) for jar in sorted(config.jars.glob("*.jar"))] if config.jars else []
        if config.is_local:
            # One JVM needs no copies of the jars, and Hadoop looks for its file systems on the class path only.
            conf["spark.driver.extraClassPath"] = os.pathsep.join(jars)
        else:
            conf["spark.jars"] = ",".join(jars)
    if config.is_local:
        conf |= {key: value.format(cores=config.cores) for key, value in LOCAL.items()}
    conf |= config.conf
    return conf


def prepare_environment(config: EngineConfig) -> None:
    """Tell PySpark, which reads it from the environment, which Java and which Python to launch."""
    if config.java_home is not None and config.remote is None:
        os.environ["JAVA_HOME"] = str(config.java_home)
    if config.is_local:
        # PySpark starts its workers with whatever `python3` is first on PATH, which may lack our packages.
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)


def started_apart(start: Callable[[], SparkSession]) -> SparkSession:
    """Start a session in a thread of its own, so that interrupts stay with who has them.

    In the main thread PySpark takes over Ctrl-C and Dagster's termination of a run, for a handler that fails when it
    comes in the middle of a call to the JVM: one table would fail, and the run that was to end go on with the next.
    """
    with ThreadPoolExecutor(max_workers=1) as apart:
        return apart.submit(start).result()


class SparkEngine(CommittingEngine):
    """Spark: a JVM of this process, a cluster, or a Spark Connect server."""

    name: ClassVar[str] = "spark"

    def __init__(self, start: Callable[[], SparkSession], *, is_connect: bool = False) -> None:
        """Take what starts or gets the session; nothing is started yet.

        Args:
            start: gives the session.
            is_connect: whether it is one of Spark Connect.
        """
        self._start = start
        self.is_connect = is_connect

    def session(self) -> SparkSession:
        """The session; the first call starts it."""
        return self._start()

    @contextmanager
    def keep(self, rows: DataFrame) -> Generator[DataFrame]:
        """The same rows, computed once for the length of the block."""
        kept = rows.persist()
        with afterwards(lambda: kept.unpersist()):
            yield kept

    def frame(self, rows: ArrowTable) -> DataFrame:
        """A frame of rows that are in this process."""
        return self.session().createDataFrame(rows)

    def size(self, rows: DataFrame) -> int | None:
        """Bytes that `arrow` of kept rows takes at most, as Spark's planner estimates it from what it has kept."""
        if self.is_connect:
            return None
        frame: Any = rows._jdf  # pyright: ignore[reportPrivateUsage]
        return int(str(frame.queryExecution().optimizedPlan().stats().sizeInBytes()))

    @contextmanager
    def session_with(self, conf: Mapping[str, str]) -> Generator[SparkSession]:
        """A session with further settings that no other work sees, for the length of the block."""
        if self.is_connect:
            # A server gives no second session to a client; one table is written at a time.
            with runtime_conf(self.session(), conf):
                yield self.session()
            return
        session = self.session().newSession()
        _set(session, conf)
        yield session


def start(config: EngineConfig) -> SparkSession:
    """Start or get the session of this process without Dagster (for the command line, tests and benchmarks)."""
    prepare_environment(config)
    builder = SparkSession.builder
    for key, value in spark_conf(config).items():
        builder = builder.config(key, value)
    return started_apart(builder.getOrCreate)


@contextmanager
def afterwards(clean_up: Callable[[], object]) -> Generator[None]:
    """Clean up with Spark after the block, also after an error.

    Not after an interrupt, which leaves the connection to the JVM in the middle of an answer: whoever asks next gets
    that one.
    """
    try:
        yield
    except Exception:
        clean_up()
        raise
    clean_up()


@contextmanager
def runtime_conf(spark: SparkSession, values: Mapping[str, str]) -> Generator[None]:
    """Set runtime settings for the length of the block and put back what was there (see `afterwards`)."""
    before = {key: spark.conf.get(key, None) for key in values}
    _set(spark, values)
    with afterwards(lambda: _set(spark, before)):
        yield


def _set(spark: SparkSession, values: Mapping[str, str | None]) -> None:
    for key, value in values.items():
        if value is None:
            spark.conf.unset(key)
        else:
            spark.conf.set(key, value)
