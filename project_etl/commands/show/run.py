"""`project-etl show`: the columns of a table, and some of its rows."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from datetime import date
from typing import Any

from rich.console import Console
from rich.text import Text

from project_etl.commands.shared import answers
from project_etl.commands.shared.console import grid, print_json, size_text
from project_etl.commands.shared.environment import lake_without_spark
from project_etl.commands.shared.errors import UserError
from project_etl.commands.shared.names import table_named
from project_etl.core.lake import TableState
from project_etl.core.views import ALL_PII, Views, day_column, quoted, view_of
from project_etl.settings import Settings

MASK = "***"
# As many columns as are read at once; the list of columns above has them all.
MOST_COLUMNS = 9


def run(
    console: Console,
    settings: Settings,
    table: str,
    *,
    day: date | None = None,
    limit: int = 10,
    allow_pii: Collection[str] = (),
    as_json: bool = False,
) -> None:
    """Show a table.

    Raises:
        UserError: there is no such table, or it has no days.
        QueryError: it holds text as received, and personal data is not allowed.
    """
    lake = lake_without_spark(settings)
    name = table_named(lake, table)
    state, views = lake.state(name), Views(lake, allow_pii, settings.reporting_timezone)
    column = day_column(state)
    if day and column is None:
        raise UserError(f"{name} has no days: leave out --day.")
    hidden = views.left_out(name)
    names = [(each, quoted(each)) for each in state.arrow_schema.names]
    masked = ", ".join(f"'{MASK}' AS {column}" if each in hidden else column for each, column in names)
    where = f" WHERE {quoted(column)} = DATE '{day}'" if day and column else ""
    order = f" ORDER BY {quoted(column)} DESC" if column else ""
    # The view leaves personal data out; here people are to see that there is some.
    shown = Views(lake, (ALL_PII,) if hidden else allow_pii, settings.reporting_timezone)
    rows = shown.sql(f"SELECT {masked} FROM {view_of(name)}{where}{order} LIMIT {limit}")
    columns = json.loads(state.schema_json)["fields"]
    if as_json:
        print_json(console, {**_head(state, column), "columns": list(map(_column, columns)), "rows": rows.to_pylist()})
        return
    _show_columns(console, state, columns)
    names = state.arrow_schema.names[:MOST_COLUMNS]
    answers.show(console, f"{name}{f', {day}' if day else ''}", rows, names)
    _say(console, rows.num_rows, state, day, hidden)


def _show_columns(console: Console, state: TableState, columns: Sequence[dict[str, Any]]) -> None:
    shown = grid(
        f"{state.name}: {state.row_count:,} rows, {size_text(state.size_bytes)}, version {state.version}",
        *("column", "type", "what it means"),
    )
    for each in map(_column, columns):
        means = f"{each['meaning']} (personal data)" if each["is_pii"] else each["meaning"]
        shown.add_row(Text(each["name"]), Text(each["type"]), Text(means))
    console.print(shown)


def _say(console: Console, rows: int, state: TableState, day: date | None, hidden: Sequence[str]) -> None:
    """What is not shown."""
    more = state.arrow_schema.names[MOST_COLUMNS:]
    if not rows and day:
        console.print(f"{state.name} has no row of {day}.")
    if more and rows:
        console.print(f"Not shown, for there is no room: {', '.join(more)}. --json has all columns.", soft_wrap=True)
    if hidden:
        console.print(f"Masked: {', '.join(hidden)}. --allow-pii {','.join(hidden)} shows them.", soft_wrap=True)


def _head(state: TableState, column: str | None) -> dict[str, Any]:
    return {
        "table": state.name,
        "version": state.version,
        "row_count": state.row_count,
        "size_bytes": state.size_bytes,
        "day_column": column,
    }


def _column(item: dict[str, Any]) -> dict[str, Any]:
    kind = item["type"] if isinstance(item["type"], str) else item["type"]["type"]
    meaning = item["metadata"].get("comment", "")
    return {"name": item["name"], "type": kind, "meaning": meaning, "is_pii": bool(item["metadata"].get("pii"))}
