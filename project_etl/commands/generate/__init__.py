"""`project-etl generate`: a made-up shop, as raw files with known dirt or alive in a database."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import click
from click.core import ParameterSource

from project_etl.commands.shared.options import DAY, FIRST_DAY, FOLDER, how_big

OF_FILES = ("days", "scale", "start", "out", "overwrite")


@click.command("generate")
@how_big
@click.option("--start", type=DAY, default=FIRST_DAY, show_default=True, help="The first day.")
@click.option("--out", type=FOLDER, default=Path("data/landing"), show_default=True, help="Where to write them.")
@click.option("--overwrite", is_flag=True, help="Replace a landing that was generated before.")
@click.option("--to", metavar="URL", help="Keep a shop alive in this database instead of writing files.")
@click.option(
    "--every",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="With --to: go on with an interval every so many seconds, until Ctrl+C. Without it, one is written.",
)
@click.option(
    "--webhook",
    metavar="URL",
    help="With --to: POST here how many orders and events each interval has, as JSON.",
)
@click.pass_context
def command(
    ctx: click.Context,
    days: int,
    start: date,
    scale: float,
    seed: int,
    out: Path,
    to: str | None,
    every: float | None,
    webhook: str | None,
    *,
    overwrite: bool,
) -> None:
    """Write the files of a made-up shop, with known faults; or, with --to, keep a shop alive in a database.

    The same options give the same bytes. OUT/_shop_manifest.json says how many faults of each kind there are.

    --to takes postgresql+psycopg://USER@HOST/DATABASE or mysql+pymysql://USER@HOST/DATABASE. An empty database first
    gets tables and a small shop. An interval has about 50 orders and 100 clicks; older orders move on, and some are
    cancelled, refunded and deleted. To keep a password out of the list of processes, say where the URL is: env:NAME or
    file:PATH. --webhook takes the same.
    """
    from project_etl.commands.shared.console import new_console

    if to is None:
        if every is not None or webhook is not None:
            raise click.UsageError("--every and --webhook are for a database: say which one with --to URL.")
        from project_etl.commands.generate import run as files

        files.run(new_console(), out, days=days, start=start, scale=scale, seed=seed, overwrite=overwrite)
        return
    given = [name for name in OF_FILES if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE]
    if given:
        raise click.UsageError(f"--{' and --'.join(given)}: for files only, and --to writes none.")
    from project_etl.commands.generate import live

    live.run(new_console(), to, seed=seed, every=every, webhook=webhook)
