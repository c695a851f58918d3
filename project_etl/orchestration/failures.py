"""Why steps and checks of a run failed, in words.

Belongs here: reading Dagster's failure events. Does not belong here: what is done about a failure.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

import dagster as dg

HELD_DAYS = "held_back"
"""What a `dg.Failure` calls the days of a table that were held back, where others were published or may be."""


def failures_of(events: Iterable[dg.DagsterEvent]) -> dict[str, str]:
    """Why steps failed, by table."""
    return {
        table_of_step(event.step_key or ""): failure_text(event)
        for event in events
        if event.event_type is dg.DagsterEventType.STEP_FAILURE
    }


def held_days_of(events: Iterable[dg.DagsterEvent]) -> dict[str, frozenset[date]]:
    """The days that tables held back, by table; tables that failed as a whole are absent."""
    found: dict[str, frozenset[date]] = {}
    for event in events:
        if event.event_type is dg.DagsterEventType.STEP_FAILURE:
            data = event.step_failure_data.user_failure_data
            days: Any = data.metadata[HELD_DAYS].value if data and HELD_DAYS in data.metadata else ()
            if days:
                found[table_of_step(event.step_key or "")] = frozenset(map(date.fromisoformat, days))
    return found


def checks_of(events: Iterable[dg.DagsterEvent]) -> dict[str, str]:
    """Checks that a run made, `layer/name check name` → why it is broken; empty when it holds or only warns."""
    found: dict[str, str] = {}
    for event in events:
        if event.event_type is dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            check = event.asset_check_evaluation_data
            is_broken = not check.passed and check.severity is dg.AssetCheckSeverity.ERROR
            name = f"{'/'.join(check.asset_key.path)} check {check.check_name}"
            found[name] = (check.description or "the check failed") if is_broken else ""
    return found


def failure_text(event: dg.DagsterEvent) -> str:
    """Why a step failed: the description of its `dg.Failure`, else the first line of the innermost exception."""
    data = event.step_failure_data
    if data.user_failure_data is not None and data.user_failure_data.description:
        return data.user_failure_data.description
    error = data.error
    while error is not None and error.cause is not None:
        error = error.cause
    if error is None:
        return "failed without saying why"
    # Spark adds its whole query plan to a message; the run in Dagster has all of it.
    first = error.message.strip().partition("\n")[0]
    where = error.stack[-1].strip().partition("\n")[0] if error.stack else ""
    return first if ": " in first or not where else f"{first} ({where})"


def table_of_step(step: str) -> str:
    """The table that a step writes: `bronze__shop__orders` is `bronze/shop/orders`."""
    return step.replace("__", "/")
