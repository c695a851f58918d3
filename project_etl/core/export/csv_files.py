"""CSV: one file a table, and `manifest.json`, which is written last and says what is there.

A file whose size is not that of the manifest is written again, as after a crash between the two.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from project_etl.core.arrow import ArrowRecordBatchReader
from project_etl.core.export.base import CSV, Held, Shape, Units
from project_etl.core.export.cells import write_csv
from project_etl.core.export.files import replacing
from project_etl.core.lake import WHOLE

MANIFEST = "manifest.json"
Files = dict[str, dict[str, Any]]


class CsvFiles:
    """The folder `csv` of the exports."""

    name, holds_days, has_arrays = CSV, False, False

    def __init__(self, root: str) -> None:
        """Nothing is read yet.

        Args:
            root: the folder of all exports.
        """
        self.folder = Path(root) / "csv"

    @property
    def place(self) -> str:
        """The folder."""
        return str(self.folder)

    def held(self) -> Mapping[str, Units]:
        """Table → what the manifest says of it; without a bookmark where its file has another size."""
        return {
            name: {WHOLE: Held(file["bookmark"] if self._is_whole(name, file) else "", file["rows"])}
            for name, file in self._manifest().items()
        }

    @contextmanager
    def writing(self) -> Generator[_Writing]:
        """Write files in the block, each of which takes its name as soon as it is whole; then the manifest."""
        writing = _Writing(self.folder, self._manifest())
        yield writing
        with replacing(self.folder / MANIFEST) as new:
            new.write_text(json.dumps({"files": dict(sorted(writing.files.items()))}, indent=1), encoding="utf-8")

    def sizes(self) -> Mapping[str, int]:
        """File → bytes."""
        return {path.name: path.stat().st_size for path in sorted(self.folder.glob("*.csv"))}

    def remove(self) -> None:
        """Remove the manifest, and then what it names."""
        names = [*self._manifest()]
        (self.folder / MANIFEST).unlink(missing_ok=True)
        for name in names:
            _file(self.folder, name).unlink(missing_ok=True)

    def _manifest(self) -> Files:
        try:
            return json.loads((self.folder / MANIFEST).read_text(encoding="utf-8"))["files"]
        except (FileNotFoundError, ValueError, KeyError):
            # All is written again.
            return {}

    def _is_whole(self, name: str, file: Mapping[str, Any]) -> bool:
        path = _file(self.folder, name)
        return path.is_file() and path.stat().st_size == file["bytes"]


class _Writing:
    """The folder while it is written.

    Attributes:
        files: table → what the manifest will say.
    """

    def __init__(self, folder: Path, files: Files) -> None:
        self._folder, self.files = folder, files

    def take(self, shape: Shape, units: Mapping[str, str], rows: ArrowRecordBatchReader, *, anew: bool) -> None:  # noqa: ARG002 - a file is always made anew
        """Write the file of a table."""
        with replacing(_file(self._folder, shape.name)) as new:
            with new.open("w", encoding="utf-8", newline="") as file:
                number = write_csv(file, shape.columns, rows)
            size = new.stat().st_size
            with new.open("rb") as file:
                sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        self.files[shape.name] = {
            "rows": number,
            "bytes": size,
            "sha256": sha256,
            "columns": shape.columns.names,
            "bookmark": units[WHOLE],
        }

    def drop(self, name: str, units: Sequence[str] | None = None) -> None:  # noqa: ARG002 - a file is a whole
        """Remove the file of a table."""
        self.files.pop(name, None)
        _file(self._folder, name).unlink(missing_ok=True)

    def rows(self, name: str) -> Mapping[str, int]:
        """Rows of the file, counted as they were written."""
        return {WHOLE: self.files[name]["rows"]} if name in self.files else {}

    def columns(self, name: str) -> tuple[str, ...]:
        """The names in the file's header."""
        with _file(self._folder, name).open(encoding="utf-8", newline="") as file:
            return tuple(file.readline().rstrip("\r\n").split(","))


def _file(folder: Path, name: str) -> Path:
    return folder / f"{name}.csv"
