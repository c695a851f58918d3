"""`project-etl dashboard`: Streamlit over the lake of one environment, in place of this process.

Does not belong here: what the pages show (`dashboard/`).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

from rich.console import Console
from rich.markup import escape

from project_etl.commands.shared.environment import lake_without_spark
from project_etl.commands.shared.errors import UserError
from project_etl.commands.shared.listening import check_port, url_of
from project_etl.core.lake import TableStore
from project_etl.core.model.nearest import suggestion
from project_etl.core.views import ALL_PII, personal
from project_etl.settings import PREFIX, Settings

PACKAGES = ("plotly", "streamlit")
LAYERS = ("gold", "silver")
APP = Path(__file__).parents[2] / "dashboard" / "entry" / "app.py"
OPTIONS = {
    "server.headless": "true",
    "server.fileWatcherType": "none",
    "browser.gatherUsageStats": "false",
    # No menu for those who build apps; an error is told in full where the dashboard was started, not to who looks on.
    "logger.level": "warning",
    "client.toolbarMode": "minimal",
    "client.showErrorDetails": "type",
    "theme.primaryColor": "#0072B2",
    "theme.baseRadius": "0.4rem",
    "theme.light.secondaryBackgroundColor": "#F5F7F9",
    "theme.light.textColor": "#1F2933",
}


def run(console: Console, settings: Settings, host: str, port: int, allow_pii: Sequence[str] = ()) -> NoReturn:
    """Say what is shown and where, and become Streamlit, so that a signal to this process reaches it.

    Args:
        console: where to print.
        settings: the environment whose lake is shown.
        host: address to listen on.
        port: port to listen on.
        allow_pii: columns with personal data that pages may show.

    Raises:
        UserError: a package is missing, there is nothing to show, or nothing can listen on the port.
    """
    _check_packages()
    lake = _lake_of(settings)
    _check_personal(lake, allow_pii)
    check_port("The dashboard", host, port, f"project-etl dashboard -p {port + 1}")
    for what, where in (
        ("Environment", settings.env),
        ("Lake", settings.lake_root),
        ("Dashboard", f"{url_of(host, port)} (in a few seconds; Ctrl+C stops it)"),
    ):
        console.print(f"{what:<12} {escape(where)}", soft_wrap=True)
    options = OPTIONS | {"server.address": host, "server.port": str(port)}
    command = [sys.executable, "-m", "streamlit", "run", str(APP)]
    command += [f"--{name}={value}" for name, value in options.items()]
    command += ["--", f"--allow-pii={','.join(allow_pii)}"]
    sys.stdout.flush()
    os.execve(sys.executable, command, {**os.environ, f"{PREFIX}ENV": settings.env})


def _check_packages() -> None:
    if missing := [name for name in PACKAGES if find_spec(name) is None]:
        raise UserError(
            f"The dashboard needs packages that are not installed: {', '.join(missing)}. Install them: `pip install "
            "'project_etl[dashboard]'`."
        )


def _lake_of(settings: Settings) -> TableStore:
    lake = lake_without_spark(settings)
    if not lake.is_local:
        raise UserError(
            f"The dashboard reads a lake on this machine only; lake_root is {settings.lake_root}. Start it with a "
            f"copy: {PREFIX}LAKE_ROOT=FOLDER."
        )
    if not any(lake.names(layer) for layer in LAYERS):
        fill = "`project-etl demo`" if settings.env == "demo" else f"`{settings.program} run --days FIRST..LAST`"
        raise UserError(
            f"There is nothing to show yet: the lake in {settings.lake_root} has no table. Fill it with {fill}, or "
            "show another environment: `project-etl --env NAME dashboard`."
        )
    return lake


def _check_personal(lake: TableStore, allow_pii: Sequence[str]) -> None:
    if not allow_pii:
        return
    there = {column for layer in LAYERS for name in lake.names(layer) for column in personal(lake.state(name))}
    for column in allow_pii:
        if column not in {*there, ALL_PII}:
            raise UserError(
                f"--allow-pii {column}: no table has such a column of personal data; {suggestion(column, there)}"
            )
