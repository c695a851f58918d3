"""Whether a lake is as it was: what a sensor found out then still holds.

Belongs here: versions of tables, and what one process remembers for them. It is lost with the process, and found again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from project_etl.catalog import feeds_of, parameters_of
from project_etl.core.digest import digest
from project_etl.core.lake import TableStore
from project_etl.core.model.table import Table
from project_etl.settings import Settings

Found = TypeVar("Found")
Versions = Mapping[str, tuple[str, int]]
"""Table → Delta's identity of it and its version; tables that do not exist are absent."""


def versions_of(lake: TableStore, names: Iterable[str]) -> Versions:
    """The tables as they are now."""
    states = {name: lake.state(name) for name in names if lake.exists(name)}
    return {name: (state.table_id, state.version) for name, state in states.items()}


# Beside those that transforms take: what a run that failed for want of them may do with others.
SETTINGS = {"sources", "landing_root", "engine", "engine_max_bytes", "spark", "exports", "export_root"}


def code_of(settings: Settings, tables: Iterable[Table]) -> str:
    """Digest of code and settings of some tables, and of the feeds of their records."""
    versions = [(table.name, table.version, [feed.version for feed in feeds_of(table, settings)]) for table in tables]
    return digest(versions, parameters_of(settings), settings.model_dump(mode="json", include=SETTINGS))


@dataclass
class Remembered(Generic[Found]):
    """What was found out last, and from what."""

    key: object = None
    found: Found | None = None

    def of(self, key: object, find: Callable[[], Found]) -> Found:
        """What was found out from the same before, or else is now."""
        if self.found is None or self.key != key:
            self.found, self.key = find(), key
        return self.found
