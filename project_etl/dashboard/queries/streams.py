"""How a stream lands: read off the names and times of its slices, of which none is opened.

A slice is called `<…>_<partition>_<first>_<last>` by the offsets of its messages, and its file has the time of the last
of them. Does not belong here: how it is shown (`pages/today.py`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath

from project_etl.core.bronze import file_table
from project_etl.core.bronze.file_table import FILES
from project_etl.core.bronze.landing import list_files
from project_etl.core.lake import TableStore
from project_etl.core.model.source import Dataset

HOUR = timedelta(hours=1)
# What was lost is shown for so long.
LOST_DAYS = 7


@dataclass(frozen=True)
class Stream:
    """How a stream lands.

    Attributes:
        by_minute: each minute of the last hour → messages that had landed with it.
        waiting: messages that are not in Bronze yet.
        newest: when the newest message that has landed was sent, in UTC; None before the first of these two days.
        lost: what was lost in the last days, in words, the newest first.
    """

    by_minute: Mapping[datetime, int]
    waiting: int
    newest: datetime | None
    lost: tuple[str, ...]

    @property
    def in_the_last_hour(self) -> int:
        """Messages that have landed in the last hour."""
        return sum(self.by_minute.values())


def stream(lake: TableStore, landing_root: str, dataset: Dataset, now: datetime) -> Stream:
    """How a stream lands, at an instant.

    Args:
        lake: the lake.
        landing_root: the landing root.
        dataset: the dataset of the stream.
        now: the instant.
    """
    now = now.astimezone(UTC)
    days = [day.date().isoformat() for day in (now - timedelta(days=1), now)]
    seen = file_table.seen(lake, [dataset.bronze], days)
    files = {file.path: file for file in list_files(landing_root, dataset.source, dataset.name, days)}
    # A file that was loaded may be gone from landing.
    times = {path: each.modified_at for path, each in seen.items()}
    times |= {path: datetime.fromtimestamp(file.modified, UTC) for path, file in files.items()}
    messages = {path: found for path in times if (found := messages_in(path))}
    minutes = Counter[datetime]()
    for path, number in messages.items():
        if now - HOUR < times[path] <= now:
            minutes[_minute(times[path])] += number
    last = _minute(now)
    return Stream(
        by_minute={at: minutes[at] for at in (last - timedelta(minutes=back) for back in range(59, -1, -1))},
        waiting=sum(number for path, number in messages.items() if path not in seen),
        newest=max((times[path] for path in messages), default=None),
        lost=_lost(lake, dataset, now),
    )


def messages_in(path: str) -> int:
    """How many offsets a slice covers, by its name; 0 for a file that is none."""
    found = re.fullmatch(r".+_\d+(?:\.\d+)?_(\d+)_(\d+)", PurePosixPath(path).stem)
    return int(found[2]) - int(found[1]) + 1 if found else 0


def _minute(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)


def _lost(lake: TableStore, dataset: Dataset, now: datetime) -> tuple[str, ...]:
    import pyarrow.compute as pc

    if not lake.exists(FILES):
        return ()
    recent = pc.field("landing_date") >= (now - timedelta(days=LOST_DAYS)).date()
    rows = lake.state(FILES).rows(["dataset", "landing_date", "detail"], recent, ("status", ["lost"]))
    found = [
        row for row in rows.sort_by([("landing_date", "descending")]).to_pylist() if row["dataset"] == dataset.bronze
    ]
    return tuple(f"{row['landing_date']}: {row['detail']}" for row in found)
