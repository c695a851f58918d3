"""The console that commands write to, and what stands on it.

Does not belong here: anything Dagster, so that commands which only look start without it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

WIDTH_WITHOUT_TERMINAL = 120


def new_console() -> Console:
    """A console on standard output; wide enough for our tables where there is no terminal."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=WIDTH_WITHOUT_TERMINAL)


def grid(title: str, *columns: str, right: Iterable[str] = ()) -> Grid:
    """An empty table with a title; `right` names the columns of numbers."""
    made = Grid(box=box.SIMPLE, title=title, title_justify="left", title_style="bold")
    for column in columns:
        made.add_column(column, justify="right" if column in right else "left")
    return made


def size_text(size: float) -> str:
    """Bytes in the unit that people read: `3.2 MB`."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:,.0f} {unit}" if unit == "B" else f"{size:,.1f} {unit}"
        size /= 1000
    return f"{size:,.1f} TB"


def print_json(console: Console, value: Any) -> None:  # noqa: ANN401 - a JSON value, or one with days and instants
    """Print one JSON document, for programs: as it is, whatever the width of the terminal."""
    console.print(Text(json.dumps(value, default=_plain, ensure_ascii=False, indent=2)), soft_wrap=True)


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)
