"""Reading landing files on Spark's executors.

Belongs here: the function that `mapInArrow` runs, and dealing files out to tasks. Does not belong here: formats
(`records.py`), or what is done with the rows (`load.py`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING

from project_etl.core.names import RESCUED
from project_etl.sources.landing_store import LandingFile

if TYPE_CHECKING:
    import pyarrow as pa

PROBLEM = "_problem"
"""Column that says, in the last row of each file, what is wrong with the file as a whole."""

# A file as a task needs it: path, content version, landing day.
Group = list[tuple[str, str, str]]


def reader(
    root: str, columns: Sequence[str], groups: Sequence[Group], ingested_at: datetime
) -> Callable[..., Iterator[pa.RecordBatch]]:
    """A function for `mapInArrow` that reads the files of the groups whose numbers it is given."""

    def read(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        # Imported on the executor, whose memory this runs in.
        import pyarrow as pa

        from project_etl.sources.records import batch_schema, read_batches
        from project_etl.sources.unreadable import UnreadableFile

        def with_lineage(batch: pa.RecordBatch, file: tuple[str, str, str], problem: str | None) -> pa.RecordBatch:
            path, version, day = file
            rows = len(batch)
            lineage = {
                "_source_file": pa.repeat(pa.scalar(path), rows),
                "_source_version": pa.repeat(pa.scalar(version), rows),
                "_row_number": batch.column("_row_number"),
                "_ingested_at": pa.repeat(pa.scalar(ingested_at, pa.timestamp("us", tz="UTC")), rows),
                "_landing_date": pa.repeat(pa.scalar(date.fromisoformat(day)), rows),
                PROBLEM: pa.repeat(pa.scalar(problem, pa.string()), rows),
            }
            text = {name: batch.column(name) for name in (*columns, RESCUED)}
            return pa.RecordBatch.from_pydict({**text, **lineage})

        for numbers in batches:
            for number in numbers.column(0).to_pylist():
                for file in groups[number]:
                    problem = None
                    try:
                        for batch in read_batches(root, file[0], columns, expect_version=file[1]):
                            yield with_lineage(batch, file, None)
                    except UnreadableFile as error:
                        problem = json.dumps({"rule": error.rule, "detail": error.detail})
                    # One last row per file says how it went, also for a file without records.
                    end = pa.RecordBatch.from_pylist([{"_row_number": 0}], schema=batch_schema(columns))
                    yield with_lineage(end, file, problem)

    return read


def groups_of(load: Mapping[LandingFile, str], tasks: int) -> list[Group]:
    """Deal files out to tasks: a landing day stays together, so that it becomes one file in Bronze."""
    days: dict[str, tuple[int, Group]] = {}
    for file, version in sorted(load.items()):
        size, files = days.get(file.day, (0, []))
        days[file.day] = (size + file.size, [*files, (file.path, version, file.day)])
    groups: list[Group] = [[] for _ in range(min(tasks, len(days)))]
    sizes = [0] * len(groups)
    for size, files in sorted(days.values(), key=lambda day: -day[0]):
        smallest = sizes.index(min(sizes))
        sizes[smallest] += size + 1
        groups[smallest] += files
    return groups
