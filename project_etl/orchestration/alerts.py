"""The sensor `alerts`: one message when something breaks, one when it works again, none in between.

What is broken is a table whose last run failed (a tripped `fail` rule is one, and so is a process that died), or that
is overdue. A run that Dagster is about to retry has not failed yet. Messages that could not be delivered wait in the
cursor, for each channel on its own. Does not belong here: delivering (`channels.py`).
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import dagster as dg

from project_etl.core.freshness import missing_day
from project_etl.core.lake import Lake
from project_etl.core.table import Table
from project_etl.orchestration.channels import Channel, Message, channels_of, without_secrets
from project_etl.orchestration.failures import failures_of, table_of_step
from project_etl.orchestration.partitions import RANGE_END, RANGE_START
from project_etl.settings import Settings

NAME = "alerts"
RUN = "run"
"""What a run that died before its first table stands for."""
LATE = "late "
# Dagster's own, on a run that it has retried or is about to.
WILL_RETRY_TAG = "dagster/will_retry"
# One run is looked at again when it ends in the second of a tick; what it says changes nothing the second time.
OVERLAP_SECONDS = 5


@dataclass(frozen=True)
class Cursor:
    """What a tick leaves for the next.

    Attributes:
        until: runs that ended before this (seconds since the epoch) have been looked at.
        open: what is broken → why.
        outbox: channel → messages that have not been delivered.
    """

    until: float
    open: Mapping[str, str] = field(default_factory=dict[str, str])
    outbox: Mapping[str, Sequence[Message]] = field(default_factory=dict[str, Sequence[Message]])

    def to_text(self) -> str:
        """The cursor as Dagster keeps it."""
        outbox = {name: [[each.subject, each.body] for each in held] for name, held in self.outbox.items()}
        return json.dumps({"until": self.until, "open": self.open, "outbox": outbox})

    @staticmethod
    def from_text(text: str | None, now: float) -> Cursor:
        """The cursor that `to_text` wrote; before the first tick, one that knows of nothing before now."""
        if not text:
            return Cursor(now)
        value = json.loads(text)
        outbox = {name: [Message(*each) for each in held] for name, held in value["outbox"].items()}
        return Cursor(value["until"], value["open"], outbox)


@dataclass(frozen=True)
class Ended:
    """What an ended run says of tables.

    Attributes:
        label: the run, in words.
        worked: tables that were materialized.
        failed: table (or `RUN`) → why not.
    """

    label: str
    worked: frozenset[str]
    failed: Mapping[str, str]


def alerts_sensor(settings: Settings, lake: Lake, tables: Sequence[Table]) -> dg.SensorDefinition:
    """The sensor for one lake and the channels of its settings."""

    @dg.sensor(
        name=NAME,
        minimum_interval_seconds=settings.tick_seconds,
        default_status=dg.DefaultSensorStatus.RUNNING if settings.automation else dg.DefaultSensorStatus.STOPPED,
        description="Tells people, by e-mail and webhook, what broke and what works again.",
    )
    def alerts(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        now = time.time()
        before = Cursor.from_text(context.cursor, now)
        ended = list(ended_since(context.instance, before.until - OVERLAP_SECONDS))
        day = due_day(settings.freshness_deadline, datetime.fromtimestamp(now, UTC))
        overdue = overdue_tables(lake, tables, day) if day and day >= settings.start_date else {}
        open_now = broken(before.open, ended, overdue)
        channels = channels_of(settings.alerts)
        message = message_of(before.open, open_now, settings.env)
        after = Cursor(now, open_now, before.outbox)
        if message is not None:
            queued = {name: [*before.outbox.get(name, ()), message] for name in channels}
            after = replace(after, outbox=queued)
            context.log.info("%s\n%s", message.subject, message.body)
        after, problems = delivered(after, channels)
        for problem in problems:
            context.log.error("%s. It is tried again with the next tick.", problem)
        said = message.subject if message else f"{len(open_now)} broken, nothing new" if open_now else "all is well"
        return dg.SensorResult(skip_reason=". ".join([said, *problems]), cursor=after.to_text())

    return alerts


def ended_since(instance: dg.DagsterInstance, since: float) -> Iterable[Ended]:
    """What the runs that ended after an instant say, oldest first; cancelled ones say nothing."""
    statuses = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE]
    filters = dg.RunsFilter(statuses=statuses, updated_after=datetime.fromtimestamp(since, UTC))
    for record in instance.get_run_records(filters, order_by="update_timestamp", ascending=True):
        run = record.dagster_run
        if run.is_failure and run.tags.get(WILL_RETRY_TAG) == "true":
            continue
        steps = instance.get_run_step_stats(run.run_id)
        worked = {table_of_step(step.step_key) for step in steps if _is(step, "SUCCESS")}
        failed: dict[str, str] = {}
        if run.is_failure:
            logged = instance.all_logs(run.run_id, of_type=dg.DagsterEventType.STEP_FAILURE)
            failed = failures_of(entry.dagster_event for entry in logged if entry.dagster_event)
            # A step that began and neither failed nor succeeded was interrupted with its process.
            begun = {table_of_step(step.step_key) for step in steps} - worked - failed.keys()
            failed |= dict.fromkeys(begun, "its process died")
            failed = failed or {RUN: "the run died before its first table"}
        why = {table: without_secrets(text) for table, text in failed.items()}
        yield Ended(_label(run), frozenset(worked | ({RUN} if run.is_success else set())), why)


def due_day(deadline: str | None, now: datetime) -> date | None:
    """The newest business day that must be there: yesterday from the deadline on, the day before until then.

    Args:
        deadline: time of day as HH:MM; None expects nothing.
        now: an instant in UTC.
    """
    if deadline is None:
        return None
    return now.date() - timedelta(days=1 if now.strftime("%H:%M") >= deadline else 2)


def overdue_tables(lake: Lake, tables: Sequence[Table], day: date) -> dict[str, str]:
    """Gold tables that have not been computed for a day → what is missing."""
    return {f"{LATE}{name}": f"{day} is due and has not been computed" for name in missing_day(lake, tables, day)}


def broken(before: Mapping[str, str], ended: Iterable[Ended], overdue: Mapping[str, str]) -> dict[str, str]:
    """What is broken now, given what was broken before and what happened since."""
    now = {name: why for name, why in before.items() if not name.startswith(LATE)}
    for run in ended:
        for name in run.worked:
            now.pop(name, None)
        now |= {name: f"{why} ({run.label})" for name, why in run.failed.items()}
    return now | dict(overdue)


def message_of(before: Mapping[str, str], now: Mapping[str, str], env: str) -> Message | None:
    """One message about what broke and what works again; None when neither happened."""
    new = {name: why for name, why in now.items() if name not in before}
    gone = [name for name in before if name not in now]
    if not new and not gone:
        return None
    counts = [f"{len(found)} {word}" for found, word in ((new, "broken"), (gone, "working again")) if found]
    lines = [f"BROKEN {name}: {why}" for name, why in sorted(new.items())]
    lines += [f"WORKS AGAIN {name}" for name in sorted(gone)]
    if still := sorted(now.keys() & before.keys()):
        lines.append(f"Still broken: {', '.join(still)}")
    return Message(f"project_etl {env}: {', '.join(counts)}", "\n".join(lines))


def delivered(cursor: Cursor, channels: Mapping[str, Channel]) -> tuple[Cursor, list[str]]:
    """Deliver what waits; the cursor keeps what could not be delivered, and the problems say why."""
    outbox: dict[str, list[Message]] = {}
    problems: list[str] = []
    for name, channel in channels.items():
        waiting = list(cursor.outbox.get(name, ()))
        try:
            while waiting:
                channel(waiting[0])
                waiting.pop(0)
        except OSError as error:
            problems.append(without_secrets(f"{len(waiting)} messages wait for {name}: {error}"))
            outbox[name] = waiting
    return replace(cursor, outbox=outbox), problems


def _is(step: Any, status: str) -> bool:  # noqa: ANN401 - a class that Dagster does not export
    return step.status is not None and step.status.value == status


def _label(run: dg.DagsterRun) -> str:
    days = sorted({run.tags.get(name, "") for name in (RANGE_START, RANGE_END, "dagster/partition")} - {""})
    return f"run {run.run_id[:8]}{' for ' if days else ''}{' to '.join(days)}"
