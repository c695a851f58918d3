"""How long tables took in runs that did work, and how long a run takes to start.

A run that found nothing new is quick and says nothing of one that has work to do: it made no commit, and is left out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import ceil

import dagster as dg

from project_etl.core.lake import TableStore
from project_etl.orchestration.failures import table_of_step

RUNS_LOOKED_AT = 30
# Dagster does not see how long a command's own Python takes to start.
LEAST_START_SECONDS = 3.0

Seconds = tuple[float, float]
"""The least and the most that something took."""


@dataclass(frozen=True)
class Timing:
    """What the last runs took.

    Attributes:
        tables: table → seconds of a run that changed it or computed anything of it; tables without such a run are
            absent.
        start: seconds from asking for a run until its first table begins.
    """

    tables: Mapping[str, Seconds] = field(default_factory=dict[str, Seconds])
    start: Seconds = (LEAST_START_SECONDS, LEAST_START_SECONDS)


def timing_of(instance: dg.DagsterInstance, lake: TableStore) -> Timing:
    """Look at the last runs that succeeded, and at which of them the journals of their tables name."""
    worked: dict[str, frozenset[str]] = {}
    took, starts = defaultdict[str, list[float]](list), [LEAST_START_SECONDS]
    filters = dg.RunsFilter(statuses=[dg.DagsterRunStatus.SUCCESS])
    for record in instance.get_run_records(filters, limit=RUNS_LOOKED_AT):
        run_id, begun = record.dagster_run.run_id, list[float]()
        for step in instance.get_run_step_stats(run_id):
            table = table_of_step(step.step_key)
            if step.start_time is None or step.end_time is None or "/" not in table:
                continue
            begun.append(step.start_time)
            if table not in worked:
                worked[table] = _runs_that_worked(lake, table)
            # An export commits nothing to a lake: what it took is known by its runs alone.
            if run_id in worked[table] or table.startswith("export/"):
                took[table].append(step.end_time - step.start_time)
        if begun:
            starts.append(max(min(begun) - record.create_timestamp.timestamp(), LEAST_START_SECONDS))
    return Timing({table: (min(each), max(each)) for table, each in took.items()}, (min(starts), max(starts)))


def _runs_that_worked(lake: TableStore, table: str) -> frozenset[str]:
    """The runs whose commits a table's journal remembers."""
    journal = lake.journal(table)
    entries = [*journal.units.values(), *journal.held.values(), *filter(None, [journal.last])]
    return frozenset(str(entry.note.get("run_id")) for entry in entries)


def total(timing: Timing, tables: Iterable[str], runs: int) -> Seconds | None:
    """What computing some tables takes, from their last runs; None when none of them has one.

    Args:
        timing: what the last runs took.
        tables: the tables.
        runs: how many runs the sensors make of it; a person makes one.
    """
    known = [timing.tables[table] for table in tables if table in timing.tables]
    if not known:
        return None
    least, most = (sum(each) for each in zip(*known, strict=True))
    return timing.start[0] + least, runs * timing.start[1] + most


def in_words(seconds: Seconds) -> str:
    """A range for a person: `1-2 s`, `20-55 s`, `1-2 min`."""
    unit, size = ("s", 1) if seconds[1] < 10 else ("s", 5) if seconds[1] < 100 else ("min", 60)
    least, most = int(seconds[0] // size), ceil(seconds[1] / size)
    if unit == "s":
        least, most = least * size, most * size
    if not least:
        return f"up to {most} {unit}"
    return f"{most} {unit}" if least == most else f"{least}-{most} {unit}"
