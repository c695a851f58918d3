"""`project-etl generate`: raw files with known dirt."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import click

from project_etl.commands.shared.options import DAY, FIRST_DAY, FOLDER, how_big


@click.command("generate")
@how_big
@click.option("--start", type=DAY, default=FIRST_DAY, show_default=True, help="The first day.")
@click.option("--out", type=FOLDER, default=Path("data/landing"), show_default=True, help="Where to write them.")
@click.option("--overwrite", is_flag=True, help="Replace a landing that was generated before.")
def command(days: int, start: date, scale: float, seed: int, out: Path, *, overwrite: bool) -> None:
    """Write the files of a made-up shop, with known faults.

    The same options give the same bytes. OUT/_shop_manifest.json says how many faults of each kind there are.
    """
    from project_etl.commands.generate import run as code
    from project_etl.commands.shared.console import new_console

    code.run(new_console(), out, days=days, start=start, scale=scale, seed=seed, overwrite=overwrite)
