"""The schedule `daily_load`: a shop that does not run the sensors has yesterday in Gold every morning.

Its ticks between 2 and 6 o'clock ask for what the sensors would: the first for yesterday's landing day, later ones,
when that is loaded, for the Gold days that it made stale. What did not succeed is asked for again by the next tick. Off
by default. Does not belong here: what is out of date (`sensors/`).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import dagster as dg

from project_etl.orchestration.sensors.changed_days import Gold
from project_etl.orchestration.sensors.new_files import Loads
from project_etl.orchestration.sensors.reconcile import Asker, Past, answer

NAME = "daily_load"
CRON = "0,20,40 2-5 * * *"


def daily_load(loads: Loads, gold: Gold) -> dg.ScheduleDefinition:
    """The schedule for one lake and its landing."""

    @dg.schedule(
        name=NAME,
        target=dg.AssetSelection.groups("bronze", "silver", "gold"),
        cron_schedule=CRON,
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.STOPPED,
        description="Loads yesterday's landing day, and then computes the Gold days that it made stale.",
    )
    def schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        said = tick(loads, gold, context.instance, context.scheduled_execution_time)
        return dg.SkipReason(said) if isinstance(said, str) else said

    return schedule


def tick(loads: Loads, gold: Gold, instance: dg.DagsterInstance, at: datetime) -> dg.RunRequest | str:
    """The run to ask for at an instant, or in words why none is."""
    now = at.timestamp()
    today = at.astimezone(UTC).date()
    yesterday = today - timedelta(days=1)
    found = loads.look(now, is_full=False)
    goal = loads.goal(found, today)
    asker = Asker(NAME, loads.lake.root, loads.code + gold.code)
    past = Past.of(instance, asker, now)
    if yesterday in goal.days:
        return answer(asker, replace(goal, days={yesterday: goal.days[yesterday]}), past, now)
    if not gold.is_loaded:
        return f"nothing has landed on {yesterday}, and nothing before"
    goal = gold.goal(today)
    return answer(asker, goal, past, now) if goal.days else "Gold is up to date with Silver"
