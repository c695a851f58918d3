"""The end of a demo: what the lake holds now, in a few tables that a person wants to read. Reads without Spark."""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.columns import Columns
from rich.console import Console
from rich.markup import escape
from rich.table import Table as Grid
from rich.text import Text

from project_etl.commands.shared.console import grid, size_text
from project_etl.commands.shared.environment import lake_without_spark
from project_etl.core.lake import TableStore
from project_etl.settings import DEFAULT_ENV, PREFIX, Settings
from project_etl.standing import held
from project_etl.standing.validated import validated

LAYERS = ("bronze", "silver", "gold", "quarantine")
REVENUE_TABLE = "gold/daily_aov"
DAYS_SHOWN = 7
UI_URL = "http://localhost:3000"
# Characters that two tables need side by side.
ROOM_FOR_TWO = 110


@dataclass(frozen=True)
class TableSize:
    """How big a table is: rows, Delta version, and bytes of its current files."""

    name: str
    rows: int
    version: int
    size: int


def show_summary(console: Console, settings: Settings, changed: Sequence[str] = ()) -> None:
    """Print the tables per layer, the last days' revenue, the quarantine by rule, and where to look next.

    Args:
        console: where to.
        settings: the settings.
        changed: names of the settings that are not those of the file, which other commands have to be told.
    """
    lake = lake_without_spark(settings)
    _show_side_by_side(console, [_layer(layer, sizes(lake, layer)) for layer in LAYERS])
    _show_revenue(console, lake, settings.reporting_currency)
    if star := validated(lake):
        console.print(Text(f"Star schema: {star.in_words()}."), soft_wrap=True)
    _show_kept_out(console, held.counts(lake))
    console.print("The demo plants all of this dirt, so that there is something to look at.\n")
    _show_next(console, settings, changed)


def sizes(lake: TableStore, layer: str) -> list[TableSize]:
    """Size up every table of a layer from its Delta log."""
    return [_size(lake, name) for name in lake.names(layer)]


def _size(lake: TableStore, name: str) -> TableSize:
    state = lake.state(name)
    return TableSize(name, state.row_count, state.version, state.size_bytes)


def _layer(layer: str, tables: Sequence[TableSize]) -> Grid:
    shown = grid(layer.capitalize(), "table", "rows", "version", "size", right=("rows", "version", "size"))
    for table in tables:
        name = table.name.removeprefix(f"{layer}/")
        shown.add_row(Text(name), f"{table.rows:,}", str(table.version), size_text(table.size))
    return shown


def _show_side_by_side(console: Console, grids: Sequence[Grid]) -> None:
    """Two tables a row where there is room, for people scroll less than they look."""
    per_row = 2 if console.width >= ROOM_FOR_TWO else 1
    for first in range(0, len(grids), per_row):
        console.print(Columns([each for each in grids[first : first + per_row] if each.row_count]))


def _show_revenue(console: Console, lake: TableStore, currency: str) -> None:
    if not lake.exists(REVENUE_TABLE):
        return
    days: list[dict[str, Any]] = lake.state(REVENUE_TABLE).rows().sort_by("order_date").to_pylist()
    money = f"net revenue, {currency}"
    shown = grid("Revenue of the last days", "day", "orders", money, "per order", right=("orders", money, "per order"))
    for day in days[-DAYS_SHOWN:]:
        shown.add_row(str(day["order_date"]), f"{day['orders']:,}", f"{day['net_revenue']:,}", f"{day['aov']:,}")
    console.print(shown)


def _show_kept_out(console: Console, counts: Sequence[held.Count]) -> None:
    by_table: dict[str, Grid] = {}
    for count in held.over_days(counts):
        title = f"Kept out of {count.table}" if count.table != held.FILES else "Whole files kept out"
        shown = by_table.setdefault(count.table, grid(title, "rule", "rows", right=["rows"]))
        shown.add_row(Text(count.rule), f"{count.rows:,}")
    _show_side_by_side(console, list(by_table.values()))


def show_quarantine(console: Console, counts: Sequence[held.Count], *, by_day: bool = False) -> None:
    """Print how many records each rule keeps out, by table, and by landing day if asked."""
    columns = ("table", "rule", "rows", "waiting", "landing day" if by_day else "landing days")
    shown = grid("Quarantine by rule", *columns, right=("rows", "waiting"))
    for count in counts if by_day else held.over_days(counts):
        waiting = f"{count.waiting:,}" if count.waiting else ""
        shown.add_row(Text(count.table), Text(count.rule), f"{count.rows:,}", waiting, count.days_text)
    console.print(shown)


def _show_next(console: Console, settings: Settings, changed: Sequence[str]) -> None:
    named = "".join(f"{PREFIX}{name.upper()}={shlex.quote(str(getattr(settings, name)))} " for name in changed)
    command = f"{named}{command_of(settings)}"
    ui = f"{command} dev" if changed else "make dev"
    console.print("[bold]Where to look next[/]")
    for what, how in (
        ("the Dagster UI", f"{ui}, then {UI_URL}"),
        ("the tables (Delta)", settings.lake_root),
        *((("the exported files", settings.export_root),) if settings.exports else ()),
        ("what was kept out", f"{command} quarantine list"),
        ("why, row by row", f"{command} quarantine show order_items"),
        ("the run's checks", f"{command} gate"),
        ("the star schema", f"{command} validate"),
    ):
        console.print(f"  {what:<20} {escape(how)}", soft_wrap=True)


def command_of(settings: Settings) -> str:
    """How this program is called from here for an environment."""
    return _program() if settings.env == DEFAULT_ENV else f"{_program()} --env {settings.env}"


def _program() -> str:
    """How this program is called from here: by its name where the shell finds it, else by its path."""
    program = Path(sys.argv[0])
    if shutil.which(program.name):
        return program.name
    is_below = program.is_absolute() and program.is_relative_to(Path.cwd())
    return str(program.relative_to(Path.cwd()) if is_below else program)
