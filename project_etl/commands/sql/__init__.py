"""`project-etl sql`: ask the tables a question."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from project_etl.commands.shared.options import FILE, allow_pii_option


@click.command("sql")
@click.argument("query")
@click.option("--out", type=FILE, help="Write the answer there: a .csv, .parquet or .xlsx file.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="Rows to print.")
@allow_pii_option
@click.pass_obj
def command(env: str | None, query: str, out: Path | None, limit: int, allow_pii: tuple[str, ...]) -> None:
    """Ask one SELECT in DuckDB's SQL, with every table as a view: gold.daily_aov, silver.orders, bronze.shop_orders.

    Gold's and Silver's tables are also found without their layer. `-` reads the query from standard input. Nothing is
    changed, and no engine is started.
    """
    from project_etl.commands.shared.console import new_console
    from project_etl.commands.shared.environment import settings_of
    from project_etl.commands.sql import run as code

    text = sys.stdin.read() if query == "-" else query
    code.run(new_console(), settings_of(env), text, out=out, limit=limit, allow_pii=allow_pii)
