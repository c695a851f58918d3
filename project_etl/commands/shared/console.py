"""The console that commands write to.

Does not belong here: anything Dagster, so that commands which only look start without it.
"""

from __future__ import annotations

from rich.console import Console

WIDTH_WITHOUT_TERMINAL = 120


def new_console() -> Console:
    """A console on standard output; wide enough for our tables where there is no terminal."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=WIDTH_WITHOUT_TERMINAL)
