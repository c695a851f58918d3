"""`project-etl generate`: a made-up shop, as raw files with known dirt, alive in a database, or as live traffic."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date
from pathlib import Path

import click
from click.core import ParameterSource

from project_etl.commands.shared.options import DAY, FIRST_DAY, FOLDER, how_big

OF_FILES = ("days", "scale", "start", "out", "overwrite")
OF_TRAFFIC = ("rate", "seconds")
KAFKA = "kafka://"


@click.command("generate")
@how_big
@click.option("--start", type=DAY, default=FIRST_DAY, show_default=True, help="The first day.")
@click.option("--out", type=FOLDER, default=Path("data/landing"), show_default=True, help="Where to write them.")
@click.option("--overwrite", is_flag=True, help="Replace a landing that was generated before.")
@click.option(
    "--to",
    metavar="URL",
    help="Keep a shop alive in this database, or send live traffic to this Kafka topic, instead of writing files.",
)
@click.option(
    "--every",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="With --to DATABASE: go on with an interval every so many seconds, until Ctrl+C. Without it, one is written. "
    "With --to TOPIC: say so often what was sent.",
)
@click.option(
    "--webhook",
    metavar="URL",
    help="With --to DATABASE: POST here how many orders and events each interval has, as JSON.",
)
@click.option(
    "--rate",
    type=click.FloatRange(min=0, max=10_000, min_open=True),
    default=100,
    show_default=True,
    help="With --to TOPIC: events a second.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(min=0, min_open=True),
    help="With --to TOPIC: end after so many seconds. Without it, at Ctrl+C.",
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
    rate: float,
    seconds: float | None,
    *,
    overwrite: bool,
) -> None:
    """Write the files of a made-up shop, with known faults; or, with --to, keep a shop alive elsewhere.

    The same options give the same bytes. OUT/_shop_manifest.json says how many faults of each kind there are.

    --to takes postgresql+psycopg://USER@HOST/DATABASE or mysql+pymysql://USER@HOST/DATABASE. An empty database first
    gets tables and a small shop. An interval has about 50 orders and 100 clicks; older orders move on, and some are
    cancelled, refunded and deleted. To keep a password out of the list of processes, say where the URL is: env:NAME or
    file:PATH. --webhook takes the same.

    --to kafka://HOST:PORT/TOPIC sends what visitors do, as it happens. A topic that is not there is made.
    """
    from project_etl.commands.shared.console import new_console

    given = {name for name in ctx.params if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE}
    if to is None:
        if given & {"every", "webhook", *OF_TRAFFIC}:
            raise click.UsageError("--every, --webhook, --rate and --seconds need --to URL.")
        from project_etl.commands.generate import run as files

        files.run(new_console(), out, days=days, start=start, scale=scale, seed=seed, overwrite=overwrite)
        return
    _refuse(given, OF_FILES, "for files only, and --to writes none")
    if to.startswith(KAFKA):
        _refuse(given, ("webhook",), "for a database only")
        from project_etl.commands.generate import traffic

        said_every = traffic.SAID_EVERY if every is None else every
        traffic.run(new_console(), to, seed=seed, rate=rate, seconds=seconds, every=said_every)
        return
    _refuse(given, OF_TRAFFIC, f"for a Kafka topic only, such as --to {KAFKA}localhost:9092/clickstream")
    from project_etl.commands.generate import live

    live.run(new_console(), to, seed=seed, every=every, webhook=webhook)


def _refuse(given: Collection[str], names: Iterable[str], why: str) -> None:
    if wrong := [name for name in names if name in given]:
        raise click.UsageError(f"--{' and --'.join(wrong)}: {why}.")
