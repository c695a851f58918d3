"""What targets have in common that are one database file.

Does not belong here: what is in the file, and how it is read and written.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from project_etl.core.export.aside import clear, mark_of
from project_etl.core.export.base import ExportError

# What the table of bookmarks says.
HELD = "SELECT table_name, unit, bookmark FROM _exports"


@dataclass(frozen=True)
class OneFile:
    """A database file; see `Target`.

    Attributes:
        root: the folder of all exports.
        FILE: its name.
        BESIDE: endings of what its program keeps beside it.
        CHANGING: those of them that are there while somebody changes the file, which alone is then not all there is.
    """

    root: Path
    FILE: ClassVar[str]
    BESIDE: ClassVar[tuple[str, ...]]
    CHANGING: ClassVar[tuple[str, ...]]

    @property
    def file(self) -> Path:
        """The file."""
        return self.root / self.FILE

    @property
    def place(self) -> str:
        """Where it is, for people."""
        return str(self.file)

    @property
    def size_bytes(self) -> int:
        """How many bytes it takes."""
        return self.file.stat().st_size if self.file.exists() else 0

    @property
    def mark(self) -> object:
        """Equal marks mean that it holds the same."""
        return mark_of(self.file)

    @property
    def is_whole(self) -> bool:
        """Whether it is there, and nobody is changing it."""
        return self.file.exists() and not any(self._beside(ending).exists() for ending in self.CHANGING)

    def require(self) -> None:
        """Refuse to read a file that is not there.

        Raises:
            ExportError: it is not there.
        """
        if not self.file.exists():
            raise ExportError(f"{self.place} is not there.")

    def remove(self) -> None:
        """Delete the file."""
        clear(self.file)
        for ending in ("", *self.BESIDE):
            self._beside(ending).unlink(missing_ok=True)

    def _beside(self, ending: str) -> Path:
        return self.file.with_name(f"{self.FILE}{ending}")


def by_table(tables: Collection[str], bookmarks: Iterable[tuple[str, str, str]]) -> Mapping[str, Mapping[str, str]]:
    """Table → unit → bookmark, of tables that are there.

    Args:
        tables: the tables that are there.
        bookmarks: table, unit and bookmark; those of a table that is gone say nothing.
    """
    found: dict[str, dict[str, str]] = {name: {} for name in tables}
    for name, unit, bookmark in bookmarks:
        if name in found:
            found[name][unit] = bookmark
    return found
