"""Arrivals: which landing days hold anything that was not there at the last look, without Spark and without bytes.

Belongs here: comparing the landing folders with what a watcher remembers of them. Does not belong here: what of it
is new to Bronze (`plan.py` decides by content), or starting runs (`orchestration/new_files.py`).

What is remembered of a landing day is one digest of its files' names, sizes and times, so that a watcher's memory grows
with the days and not with the files.
"""

from __future__ import annotations

import hashlib
import os
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from project_etl.core.bronze.landing import LandingFile, list_files
from project_etl.core.model.source import Dataset

Seen = Mapping[str, Mapping[str, str]]
"""Bronze table → landing day → digest of the day's files."""


@dataclass(frozen=True)
class Watch:
    """What to look at, and which files count as arrived.

    Attributes:
        root: the landing root.
        datasets: the datasets of the sources that are on.
        settle_seconds: how long a file must have been still before it is taken.
        first_day: the first landing day that has a partition.
        last_day: the last one.
    """

    root: str | os.PathLike[str]
    datasets: tuple[Dataset, ...]
    settle_seconds: float
    first_day: date
    last_day: date


@dataclass(frozen=True)
class Arrivals:
    """What a look found.

    Attributes:
        seen: what to remember for the next look.
        days: landing day → Bronze table → the day's files, the newest first, for days that are not as they were.
        settling: files that were still changing; they count at the next look.
        outside: landing days that hold files and have no partition.
    """

    seen: Seen
    days: Mapping[str, Mapping[str, Sequence[str]]]
    settling: tuple[str, ...]
    outside: tuple[str, ...]


def arrivals(watch: Watch, known: Seen, now: float) -> Arrivals:
    """Look at all landing folders once.

    Args:
        watch: what to look at.
        known: what the last look gave to remember; empty at the first.
        now: seconds since the epoch.
    """
    seen: dict[str, dict[str, str]] = {}
    days: dict[str, dict[str, Sequence[str]]] = defaultdict(dict)
    settling: list[str] = []
    outside: set[str] = set()
    for dataset in watch.datasets:
        seen[dataset.bronze] = {}
        for day, files in _by_day(list_files(watch.root, dataset.source, dataset.name)).items():
            if not watch.first_day.isoformat() <= day <= watch.last_day.isoformat():
                outside.add(day)
                continue
            settled: list[LandingFile] = []
            for file in files:
                if file.is_settled(watch.settle_seconds, now):
                    settled.append(file)
                else:
                    settling.append(file.path)
            if not settled:
                continue
            seen[dataset.bronze][day] = digest = _digest(settled)
            if known.get(dataset.bronze, {}).get(day) != digest:
                newest = sorted(settled, key=lambda file: (-file.modified, file.name))
                days[day][dataset.bronze] = [file.name for file in newest]
    return Arrivals(seen, dict(sorted(days.items())), tuple(settling), tuple(sorted(outside)))


def _by_day(files: Iterable[LandingFile]) -> dict[str, list[LandingFile]]:
    days: dict[str, list[LandingFile]] = defaultdict(list)
    for file in files:
        days[file.day].append(file)
    return days


def _digest(files: Iterable[LandingFile]) -> str:
    digest = hashlib.blake2b(digest_size=8)
    for file in files:
        digest.update(f"{file.name}\0{file.size}\0{file.modified}\0{file.etag}\0".encode())
    return digest.hexdigest()
