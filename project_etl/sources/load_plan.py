"""Planning Bronze: which files to load and which rows to drop, decided without Spark.

Belongs here: comparing landing with what Bronze and the file register know. Does not belong here: reading records
(`records.py`), writing (`load.py`).

A Bronze table holds, for each landing day, the newest bytes of every file name ever seen, also of a file that has left
landing since. Equal bytes under several names of one day are held once, under the first of the names.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from project_etl.core.lake import TableStore
from project_etl.core.ledger import Ledger, ledger
from project_etl.core.staged import Run
from project_etl.sources.catalog import Dataset
from project_etl.sources.file_register import FILE_UNIQUE, FileEntry, entries
from project_etl.sources.landing import Unrecognized, list_landing
from project_etl.sources.landing_store import LandingFile, content_version
from project_etl.sources.unreadable import FILE_ACCESSIBLE


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
    """

    lake: TableStore
    dataset: Dataset
    landing_root: str
    days: tuple[str, ...]
    run: Run
    settle_seconds: float = 0


@dataclass(frozen=True)
class BronzePlan:
    """What a Bronze materialization has to do.

    Attributes:
        load: files to read from landing, with their content versions.
        drop: landing paths whose rows go.
        rename: rows of a file that change hands: old path → (new path, landing day), for equal bytes whose holder
        changed
            while the new holder has already left landing.
        copies: files that say what another file of the day says, with that file's path.
        denied: files that may not be read, with why; they are tried again with every run.
        known_denied: those of them that are in the register already.
        known_bad: files with the bytes of a file of the day that is known to be bad, with that file's entry.
        listed: entries of the asked days in the register of files, as they are before this batch.
        settled: those of files that are in order now.
        unsettled: files that were still changing.
        unrecognized: what lies in landing and is not read.
        files: asked day → path → content version, as it will be.
    """

    load: Mapping[LandingFile, str]
    drop: tuple[str, ...]
    rename: Mapping[str, tuple[str, str]]
    copies: Mapping[LandingFile, tuple[str, str]]
    denied: Mapping[LandingFile, str]
    known_denied: frozenset[LandingFile]
    known_bad: Mapping[LandingFile, FileEntry]
    listed: tuple[FileEntry, ...]
    settled: tuple[str, ...]
    unsettled: tuple[LandingFile, ...]
    unrecognized: tuple[Unrecognized, ...]
    files: Ledger

    @property
    def has_work(self) -> bool:
        """Whether Bronze rows change."""
        return bool(self.changed_days)

    @property
    def changed_days(self) -> frozenset[str]:
        """The landing days on which files came, changed or went."""
        gone = (path.split("/")[2] for path in self.drop)
        return frozenset({*gone, *(file.day for file in self.load), *(day for _, day in self.rename.values())})


@dataclass
class _Steps:
    load: dict[LandingFile, str] = field(default_factory=dict[LandingFile, str])
    drop: list[str] = field(default_factory=list[str])
    rename: dict[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    copies: dict[LandingFile, tuple[str, str]] = field(default_factory=dict[LandingFile, tuple[str, str]])
    known_bad: dict[LandingFile, FileEntry] = field(default_factory=dict[LandingFile, FileEntry])
    files: Ledger = field(default_factory=dict[str, dict[str, str]])


def make_plan(job: BronzeJob) -> BronzePlan:
    """Compare landing with what is loaded; waits once, for at most `settle_seconds`, for files that just arrived."""
    files, unsettled, unrecognized = _settled_files(job)
    versions, denied = _versions(job.landing_root, files)
    loaded = ledger(job.lake, job.dataset.bronze, job.days)
    register: dict[str, list[FileEntry]] = defaultdict(list)
    for entry in entries(job.lake, job.dataset.bronze, job.days):
        register[entry.day].append(entry)
    steps = _Steps()
    for day in job.days:
        here = {file: version for file, version in versions.items() if file.day == day}
        _plan_day(day, here, loaded.get(day, {}), register[day], steps)
    listed = {entry.path: entry for found in register.values() for entry in found}
    refused = {file.path for file in denied}
    return BronzePlan(
        load=steps.load,
        drop=tuple(sorted(steps.drop)),
        rename=steps.rename,
        copies={
            file: copy for file, copy in steps.copies.items() if not _is_listed(listed.get(file.path), versions[file])
        },
        denied=denied,
        known_denied=frozenset(f for f in denied if f.path in listed and listed[f.path].rule == FILE_ACCESSIBLE),
        known_bad=steps.known_bad,
        listed=tuple(listed.values()),
        settled=tuple(sorted(path for path in listed.keys() - refused if any(path in h for h in steps.files.values()))),
        unsettled=unsettled,
        unrecognized=unrecognized,
        files=steps.files,
    )


def _plan_day(
    day: str,
    here: Mapping[LandingFile, str],
    loaded: Mapping[str, str],
    register: list[FileEntry],
    steps: _Steps,
) -> None:
    by_path = {file.path: file for file in here}
    newest = {**{entry.path: entry.version for entry in register}, **loaded, **{f.path: v for f, v in here.items()}}
    unreadable = {entry.version: entry for entry in register if entry.rule != FILE_UNIQUE}
    listed = {(entry.path, entry.version, entry.rule) for entry in register}
    steps.known_bad |= {
        file: bad
        for file, version in here.items()
        if (bad := unreadable.get(version)) and (file.path, version, bad.rule) not in listed
    }
    names: dict[str, list[str]] = defaultdict(list)
    for path, version in sorted(newest.items()):
        if version not in unreadable:
            names[version].append(path)
    wanted = {paths[0]: version for version, paths in names.items()}
    holders = {version: path for path, version in loaded.items()}
    steps.files[day] = wanted
    steps.drop += [path for path, version in loaded.items() if wanted.get(path) != version]
    for path, version in wanted.items():
        if loaded.get(path) == version:
            continue
        if path in by_path:
            steps.load[by_path[path]] = version
        else:
            # It has left landing; its bytes are in Bronze under the name of a copy that said the same.
            steps.rename[holders[version]] = (path, day)
    steps.copies |= {
        by_path[path]: (version, paths[0]) for version, paths in names.items() for path in paths[1:] if path in by_path
    }


def _versions(root: str, files: Iterable[LandingFile]) -> tuple[dict[LandingFile, str], dict[LandingFile, str]]:
    """The content versions of files, and, of those that may not be read, why not."""
    versions: dict[LandingFile, str] = {}
    denied: dict[LandingFile, str] = {}
    for file in files:
        try:
            versions[file] = content_version(root, file)
        except PermissionError as error:
            denied[file] = f"{error.strerror or error}: let the platform's user read it"
        except FileNotFoundError:
            # It left landing between listing and looking: as if it had never been there.
            continue
    return versions, denied


def _is_listed(entry: FileEntry | None, version: str) -> bool:
    return entry is not None and entry.version == version and entry.rule == FILE_UNIQUE


def _settled_files(job: BronzeJob) -> tuple[list[LandingFile], tuple[LandingFile, ...], tuple[Unrecognized, ...]]:
    def listing():  # noqa: ANN202 - Listing, said by list_landing
        return list_landing(job.landing_root, job.dataset.source, job.dataset.name, job.days)

    found = listing()
    youngest = max((file.modified for file in found.files), default=0.0)
    wait = youngest + job.settle_seconds - time.time()
    if job.settle_seconds and 0 < wait <= job.settle_seconds:
        time.sleep(wait)
        found = listing()
    now = time.time()
    unsettled = tuple(file for file in found.files if not file.is_settled(job.settle_seconds, now))
    return [file for file in found.files if file not in unsettled], unsettled, found.unrecognized
