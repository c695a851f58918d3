"""What a run did to a lake: the commits in the tables' Delta logs, files and bytes.

Not here: running anything (`scenarios.py`), and what only the run itself knows (`project_etl/core/meter.py`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

CREATE = "CREATE TABLE"


def versions(lake: Path) -> dict[str, int]:
    """The newest Delta version of each table of a lake, by its path in the lake."""
    logs = lake.glob("**/_delta_log")
    return {log.parent.relative_to(lake).as_posix(): max(_entries(log), default=-1) for log in logs}


def commits(lake: Path, before: Mapping[str, int]) -> dict[str, list[str]]:
    """The operations committed to each table since `before`; making an empty table is none."""
    found: dict[str, list[str]] = {}
    for table, newest in sorted(versions(lake).items()):
        log = lake / table / "_delta_log"
        operations = [_operation(log / f"{number:020}.json") for number in range(before.get(table, -1) + 1, newest + 1)]
        found[table] = [operation for operation in operations if operation != CREATE]
    return {table: operations for table, operations in found.items() if operations}


def size(lake: Path) -> tuple[int, int]:
    """Number and bytes of all files of a lake, logs and files of older versions included."""
    sizes = [path.stat().st_size for path in lake.rglob("*") if path.is_file()]
    return len(sizes), sum(sizes)


def _entries(log: Path) -> list[int]:
    return [int(path.stem) for path in log.glob("*.json") if path.stem.isdigit()]


def _operation(entry: Path) -> str:
    for line in entry.read_text(encoding="utf-8").splitlines():
        if '"commitInfo"' in line:
            return str(json.loads(line)["commitInfo"]["operation"])
    return "?"
