"""The landing folders: which files have arrived, and their bytes.

Landing is `<root>/<source>/<dataset>/<YYYY-MM-DD>/<name>.(csv|json|jsonl)[.gz]`, where the root is a local folder or
any fsspec URL (`s3a://` is `s3://`), so that a laptop and an object store are one code path.
Does not belong here: what the bytes say (`readers`), or which files are already loaded (the Bronze table knows).
"""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from operator import attrgetter
from pathlib import Path
from typing import Any

from fsspec.implementations.local import LocalFileSystem

from project_etl.core.bronze.landing_store import (
    COMPRESSED,
    LandingFile,
    content_version,
    etag,
    file_system,
    leads_out,
    modified,
    open_bytes,
)

# What callers need of the store comes from here too: landing is one thing to them.
__all__ = [
    "LandingFile",
    "Listing",
    "Unrecognized",
    "content_version",
    "day_folders",
    "list_files",
    "list_landing",
    "open_bytes",
]

FORMATS = (".csv", ".json", ".jsonl")
NOT_THERE_YET = (".tmp", ".part")


@dataclass(frozen=True, order=True)
class Unrecognized:
    """Something in the landing folders that is not read, and why; `path` is relative to the landing root."""

    path: str
    reason: str


@dataclass(frozen=True)
class Listing:
    """What a dataset's landing folders hold, each part sorted by path."""

    files: tuple[LandingFile, ...]
    unrecognized: tuple[Unrecognized, ...]


def list_landing(
    root: str | os.PathLike[str], source: str, dataset: str, days: Collection[str] | None = None
) -> Listing:
    """List the files of a dataset, and what lies beside them and is not read.

    Names that start with `.` or `_`, or end in `.tmp` or `.part`, are not there yet and are in neither part. A folder
    that does not exist holds nothing. Each day folder is listed once.

    Args:
        root: the landing root, a local folder or a URL.
        source: name of the source folder.
        dataset: name of the dataset folder.
        days: landing days (ISO) to look at; None looks at all of them.

    Raises:
        ValueError: source, dataset or a day is not what a folder of its kind can be called.
    """
    landing = _Landing(root)
    folder = f"{_checked_name('source', source)}/{_checked_name('dataset', dataset)}"
    for day in days or ():
        if not _is_day(day):
            raise ValueError(f"landing day {day!r} is not a date; expected YYYY-MM-DD, such as 2025-01-15")
    if days is None:
        days = landing.day_folders(folder)
    for day in sorted(set(days)):
        landing.add_day(f"{folder}/{day}")
    return Listing(
        files=tuple(sorted(landing.files, key=attrgetter("path"))),
        unrecognized=tuple(sorted(landing.unrecognized)),
    )


def day_folders(root: str | os.PathLike[str], source: str, dataset: str) -> dict[str, float | None]:
    """The landing days (ISO) of a dataset, with when each folder last changed, in seconds since the epoch.

    A folder changes when a file in it is made, renamed or removed, not when one is written in place. None where the
    file system does not tell: an object store, or a link.
    """
    return _Landing(root).day_folders(f"{_checked_name('source', source)}/{_checked_name('dataset', dataset)}")


def list_files(
    root: str | os.PathLike[str], source: str, dataset: str, days: Collection[str] | None = None
) -> list[LandingFile]:
    """List the files of a dataset, sorted by path; `list_landing` without what is not read."""
    return list(list_landing(root, source, dataset, days).files)


class _Landing:
    """One listing pass over a landing root, gathering files and what is not recognized."""

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self.fs, self.base = file_system(root)
        self._is_local = isinstance(self.fs, LocalFileSystem)
        self.files: list[LandingFile] = []
        self.unrecognized: list[Unrecognized] = []

    def day_folders(self, folder: str) -> dict[str, float | None]:
        """The day folders of a dataset folder, with when each last changed; all else that lies there is reported."""
        days: dict[str, float | None] = {}
        for name, info in self._entries(folder):
            if info["type"] == "file":
                self._report(f"{folder}/{name}", "a file outside a day folder; expected <YYYY-MM-DD>/<name>")
            elif _is_day(name):
                # A link has a time of its own, and a store's folder has none.
                days[name] = None if info.get("islink") else info.get("mtime")
            else:
                self._report(f"{folder}/{name}", "not a landing day; expected a folder called YYYY-MM-DD")
        return days

    def add_day(self, folder: str) -> None:
        """Take in one day folder."""
        if leads_out(self.fs, self.base, f"{self.base}/{folder}"):
            self._report(folder, "a symbolic link that leads out of the landing root; copy the files instead")
            return
        for name, info in self._entries(folder):
            path = f"{folder}/{name}"
            if info.get("islink"):
                self._add_link(path)
            else:
                arrived = max(modified(info), info["created"] if self._is_local else 0.0)
                self._add(path, info["type"], info["size"], modified(info), etag(info), arrived)

    def _add_link(self, path: str) -> None:
        full = f"{self.base}/{path}"
        if leads_out(self.fs, self.base, full):
            self._report(path, "a symbolic link that leads out of the landing root; copy the file instead")
            return
        try:
            target = Path(full).stat()
        except OSError:
            self._report(path, "a symbolic link to nothing")
            return
        kinds = {stat.S_IFDIR: "directory", stat.S_IFREG: "file"}
        kind = kinds.get(stat.S_IFMT(target.st_mode), "other")
        self._add(path, kind, target.st_size, target.st_mtime, None, max(target.st_mtime, target.st_ctime))

    def _add(self, path: str, kind: str, size: int, modified: float, etag: str | None, arrived: float) -> None:
        if kind == "directory":
            self._report(path, "a folder inside a day folder; files are read from the day folder itself")
        elif kind != "file":
            self._report(path, "not a regular file")
        elif not path.lower().removesuffix(COMPRESSED).endswith(FORMATS):
            self._report(path, f"not a known kind of file; expected {', '.join(FORMATS)}, each also with {COMPRESSED}")
        elif not _is_utf8(path):
            self._report(path, "a name that is not UTF-8; rename the file")
        else:
            self.files.append(LandingFile(path, size, modified, etag, arrived))

    def _report(self, path: str, reason: str) -> None:
        printable = path.encode("utf-8", "backslashreplace").decode("utf-8")
        self.unrecognized.append(Unrecognized(printable, reason))

    def _entries(self, folder: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Name and details of what lies in a folder, without what is not there yet."""
        full = f"{self.base}/{folder}"
        try:
            infos = self.fs.ls(full, detail=True)
        except (FileNotFoundError, NotADirectoryError):
            return
        except PermissionError:
            self._report(folder, "a folder that may not be read: let the platform's user read it")
            return
        for info in infos:
            # An object store may list the folder's own marker.
            if info["name"].rstrip("/") == full.rstrip("/"):
                if info["type"] == "file" and info["size"]:
                    self._report(folder, "a file; expected a folder")
                continue
            name = info["name"].rstrip("/").rpartition("/")[2]
            if not name.startswith((".", "_")) and not name.lower().endswith(NOT_THERE_YET):
                yield name, info


def _checked_name(kind: str, name: str) -> str:
    if not name or name.startswith((".", "_")) or any(character in name for character in "/\\\0"):
        raise ValueError(f"{kind} {name!r} is not a folder name; expected one without slashes and a leading . or _")
    return name


def _is_day(name: str) -> bool:
    try:
        return date.fromisoformat(name).isoformat() == name
    except ValueError:
        return False


def _is_utf8(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
