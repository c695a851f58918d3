"""`project-etl gate`: a run's checks as an exit code."""

from __future__ import annotations

from pathlib import Path

import click

from project_etl.commands.shared.options import FILE, exit_with


@click.command("gate")
@click.option("--run-id", metavar="ID", help="This run; the last one by default.")
@click.option("--junit", type=FILE, help="Write JUnit XML there.")
@click.option("--markdown", type=FILE, help="Write Markdown there.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def command(env: str | None, run_id: str | None, junit: Path | None, markdown: Path | None, *, as_json: bool) -> None:
    """Turn a run's checks into an exit code, for CI.

    Warnings are shown and exit 0. A broken `fail` rule or a failed run exits 1. No run exits 2. A rule that keeps
    records out warns when they are more than its `max_share`, 1 % of what the run judged; else it passes.
    """
    from project_etl.commands.gate import run as code
    from project_etl.commands.shared.console import new_console
    from project_etl.commands.shared.environment import settings_of

    settings = settings_of(env)
    is_fine = code.run(new_console(), settings, run_id=run_id, junit=junit, markdown=markdown, as_json=as_json)
    exit_with(is_fine=is_fine)
