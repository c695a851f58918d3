"""What a computation hands over before anything is visible: a verdict, and a way to commit.

Belongs here: the value between "judged" and "written" that every layer produces, the note of each commit, and
the context of a run. Does not belong here: how a layer computes (`stage.py` of each).
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from project_etl.core.contracts.report import Report
from project_etl.core.lake import Commit, TableStore


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
        remarks: what people should know of how the rows were computed, as sentences.
        good: units (days, or `WHOLE`) of a Gold table that break no `fail` rule; empty for other layers.
        held: units of a Gold table that break one. The commit leaves their rows as they are, and remembers why.
    """

    table: str
    report: Report
    lake: TableStore
    commit: Callable[[], Commit | None] | None = None
    files: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])
    kept: ExitStack = field(default_factory=ExitStack)
    remarks: tuple[str, ...] = ()
    good: tuple[str, ...] = ()
    held: tuple[str, ...] = ()

    @property
    def is_refused(self) -> bool:
        """Whether a `fail` rule leaves nothing to publish."""
        return bool(self.report.failed) and not self.good

    def refuse(self) -> None:
        """Publish no row. A Gold table remembers what it holds back."""
        if self.held:
            self.publish()
        self.discard()

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
