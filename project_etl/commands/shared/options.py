"""Types of options, and the exit code that says that something is not fine.

Does not belong here: anything that is slow to import.
"""

from __future__ import annotations

import sys
from datetime import date, datetime
from pathlib import Path

import click

FIRST_DAY = "2025-01-01"
FOLDER = click.Path(path_type=Path, file_okay=False)
FILE = click.Path(path_type=Path, dir_okay=False)


class _Day(click.ParamType):
    """A date as YYYY-MM-DD."""

    name = "YYYY-MM-DD"

    def convert(self, value: str | date, param: click.Parameter | None, ctx: click.Context | None) -> date:
        if isinstance(value, date):
            return value
        try:
            return datetime.strptime(value, "%Y-%m-%d").date()
        except ValueError:
            self.fail(f"{value!r} is not a date as YYYY-MM-DD, such as 2025-01-15", param, ctx)


DAY = _Day()


def exit_with(*, is_fine: bool) -> None:
    """End with exit code 1 when data, a check or the machine is not fine."""
    if not is_fine:
        sys.exit(1)
