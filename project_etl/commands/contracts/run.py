"""`project-etl contracts`: print what the tables are. Needs no lake and no engine.

Does not belong here: what a table promises (`described.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from rich.console import Console
from rich.text import Text

from project_etl.commands.contracts.described import TableSaid, described
from project_etl.commands.shared.console import grid, print_json
from project_etl.commands.shared.names import named
from project_etl.settings import Settings


def run(console: Console, settings: Settings, name: str | None = None, *, as_json: bool = False) -> None:
    """Print every table, or one.

    Args:
        console: where to.
        settings: the settings, which say what sources there are.
        name: one table, with its layer or without; None prints all.
        as_json: one JSON document, for programs.

    Raises:
        UserError: there is no such table.
    """
    found = described(settings)
    if name is not None:
        asked = named(name, [table.name for table in found])
        found = tuple(table for table in found if table.name == asked)
    if as_json:
        print_json(console, {"tables": [asdict(table) for table in found]})
    elif name is not None:
        _show(console, found[0])
    else:
        _list(console, found)


def _list(console: Console, tables: Sequence[TableSaid]) -> None:
    shown = grid("Tables", "table", "one row for each", "what it is")
    for table in tables:
        shown.add_row(Text(table.name), Text(", ".join(table.keys)), Text(table.summary))
    console.print(shown)
    console.print("`project-etl contracts NAME` shows one table whole, `--format json` all of them.", soft_wrap=True)


def _show(console: Console, table: TableSaid) -> None:
    facts = {
        "grain": ", ".join(table.keys),
        "owners": ", ".join(table.owners),
        "reads": "; ".join(f"{item.table}: {item.reads}" for item in table.inputs),
        "refers to": "; ".join(f"{', '.join(ref.columns)} → {ref.table}" for ref in table.references),
        "written": table.written.sentence.replace("`", ""),
        "business day": ", ".join(table.business_days),
        "plotted": table.measure or "",
        "fresh": table.freshness.sentence.replace("`", "") if table.freshness else "",
    }
    console.print(Text(table.name, style="bold"))
    console.print(Text(table.description), soft_wrap=True)
    console.print()
    for what, said in facts.items():
        if said:
            console.print(Text(f"  {what:<13} {said}"), soft_wrap=True)
    columns = grid("Columns", "column", "type", "may be empty", "meaning")
    for column in table.columns:
        meaning = f"{column.description} (personal data)" if column.pii else column.description
        columns.add_row(Text(column.name), Text(column.type), "yes" if column.nullable else "", Text(meaning))
    console.print(columns)
    rules = grid("Rules", "rule", "action", "what must hold")
    for rule in table.rules:
        rules.add_row(Text(rule.name), rule.action, Text(rule.in_words))
    console.print(rules)
