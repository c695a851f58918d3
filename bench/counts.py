"""Counts what a run did: Delta commits from the tables' logs, Spark jobs from Spark's event log.

Not here: running anything (`scenarios.py`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import dagster as dg

from project_etl.commands.environment import instance_in

# What makes a run write one plain event log. Counting runs are not timed.
EVENT_LOG = {
    "spark.eventLog.enabled": "true",
    "spark.eventLog.compress": "false",
    "spark.eventLog.rolling.enabled": "false",
}
CREATE = "CREATE TABLE"
ELSEWHERE = "(between tables)"

Windows = Mapping[str, tuple[float, float]]


def versions(lake: Path) -> dict[str, int]:
    """The newest Delta version of each table of a lake, by `layer/name`."""
    logs = lake.glob("*/*/_delta_log")
    return {log.parent.relative_to(lake).as_posix(): max(_entries(log), default=-1) for log in logs}


def commits(lake: Path, before: Mapping[str, int]) -> dict[str, list[str]]:
    """The operations committed to each table since `before`; making an empty table is none."""
    found: dict[str, list[str]] = {}
    for table, newest in sorted(versions(lake).items()):
        log = lake / table / "_delta_log"
        operations = [_operation(log / f"{number:020}.json") for number in range(before.get(table, -1) + 1, newest + 1)]
        found[table] = [operation for operation in operations if operation != CREATE]
    return {table: operations for table, operations in found.items() if operations}


def jobs(event_log: Path, windows: Windows) -> dict[str, int]:
    """The number of Spark jobs submitted while each table was made.

    Args:
        event_log: folder with the event logs of one run; none when the run started no Spark.
        windows: table → begin and end in seconds since the epoch; tables are made one after the other.
    """
    counted: dict[str, int] = {}
    for log in sorted(path for path in event_log.iterdir() if path.is_file()):
        for line in log.read_text(encoding="utf-8").splitlines():
            if '"SparkListenerJobStart"' in line:
                at = json.loads(line)["Submission Time"] / 1000
                table = next((name for name, (begun, ended) in windows.items() if begun <= at <= ended), ELSEWHERE)
                counted[table] = counted.get(table, 0) + 1
    return counted


def dagster_windows(home: Path) -> dict[str, tuple[float, float]]:
    """When each step of the newest run of a `DAGSTER_HOME` began and ended, by table."""
    kinds = {dg.DagsterEventType.STEP_START: 0, dg.DagsterEventType.STEP_SUCCESS: 1}
    found: dict[str, list[float]] = {}
    with instance_in(home) as instance:
        run = instance.get_runs(limit=1)[0]
        for entry in instance.all_logs(run.run_id, of_type=set(kinds)):
            if entry.dagster_event is not None and entry.step_key is not None:
                table = entry.step_key.replace("__", "/")
                found.setdefault(table, [0.0, float("inf")])[kinds[entry.dagster_event.event_type]] = entry.timestamp
    return {table: (begun, ended) for table, (begun, ended) in found.items()}


def _entries(log: Path) -> list[int]:
    return [int(path.stem) for path in log.glob("*.json") if path.stem.isdigit()]


def _operation(entry: Path) -> str:
    for line in entry.read_text(encoding="utf-8").splitlines():
        if '"commitInfo"' in line:
            return str(json.loads(line)["commitInfo"]["operation"])
    return "?"
