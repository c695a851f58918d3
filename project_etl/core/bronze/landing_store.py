"""The file system below landing: one landing file, its bytes and its content version, local or in an object store.

Does not belong here: which files there are (`landing.py`), or what their bytes say (`readers`).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, cast

from fsspec import AbstractFileSystem
from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem

COMPRESSED = ".gz"

_BLOCK_BYTES = 1 << 20
# The end of the year 9999, beyond which Python has no calendar.
_LAST_SECOND = 253_402_300_799.0


@dataclass(frozen=True, order=True)
class LandingFile:
    """One file that has arrived.

    Attributes:
        path: the file's identity: its path relative to the landing root, `shop/orders/2025-01-15/orders.csv`.
        size: bytes.
        modified: seconds since the epoch.
        etag: the object store's content version; None where there is none (local files).
        arrived: seconds since the epoch; later than `modified` where a copy keeps the time of the original.
    """

    path: str
    size: int
    modified: float
    etag: str | None = None
    arrived: float = field(default=0.0, compare=False)

    @property
    def day(self) -> str:
        """The landing day as ISO text, the third folder."""
        return self.path.split("/")[2]

    @property
    def name(self) -> str:
        """The file's own name."""
        return self.path.split("/")[3]

    @property
    def modified_at(self) -> datetime:
        """When the file was last written, in UTC; a time that no calendar has is cut to one."""
        return datetime.fromtimestamp(min(max(self.modified, 0.0), _LAST_SECOND), UTC)

    def is_settled(self, settle_seconds: float, now: float) -> bool:
        """Whether the file has been still for long enough.

        A time that is yet to come says nothing. Such a file counts as still here, and a load looks at it twice.

        Args:
            settle_seconds: how long is enough.
            now: seconds since the epoch.
        """
        return not settle_seconds or not now - settle_seconds < self.modified <= now


def is_unchanged(root: str | os.PathLike[str], file: LandingFile) -> bool:
    """Tell whether a file still has the size and time that it was listed with."""
    fs, base = file_system(root)
    full = f"{base}/{file.path}"
    try:
        if isinstance(fs, LocalFileSystem):
            now = Path(full).stat()
            return (now.st_size, now.st_mtime) == (file.size, file.modified)
        info = fs.info(full)
    except FileNotFoundError:
        return False
    return (info["size"], modified(info)) == (file.size, file.modified)


def content_version(root: str | os.PathLike[str], file: LandingFile) -> str:
    """Return what changes when the file's bytes change: the ETag where the store has one, else a hash of the bytes."""
    if file.etag is not None:
        return file.etag
    digest = new_digest()
    with open_bytes(root, file.path) as stream:
        while block := stream.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def new_digest() -> hashlib.blake2b:
    """Return an empty hash of the kind that `content_version` uses: blake2b, 16 bytes."""
    return hashlib.blake2b(digest_size=16)


@contextmanager
def open_bytes(root: str | os.PathLike[str], path: str) -> Generator[BinaryIO]:
    """Open a landing file's bytes as they are, compressed or not.

    Raises:
        ValueError: the path is not `source/dataset/day/name`, or leads out of the landing root.
        FileNotFoundError: there is no such file.
    """
    parts = path.split("/")
    if len(parts) != 4 or any(part in ("", ".", "..") or "\0" in part for part in parts):
        raise ValueError(f"landing path {path!r} is not source/dataset/day/name, relative to the landing root")
    fs, base = file_system(root)
    full = f"{base}/{path}"
    if leads_out(fs, base, full):
        raise ValueError(
            f"landing path {path!r} leads out of the landing root {base} by a symbolic link; copy the file"
        )
    with fs.open(full, "rb") as stream:
        yield cast("BinaryIO", stream)


def stream_etag(stream: BinaryIO) -> str | None:
    """Return the ETag that an object store gave when this stream was opened; None where there is none."""
    return etag(cast("Mapping[str, Any]", getattr(stream, "details", None) or {}))


def file_system(root: str | os.PathLike[str]) -> tuple[AbstractFileSystem, str]:
    """Return the file system of a root, and the root as that file system calls it."""
    url = os.fspath(root)
    if url.startswith("s3a://"):
        url = f"s3://{url.removeprefix('s3a://')}"
    # A long-lived process must see what arrived since it last looked.
    fs, base = url_to_fs(url, use_listings_cache=False)
    return cast("AbstractFileSystem", fs), cast("str", base).rstrip("/")


def leads_out(fs: AbstractFileSystem, base: str, full: str) -> bool:
    """Tell whether a path of a local root is not below it once symbolic links are followed."""
    if not isinstance(fs, LocalFileSystem):
        return False
    return not Path(os.path.realpath(full)).is_relative_to(os.path.realpath(base or "/"))


def modified(info: Mapping[str, Any]) -> float:
    """Return when a file was modified, in seconds since the epoch; stores name and type the instant differently."""
    value = next((info[key] for key in ("mtime", "LastModified", "last_modified", "created") if info.get(key)), 0.0)
    return value.timestamp() if isinstance(value, datetime) else float(value)


def etag(info: Mapping[str, Any]) -> str | None:
    """Return the content version that an object store gives a file; None where it gives none."""
    value = info.get("ETag") or info.get("etag")
    return value.strip('"') if isinstance(value, str) else None
