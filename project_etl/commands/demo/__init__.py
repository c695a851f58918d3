"""`project-etl demo`: make a shop, load it, and show what came of it."""

from __future__ import annotations

from pathlib import Path

import click

from project_etl.commands.shared.options import FOLDER, exit_with, how_big


@click.command("demo")
@how_big
@click.option("--folder", type=FOLDER, help="Where to make it.  [default: data/demo]")
def command(days: int, scale: float, seed: int, folder: Path | None) -> None:
    """Make up a shop, load it, and show the result.

    Its files, tables and runs are apart from yours (config/demo.yaml). A second call finds nothing new and is quick.
    """
    from project_etl.commands.demo import run as code
    from project_etl.commands.shared.console import new_console

    exit_with(is_fine=code.run(new_console(), code.Demo(days=days, scale=scale, seed=seed, folder=folder)))
