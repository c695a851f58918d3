"""`project-etl gate`: what a run's checks found, as an exit code, JUnit XML and Markdown, for CI.

A rule that only warns is shown and passes. A broken `fail` rule, a check with severity ERROR and a failed run do not.
Does not belong here: reading the checks (`gate_verdict.py`), how the files look (`gate_reports.py`).
"""

from __future__ import annotations

from pathlib import Path

import dagster as dg
from rich.console import Console
from rich.text import Text

from project_etl.commands.gate import reports as gate_reports
from project_etl.commands.gate.verdict import verdict_of
from project_etl.commands.shared.environment import DAGSTER_HOME, dagster_home, dagster_instance
from project_etl.commands.shared.errors import UserError
from project_etl.settings import PREFIX, Settings

DEMO = "demo"


def run(
    console: Console,
    settings: Settings,
    *,
    run_id: str | None = None,
    junit: Path | None = None,
    markdown: Path | None = None,
    as_json: bool = False,
) -> bool:
    """Show a run's verdict and write the asked files; False when CI should stop.

    Raises:
        UserError: there is no such run, or it has not ended.
    """
    with dagster_instance(settings) as instance:
        verdict = verdict_of(instance, _ended_run(instance, run_id, settings))
    for path, text in ((junit, gate_reports.junit), (markdown, gate_reports.markdown)):
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text(verdict), encoding="utf-8")
    for line in [gate_reports.as_json(verdict)] if as_json else gate_reports.lines(verdict):
        console.print(Text(line), soft_wrap=True)
    if settings.env == DEMO and verdict.having("warned") and not as_json:
        console.print("The demo plants dirt in its files on purpose, and these warnings are about it.")
    return verdict.is_passed


def _ended_run(instance: dg.DagsterInstance, run_id: str | None, settings: Settings) -> dg.DagsterRun:
    found = instance.get_run_by_id(run_id) if run_id else next(iter(instance.get_runs(limit=1)), None)
    if found is None:
        what = f"no run {run_id!r}" if run_id else "no run at all"
        raise UserError(
            f"Dagster's memory in {dagster_home(settings)} knows of {what}. Materialize something first, or set "
            f"{PREFIX + DAGSTER_HOME if settings.dagster_home else DAGSTER_HOME} to the folder that the run was "
            "started with."
        )
    if not found.is_finished:
        raise UserError(f"Run {found.run_id} is {found.status.value}; wait for its end, or name another with --run-id.")
    return found
