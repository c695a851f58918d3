"""Arrivals: which files lie in landing and are not in Bronze, without Spark and without bytes.

Belongs here: which folders have to be looked at again. Does not belong here: what makes a file new (`plan.py`), or
starting runs (`orchestration/sensors/new_files.py`).

Landing grows for years, and a watcher looks at it twice a minute. So it lists the newest landing days, and of the
others those whose folder's time has changed since a look that found nothing new there. A file that was written in
place, and files in object stores, whose folders have no times, are found by a look at all days.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from project_etl.core.bronze.landing import LandingFile, day_folders, list_landing
from project_etl.core.bronze.plan import new_files
from project_etl.core.lake import TableStore
from project_etl.core.model.source import Dataset

RECENT_DAYS = 35
# A folder may change twice within the same time stamp.
SAME_TIME = 2.0


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
        new: landing day → Bronze table → files that are not in Bronze as they are, the newest first.
        settling: files that were still changing; they count at the next look.
        unread: what lies in the folders that were looked at and is not read, with why.
        outside: landing days that have no partition.
    """

    new: Mapping[date, Mapping[str, Sequence[LandingFile]]]
    settling: tuple[LandingFile, ...]
    unread: tuple[str, ...]
    outside: tuple[str, ...]


@dataclass
class Watcher:
    """Looks at landing again and again.

    Attributes:
        quiet: folder of a landing day → its time when nothing new was in it. It spares listings, and nothing is lost
            with it.
        loud: folders of landing days that held something new.
        has_looked: whether this process has looked at all landing days.
    """

    quiet: dict[str, float] = field(default_factory=dict[str, float])
    loud: set[str] = field(default_factory=set[str])
    has_looked: bool = False

    def look(self, watch: Watch, lake: TableStore, now: float, *, is_full: bool) -> Arrivals:
        """Look at the landing folders once.

        Args:
            watch: what to look at.
            lake: whose file table says what is known.
            now: seconds since the epoch.
            is_full: look at all landing days, as the first look does.
        """
        is_full = is_full or not self.has_looked
        files: list[LandingFile] = []
        unread: list[str] = []
        listed: dict[str, float | None] = {}
        outside: set[str] = set()
        first, last = watch.first_day.isoformat(), watch.last_day.isoformat()
        for dataset in watch.datasets:
            folder = f"{dataset.source}/{dataset.name}"
            folders = day_folders(watch.root, dataset.source, dataset.name)
            within = {day: at for day, at in folders.items() if first <= day <= last}
            outside |= folders.keys() - within.keys()
            days = within if is_full else self._to_list(folder, within)
            listing = list_landing(watch.root, dataset.source, dataset.name, days)
            files += listing.files
            unread += [item.in_words() for item in listing.unrecognized]
            listed |= {f"{folder}/{day}": within[day] for day in days}
        settled = [file for file in files if file.is_settled(watch.settle_seconds, now)]
        tables = {f"{dataset.source}/{dataset.name}": dataset.bronze for dataset in watch.datasets}
        found = new_files(lake, [*tables.values()], settled)
        settling = sorted({*files} - {*settled})
        self._remember(listed, [file.path for file in (*settling, *found)], now)
        self.has_looked = True
        new: dict[date, dict[str, list[LandingFile]]] = defaultdict(lambda: defaultdict(list))
        for file in sorted(found, key=lambda file: (file.day, -file.modified, file.name)):
            new[date.fromisoformat(file.day)][tables[file.path.rsplit("/", 2)[0]]].append(file)
        return Arrivals(new, tuple(settling), tuple(unread), tuple(sorted(outside)))

    def _to_list(self, folder: str, within: Mapping[str, float | None]) -> list[str]:
        """The newest days of a dataset, those whose folders have changed, and those that held something new."""
        recent = set(sorted(within)[-RECENT_DAYS:])
        changed = (day for day, at in within.items() if at is not None and self.quiet.get(f"{folder}/{day}") != at)
        return sorted(recent.union(changed, (day for day in within if f"{folder}/{day}" in self.loud)))

    def _remember(self, listed: Mapping[str, float | None], news: Iterable[str], now: float) -> None:
        """Keep the times of the folders that were listed and hold no news."""
        self.loud = {path.rpartition("/")[0] for path in news}
        for folder, at in listed.items():
            if folder not in self.loud and at is not None and at < now - SAME_TIME:
                self.quiet[folder] = at
            else:
                self.quiet.pop(folder, None)
