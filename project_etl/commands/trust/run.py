"""`project-etl trust`: print a verdict. Reads without Spark.

Does not belong here: finding it out (`standing/verdict.py`).
"""

from __future__ import annotations

from datetime import UTC, date, datetime

from rich.console import Console
from rich.text import Text

from project_etl.catalog import tables
from project_etl.commands.shared.console import print_json
from project_etl.commands.shared.environment import lake_without_spark
from project_etl.commands.shared.names import named
from project_etl.settings import Settings
from project_etl.standing.verdict import Kind, verdict_on

SIGNS = {Kind.WRONG: ("✗", "red"), Kind.NOTE: ("!", "yellow"), Kind.GOOD: ("✓", "green")}


def run(console: Console, settings: Settings, table: str, day: date | None, *, as_json: bool = False) -> bool:
    """Print the verdict on a day of a table; False when it cannot be trusted.

    Raises:
        UserError: there is no such table.
    """
    declared = tables()
    silver_first = sorted((each.name for each in declared), key=lambda name: name.startswith("gold/"))
    name = named(table, silver_first)
    found = verdict_on(lake_without_spark(settings), settings, declared, name, day, datetime.now(UTC))
    if as_json:
        print_json(console, found.to_json())
        return found.is_trusted
    what = f"{name}, {found.day}" if found.day else name
    color = "red" if not found.is_trusted else "green"
    console.print(Text.assemble(f"{what}: ", (found.in_words(), f"bold {color}")), soft_wrap=True)
    for each in found.findings:
        sign, color = SIGNS[each.kind]
        command = f" {each.command}" if each.command else ""
        console.print(Text.assemble("  ", (sign, color), f" {each.text}", (command, "dim")), soft_wrap=True)
    return found.is_trusted
