"""Write docs/tables.md, what each table is and promises: `make docs`.

All of it is what `project-etl contracts` knows. What holds for every table of a layer is said once.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from pages import DOCS, table_of, write

from project_etl.commands.contracts.described import ColumnSaid, RuleSaid, TableSaid, described
from project_etl.settings import Settings

PAGE = DOCS / "tables.md"
TOP = """# Tables

Made from the contracts by `make docs`, with the settings as they are when nothing is set. `project-etl contracts`
prints the same for your settings, and `project-etl contracts --format json` prints it for programs. Amounts in
"reporting currency" are in `reporting_currency`. Business days and hours are those of `reporting_timezone`
([Days and time zones](usage.md#days-and-time-zones)).

A broken rule leads to an action: **warn** keeps the row and counts it, **quarantine** keeps the record out,
**fail** publishes nothing of the day, or of the table where it has no days, and **error** publishes the row and fails
the check. The name of a rule is that of its check in the Dagster UI.

"""
LAYERS = {
    "gold": "Facts and answers. A row that lacks a value in a column that may not be empty is a **fail**.",
    "silver": "Typed and judged records. A record goes to **quarantine** when it lacks a value in a column that may "
    "not be empty, or has text that cannot be read as the column's type.",
    "bronze": "Files as received. All values are text.",
}
# What becomes of a row that breaks a rule of type and nullability, as the text of the layer says.
USUAL = {"gold": "fail", "silver": "quarantine", "bronze": ""}
PERSONAL = " *Personal data.*"


def page() -> str:
    """The page as it is now."""
    # Nothing of this machine's settings may come into the page.
    with tempfile.TemporaryDirectory() as folder:
        tables = described(Settings(env="docs", root=Path(folder), landing_root=folder, lake_root=f"{folder}/lake"))
    layers = {layer: [table for table in tables if table.layer == layer] for layer in LAYERS}
    contents = (f"- [{layer.capitalize()}](#{layer}): {_links(found)}\n" for layer, found in layers.items())
    return TOP + "".join([*contents, *(_layer(layer, found) for layer, found in layers.items())])


def _links(tables: Sequence[TableSaid]) -> str:
    # GitHub drops the slashes of a title from its anchor.
    named = ((table.name, table.name.partition("/")[2]) for table in tables)
    return ", ".join(f"[{short}](#{name.replace('/', '')})" for name, short in named)


def _layer(layer: str, tables: Sequence[TableSaid]) -> str:
    columns = [each for each in tables[0].columns if all(each in table.columns for table in tables)]
    rules = [each for each in tables[0].rules if all(each in table.rules for table in tables)]
    text = f"\n## {layer.capitalize()}\n\n{LAYERS[layer]}\n"
    if columns:
        text += f"\nEvery table has these columns, after those of its own.\n\n{_columns(columns)}"
    if rules:
        text += f"\nEvery table has these rules.\n\n{_rules(rules)}"
    return text + "".join(_table(table, columns, rules) for table in tables)


def _table(table: TableSaid, columns: Sequence[ColumnSaid], rules: Sequence[RuleSaid]) -> str:
    own = [column for column in table.columns if column not in columns]
    more = [
        rule
        for rule in table.rules
        if rule not in rules and not (rule.is_in_schema and rule.action == USUAL[table.layer])
    ]
    facts = "".join(f"- {fact}\n" for fact in _facts(table))
    text = f"\n### {table.name}\n\n{table.summary}\n\n{facts}\n{_columns(own)}"
    return f"{text}\n{_rules(more)}" if more else text


def _facts(table: TableSaid) -> list[str]:
    facts = [f"One row for each {_quoted(table.keys)}. {table.written.sentence}"]
    if table.inputs:
        facts.append("Reads " + ", ".join(f"`{item.table}` ({item.reads})" for item in table.inputs) + ".")
    facts += [f"Refers to `{ref.table}` by {_quoted(ref.columns)} (rule `{ref.rule}`)." for ref in table.references]
    return facts


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _columns(columns: Sequence[ColumnSaid]) -> str:
    rows = (
        (f"`{each.name}`", f"`{each.type}`", "yes" if each.nullable else "no", each.description + PERSONAL * each.pii)
        for each in columns
    )
    return table_of(("column", "type", "may be empty", "meaning"), rows)


def _rules(rules: Sequence[RuleSaid]) -> str:
    """Rules, those in one row that say the same."""
    names: dict[tuple[str, str], list[str]] = {}
    for rule in rules:
        names.setdefault((rule.action, rule.in_words), []).append(rule.name)
    rows = ((_quoted(named), action, sentence) for (action, sentence), named in names.items())
    return table_of(("rule", "action", "what must hold"), rows)


if __name__ == "__main__":
    write(PAGE, lambda _: page())
