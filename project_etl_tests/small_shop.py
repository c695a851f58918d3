"""A shop small enough for a test: lands files and runs its tables in order, all real but without Dagster.

Belongs here: what tests of several modules use to set a scene. Does not belong here: expectations.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

from project_etl.catalog import bronze_job, datasets_of, parameters_of, silver_job, tables
from project_etl.core.bronze.file_table import FILES
from project_etl.core.bronze.plan import BronzeJob
from project_etl.core.bronze.stage import stage_bronze
from project_etl.core.contracts.report import Report
from project_etl.core.engine.base import Engine
from project_etl.core.gold.stage import GoldJob, stage_gold
from project_etl.core.lake import TableStore
from project_etl.core.model.names import DELETED
from project_etl.core.model.order import gold_order
from project_etl.core.model.records import Records
from project_etl.core.model.source import Dataset
from project_etl.core.model.staged import Run, Staged
from project_etl.core.model.table import Table
from project_etl.core.silver.books import Books, books_of
from project_etl.core.silver.plan import SilverJob
from project_etl.core.silver.quarantine import name_of
from project_etl.core.silver.stage import stage_silver
from project_etl.settings import Settings

LINEAGE = ("_source_file", "_source_version", "_row_number", "_landing_date", "_source_files")

CUSTOMER = {
    "customer_id": "C1",
    "first_name": "ada",
    "last_name": "king",
    "email": "ada@example.org",
    "country": "GB",
    "updated_at": "2025-01-01T00:00:00Z",
}
PRODUCT = {
    "product_id": "P1",
    "name": "Lamp",
    "category": "home",
    "price": 10,
    "currency": "EUR",
    "active": True,
    "tags": ["a"],
    "updated_at": "2025-01-01T00:00:00Z",
}
ORDER = {
    "order_id": "O1",
    "customer_id": "C1",
    "order_ts": "2025-01-01T10:00:00Z",
    "status": "PAID",
    "currency": "EUR",
    "order_total": "20.00",
    "country": "GB",
    "updated_at": "2025-01-01T10:00:00Z",
}
ITEM = {
    "order_item_id": "I1",
    "order_id": "O1",
    "product_id": "P1",
    "quantity": "2",
    "unit_price": "10.00",
    "discount": "0.00",
    "updated_at": "2025-01-01T10:00:00Z",
}

EVENT = {
    "event_id": "E1",
    "visitor_id": "V1",
    "customer_id": "C1",
    "session_id": "s1",
    "event_type": "purchase",
    "product_id": "P1",
    "order_id": "O1",
    "quantity": 2,
    "price": 10.5,
    "event_ts": "2025-01-01T10:00:00Z",
}
REFUND = {
    "refund_id": "F1",
    "order_id": "O1",
    "order_item_id": "I1",
    "quantity": "1",
    "amount": "5.00",
    "reason": "broken",
    "refunded_at": "2025-01-05T10:00:00Z",
    "updated_at": "2025-01-05T10:00:00Z",
}
REVIEW = {
    "review_id": "R1",
    "product_id": "P1",
    "customer_id": "C1",
    "rating": "5",
    "review_text": "Very bright",
    "helpful_votes": "3",
    "review_ts": "2025-01-05T10:00:00Z",
    "updated_at": "2025-01-05T10:00:00Z",
}
# Datasets whose files are JSON lines; the others are CSV.
JSON_LINES = ("customers", "products", "events")


def record_columns(kind: str) -> tuple[str, ...]:
    """The text columns of a kind of records."""
    return tuple(records_of(kind).columns)


def records_of(kind: str) -> Records:
    """What a kind of records says."""
    return next(table.records for table in tables() if table.records and table.records.name == kind)


def settings_of(
    sources: Sequence[str] = ("shop",), namespaces: Mapping[str, str] | None = None, **others: Any
) -> Settings:
    """Settings that say nothing but which sources are on, whose ids they give, and what is named."""
    given = {"env": "test", "root": Path.cwd(), "sources": tuple(sources), "namespaces": dict(namespaces or {})}
    return Settings.model_validate({**given, **others})


PARAMETERS = parameters_of(settings_of())


def made_of(*names: str) -> tuple[Table, ...]:
    """The named tables and all Silver and Gold tables that they are made of."""
    declared = {table.name: table for table in tables()}
    found: set[str] = set()
    left = list(names)
    while left:
        table = declared.get(left.pop())
        if table and table.name not in found:
            found.add(table.name)
            left += [item.table for item in table.inputs.values()]
            left += [reference.table for reference in table.references]
            left += [table.sister] if table.sister else []
    return tuple(table for table in declared.values() if table.name in found)


class SmallShop:
    """A landing folder, a lake, and the tables of some sources, all or only some; Bronze needs no engine."""

    def __init__(
        self,
        folder: Path,
        engine: Engine | None = None,
        sources: Sequence[str] = ("shop",),
        namespaces: Mapping[str, str] | None = None,
        *,
        only: Sequence[Table] = (),
        **others: Any,
    ) -> None:
        self.landing = folder / "landing"
        self.lake = TableStore(str(folder / "lake"), engine)
        self.sources = tuple(sources)
        self.settings = settings_of(sources, namespaces, **others)
        self.tables = {table.name: table for table in only or tables()}
        self.runs = 0

    # --- landing ------------------------------------------------------------------------------------------------------

    def land(self, dataset: str, day: str, content: str | bytes, name: str | None = None, source: str = "shop") -> Path:
        """Put a file into landing."""
        extension = "jsonl" if dataset in JSON_LINES else "csv"
        path = self.landing / source / dataset / day / (name or f"{dataset}.{extension}")
        path.parent.mkdir(parents=True, exist_ok=True)
        data = content if isinstance(content, bytes) else content.encode()
        path.write_bytes(gzip.compress(data) if path.suffix == ".gz" and isinstance(content, str) else data)
        return path

    def land_rows(self, dataset: str, day: str, *rows: Mapping[str, Any], name: str | None = None) -> Path:
        """Put records into landing, as JSON lines or CSV, whichever the dataset uses."""
        if dataset in JSON_LINES:
            return self.land(dataset, day, "".join(f"{json.dumps(row)}\n" for row in rows), name)
        columns = (*record_columns(dataset), *([DELETED] if any(DELETED in row for row in rows) else []))
        lines = [",".join(columns), *(",".join(str(row.get(column, "")) for column in columns) for row in rows)]
        return self.land(dataset, day, "\n".join(lines) + "\n", name)

    # --- running ------------------------------------------------------------------------------------------------------

    def bronze(self, dataset: str, *days: str) -> Report:
        """Materialize a Bronze table."""
        return self._publish(stage_bronze(self.bronze_job(dataset, *days)))

    def bronze_job(self, dataset: str, *days: str) -> BronzeJob:
        """What materializes a Bronze table; files count as still at once."""
        job = bronze_job(self.lake, self.dataset(dataset), self.settings, days, self._run())
        return replace(job, landing_root=str(self.landing), settle_seconds=0)

    def dataset(self, name: str) -> Dataset:
        """A dataset by its name, or by `source/name` where several sources have one of it."""
        return next(item for item in datasets_of(self.sources) if name in (item.name, f"{item.source}/{item.name}"))

    def stage_silver(self, name: str, *days: str, table: Table | None = None) -> Staged:
        """Stage a Silver table without publishing it."""
        return stage_silver(self.silver_job(name, *days, table=table))

    def silver_job(self, name: str, *days: str, table: Table | None = None) -> SilverJob:
        """What materializes a Silver table."""
        return silver_job(self.lake, table or self.tables[f"silver/{name}"], self.settings, days, self._run())

    def books(self, name: str) -> Books:
        """The books of a Silver table as it is now."""
        return books_of(self.silver_job(name))

    def silver(self, name: str, *days: str, table: Table | None = None) -> Report:
        """Materialize a Silver table."""
        return self._publish(self.stage_silver(name, *days, table=table))

    def gold(self, name: str, *days: str) -> Report:
        """Materialize a Gold table."""
        return self._publish(
            stage_gold(
                GoldJob(
                    self.lake,
                    self.tables[f"gold/{name}"],
                    self.tables,
                    days,
                    self._run(),
                    self.settings.reporting_timezone,
                )
            )
        )

    def load(self, *days: str) -> dict[str, Report]:
        """Materialize Bronze and Silver in their order."""
        reports = {
            dataset.bronze: self.bronze(f"{dataset.source}/{dataset.name}", *days)
            for dataset in datasets_of(self.sources)
        }
        for name in self.silver_names():
            reports[f"silver/{name}"] = self.silver(name, *days)
        return reports

    def all_gold(self, *days: str) -> dict[str, Report]:
        """Materialize every Gold table, each after those it reads."""
        return {f"gold/{name}": self.gold(name, *days) for name in self.gold_names()}

    def everything(self, *days: str) -> dict[str, Report]:
        """Materialize every table of every layer."""
        return self.load(*days) | self.all_gold(*days)

    def silver_names(self) -> list[str]:
        """Short names of the Silver tables, each after those it refers to."""
        silver = {name: table for name, table in self.tables.items() if table.layer == "silver"}
        refers = {
            name: [ref.table for ref in table.references if ref.table in silver] for name, table in silver.items()
        }
        return [silver[name].short_name for name in TopologicalSorter(refers).static_order()]

    def gold_names(self) -> list[str]:
        """Short names of the Gold tables, each after those it reads."""
        return [table.short_name for table in gold_order(self.tables.values())]

    # --- looking ------------------------------------------------------------------------------------------------------

    def rows(self, name: str, *columns: str) -> list[tuple[Any, ...]]:
        """A table's rows, sorted; all columns when none are named."""
        table = self.lake.state(name).rows(list(columns) or None).to_pylist()
        names = columns or sorted(table[0]) if table else columns
        return sorted((tuple(row[column] for column in names) for row in table), key=repr)

    def quarantined(self, table: str) -> list[tuple[Any, ...]]:
        """File, row and rules of the records kept out of a Silver table; a history's are with its sister."""
        declared = self.tables.get(f"silver/{table}")
        name = name_of(declared.sister or declared.name) if declared else f"quarantine/{table}"
        return self.rows(name, "_source_file", "_row_number", "rules") if self.lake.exists(name) else []

    def not_loaded(self) -> list[tuple[str, str]]:
        """Path and rule of the files that are not in Bronze."""
        return [(path, rule) for path, rule in self.rows(FILES, "path", "rule") if rule]

    def state(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every Silver table and its quarantine, without what tells of runs and times."""
        result: dict[str, list[tuple[Any, ...]]] = {}
        for name, table in self.tables.items():
            if table.layer == "silver" and self.lake.exists(name):
                result[name] = self.rows(name, *table.schema.fieldNames(), *LINEAGE)
                result[f"quarantine/{table.short_name}"] = [
                    (file, row, sorted(rules)) for file, row, rules in self.quarantined(table.short_name)
                ]
        return result

    def version(self, name: str) -> int | None:
        """A table's Delta version."""
        return self.lake.version(name)

    def _publish(self, staged: Staged) -> Report:
        with staged.kept:
            # As in a run: what breaks a `fail` rule is reported alone.
            staged.refuse() if staged.is_refused else staged.publish()
        return staged.report

    def _run(self) -> Run:
        self.runs += 1
        return Run(f"run-{self.runs}", parameters=parameters_of(self.settings))
