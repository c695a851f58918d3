"""`project-etl validate`: whether the star schema can be trusted, as it is now."""

from __future__ import annotations

from pathlib import Path

import click

from project_etl.commands.shared.options import FILE, exit_with


@click.command("validate")
@click.option("--junit", type=FILE, help="Write JUnit XML there.")
@click.option("--markdown", type=FILE, help="Write Markdown there.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def command(env: str | None, junit: Path | None, markdown: Path | None, *, as_json: bool) -> None:
    """Ask the published star schema twenty questions: keys, references, dates, numbers and totals.

    Reads the tables of now, whoever wrote them, and writes nothing into the lake; `gold/validation` keeps what a run
    found. Exits 1 when a check of severity ERROR fails. One of severity WARN is shown and exits 0. Exits 2 when a
    table is not there yet.
    """
    from project_etl.commands.shared.console import new_console
    from project_etl.commands.shared.environment import settings_of
    from project_etl.commands.validate import run as code

    is_fine = code.run(new_console(), settings_of(env), junit=junit, markdown=markdown, as_json=as_json)
    exit_with(is_fine=is_fine)
