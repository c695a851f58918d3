"""The schedule `daily_load`: a shop that does not run the sensors has yesterday in Gold every morning.

Its ticks between 2 and 6 o'clock (in `reporting_timezone`) ask for what the sensors would: the first for yesterday's
landing day and what earlier nights have left, later ones, when that is loaded, for the Gold days that it made stale.
What did not succeed is asked for again by a later tick. Off by default. Does not belong here: what is out of date
(`sensors/`).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import dagster as dg

from project_etl.orchestration.sensors.changed_days import Gold
from project_etl.orchestration.sensors.new_files import Loads
from project_etl.orchestration.sensors.reconcile import Asker, Past, answer, own_run

NAME = "daily_load"
CRON = "0,20,40 2-5 * * *"


def daily_load(loads: Loads, gold: Gold) -> dg.ScheduleDefinition:
    """The schedule for one lake and its landing."""

    @dg.schedule(
        name=NAME,
        target=dg.AssetSelection.groups("bronze", "silver", *gold.groups),
        cron_schedule=CRON,
        execution_timezone=loads.settings.reporting_timezone,
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
    asker = Asker(NAME, loads.lake.root, loads.code + gold.code)
    past = Past.of(instance, asker, now)
    if waits := own_run(past, asker):
        return waits
    goal = loads.goal(loads.look(now, is_full=False), now)
    # Today's files are still coming.
    today = loads.settings.clock(now).date()
    landed = replace(goal, days={day: wanted for day, wanted in goal.days.items() if day < today})
    said = answer(asker, landed, past, now) if landed.days else ""
    if not isinstance(said, str):
        return said
    goal = gold.goal(loads.settings.last_day(now)) if gold.is_loaded else None
    if goal is None or not goal.days:
        return said or "nothing has landed before today that is not loaded, and Gold is up to date with Silver"
    return answer(asker, goal, past, now)
