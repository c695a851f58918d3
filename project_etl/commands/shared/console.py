"""The console that commands write to.

Does not belong here: anything Dagster, so that commands which only look start without it.
"""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from rich.console import Console
from rich.text import Text

WIDTH_WITHOUT_TERMINAL = 120


def new_console() -> Console:
    """A console on standard output; wide enough for our tables where there is no terminal."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=WIDTH_WITHOUT_TERMINAL)


def print_json(console: Console, value: Any) -> None:  # noqa: ANN401 - a JSON value, or one with days and instants
    """Print one JSON document, for programs: as it is, whatever the width of the terminal."""
    console.print(Text(json.dumps(value, default=_plain, ensure_ascii=False, indent=2)), soft_wrap=True)


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)
