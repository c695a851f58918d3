"""`project-etl doctor`: is everything here that the platform needs, and if not, what is to be done?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from rich.console import Console
from rich.text import Text

from project_etl.commands.doctor import data as health_data
from project_etl.commands.doctor import machine as health
from project_etl.commands.doctor.machine import Finding, Level
from project_etl.commands.doctor.sources import sources
from project_etl.commands.shared.environment import settings_of
from project_etl.settings import Settings, SettingsError

Look = Callable[[Settings], Iterator[Finding]]

LOOKS: tuple[Look, ...] = (
    health.engine,
    health.java,
    health.jars,
    health.packages,
    health.dashboard,
    health_data.landing,
    health_data.lake,
    health_data.same_landing,
    health_data.clock,
    health.disk,
    health_data.dagster,
    health_data.alerts,
    sources,
)
STYLES = {Level.OK: "green", Level.WARN: "yellow", Level.FAIL: "bold red"}


def run(console: Console, env: str | None, *, with_spark: bool = False) -> bool:
    """Look at everything, print one line each, and say what to do; False when something fails.

    Args:
        console: where to print.
        env: environment whose settings are looked at.
        with_spark: also start a Spark session.
    """
    findings: list[Finding] = []
    for finding in examine(env, LOOKS if not with_spark else (*LOOKS, health.spark)):
        findings.append(finding)
        _print(console, finding)
    failed = sum(finding.level is Level.FAIL for finding in findings)
    warned = sum(finding.level is Level.WARN for finding in findings)
    warnings = f" ({warned} warning{'s' if warned > 1 else ''})" if warned else ""
    console.print(f"{failed} to mend{warnings}." if failed else f"All is well{warnings}.")
    return not failed


def examine(env: str | None, looks: Sequence[Look]) -> Iterator[Finding]:
    """Look at the settings first, for all else depends on them."""
    try:
        settings = settings_of(env)
    except SettingsError as error:
        yield Finding("settings", Level.FAIL, str(error), "correct the setting; nothing else can be looked at before")
        return
    yield Finding("settings", Level.OK, f"environment {settings.env}, sources {', '.join(settings.sources)}")
    for look in looks:
        yield from look(settings)


def _print(console: Console, finding: Finding) -> None:
    line = Text.assemble((f"{finding.level:<5}", STYLES[finding.level]), f"{finding.what:<17} {finding.found}")
    console.print(line, soft_wrap=True)
    if finding.advice:
        console.print(Text(f"{'':<23}→ {finding.advice}"), soft_wrap=True)
