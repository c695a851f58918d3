"""Progress of a run: one line per table with what became of the rows that were read, and seconds.

On a terminal the lines stand in a table that is drawn again and again; anywhere else each table is one plain line when
it is done. Does not belong here: starting runs (`runs.py`).
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import dagster as dg
from rich import box
from rich.console import Console
from rich.live import Live
from rich.table import Table as Grid
from rich.text import Text

from project_etl.core.contracts.report import SILVER_COUNTS
from project_etl.orchestration.failures import table_of_step

# Rows that a terminal needs for what stands above and below the lines of a progress table.
FRAME_ROWS = 6
UNCHANGED = "nothing new"
MARKS = {"running": "…", "done": "✓", "failed": "✗", "skipped": "-"}


@dataclass
class Line:
    """One table of the run."""

    table: str
    state: str = "running"
    counts: Mapping[str, Any] | None = None
    started: float = field(default_factory=time.monotonic)
    seconds: float | None = None
    why: str = ""

    def cells(self) -> tuple[str, ...]:
        """The line as text: mark, table, rows in, accepted, repeats, rejected, seconds, remark."""
        counts = self.counts or {}
        repeats = [counts[name] for name in ("deduplicated", "superseded") if name in counts]
        seconds = time.monotonic() - self.started if self.seconds is None else self.seconds
        return (
            MARKS[self.state],
            self.table,
            count_text(counts.get("read")),
            # Bronze takes all that it reads, and Gold computes rows: both publish them.
            count_text(counts.get("accepted", counts.get("published"))),
            count_text(sum(repeats) if repeats else None),
            count_text(counts.get("quarantined")),
            "" if self.state == "skipped" else f"{seconds:.1f}",
            UNCHANGED if counts.get("is_unchanged") else self.why,
        )


class Progress:
    """Watches a run; a context manager, and to be called with each event.

    Args:
        console: where to show it.
        tables: how many tables the run has.
    """

    def __init__(self, console: Console, tables: int) -> None:
        self.lines: dict[str, Line] = {}
        self._console = console
        self._tables = tables
        self._live = Live(console=console, transient=True, get_renderable=self._shown, refresh_per_second=4)

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._console.is_terminal:
            self._live.stop()
            self._console.print(self._grid(list(self.lines.values())))

    def __call__(self, event: dg.DagsterEvent) -> None:
        """Take note of an event; those that say nothing about progress are passed over."""
        happened = dg.DagsterEventType
        table = table_of_step(event.step_key or "")
        if event.event_type is happened.STEP_START:
            self.lines[table] = Line(table)
        elif event.event_type is happened.HANDLED_OUTPUT:
            # The counts of all days together, which a materialization event, one for each day, does not have.
            metadata = getattr(event.event_specific_data, "metadata", {})
            self.lines[table].counts = {name: metadata[name].value for name in SHOWN if name in metadata}
        elif event.event_type is happened.ASSET_MATERIALIZATION and self.lines[table].counts is None:
            # No IO manager handles what is exported, all of it in one event.
            metadata = event.step_materialization_data.materialization.metadata
            self.lines[table].counts = {name: metadata[name].value for name in SHOWN if name in metadata}
        elif event.event_type is happened.STEP_SUCCESS:
            self._end(table, "done")
        elif event.event_type is happened.STEP_FAILURE:
            # Why is told in full at the end; a line has no room for it.
            self._end(table, "failed", "failed")
        elif event.event_type is happened.STEP_SKIPPED:
            self._end(table, "skipped", "not run")

    def _end(self, table: str, state: str, why: str = "") -> None:
        line = self.lines.setdefault(table, Line(table))
        line.state, line.why, line.seconds = state, why, time.monotonic() - line.started
        if not self._console.is_terminal:
            mark, name, read, accepted, repeats, rejected, seconds, remark = line.cells()
            taken = "published" if "published" in (line.counts or {}) else "accepted"
            counted = f"read {read:>9}  {taken:<9} {accepted:>9}  repeats {repeats:>7}  rejected {rejected:>7}"
            self._console.print(Text(f"{mark} {name:<32} {counted}  {seconds:>5} s  {remark}".rstrip()), soft_wrap=True)

    def _shown(self) -> Grid:
        room = max(self._console.height - FRAME_ROWS, 1)
        return self._grid(list(self.lines.values())[-room:])

    def _grid(self, lines: list[Line]) -> Grid:
        done = sum(line.state != "running" for line in self.lines.values())
        caption = f"{done} of {self._tables} tables; = nothing new, - not run"
        # Narrow, so that the longest name stands whole in a terminal of 80 columns.
        grid = Grid("", "table", box=box.SIMPLE, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0), caption=caption)
        grid.caption_justify = "left"
        for name in ("read", "accepted", "repeats", "rejected", "seconds"):
            grid.add_column(name, justify="right")
        for line in lines:
            mark, *cells, remark = line.cells()
            grid.add_row(*(Text(cell) for cell in ("=" if remark == UNCHANGED else mark, *cells)))
        return grid


SHOWN = (*SILVER_COUNTS, "published", "is_unchanged")


def count_text(number: object) -> str:
    """A count with thousands marked; `-` where nothing was counted."""
    return f"{number:,}" if isinstance(number, int) else "-"
