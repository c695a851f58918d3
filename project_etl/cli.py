"""The command line `project-etl`: names, options and exit codes.

What a command does is in `project_etl/commands/`, imported when it is called, so that `--help` answers at once.
Exit codes: 0 is fine, 1 says that data, a check or the machine is not, 2 that the command could not do what was asked.
"""

from __future__ import annotations

import sys
from datetime import date, datetime
from pathlib import Path

import click

from project_etl import __version__
from project_etl.commands.errors import shown_to_people

FIRST_DAY = "2025-01-01"
SHOWN_ROWS = 20


class _Day(click.ParamType):
    """A date as YYYY-MM-DD."""

    name = "YYYY-MM-DD"

    def convert(self, value: str | date, param: click.Parameter | None, ctx: click.Context | None) -> date:
        if isinstance(value, date):
            return value
        try:
            return datetime.strptime(value, "%Y-%m-%d").date()
        except ValueError:
            self.fail(f"{value!r} is not a date as YYYY-MM-DD, such as 2025-01-15", param, ctx)


class _Group(click.Group):
    """Commands whose errors, where a person can mend them, are shown without a stack trace."""

    def invoke(self, ctx: click.Context) -> object:
        with shown_to_people():
            return super().invoke(ctx)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, package_name="project_etl")
@click.option("--env", metavar="NAME", help="Settings to use: config/NAME.yaml instead of what PROJECT_ETL_ENV says.")
@click.pass_context
def main(ctx: click.Context, env: str | None) -> None:
    """An e-commerce lakehouse: raw files to Bronze, Silver and Gold Delta tables."""
    ctx.obj = env


@main.command()
@click.option("--days", type=click.IntRange(1), default=90, show_default=True, help="Landing days.")
@click.option(
    "--scale", type=float, default=1.0, show_default=True, help="Size of the shop; 1 has 20,000 orders in 90 days."
)
@click.option("--seed", type=int, default=7, show_default=True, help="Another seed is another shop.")
@click.option("--folder", type=click.Path(path_type=Path, file_okay=False), help="Make it there, not in data/demo.")
def demo(days: int, scale: float, seed: int, folder: Path | None) -> None:
    """Generate a shop, materialize everything, show the result.

    Uses the settings of config/demo.yaml. A second call has nothing new to do and is quick.
    """
    from project_etl.commands import demo as command
    from project_etl.commands.console import new_console

    _exit(command.run(new_console(), command.Demo(days=days, scale=scale, seed=seed, folder=folder)))


@main.command(context_settings={"ignore_unknown_options": True, "help_option_names": ["--help"]})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@click.pass_obj
def dev(env: str | None, arguments: tuple[str, ...]) -> None:
    """Open the Dagster UI, and run the sensors that are on.

    ARGUMENTS are those of `dagster dev`, such as `-p 3001` for another port.
    """
    from project_etl.commands import dev as command
    from project_etl.commands.environment import settings_of

    command.run(settings_of(env), arguments)


@main.command()
@click.option("--days", type=click.IntRange(1), default=90, show_default=True, help="Landing days.")
@click.option("--start", type=_Day(), default=FIRST_DAY, show_default=True, help="The first landing day.")
@click.option("--scale", type=float, default=1.0, show_default=True, help="Size of the shop, up to 400.")
@click.option("--seed", type=int, default=7, show_default=True, help="Another seed is another shop.")
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), default=Path("data/landing"), show_default=True
)
@click.option("--overwrite", is_flag=True, help="Replace a landing that was generated before.")
def generate(days: int, start: date, scale: float, seed: int, out: Path, *, overwrite: bool) -> None:
    """Write raw files of the source `shop`, with known dirt.

    The same options give the same bytes. OUT/_shop_manifest.json says how much dirt of each kind there is, and where.
    """
    from project_etl.commands import generate as command
    from project_etl.commands.console import new_console

    command.run(new_console(), out, days=days, start=start, scale=scale, seed=seed, overwrite=overwrite)


@main.command()
@click.option("--spark", is_flag=True, help="Also start a Spark session (10 seconds).")
@click.pass_obj
def doctor(env: str | None, *, spark: bool) -> None:
    """Check Java, jars, versions, folders, clock and disk; say what to do."""
    from project_etl.commands import doctor as command
    from project_etl.commands.console import new_console

    _exit(command.run(new_console(), env, with_spark=spark))


@main.group()
def quarantine() -> None:
    """Look at what was kept out, and judge it again."""


@quarantine.command("list")
@click.option("--table", metavar="TABLE", help="Only this table; whole files are the table `files`.")
@click.option("--rule", metavar="RULE", help="Only this rule.")
@click.option("--day", type=_Day(), help="Only this landing day.")
@click.option("--by-day", is_flag=True, help="One line for each landing day.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.pass_obj
def list_(
    env: str | None, table: str | None, rule: str | None, day: date | None, *, by_day: bool, as_json: bool
) -> None:
    """Count what each rule keeps out."""
    from project_etl.commands import held
    from project_etl.commands import quarantine as command
    from project_etl.commands.console import new_console
    from project_etl.commands.environment import settings_of

    wanted = held.Filter(rule, day)
    command.show_counts(new_console(), settings_of(env), table, wanted, by_day=by_day, as_json=as_json)


@quarantine.command()
@click.argument("table")
@click.option("--rule", metavar="RULE", help="Only records that broke this rule.")
@click.option("--day", type=_Day(), help="Only this landing day.")
@click.option("--limit", type=click.IntRange(1), default=SHOWN_ROWS, show_default=True, help="Show at most so many.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.pass_obj
def show(env: str | None, table: str, rule: str | None, day: date | None, limit: int, *, as_json: bool) -> None:
    """Show records of TABLE: file and row, rules, raw text.

    TABLE is a Silver table, such as order_items, or `files` for whole files.
    """
    from project_etl.commands import held
    from project_etl.commands import quarantine as command
    from project_etl.commands.console import new_console
    from project_etl.commands.environment import settings_of

    command.show_entries(new_console(), settings_of(env), table, held.Filter(rule, day), limit=limit, as_json=as_json)


@quarantine.command()
@click.argument("table")
@click.option("--from", "since", type=_Day(), help="The first landing day.")
@click.option("--to", "until", type=_Day(), help="The last landing day.")
@click.pass_obj
def replay(env: str | None, table: str, since: date | None, until: date | None) -> None:
    """Judge what TABLE keeps out again, after a rule was changed.

    What passes now is published once, and the Gold days it belongs to are computed again.
    """
    from project_etl.commands import replay as command
    from project_etl.commands.console import new_console
    from project_etl.commands.environment import settings_of

    _exit(command.run(new_console(), settings_of(env), command.Replay(table, since, until)))


@main.command()
@click.option("--run-id", metavar="ID", help="This run; the last one by default.")
@click.option("--junit", type=click.Path(path_type=Path, dir_okay=False), help="Write JUnit XML there.")
@click.option("--markdown", type=click.Path(path_type=Path, dir_okay=False), help="Write Markdown there.")
@click.pass_obj
def gate(env: str | None, run_id: str | None, junit: Path | None, markdown: Path | None) -> None:
    """Turn a run's checks into an exit code, for CI.

    A rule that only warns is shown and exits 0; a broken `fail` rule or a failed run exits 1; no run exits 2.
    """
    from project_etl.commands import gate as command
    from project_etl.commands.console import new_console
    from project_etl.commands.environment import settings_of

    _exit(command.run(new_console(), settings_of(env), run_id=run_id, junit=junit, markdown=markdown))


@main.command()
@click.option("--from", "since", type=_Day(), required=True, help="The first day.")
@click.option("--to", "until", type=_Day(), required=True, help="The last day.")
@click.option("--select", default="*", show_default=True, help="Tables, with commas; gold/* is a whole layer.")
@click.pass_obj
def plan(env: str | None, since: date, until: date, select: str) -> None:
    """Show what a backfill would compute, with rows and usual seconds.

    Reads what each table was made from; computes and changes nothing.
    """
    from project_etl.commands import plan as command
    from project_etl.commands.console import new_console
    from project_etl.commands.environment import settings_of

    command.run(new_console(), settings_of(env), since, until, select)


@main.command()
@click.argument("table")
@click.argument("day", type=_Day(), required=False)
@click.pass_obj
def trace(env: str | None, table: str, day: date | None) -> None:
    """Show where the rows of a Gold TABLE's DAY come from.

    Commits, runs, input versions, source files, checks and quarantined records, read from the tables themselves. A
    table that is computed as a whole, such as gold/customer_ltv, takes no DAY.
    """
    from project_etl.commands import trace as command
    from project_etl.commands.console import new_console
    from project_etl.commands.environment import settings_of

    command.run(new_console(), settings_of(env), table, day)


@main.command()
@click.option(
    "--books", is_flag=True, help="Judge all records again, and compare with what Silver and quarantine hold."
)
@click.pass_obj
def status(env: str | None, *, books: bool) -> None:
    """Show latest days, waiting files, quarantine and overdue tables.

    Exits 1 when files wait to be loaded or a Gold table is overdue. With --books, shows instead what became of every
    record, and exits 1 when a Silver table or its quarantine does not hold what its records say.
    """
    from project_etl.commands import books as books_command
    from project_etl.commands import status as command
    from project_etl.commands.console import new_console
    from project_etl.commands.environment import settings_of

    asked = books_command if books else command
    _exit(asked.run(new_console(), settings_of(env)))


def _exit(is_fine: bool) -> None:
    if not is_fine:
        sys.exit(1)
