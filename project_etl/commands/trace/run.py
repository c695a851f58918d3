"""`project-etl trace`: where a number comes from, as a tree of commits, versions and files. Reads without Spark."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime

from rich.console import Console
from rich.markup import escape
from rich.tree import Tree

from project_etl.catalog import tables
from project_etl.commands.shared.environment import lake_without_spark
from project_etl.commands.shared.errors import UserError
from project_etl.core.trace import Made, Origin, trace_gold
from project_etl.settings import Settings

DAYS_SHOWN = 3


def run(console: Console, settings: Settings, table: str, day: date | None) -> None:
    """Print the trace of a Gold table's day, or of a snapshot.

    Raises:
        UserError: the day has no partition.
        LakeError: there is nothing to trace; the message says why.
    """
    if day and day < settings.start_date:
        raise UserError(f"{day} is before {settings.start_date}, the first day that has a partition (start_date).")
    found = trace_gold(lake_without_spark(settings), tables(), table, day)
    console.print(_tree(found, set()), soft_wrap=True)


def _tree(origin: Origin, shown: set[object], parent: Tree | None = None) -> Tree:
    title = f"[bold]{escape(origin.table)}[/] {_days(origin.days)}, version {origin.version}"
    key = (origin.table, origin.days, origin.version)
    if parent and key in shown:
        return parent.add(f"{title}: as above")
    shown.add(key)
    tree = parent.add(title) if parent else Tree(title)
    for made in origin.made:
        _add_commit(tree, made)
    for file, rows in (origin.files or {}).items():
        tree.add(f"{escape(file)}: {rows:,} rows")
    if origin.kept_out:
        tree.add(f"in quarantine of these files: {_counts(origin.kept_out)}")
    if origin.note:
        tree.add(f"[yellow]{escape(origin.note)}[/]")
    for item in origin.inputs:
        _tree(item, shown, tree)
    return tree


def _add_commit(tree: Tree, made: Made) -> None:
    at = datetime.fromtimestamp(made.commit.timestamp / 1000, UTC)
    run_id = made.commit.note.get("run_id", "unknown")
    of_days = f" for {_days(made.days)}" if made.days else ""
    line = tree.add(f"version {made.commit.version} by run {run_id} at {at:%Y-%m-%d %H:%M:%S} UTC{of_days}")
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
