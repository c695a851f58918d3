"""Exports as CSV text, and a shop that loads them. Does not belong here: what a particular system exports."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

from project_etl.core.contracts.report import Report
from project_etl.core.engine.base import Engine
from project_etl.core.model.source import Dataset
from project_etl_tests.small_shop import SmallShop, made_of

TABLES = made_of("gold/fact_orders", "gold/fact_order_items", "gold/daily_refunds")
Row = dict[str, str]


def exported(dataset: Dataset, *rows: Row) -> str:
    """An export with all columns of the dataset, each that a row does not have empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(dataset.columns), lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


class ExportingShop(SmallShop):
    """A shop of one system, whose exports are landed and loaded."""

    def __init__(self, folder: Path, engine: Engine, source: str, **settings: Any) -> None:
        super().__init__(folder, engine, (source,), only=TABLES, **settings)

    def export(self, dataset: Dataset, day: str, *rows: Row, name: str = "export.csv") -> Path:
        """Land an export."""
        return self.land(dataset.name, day, exported(dataset, *rows), name, source=dataset.source)

    def of_orders(self, table: str, prefix: str, *columns: str) -> list[tuple[Any, ...]]:
        """The rows of a table that belong to orders whose number begins so, sorted."""
        return [row[1:] for row in self.rows(table, "order_id", *columns) if row[0].startswith(prefix)]

    def kept_out(self, table: str, file: str) -> list[tuple[int, list[str]]]:
        """Row and rules of the records of an export that are kept out of a Silver table."""
        found = self.quarantined(table)
        return [(row, sorted(rules)) for path, row, rules in found if path.endswith(f"/{file}")]

    def broken(self, *days: str) -> dict[str, int]:
        """Load everything; the broken rules, as `<table>.<rule>`, and how often."""
        return broken(self.everything(*days))


def broken(reports: dict[str, Report]) -> dict[str, int]:
    """The broken rules, as `<table>.<rule>`, and how often."""
    return {
        f"{name.rpartition('/')[2]}.{rule.name}": rule.broken
        for name, report in reports.items()
        if not name.endswith("_history")
        for rule in report.rules
        if rule.broken
    }
