"""What an engine is: it computes frames in PySpark's DataFrame API, whatever runs beneath.

Does not belong here: a particular engine (`spark.py`, `embedded.py`).
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Generator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from project_etl.core.arrow import ArrowTable

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

# PySpark builds columns and windows for Spark Connect while this variable is set, and for a JVM while it is not.
CONNECT_MODE = "SPARK_CONNECT_MODE_ENABLED"


class Engine(ABC):
    """Computes frames.

    Attributes:
        name: as the setting `engine` calls it.
        is_connect: whether its session speaks Spark Connect.
    """

    name: ClassVar[str]
    is_connect: bool

    @abstractmethod
    def session(self) -> SparkSession:
        """The session; the first call starts it."""

    @contextmanager
    def active(self) -> Generator[None]:
        """Build PySpark's columns for this engine in the block."""
        before = os.environ.pop(CONNECT_MODE, None)
        if self.is_connect:
            os.environ[CONNECT_MODE] = "1"
        try:
            yield
        finally:
            os.environ.pop(CONNECT_MODE, None)
            if before is not None:
                os.environ[CONNECT_MODE] = before

    def read(self, path: str, version: int) -> DataFrame:
        """A Delta table at a version, lazily."""
        return self.session().read.format("delta").option("versionAsOf", version).load(path)

    @abstractmethod
    def keep(self, rows: DataFrame) -> AbstractContextManager[DataFrame]:
        """The same rows, computed once for the length of the block."""

    def arrow(self, rows: DataFrame) -> ArrowTable:
        """Compute rows and bring them into this process."""
        return rows.toArrow()

    @abstractmethod
    def frame(self, rows: ArrowTable) -> DataFrame:
        """A frame of rows that are in this process."""

    def owns(self, rows: object) -> bool:
        """Whether these rows are a frame, and not in this process yet."""
        from pyspark.sql import DataFrame

        return isinstance(rows, DataFrame)


class CommittingEngine(Engine):
    """An engine that can also commit to a table by itself."""

    @abstractmethod
    def size(self, rows: DataFrame) -> int | None:
        """Bytes that `arrow` of kept rows takes at most; None when that is not known."""

    @abstractmethod
    def session_with(self, conf: Mapping[str, str]) -> AbstractContextManager[SparkSession]:
        """A session with further settings that no other work sees, for the length of the block."""


@dataclass(frozen=True)
class Larger:
    """The engine that takes over where another one computes what is small.

    Attributes:
        engine: the engine; it is not started before it is needed.
        above_bytes: how many bytes of files a table may read, as Parquet, before this engine computes it.
    """

    engine: Engine
    above_bytes: int
