"""What the tests of the commands stand on: a project folder of their own, and small tables written without Spark."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa
import pytest
from rich.console import Console

from project_etl.commands.shared.environment import instance_in
from project_etl.core.bronze import file_table
from project_etl.core.lake import Append, TableStore
from project_etl.core.silver import quarantine
from project_etl.settings import Settings, load_settings

REPOSITORY = Path(__file__).resolve().parents[2]
SEEN = datetime(2025, 1, 9, 12, 30, tzinfo=UTC)


# What the test run computes with (`pytest --engine`).
ENGINE = "PROJECT_ETL_ENGINE"


def settings_in(folder: Path, yaml: str = "", **variables: str) -> Settings:
    """The settings of a project folder that has nothing but its config."""
    config = folder / "config"
    config.mkdir(parents=True, exist_ok=True)
    (config / "local.yaml").write_text(yaml)
    return load_settings({f"PROJECT_ETL_{name}": value for name, value in variables.items()}, config)


def dagster_home_in(folder: Path) -> str:
    """A folder for Dagster's memory with the platform's own dagster.yaml; the value of DAGSTER_HOME."""
    home = folder / "home"
    home.mkdir(exist_ok=True)
    shutil.copy(REPOSITORY / "dagster.yaml", home)
    return str(home)


def with_memory(folder: Path) -> None:
    """Make Dagster's memory in a folder, for processes that are started at once.

    Two that find none both make it, and one dies of that: Dagster's own fault, for which it is enough to start again.
    """
    dagster_home_in(folder)
    with memory_in(folder):
        pass


@contextmanager
def memory_in(folder: Path) -> Iterator[dg.DagsterInstance]:
    """Dagster's memory in a folder, made by `dagster_home_in`; opening it sets DAGSTER_HOME, which is undone."""
    home = str(folder / "home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAGSTER_HOME", home)
        with instance_in(Path(home)) as instance:
            yield instance


def plain_environment() -> dict[str, str]:
    """This process' environment as a new shell has it: without Dagster's home and the settings, but for the engine."""
    ours = ("PROJECT_ETL_", "DAGSTER_")
    return {name: value for name, value in os.environ.items() if name == ENGINE or not name.startswith(ours)}


def surroundings(folder: Path, **settings: object) -> dict[str, str]:
    """The environment of a command over the landing, lake and Dagster home of a folder, as a `SmallShop` has them."""
    chosen = {"LANDING_ROOT": folder / "landing", "LAKE_ROOT": folder / "lake", **settings}
    named = {f"PROJECT_ETL_{name}": str(value) for name, value in chosen.items()}
    return plain_environment() | named | {"DAGSTER_HOME": dagster_home_in(folder)}


def paper(*, is_terminal: bool = False) -> Console:
    """A console to read from with `text_of`."""
    return Console(file=StringIO(), width=120, highlight=False, force_terminal=is_terminal)


def text_of(console: Console) -> str:
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def lake_in(settings: Settings) -> TableStore:
    return TableStore(settings.lake_root)


def write(lake: TableStore, name: str, rows: Sequence[Mapping[str, Any]], note: Mapping[str, Any] | None = None) -> int:
    """Append rows to a table that exists, with a note as the platform's commits have; returns the version."""
    table = pa.Table.from_pylist(list(rows), lake.state(name).arrow_schema)
    return lake.commit(name, Append(), table, note or {}).version


def an_order(number: int, customer: str = "ann") -> dict[str, Any]:
    """A row of Silver's orders, of that day of January 2025."""
    at = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(days=number - 1)
    return {
        "order_id": f"o{number}",
        "customer_id": customer,
        "order_ts": at,
        "order_date": at.date(),
        "status": "PAID",
        "currency": "EUR",
        "order_total": Decimal(1),
        "updated_at": at,
        "_source_file": "f",
        "_source_version": "v",
        "_row_number": 1,
        "_landing_date": at.date(),
        "_source_files": ["f"],
    }


def bad_record(row: int, rules: Sequence[str], day: int = 1, **more: Any) -> dict[str, Any]:
    """A row of a quarantine table."""
    landing = date(2025, 1, day)
    entry = {
        "_source_file": f"shop/orders/{landing}/orders.csv",
        "_source_version": "v1",
        "_row_number": row,
        "_landing_date": landing,
        "rules": list(rules),
        "rules_version": "r1",
        "is_waiting": False,
        "record": "{}",
        "raw": json.dumps({"order_id": f"o{row}"}),
        "run_id": "run-1",
        "first_seen": SEEN,
        "last_seen": SEEN,
    }
    return entry | more


def bad_file(name: str, rule: str, day: int = 1) -> dict[str, Any]:
    """A row of the file table, of a file that is not in Bronze."""
    landing = date(2025, 1, day)
    return {
        "path": f"shop/orders/{landing}/{name}",
        "version": "v1",
        "landing_date": landing,
        "month": f"{landing:%Y-%m}",
        "dataset": "bronze/shop/orders",
        "status": "unreadable",
        "rule": rule,
        "detail": f"{name} could not be read",
        "size_bytes": 7,
        "run_id": "run-1",
        "first_seen": SEEN,
        "last_seen": SEEN,
    }


def land_until(lake: TableStore, day: str) -> None:
    """Note in the file table that a file was seen on a landing day."""
    landing = {"path": f"shop/orders/{day}/seen.csv", "landing_date": date.fromisoformat(day), "month": day[:7]}
    put_in_quarantine(lake, {}, [bad_file("seen.csv", "file_has_records") | landing])


def put_in_quarantine(
    lake: TableStore, records: Mapping[str, Sequence[dict[str, Any]]], files: Sequence[dict[str, Any]] = ()
) -> None:
    """Fill quarantine: short table name → rows, and rows of the file table."""
    for name, rows in records.items():
        lake.create(f"quarantine/{name}", quarantine.SCHEMA, partition_by="_landing_date")
        write(lake, f"quarantine/{name}", rows)
    if files:
        lake.create(file_table.FILES, file_table.SCHEMA, partition_by="month")
        write(lake, file_table.FILES, files)
