"""Runs as people see them: a line for each table while it goes on, and each failure in full at the end.

Does not belong here: starting a run (`runs.py`), how progress looks (`progress.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import dagster as dg
from rich.console import Console
from rich.markup import escape

from project_etl.commands.shared.progress import Progress
from project_etl.commands.shared.runs import RunOutcome, errors_into, materialize, spark_log
from project_etl.core.model.days import Stretch
from project_etl.settings import Settings


@dataclass(frozen=True)
class ShownRuns:
    """Runs tables for a command.

    Attributes:
        console: where to show it.
        settings: the settings.
        defs: the definitions.
        instance: keeps the runs.
        command: the command that asks, a tag of the runs.
    """

    console: Console
    settings: Settings
    defs: dg.Definitions
    instance: dg.DagsterInstance
    command: str

    def materialize(self, days: Stretch, names: Collection[str], config: Mapping[str, Any] | None = None) -> RunOutcome:
        """Materialize tables for a range of days in one run, show how it goes, and say what failed."""
        log = spark_log(self.settings)
        with Progress(self.console, len(names)) as progress, errors_into(log):
            outcome = materialize(
                self.defs, self.instance, days, names=names, command=self.command, watch=progress, config=config
            )
        for table, why in outcome.failures.items():
            self.console.print(f"[red]{escape(table)}[/] failed: {escape(why)}", soft_wrap=True)
        if not outcome.is_success:
            words = f"Spark's own words are in {escape(str(log))}; " if log.stat().st_size else ""
            self.console.print(f"{words}Dagster keeps this as run {outcome.run_id}.", soft_wrap=True)
        return outcome
