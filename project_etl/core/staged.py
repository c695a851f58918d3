"""What a computation hands over before anything is visible: a verdict, and a way to commit.

Belongs here: the value between "judged" and "written" that every layer produces, the note of each commit, and
the context of a run. Does not belong here: how a layer computes (`silver.py`, `gold.py`, `sources/load.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import chain
from typing import Any

from project_etl.core.lake import Commit, TableStore
from project_etl.core.report import Report


@dataclass(frozen=True)
class Run:
    """Who computes: written into every commit.

    Attributes:
        run_id: the orchestrator's run.
        started_at: instant that stands for the run wherever one is stored.
        parameters: settings that transforms may take as keyword arguments.
    """

    run_id: str
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    parameters: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True)
class Staged:
    """A table's new rows, judged but not visible yet.

    Attributes:
        table: `layer/name`.
        report: counts and verdicts.
        lake: the lake as it was read, with the table and its inputs at the versions that were judged.
        commit: makes the rows visible and returns the commit, None when no row of the table changed; None when there is
            nothing to write.
        files: landing day → the files that are new in this batch, for Bronze.
        kept: frees what was kept between judging and committing.
    """

    table: str
    report: Report
    lake: TableStore
    commit: Callable[[], Commit | None] | None = None
    files: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])
    kept: ExitStack = field(default_factory=ExitStack)

    def publish(self) -> Commit | None:
        """Make the rows visible; None when no row of the table changed."""
        if self.commit is None:
            return None
        with self.lake.active():
            return self.commit()

    @property
    def version(self) -> int | None:
        """The version of the table before the commit; it holds the rows when there is nothing to write."""
        return self.lake.version(self.table)

    def discard(self) -> None:
        """Free what was kept for the commit."""
        self.kept.close()


@contextmanager
def staging(lake: TableStore) -> Generator[ExitStack]:
    """Compute in the block. What is kept in the given stack is freed at its end, but for what `pop_all` hands on."""
    with lake.computing(), ExitStack() as kept:
        yield kept


def note_of(run: Run, table: str, report: Report, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON values
    """The note that a commit carries: who, from what, and what was counted."""
    return {"table": table, "run_id": run.run_id, "report": report.to_json(), **more}


# Where a note has the days that its commit computed, and those of which it only counted records, each with what it was
# made of.
COVERING = ("days", "recounted")


@dataclass(frozen=True)
class Memory:
    """What the commit notes of a table say about the days it was computed for.

    Attributes:
        days: by day, the newest note that covers it.
        last: the newest note of all; empty when there is none.
        batches: what Silver's commits call themselves.
        is_complete: whether the log still knows every commit since the table was made.
    """

    days: Mapping[str, Mapping[str, Any]]
    last: Mapping[str, Any]
    batches: frozenset[str]
    is_complete: bool

    def fingerprint(self, day: str) -> str | None:
        """What the day was computed from when it last was; None when the log does not say."""
        note = self.days.get(day, {})
        return next((note[key][day] for key in COVERING if day in (note.get(key) or {})), None)

    def report(self, days: Sequence[str], unbroken: Report) -> Report:
        """Put the report of several days together again from the notes that cover them.

        Args:
            days: the days to report.
            unbroken: a report with every rule of the table.
        """
        counts: dict[str, Mapping[str, int]] = {}
        by_rule: dict[str, dict[str, int]] = {rule.name: {} for rule in unbroken.rules}
        samples: dict[str, tuple[str, ...]] = {}
        for day in days:
            stored = Report.from_json(self.days.get(day, {}).get("report", {}), unbroken.rules)
            if day in stored.days:
                counts[day] = stored.days[day]
            for rule in stored.rules:
                if day in rule.by_day:
                    by_rule[rule.name][day] = rule.by_day[day]
                    samples.setdefault(rule.name, rule.samples)
        rules = tuple(
            replace(rule, by_day=by_rule[rule.name], samples=samples.get(rule.name, ())) for rule in unbroken.rules
        )
        return Report(days=counts, rules=rules)


def remember(lake: TableStore, table: str) -> Memory:
    """Read a table's memory from its commit notes."""
    return memory_of(table, lake.commits(table))


def memory_of(table: str, commits: Sequence[Commit]) -> Memory:
    """A table's memory as its commits, newest first, tell it."""
    notes: list[Mapping[str, Any]] = [dict(commit.note) for commit in commits if commit.note.get("table") == table]
    days: dict[str, Mapping[str, Any]] = {}
    for note in notes:
        for day in chain.from_iterable(note.get(key) or {} for key in COVERING):
            days.setdefault(day, note)
    return Memory(
        days=days,
        last=notes[0] if notes else {},
        batches=frozenset(note["batch"] for note in notes if "batch" in note),
        is_complete=not commits or commits[-1].version == 0,
    )
