"""Planning Bronze: which files in landing are new, and what follows for Bronze's rows.

Belongs here: comparing landing with the file table. Does not belong here: reading and writing (`stage.py`).

A Bronze table holds, for each landing day, the newest bytes of every file name ever seen, also of a file that has left
landing. Equal bytes under several names of one day are held once, under the first of the names.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from project_etl.core.bronze import file_table
from project_etl.core.bronze.file_table import FileRow, Status
from project_etl.core.bronze.landing import Listing, Unrecognized, list_landing
from project_etl.core.bronze.landing_root import LandingRoot
from project_etl.core.bronze.landing_store import LandingFile
from project_etl.core.bronze.redaction import Redaction
from project_etl.core.bronze.tombstones import Tombstones
from project_etl.core.bronze.unreadable import FILE_UNIQUE
from project_etl.core.lake import TableStore
from project_etl.core.model.source import Dataset
from project_etl.core.model.staged import Run
from project_etl.core.transforms.words import NOTHING

IS_GOOD = (Status.LOADED, Status.COPY)


@dataclass(frozen=True)
class BronzeJob:
    """One materialization of a Bronze table.

    Attributes:
        lake: the lake.
        dataset: what is loaded.
        landing_root: landing's root folder or URL.
        days: landing days asked for, ISO dates in order.
        run: the run.
        settle_seconds: how long a file must have been still before it is taken.
        landing_moved_from: the root that landing had before somebody moved it.
        prefix: namespace of the source's ids.
        nothing: words that mean that there is no value, in small letters.
    """

    lake: TableStore
    dataset: Dataset
    landing_root: str
    days: tuple[str, ...]
    run: Run
    settle_seconds: float = 0
    landing_moved_from: str | None = None
    prefix: str = ""
    nothing: tuple[str, ...] = NOTHING

    @property
    def landing(self) -> LandingRoot:
        """Where the lake is loaded from."""
        return LandingRoot(self.lake.root, self.landing_root, self.landing_moved_from)

    def redaction(self, tombstones: Tombstones) -> Redaction:
        """What is left of the dataset's records when some customers are erased."""
        return Redaction(tombstones, self.dataset.person, self.prefix, self.nothing)

    def listing(self) -> Listing:
        """What lies in landing now."""
        return list_landing(self.landing_root, self.dataset.source, self.dataset.name, self.days)


@dataclass(frozen=True)
class Look:
    """What landing holds.

    Attributes:
        files: files that may be taken.
        changing: files that may still be written.
        unrecognized: what lies in landing and is not read.
    """

    files: tuple[LandingFile, ...]
    changing: tuple[LandingFile, ...]
    unrecognized: tuple[Unrecognized, ...]


@dataclass(frozen=True)
class Moves:
    """What a batch does to the rows of a Bronze table.

    Attributes:
        load: files whose records come in.
        drop: files whose rows go.
        rename: files whose rows change hands, for the same bytes: old path → new path.
    """

    load: tuple[str, ...]
    drop: tuple[str, ...]
    rename: Mapping[str, str]

    @property
    def paths(self) -> frozenset[str]:
        """Every file that these rows are or were of."""
        return frozenset({*self.load, *self.drop, *self.rename.values()})

    @property
    def days(self) -> tuple[str, ...]:
        """The landing days that are concerned."""
        return tuple(sorted({path.split("/")[2] for path in self.paths}))


def look(job: BronzeJob) -> Look:
    """Look at landing. Waits once, for at most `settle_seconds`, when a new file may still be written.

    A file counts as still when it was last written `settle_seconds` ago. A time that is yet to come says nothing: such
    a file counts as still when it is the same after the wait. Call it before you take the table's lock.

    Raises:
        OtherLanding: the lake was loaded from another landing root; nothing was looked at.
    """
    file_table.require_landing(job.lake, job.landing)
    found, now = job.listing(), time.time()
    if not job.settle_seconds:
        return Look(found.files, (), found.unrecognized)
    young = [file for file in found.files if file.modified > now - job.settle_seconds]
    if new := new_files(job.lake, [job.dataset.bronze], young):
        time.sleep(max(min(job.settle_seconds, file.modified + job.settle_seconds - now) for file in new))
        found, now = job.listing(), time.time()
    seen_before = frozenset(young)
    still = {
        file
        for file in found.files
        if file.is_settled(job.settle_seconds, now) and (file.modified <= now or file in seen_before)
    }
    changing = tuple(file for file in found.files if file not in still)
    return Look(tuple(file for file in found.files if file in still), changing, found.unrecognized)


def new_files(lake: TableStore, bronze: Collection[str], files: Sequence[LandingFile]) -> list[LandingFile]:
    """Those files of some Bronze tables that the file table does not know as they are now, by name, size and time."""
    known = file_table.seen(lake, bronze, {file.day for file in files})
    return [file for file in files if file.path not in known or _is_new(known[file.path], file)]


def _is_new(seen: file_table.Seen, file: LandingFile) -> bool:
    """Whether a file that was seen looks different now, or may be read now: that changes its folder's entry alone."""
    may_be_read = seen.status == Status.DENIED and file.arrived > seen.last_seen.timestamp()
    return may_be_read or not is_as_known(seen, file)


def is_as_known(row: file_table.Seen | FileRow, file: LandingFile) -> bool:
    """Whether a file looks as it did when its row was written."""
    if file.etag is not None:
        return row.version == file.etag
    return (row.size_bytes, row.modified_at) == (file.size, file.modified_at)


def with_holders(rows: Mapping[str, FileRow]) -> dict[str, FileRow]:
    """The rows with one file loaded of those that have equal bytes on a landing day: the first by name."""
    names: dict[tuple[str, str | None], list[str]] = defaultdict(list)
    for path in sorted(rows):
        if rows[path].status in IS_GOOD:
            names[rows[path].day, rows[path].version].append(path)
    result = dict(rows)
    for holder, *copies in names.values():
        result[holder] = replace(rows[holder], status=Status.LOADED, rule=None, detail=None, holder=None)
        copy = {"status": Status.COPY, "rule": FILE_UNIQUE, "detail": f"has the bytes of {holder}", "holder": holder}
        result |= {path: replace(rows[path], **copy) for path in copies}
    return result


def moves(before: Mapping[str, FileRow], after: Mapping[str, FileRow]) -> Moves:
    """What makes Bronze hold the loaded files of `after` when it holds those of `before`."""
    held, wanted = _loaded(before), _loaded(after)
    # Landing day and version → the file that brings the rows.
    holders = {(before[path].day, version): path for path, version in held.items()}
    come = [path for path, version in wanted.items() if held.get(path) != version]
    known = {path: holders.get((after[path].day, wanted[path])) for path in come}
    return Moves(
        load=tuple(path for path, holder in known.items() if holder is None),
        drop=tuple(path for path, version in held.items() if wanted.get(path) != version),
        rename={holder: path for path, holder in known.items() if holder is not None},
    )


def _loaded(rows: Mapping[str, FileRow]) -> dict[str, str | None]:
    return {path: row.version for path, row in sorted(rows.items()) if row.status is Status.LOADED}
