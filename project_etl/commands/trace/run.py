"""`project-etl trace`: where a number comes from, as a tree of commits, versions and files. Reads without Spark."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.tree import Tree

from project_etl.catalog import datasets_of, feeds_of, tables
from project_etl.commands.shared.console import print_json
from project_etl.commands.shared.environment import lake_without_spark
from project_etl.commands.shared.errors import UserError
from project_etl.commands.shared.names import named
from project_etl.core.trace import Made, Origin, Tables, trace
from project_etl.settings import Settings

DAYS_SHOWN = 3


def run(console: Console, settings: Settings, table: str, day: date | None, *, as_json: bool = False) -> None:
    """Print the trace of a table's day, or of a table that is traced as a whole.

    Raises:
        UserError: there is no such table, or the day has no partition.
        LakeError: there is nothing to trace; the message says why.
    """
    declared = {each.name: each for each in tables()}
    name = named(table, [*(each.bronze for each in datasets_of(settings.sources)), *declared])
    if day and day < settings.start_date:
        raise UserError(f"{day} is before {settings.start_date}, the first day that has a partition (start_date).")
    feeds = {each.name: [feed.bronze for feed in feeds_of(each, settings)] for each in declared.values()}
    found = trace(Tables(lake_without_spark(settings), declared, feeds), name, day)
    if as_json:
        print_json(console, to_json(found))
    else:
        console.print(_tree(found, set()))


def to_json(origin: Origin) -> dict[str, Any]:
    """A trace as JSON values."""
    return {
        "table": origin.table,
        "days": origin.days,
        "read_by": origin.read_by or None,
        "version": origin.version,
        "made": [
            {
                "version": made.commit.version,
                "run_id": made.commit.note.get("run_id"),
                "at": _at(made),
                "days": made.days,
                "counts": made.counts,
                "broken": made.broken,
            }
            for made in origin.made
        ],
        "files": origin.files,
        "kept_out": origin.kept_out,
        "not_read": origin.not_read,
        "note": origin.note or None,
        "inputs": [to_json(item) for item in origin.inputs],
    }


def _at(made: Made) -> datetime:
    return datetime.fromtimestamp(made.commit.timestamp / 1000, UTC)


def _tree(origin: Origin, shown: set[object], parent: Tree | None = None) -> Tree:
    by = f" by {origin.read_by}" if origin.read_by else ""
    title = f"[bold]{escape(origin.table)}[/] {_days(origin.days)}{by}, version {origin.version}"
    key = (origin.table, origin.days, origin.version, origin.read_by)
    if parent and key in shown:
        return parent.add(f"{title}: as above")
    shown.add(key)
    tree = parent.add(title) if parent else Tree(title)
    for made in origin.made:
        _add_commit(tree, made)
    for file, rows in (origin.files or {}).items():
        tree.add(f"{escape(file)}: {rows:,} row{'' if rows == 1 else 's'}")
    for file, why in origin.not_read.items():
        tree.add(f"[red]not read: {escape(file)} ({escape(why)})[/]")
    if origin.kept_out:
        tree.add(f"in quarantine of these files: {_counts(origin.kept_out)}")
    if origin.note:
        tree.add(f"[yellow]{escape(origin.note)}[/]")
    for item in origin.inputs:
        _tree(item, shown, tree)
    return tree


def _add_commit(tree: Tree, made: Made) -> None:
    run_id = made.commit.note.get("run_id", "unknown")
    of_days = f" for {_days(made.days)}" if made.days else ""
    line = tree.add(f"version {made.commit.version} by run {run_id} at {_at(made):%Y-%m-%d %H:%M:%S} UTC{of_days}")
    if made.counts:
        line.add(_counts(made.counts))
    if made.counts or made.broken:
        line.add(f"checks: {_counts(made.broken)} broken" if made.broken else "checks: no rule was broken")


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{escape(name)} {number:,}" for name, number in counts.items())


def _days(days: tuple[str, ...] | None) -> str:
    if days is None:
        return "whole"
    if len(days) > DAYS_SHOWN:
        return f"{len(days)} days, {days[0]} to {days[-1]}"
    return ", ".join(days)
