"""`project-etl dashboard`: the shop's numbers in a browser."""

from __future__ import annotations

import click


@click.command("dashboard")
@click.option("--host", "-h", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", "-p", default=8501, show_default=True, type=click.IntRange(1, 65535), help="Port to listen on.")
@click.option(
    "--allow-pii",
    multiple=True,
    metavar="COLUMN",
    help="Column with personal data that pages may show, such as email. Once a column, or several with commas.",
)
@click.pass_obj
def command(env: str | None, host: str, port: int, allow_pii: tuple[str, ...]) -> None:
    """Show sales, visitors, customers and data quality in the browser, until Ctrl+C.

    Reads the lake's tables and changes nothing. Starts neither Spark nor Dagster. Anybody who reaches the address sees
    the numbers, without a password.
    """
    from project_etl.commands.dashboard import run as code
    from project_etl.commands.shared.console import new_console
    from project_etl.commands.shared.environment import settings_of

    columns = tuple(name for each in allow_pii for name in each.split(",") if name)
    code.run(new_console(), settings_of(env), host, port, columns)
