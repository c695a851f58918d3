"""`project-etl alerts`: whether people would hear of a failure."""

from __future__ import annotations

import click

from project_etl.commands.shared.options import exit_with


@click.group("alerts")
def command() -> None:
    """Try out how people are told."""


@command.command("test")
@click.pass_obj
def test_command(env: str | None) -> None:
    """Send a test message by e-mail and to the webhook.

    Exit code 0: each took it; 1: one did not; 2: none is set.
    """
    from project_etl.commands.alerts import run as code
    from project_etl.commands.shared.console import new_console
    from project_etl.commands.shared.environment import settings_of

    exit_with(is_fine=code.run(new_console(), settings_of(env)))
