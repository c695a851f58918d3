"""`project-etl quarantine list` and `show`: what was kept out, and why. Reads without Spark, changes nothing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.text import Text

from project_etl.commands.shared.environment import lake_without_spark
from project_etl.commands.shared.summary import show_quarantine
from project_etl.settings import Settings
from project_etl.standing import held


def show_counts(
    console: Console,
    settings: Settings,
    table: str | None,
    wanted: held.Filter,
    *,
    by_day: bool = False,
    as_json: bool = False,
) -> list[held.Count]:
    """Print how many records each rule keeps out; whole files are the table `files`.

    Args:
        console: where to print.
        settings: say where the lake is.
        table: only this table; None means all.
        wanted: only these entries.
        by_day: one line for each landing day.
        as_json: one JSON object a line, for programs.
    """
    found = held.counts(lake_without_spark(settings), table, wanted)
    if as_json:
        for count in found if by_day else held.over_days(found):
            _print_json(console, asdict(count))
    elif not found:
        console.print(f"Quarantine holds {_nothing(wanted)} ({settings.lake_root}).", soft_wrap=True)
    else:
        show_quarantine(console, found, by_day=by_day)
        console.print(
            'A record that breaks two rules is counted under both. "Waiting" records are loaded by themselves once the '
            "missing order or product arrives.",
            soft_wrap=True,
        )
    return found


def show_entries(
    console: Console, settings: Settings, table: str, wanted: held.Filter, *, limit: int, as_json: bool = False
) -> list[dict[str, Any]]:
    """Print records (or files) with their place, every rule they broke, and their raw text."""
    found = held.entries(lake_without_spark(settings), table, wanted, limit)
    for entry in found:
        if as_json:
            _print_json(console, entry)
        else:
            _print_entry(console, entry)
    if not as_json:
        _print_end(console, len(found), limit, wanted)
    return found


def _print_entry(console: Console, entry: dict[str, Any]) -> None:
    row = entry.get("_row_number")
    place = entry["_source_file"] if row is None else f"{entry['_source_file']}:{row}"
    waiting = "  (waits for its parent)" if entry.get("is_waiting") else ""
    _print(console, f"{place}  {', '.join(entry['rules'])}{waiting}", style="bold")
    _print(console, f"  {entry['raw'] if 'raw' in entry else entry['detail']}")
    _print(console, f"  first seen {entry['first_seen']:%Y-%m-%d %H:%M} UTC by run {entry['run_id']}", style="dim")


def _print_end(console: Console, shown: int, limit: int, wanted: held.Filter) -> None:
    if shown == limit:
        console.print(f"The first {limit}; there may be more: --limit N shows N.")
    elif not shown:
        console.print(f"Quarantine holds {_nothing(wanted)} of this table.")


def _nothing(wanted: held.Filter) -> str:
    said: Sequence[str] = [f"{name} {value}" for name, value in asdict(wanted).items() if value is not None]
    return f"nothing with {' and '.join(said)}" if said else "nothing"


def _print_json(console: Console, value: dict[str, Any]) -> None:
    console.print(Text(json.dumps(value, default=str, ensure_ascii=False)), soft_wrap=True)


def _print(console: Console, text: str, style: str = "") -> None:
    """Print what came from outside: neither our own markup nor a terminal's control codes are taken from it."""
    console.print(Text(printable(text), style=style), soft_wrap=True)


def printable(text: str) -> str:
    """The text with every character that a terminal might obey written as an escape."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text)
