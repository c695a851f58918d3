"""Types of options, and the exit code that says that something is not fine.

Does not belong here: anything that is slow to import.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
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


def how_big(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of a made-up shop: `--days`, `--scale` and `--seed`."""
    days = click.option(
        "--days", type=click.IntRange(1), default=90, show_default=True, help="How many days of files to make."
    )
    scale = click.option(
        "--scale",
        type=float,
        default=1.0,
        show_default=True,
        help="How big a shop: 1.0 is about 220 orders a day; 400 is the largest.",
    )
    seed = click.option("--seed", type=int, default=7, show_default=True, help="Another number makes another shop.")
    return days(scale(seed(command)))


@dataclass(frozen=True)
class Days:
    """Days that were asked for; None leaves that side open."""

    first: date | None
    last: date | None


class _Days(click.ParamType):
    """A day, or the first and the last of several with two dots between them; the last may leave out what is the same.

    `2025-01-01`, `2025-01-01..2025-01-03`, `2025-01-01..03`, `2025-01-01..`.
    """

    name = "A..B"

    def convert(self, value: str | Days, param: click.Parameter | None, ctx: click.Context | None) -> Days:
        if isinstance(value, Days):
            return value
        start, dots, end = (part.strip() for part in value.partition(".."))
        if dots and start and len(end) in (2, 5):
            end = start[: -len(end)] + end
        if not dots:
            end = start
        elif not start and not end:
            self.fail("expected a day on at least one side of the dots, such as 2025-01-01..", param, ctx)
        first, last = (DAY.convert(text, param, ctx) if text else None for text in (start, end))
        return Days(first, last)


DAYS = _Days()


def _names(_: click.Context, __: click.Parameter, text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


allow_pii_option = click.option(
    "--allow-pii",
    default="",
    callback=_names,
    metavar="COLUMNS",
    help="Columns with personal data to show, with commas; '*' allows all, and tables of text as received.",
)


def exit_with(*, is_fine: bool) -> None:
    """End with exit code 1 when data, a check or the machine is not fine."""
    if not is_fine:
        sys.exit(1)
