"""`project-etl gate`: a run's checks as an exit code."""

from __future__ import annotations

from pathlib import Path

import click

from project_etl.commands.shared.options import FILE, exit_with


@click.command("gate")
@click.option("--run-id", metavar="ID", help="This run; the last one by default.")
@click.option("--junit", type=FILE, help="Write JUnit XML there.")
@click.option("--markdown", type=FILE, help="Write Markdown there.")
@click.pass_obj
def command(env: str | None, run_id: str | None, junit: Path | None, markdown: Path | None) -> None:
    """Turn a run's checks into an exit code, for CI.

    A rule that only warns is shown and exits 0; a broken `fail` rule or a failed run exits 1; no run exits 2.
    """
    from project_etl.commands.gate import run as code
    from project_etl.commands.shared.console import new_console
    from project_etl.commands.shared.environment import settings_of

    exit_with(is_fine=code.run(new_console(), settings_of(env), run_id=run_id, junit=junit, markdown=markdown))
