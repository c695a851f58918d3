"""`project-etl dev`: Dagster's UI, sensors and schedules over one environment.

Belongs here: starting `dagster dev` with the settings, and in the memory of runs, of that environment. Does not belong
here: what the UI shows (`orchestration/`).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from project_etl.commands.shared.environment import DAGSTER_HOME, prepared_home
from project_etl.settings import PREFIX, Settings


def run(settings: Settings, arguments: Sequence[str]) -> NoReturn:
    """Become `dagster dev`, with more arguments for it."""
    program = str(Path(sys.executable).with_name("dagster"))
    environment = {**os.environ, f"{PREFIX}ENV": settings.env, DAGSTER_HOME: str(prepared_home(settings))}
    os.execve(program, [program, "dev", "-w", str(settings.root / "workspace.yaml"), *arguments], environment)
