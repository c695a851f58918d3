"""`project-etl dev`: Dagster's UI, sensors and schedules over one environment, until somebody stops it.

Does not belong here: what the UI shows (`orchestration/`).
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress

from rich.console import Console
from rich.markup import escape

from project_etl.commands.shared.environment import DAGSTER_HOME, prepared_home
from project_etl.commands.shared.listening import check_port, url_of
from project_etl.settings import PREFIX, Settings

STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# Dagster gives its own processes a minute; nobody who has pressed Ctrl+C waits for so long.
STOP_SECONDS = 20
LOOK_SECONDS = 0.2


def run(console: Console, settings: Settings, host: str, port: int, arguments: Sequence[str]) -> bool:
    """Say what is shown and where, and run `dagster dev`; False when it ended by itself, with an error.

    Raises:
        UserError: nothing can listen on the port.
    """
    check_port("The UI", host, port, f"project-etl dev -p {port + 1}")
    url = url_of(host, port)
    for what, where in (
        ("Environment", settings.env),
        ("Landing", settings.landing_root),
        ("Lake", settings.lake_root),
        ("UI", f"{url} (in about ten seconds; Ctrl+C stops it)"),
    ):
        console.print(f"{what:<12} {escape(where)}", soft_wrap=True)
    command = [sys.executable, "-m", "project_etl.commands.dev.services", "dev"]
    command += ["-w", str(settings.root / "workspace.yaml"), "-h", host, "-p", str(port)]
    # Else it says every few seconds that it has looked, and what Dagster finds in its own books.
    command += ["--log-level", "error", *arguments]
    own = {f"{PREFIX}ENV": settings.env, f"{PREFIX}UI_URL": settings.ui_url or url}
    return until_stopped(command, {**os.environ, **own, DAGSTER_HOME: str(prepared_home(settings))})


def until_stopped(command: Sequence[str], env: Mapping[str, str], stop_seconds: float = STOP_SECONDS) -> bool:
    """Run a program until it ends or one of `STOPS` arrives, and leave none of its processes behind.

    Returns:
        Whether it was stopped, or ended well by itself.
    """
    asked: list[int] = []
    before = {number: signal.signal(number, lambda found, _: asked.append(found)) for number in STOPS}
    # In a session of its own: a terminal's Ctrl+C reaches this process alone, and what is left can be killed together.
    child = subprocess.Popen(command, env=dict(env), start_new_session=True)
    try:
        while not asked:
            with suppress(subprocess.TimeoutExpired):
                return child.wait(LOOK_SECONDS) == 0
        child.send_signal(signal.SIGINT)
        end = time.monotonic() + stop_seconds
        # A second Ctrl+C does not wait.
        while child.poll() is None and len(asked) == 1 and time.monotonic() < end:
            with suppress(subprocess.TimeoutExpired):
                child.wait(LOOK_SECONDS)
        return True
    finally:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        for number, handler in before.items():
            signal.signal(number, handler)
