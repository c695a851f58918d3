"""What was pulled before, of one dataset: read off the file table, and off landing for what is not in Bronze yet.

There is no third place that remembers it. So a file that somebody removes before it was loaded is pulled again, and one
that was loaded may be removed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from project_etl.core.arrow import ArrowTable
from project_etl.core.bronze import file_table
from project_etl.core.bronze.landing import LandingFile, content_version, day_folders, list_files, names_on
from project_etl.core.engine.base import Engine
from project_etl.core.extract.land import ENDING
from project_etl.core.extract.spans import end_of
from project_etl.core.lake import TableStore
from project_etl.core.model.source import Dataset


@dataclass(frozen=True)
class PulledBefore:
    """What was pulled before.

    Attributes:
        lake: the lake.
        landing_root: the landing root.
        dataset: the dataset.
    """

    lake: TableStore
    landing_root: str
    dataset: Dataset

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all slices that have landed, in order."""
        return self._names

    @property
    def waiting(self) -> tuple[str, ...]:
        """Those that are not in Bronze yet, in order."""
        return tuple(map(_name, sorted(self._waiting)))

    @property
    def engine(self) -> Engine | None:
        """What computes, the larger one where there are two."""
        return self.lake.handed_over().engine

    @property
    def folder(self) -> str:
        """The dataset's folder in landing, as a path or a URL."""
        return f"{self.landing_root}/{self.dataset.source}/{self.dataset.name}"

    def has_landed(self, size: int, version: str) -> bool:
        """Whether a file with such bytes has landed."""
        if version in self._filed.values():
            return True
        alike = (file for file in self._waiting.values() if file.size == size)
        return any(content_version(self.landing_root, file) == version for file in alike)

    @property
    def until(self) -> datetime | None:
        """The upper end of the newest of them; None before the first."""
        return max(filter(None, map(end_of, self.names)), default=None)

    def loaded(self, columns: tuple[str, ...]) -> ArrowTable:
        """Some columns of all that is in Bronze, as text; a file that is not loaded now is not among it."""
        import pyarrow as pa

        if not self.lake.exists(self.dataset.bronze):
            return pa.table({name: pa.array([], pa.string()) for name in columns})
        return self.lake.state(self.dataset.bronze).rows(list(columns))

    @cached_property
    def _names(self) -> tuple[str, ...]:
        return tuple(sorted({*map(_name, self._filed), *map(_name, self._waiting)}))

    @cached_property
    def _filed(self) -> Mapping[str, str | None]:
        """Every file that Bronze has ever seen, and its content version."""
        if not self.lake.exists(self.dataset.bronze):
            return {}
        return file_table.versions(self.lake, self.dataset.bronze)

    @cached_property
    def _waiting(self) -> Mapping[str, LandingFile]:
        """The files in landing that Bronze has never seen."""
        of, filed = (self.landing_root, self.dataset.source, self.dataset.name), self._filed
        folder = f"{self.dataset.source}/{self.dataset.name}"
        days = [
            day for day in day_folders(*of) if any(f"{folder}/{day}/{name}" not in filed for name in names_on(*of, day))
        ]
        return {file.path: file for file in list_files(*of, days) if file.path not in filed}


def _name(path: str) -> str:
    return path.rpartition("/")[2].removesuffix(ENDING)
