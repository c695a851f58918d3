"""`project-etl demo`: make a shop, load it, and show what came of it."""

from __future__ import annotations

from pathlib import Path

import click

from project_etl.commands.shared.options import FOLDER, exit_with


@click.command("demo")
@click.option("--days", type=click.IntRange(1), default=90, show_default=True, help="How many days of files to make.")
@click.option(
    "--scale",
    type=float,
    default=1.0,
    show_default=True,
    help="How big a shop: 1.0 is about 220 orders a day; 400 is the largest.",
)
@click.option("--seed", type=int, default=7, show_default=True, help="Another number makes another shop.")
@click.option("--folder", type=FOLDER, help="Where to make it.  [default: data/demo]")
def command(days: int, scale: float, seed: int, folder: Path | None) -> None:
    """Make up a shop, load it, and show the result.

    Its files, tables and runs are apart from yours (config/demo.yaml). A second call finds nothing new and is quick.
    """
    from project_etl.commands.demo import run as code
    from project_etl.commands.shared.console import new_console

    exit_with(is_fine=code.run(new_console(), code.Demo(days=days, scale=scale, seed=seed, folder=folder)))
