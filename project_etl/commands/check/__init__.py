"""`project-etl check`: judge a file without loading it."""

from __future__ import annotations

from pathlib import Path

import click

from project_etl.commands.shared.options import exit_with


@click.command("check")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--as", "dataset", metavar="DATASET", required=True, help="What the file holds: orders, or shop/orders.")
@click.option("--limit", type=click.IntRange(1), default=3, show_default=True, help="Lines to show for each rule.")
@click.option("--json", "as_json", is_flag=True, help="The verdict as one JSON object.")
@click.pass_obj
def command(env: str | None, file: Path, dataset: str, limit: int, *, as_json: bool) -> None:
    """Judge FILE as a load would, and change nothing.

    Names every line that would be kept out, and why. Exit code 0: all records would be loaded; 1: some would be kept
    out; 2: the file cannot be read at all.
    """
    from project_etl.commands.check import run as code
    from project_etl.commands.shared.console import new_console
    from project_etl.commands.shared.environment import settings_of

    exit_with(is_fine=code.run(new_console(), settings_of(env), file, dataset, limit=limit, as_json=as_json))
