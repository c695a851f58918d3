"""`project-etl demo`: make a shop, load it, and show what came of it."""

from __future__ import annotations

from pathlib import Path

import click

from project_etl.commands.shared.options import FOLDER, exit_with


@click.command("demo")
@click.option("--days", type=click.IntRange(1), default=90, show_default=True, help="Landing days.")
@click.option(
    "--scale", type=float, default=1.0, show_default=True, help="Size of the shop; 1 has 20,000 orders in 90 days."
)
@click.option("--seed", type=int, default=7, show_default=True, help="Another seed is another shop.")
@click.option("--folder", type=FOLDER, help="Make it there, not in data/demo.")
def command(days: int, scale: float, seed: int, folder: Path | None) -> None:
    """Generate a shop, materialize everything, show the result.

    Uses the settings of config/demo.yaml. A second call has nothing new to do and is quick.
    """
    from project_etl.commands.demo import run as code
    from project_etl.commands.shared.console import new_console

    exit_with(is_fine=code.run(new_console(), code.Demo(days=days, scale=scale, seed=seed, folder=folder)))
