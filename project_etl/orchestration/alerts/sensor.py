"""The sensor `alerts`: one message when something breaks, one when it works again, none in between.

A run that Dagster is about to retry has not failed yet. Messages that could not be delivered wait in the cursor, for
each channel on its own. Does not belong here: what counts as broken (`troubles.py`), delivering (`channels.py`).
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any

import dagster as dg

from project_etl.catalog import export_names
from project_etl.core.lake import TableStore
from project_etl.core.model.days import each_day
from project_etl.core.model.table import Table
from project_etl.core.staleness import due_day, missing_day
from project_etl.orchestration.alerts.channels import UNDELIVERED, Channel, Message, channels_of, without_secrets
from project_etl.orchestration.alerts.troubles import LATE, RUN, Ended, Trouble, broken, message_of, table_of
from project_etl.orchestration.failures import checks_of, failures_of, held_days_of, table_of_step
from project_etl.orchestration.partitions import days_of
from project_etl.orchestration.sensors.runs import RETRY_SECONDS, awaits_retry
from project_etl.settings import Settings

NAME = "alerts"
# Dagster's own, on a run that it has retried or is about to.
WILL_RETRY_TAG = "dagster/will_retry"
# The events that say what became of tables and checks.
TELLING = {dg.DagsterEventType.STEP_FAILURE, dg.DagsterEventType.ASSET_CHECK_EVALUATION}
# Runs are looked at again until it is known whether they are retried; what they say changes nothing the second time.
OVERLAP_SECONDS = RETRY_SECONDS + 60


@dataclass(frozen=True)
class Cursor:
    """What a tick leaves for the next.

    Attributes:
        until: runs that ended before this (seconds since the epoch) have been looked at.
        open: what is broken → its trouble.
        outbox: channel → messages that have not been delivered.
    """

    until: float
    open: Mapping[str, Trouble] = field(default_factory=dict[str, Trouble])
    outbox: Mapping[str, Sequence[Message]] = field(default_factory=dict[str, Sequence[Message]])

    def to_text(self) -> str:
        """The cursor as Dagster keeps it."""
        outbox = {name: [[each.subject, each.body] for each in held] for name, held in self.outbox.items()}
        troubles = {name: trouble.to_json() for name, trouble in self.open.items()}
        return json.dumps({"until": self.until, "troubles": troubles, "outbox": outbox})

    @staticmethod
    def from_text(text: str | None, now: float) -> Cursor:
        """The cursor that `to_text` wrote; before the first tick, one that knows of nothing before now."""
        if not text:
            return Cursor(now)
        value = json.loads(text)
        outbox = {name: [Message(*each) for each in held] for name, held in value["outbox"].items()}
        # A cursor of an earlier version has none.
        troubles = {name: Trouble.from_json(each) for name, each in value.get("troubles", {}).items()}
        return Cursor(value["until"], troubles, outbox)


def alerts_sensor(settings: Settings, lake: TableStore, tables: Sequence[Table]) -> dg.SensorDefinition:
    """The sensor for one lake and the channels of its settings."""
    snapshots = frozenset((*(table.name for table in tables if not table.is_daily), *export_names(settings)))

    @dg.sensor(
        name=NAME,
        minimum_interval_seconds=settings.tick_seconds,
        default_status=dg.DefaultSensorStatus.RUNNING if settings.automation else dg.DefaultSensorStatus.STOPPED,
        description="Tells people, by e-mail and webhook, what broke and what works again.",
    )
    def alerts(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        now = time.time()
        before = Cursor.from_text(context.cursor, now)
        ended = list(ended_since(context.instance, before.until - OVERLAP_SECONDS, now))
        day = due_day(settings.freshness_deadline, settings.clock(now))
        overdue = (
            overdue_tables(lake, tables, day, settings.reporting_timezone)
            if day and settings.start_date <= day <= settings.last_day(now)
            else {}
        )
        open_now = broken(before.open, ended, overdue, snapshots)
        channels = channels_of(settings.alerts)
        message = message_of(before.open, open_now, settings.env, settings.ui_url)
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


def ended_since(instance: dg.DagsterInstance, since: float, now: float) -> Iterable[Ended]:
    """What the runs that ended between two instants say, oldest first; cancelled ones say nothing."""
    statuses = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE]
    filters = dg.RunsFilter(statuses=statuses, updated_after=datetime.fromtimestamp(since, UTC))
    for record in instance.get_run_records(filters, order_by="update_timestamp", ascending=True):
        run = record.dagster_run
        is_forgotten = run.is_complete_and_waiting_to_retry and not awaits_retry(record, now)
        if run.is_failure and run.tags.get(WILL_RETRY_TAG) == "true" and not is_forgotten:
            continue
        logged = instance.all_logs(run.run_id, of_type=TELLING)
        events = [entry.dagster_event for entry in logged if entry.dagster_event]
        steps = instance.get_run_step_stats(run.run_id)
        worked = {table_of_step(step.step_key) for step in steps if _is(step, "SUCCESS")}
        failed: dict[str, str] = {}
        if run.is_failure:
            failed = failures_of(events)
            # A step that began and neither failed nor succeeded was interrupted with its process.
            begun = {table_of_step(step.step_key) for step in steps} - worked - failed.keys()
            failed |= dict.fromkeys(begun, "its process died")
            failed = failed or {RUN: "the run died before its first table"}
        checks = checks_of(events)
        worked |= {name for name, reason in checks.items() if not reason}
        # Of a table that failed, its own rules are the reason, and that has been said.
        failed |= {name: reason for name, reason in checks.items() if reason and table_of(name) not in failed}
        why = {table: without_secrets(text) for table, text in failed.items()}
        is_fine = {RUN} if run.is_success else set[str]()
        yield Ended(run.run_id, _days(run), frozenset(worked | is_fine), why, held_days_of(events))


def overdue_tables(lake: TableStore, tables: Sequence[Table], day: date, zone: str) -> dict[str, Trouble]:
    """Gold tables that have not been computed for a day → what is missing."""
    late = Trouble(f"{day} is due and has not been computed")
    return {f"{LATE}{name}": late for name in missing_day(lake, tables, day, zone)}


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
        except UNDELIVERED as error:
            problems.append(without_secrets(f"{len(waiting)} messages wait for {name}: {error}"))
            outbox[name] = waiting
    return replace(cursor, outbox=outbox), problems


def _is(step: Any, status: str) -> bool:  # noqa: ANN401 - a class that Dagster does not export
    return step.status is not None and step.status.value == status


def _days(run: dg.DagsterRun) -> frozenset[date]:
    found = days_of(run.tags)
    return frozenset(each_day(*found)) if found else frozenset()
