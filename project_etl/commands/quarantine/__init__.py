"""`project-etl quarantine`: what was kept out."""

from __future__ import annotations

from datetime import date

import click

from project_etl.commands.shared.options import DAY, exit_with

SHOWN_ROWS = 20


@click.group("quarantine")
def command() -> None:
    """Look at records that were kept out, and judge them again."""


@command.command("list")
@click.option("--table", metavar="TABLE", help="Only this table; whole files are the table `files`.")
@click.option("--rule", metavar="RULE", help="Only this rule.")
@click.option("--day", type=DAY, help="Only this landing day.")
@click.option("--by-day", is_flag=True, help="One line for each landing day.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.pass_obj
def list_command(
    env: str | None, table: str | None, rule: str | None, day: date | None, *, by_day: bool, as_json: bool
) -> None:
    """Count what each rule keeps out."""
    from project_etl.commands.quarantine import show as code
    from project_etl.commands.shared.console import new_console
    from project_etl.commands.shared.environment import settings_of
    from project_etl.standing import held

    wanted = held.Filter(rule, day)
    code.show_counts(new_console(), settings_of(env), table, wanted, by_day=by_day, as_json=as_json)


@command.command("show")
@click.argument("table")
@click.option("--rule", metavar="RULE", help="Only records that broke this rule.")
@click.option("--day", type=DAY, help="Only this landing day.")
@click.option("--limit", type=click.IntRange(1), default=SHOWN_ROWS, show_default=True, help="Show at most so many.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.pass_obj
def show_command(env: str | None, table: str, rule: str | None, day: date | None, limit: int, *, as_json: bool) -> None:
    """Show records of TABLE: file and row, rules, raw text.

    TABLE is a Silver table, such as order_items, or `files` for whole files.
    """
    from project_etl.commands.quarantine import show as code
    from project_etl.commands.shared.console import new_console
    from project_etl.commands.shared.environment import settings_of
    from project_etl.standing import held

    code.show_entries(new_console(), settings_of(env), table, held.Filter(rule, day), limit=limit, as_json=as_json)


@command.command("replay")
@click.argument("table")
@click.option("--from", "since", type=DAY, help="The first landing day.")
@click.option("--to", "until", type=DAY, help="The last landing day.")
@click.pass_obj
def replay_command(env: str | None, table: str, since: date | None, until: date | None) -> None:
    """Judge again the records that TABLE keeps out, after you have changed a rule.

    Records that pass now are loaded once, and the Gold days that they belong to are computed again.
    """
    from project_etl.commands.quarantine import replay as code
    from project_etl.commands.shared.console import new_console
    from project_etl.commands.shared.environment import settings_of

    exit_with(is_fine=code.run(new_console(), settings_of(env), code.Replay(table, since, until)))
