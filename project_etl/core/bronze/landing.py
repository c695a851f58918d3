"""The landing folders: which files have arrived, and their bytes.

Landing is `<root>/<source>/<dataset>/<YYYY-MM-DD>/<name>.(csv|json|jsonl)[.gz]`, where the root is a local folder or
any fsspec URL (`s3a://` is `s3://`), so that a laptop and an object store are one code path.
Does not belong here: what lies outside of the folders of a dataset (`survey.py`), what the bytes say (`readers`), or
which files are already loaded (the Bronze table knows).
"""

from __future__ import annotations

import os
import re
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
    "Walk",
    "content_version",
    "day_folders",
    "list_files",
    "list_landing",
    "names_on",
    "open_bytes",
]

FORMATS = (".csv", ".json", ".jsonl")
NOT_THERE_YET = (".tmp", ".part")

LEADS_OUT = "a symbolic link that leads out of the landing root"
# A day as people write it: 2025-1-2, 20250102, day=2025_01_02.
_DAY_IN_WORDS = re.compile(r"(?<!\d)(\d{4})(?:(\d\d)(\d\d)|[-_. ](\d{1,2})[-_. ](\d{1,2}))(?!\d)", re.ASCII)


@dataclass(frozen=True, order=True)
class Unrecognized:
    """Something in the landing folders that is not read.

    Attributes:
        path: relative to the landing root; a folder stands for all that lies in it.
        reason: why it is not read.
        advice: what to do.
        files: how many files that are; 0 for a folder that may not be read.
    """

    path: str
    reason: str
    advice: str
    files: int = 1

    def in_words(self) -> str:
        """The whole as people read it."""
        number = f" ({self.files:,} files)" if self.files > 1 else ""
        return f"{self.path}{number}: {self.reason}; {self.advice}"


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
    landing = Walk(root)
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
    return Walk(root).day_folders(f"{_checked_name('source', source)}/{_checked_name('dataset', dataset)}")


def names_on(root: str | os.PathLike[str], source: str, dataset: str, day: str) -> list[str]:
    """The names of all that lies in the folder of a landing day, in no order; what they are is not looked at."""
    fs, base = file_system(root)
    folder = f"{base}/{_checked_name('source', source)}/{_checked_name('dataset', dataset)}/{day}"
    if isinstance(fs, LocalFileSystem):
        # In a fiftieth of the time that a listing with sizes and times takes.
        return os.listdir(folder)  # noqa: PTH208 - a path of each would take longer than the listing
    return [name.rstrip("/").rpartition("/")[2] for name in fs.ls(folder, detail=False)]


def list_files(
    root: str | os.PathLike[str], source: str, dataset: str, days: Collection[str] | None = None
) -> list[LandingFile]:
    """List the files of a dataset, sorted by path; `list_landing` without what is not read."""
    return list(list_landing(root, source, dataset, days).files)


class Walk:
    """One pass over a landing root.

    Attributes:
        files: the files found so far.
        unrecognized: what was found so far and is not read.
    """

    def __init__(self, root: str | os.PathLike[str]) -> None:
        """Begin with nothing found."""
        self.files: list[LandingFile] = []
        self.unrecognized: list[Unrecognized] = []
        self._fs, self._base = file_system(root)
        self._is_local = isinstance(self._fs, LocalFileSystem)

    def day_folders(self, folder: str) -> dict[str, float | None]:
        """The day folders of a dataset folder, with when each last changed; all else that lies there is reported."""
        days: dict[str, float | None] = {}
        others: list[str] = []
        for name, info in self.entries(folder):
            if info["type"] == "file":
                self.report_loose(f"{folder}/{name}")
            elif _is_day(name):
                # A link has a time of its own, and a store's folder has none.
                days[name] = None if info.get("islink") else info.get("mtime")
            else:
                others.append(name)
        for name in others:
            self.report_folder(f"{folder}/{name}", "not a landing day", _day_advice(name, days))
        return days

    def add_day(self, folder: str, *, is_link: bool = True) -> None:
        """Take in one day folder; `is_link` is False where it is known to be no symbolic link."""
        if is_link and self.leads_out(folder):
            self.report(folder, LEADS_OUT, "copy the files instead")
            return
        for name, info in self.entries(folder):
            path = f"{folder}/{name}"
            if info.get("islink"):
                self._add_link(path)
            else:
                arrived = max(modified(info), info["created"] if self._is_local else 0.0)
                self._add(path, info["type"], info["size"], modified(info), etag(info), arrived)

    def _add_link(self, path: str) -> None:
        if self.leads_out(path):
            self.report(path, LEADS_OUT, "copy the file instead")
            return
        try:
            target = Path(self._full(path)).stat()
        except OSError:
            self.report(path, "a symbolic link to nothing", "remove it, or copy the file")
            return
        kinds = {stat.S_IFDIR: "directory", stat.S_IFREG: "file"}
        kind = kinds.get(stat.S_IFMT(target.st_mode), "other")
        self._add(path, kind, target.st_size, target.st_mtime, None, max(target.st_mtime, target.st_ctime))

    def _add(self, path: str, kind: str, size: int, modified: float, etag: str | None, arrived: float) -> None:
        if kind == "directory":
            self.report_folder(path, "a folder inside a day folder", "move its files into the day folder")
        elif kind != "file":
            self.report(path, "not a regular file", "remove it")
        elif not path.lower().removesuffix(COMPRESSED).endswith(FORMATS):
            formats = f"{', '.join(FORMATS)}, each also with {COMPRESSED}"
            self.report(path, "not a known kind of file", f"save it as one of {formats}")
        elif not _is_utf8(path):
            self.report(path, "a name that is not UTF-8", "rename the file")
        else:
            self.files.append(LandingFile(path, size, modified, etag, arrived))

    def leads_out(self, path: str) -> bool:
        """Whether a symbolic link on the way leads out of the landing root."""
        return leads_out(self._fs, self._base, self._full(path))

    def report(self, path: str, reason: str, advice: str, files: int = 1) -> None:
        """Note what is not read."""
        printable = path.encode("utf-8", "backslashreplace").decode("utf-8")
        self.unrecognized.append(Unrecognized(printable, reason, advice, files))

    def report_loose(self, path: str) -> None:
        """Note a file that lies above the day folders."""
        above = path.split("/")[:-1]
        place = [*above, *("<source>", "<dataset>", "<YYYY-MM-DD>")[len(above) :]]
        self.report(path, "a file outside a day folder", f"move it to {'/'.join(place)}/")

    def report_folder(self, path: str, reason: str, advice: str) -> None:
        """Note a folder of which nothing is read; one without files is nothing."""
        if files := self.count_files(path):
            self.report(path, reason, advice, files)

    def count_files(self, folder: str) -> int:
        """How many files lie in a folder and below it, without those that are not there yet."""
        if not self._is_local:
            # One listing, however many folders there are.
            start = len(self._full(folder)) + 1
            found = (name[start:].split("/") for name in self._fs.find(self._full(folder)))
            return sum(all(map(_is_there, parts)) for parts in found)
        below = self.entries(folder)
        return sum(self.count_files(f"{folder}/{name}") if info["type"] == "directory" else 1 for name, info in below)

    def entries(self, folder: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Name and details of what lies in a folder (the root's is empty), without what is not there yet."""
        full = self._full(folder)
        try:
            infos = self._fs.ls(full, detail=True)
        except (FileNotFoundError, NotADirectoryError):
            return
        except PermissionError:
            self.report(folder or ".", "a folder that may not be read", "let the platform's user read it", 0)
            return
        for info in infos:
            # An object store may list the folder's own marker.
            if info["name"].rstrip("/") == full.rstrip("/"):
                if info["type"] == "file" and info["size"]:
                    self.report(folder, "a file where a folder is expected", "move it into a day folder")
                continue
            name = info["name"].rstrip("/").rpartition("/")[2]
            if _is_there(name):
                yield name, info

    def _full(self, path: str) -> str:
        return f"{self._base}/{path}".rstrip("/") or "/"


def _day_advice(name: str, days: Collection[str]) -> str:
    """What to do with a folder whose name is no day, beside some that are."""
    found = _DAY_IN_WORDS.search(name)
    parts = [int(part) for part in found.groups() if part] if found else []
    try:
        day = date(*parts).isoformat()
    except (TypeError, ValueError):
        return "rename it to its landing day, YYYY-MM-DD"
    return f"move its files into {day}" if day in days else f"rename it to {day}"


def _is_there(name: str) -> bool:
    return not name.startswith((".", "_")) and not name.lower().endswith(NOT_THERE_YET)


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
