"""All that lies in landing, in one walk: the files that are read, and what no source that is on reads.

`status` and `doctor` ask for it. Does not belong here: the folders of one dataset (`landing.py`), or what the sensor
looks at twice a minute (`arrivals.py`).
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import date
from operator import attrgetter

from project_etl.core.bronze.landing import LEADS_OUT, LandingFile, Unrecognized, Walk
from project_etl.core.model.days import span
from project_etl.core.model.nearest import nearest
from project_etl.core.model.source import Dataset

Explain = Callable[[str, Collection[str]], tuple[str, str]]
"""Name of a folder, and those beside it → why it is not read, and what to do."""


@dataclass(frozen=True)
class Survey:
    """What lies in landing, each part sorted by path; what is not there yet is in neither.

    Attributes:
        files: what a run of all days reads.
        unread: all else, each thing once; a folder of which nothing is read is one thing.
    """

    files: tuple[LandingFile, ...]
    unread: tuple[Unrecognized, ...]


def survey(
    root: str | os.PathLike[str],
    datasets: Iterable[Dataset],
    off: Collection[str],
    first_day: date,
    last_day: date,
    *,
    end: date | None = None,
    zone: str = "UTC",
) -> Survey:
    """Look at all that lies in landing.

    Args:
        root: the landing root, a local folder or a URL.
        datasets: the datasets of the sources that are on.
        off: names of the sources that are known and not on.
        first_day: the first landing day that has a partition.
        last_day: the last one.
        end: the last one that there will ever be; None when there will be more.
        zone: the time zone in which the last one is today.
    """
    walk, names = Walk(root), defaultdict[str, list[str]](list)
    for dataset in datasets:
        names[dataset.source].append(dataset.name)

    def no_source(name: str, beside: Collection[str]) -> tuple[str, str]:
        if name in off:
            return "a source that is not on", _turn_on(names, name)
        meant = nearest(name, [*names, *off])
        advice = _rename(name, meant, beside, [*names, *off])
        return "no source is called so", f"{advice}, and {_turn_on(names, meant)}" if meant in off else advice

    for source in _known(walk, "", names, no_source):

        def no_dataset(name: str, beside: Collection[str], source: str = source) -> tuple[str, str]:
            return f"no dataset of {source}", _rename(name, nearest(name, names[source]), beside, names[source])

        for folder in _known(walk, source, names[source], no_dataset):
            _add_days(walk, folder, first_day, last_day, zone="" if last_day == end else zone)
    return Survey(tuple(sorted(walk.files, key=attrgetter("path"))), tuple(sorted(walk.unrecognized)))


def _known(walk: Walk, above: str, known: Collection[str], explain: Explain) -> list[str]:
    """The known folders of a folder; all else that lies there is reported."""
    found: list[str] = []
    entries = dict(walk.entries(above))
    for name, info in entries.items():
        path = f"{above}/{name}" if above else name
        if info.get("islink") and walk.leads_out(path):
            walk.report(path, LEADS_OUT, "copy the files instead")
        elif name in known and info["type"] != "file":
            found.append(path)
        elif info["type"] == "directory":
            walk.report_folder(path, *explain(name, entries))
        elif not info.get("islink"):
            # What a link leads to is looked at where it lies.
            walk.report_loose(path)
    return found


def _add_days(walk: Walk, folder: str, first_day: date, last_day: date, *, zone: str) -> None:
    """Take in the day folders of a dataset; the days without a partition are one thing before and one after.

    The last day is today in a zone, or the last one that there will ever be.
    """
    days, first, last = walk.day_folders(folder), first_day.isoformat(), last_day.isoformat()
    for day, changed in days.items():
        if first <= day <= last:
            walk.add_day(f"{folder}/{day}", is_link=changed is None)
    after = (
        (f"after today, {last} {zone}", "wait for that day")
        if zone
        else (f"after end_date, {last}", "move end_date forward in the settings")
    )
    outside = (
        ([day for day in days if day < first], f"before start_date, {first}", "move start_date back in the settings"),
        ([day for day in days if day > last], *after),
    )
    for found, reason, advice in outside:
        files = {day: number for day in sorted(found) if (number := walk.count_files(f"{folder}/{day}"))}
        if files:
            path = f"{folder}/{span(min(files), max(files))}"
            walk.report(path, reason, f"{advice}, or correct the name", sum(files.values()))


def _rename(name: str, meant: str | None, beside: Collection[str], known: Iterable[str]) -> str:
    if meant is None:
        return f"expected {', '.join(sorted(known))}: move it into one of them, or out of landing"
    what = f"move its files into {meant}" if meant in beside else f"rename it to {meant}"
    return what if name.lower() == meant else f"{what}, if that is meant"


def _turn_on(on: Iterable[str], source: str | None) -> str:
    return f"turn the source on in the settings: sources: [{', '.join([*on, str(source)])}]"
