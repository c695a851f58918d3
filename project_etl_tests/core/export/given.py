"""A lake with a daily table and a whole one, which hold every type and what files get wrong; written without an engine.

Does not belong here: expectations.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandera.pyspark as pa
import pyarrow
from pyspark.sql import types as T

from project_etl.core.contracts import FAIL, on_fail
from project_etl.core.export import TARGETS, Export, Target
from project_etl.core.export.exported import Exported
from project_etl.core.export.push import Pushed, exported, push, target_of
from project_etl.core.lake import WHOLE, Overwrite, ReplaceWhere, TableStore
from project_etl.core.model.table import ReplaceDays, Snapshot, Table

PART = T.StructType([T.StructField("part_id", T.StringType()), T.StructField("amount", T.DecimalType(20, 2))])


class Sales(pa.DataFrameModel):
    """Every type."""

    day: T.DateType = pa.Field(description="Business day.", metadata=on_fail(FAIL))
    sale_id: T.StringType = pa.Field(description="The seller's number.", metadata=on_fail(FAIL))
    email: T.StringType = pa.Field(nullable=True, description="Address.", metadata={"pii": True})
    text: T.StringType = pa.Field(nullable=True, description="A seller's note.")
    amount: T.DecimalType(20, 2) = pa.Field(nullable=True, description="Amount.")  # pyright: ignore[reportInvalidTypeForm]
    units: T.LongType = pa.Field(nullable=True, description="Pieces.")
    is_paid: T.BooleanType = pa.Field(nullable=True, description="Whether it was paid.")
    at: T.TimestampType = pa.Field(nullable=True, description="Instant.")
    parts: T.ArrayType(PART) = pa.Field(nullable=True, description="Parts.")  # pyright: ignore[reportInvalidTypeForm]


class Sellers(pa.DataFrameModel):
    """A table that is computed as a whole."""

    seller_id: T.StringType = pa.Field(description="Seller.", metadata=on_fail(FAIL))
    phone: T.StringType = pa.Field(nullable=True, description="Telephone.", metadata={"pii": True})


DAILY = Table(name="gold/sales", contract=Sales, keys=("day", "sale_id"), write=ReplaceDays("day"))
SNAPSHOT = Table(name="gold/sellers", contract=Sellers, keys=("seller_id",), write=Snapshot())
TABLES = (DAILY, SNAPSHOT)
SALES = Export(table="gold/sales", name="sales", to=TARGETS, ids={"part_ids": "parts.part_id"})
SELLERS = Export(table="gold/sellers", name="sellers", to=TARGETS)
BY_DAY = Export(
    query="SELECT day, sum(amount) AS amount FROM gold.sales GROUP BY day ORDER BY day",
    reads=("gold/sales",),
    name="by_day",
    to=TARGETS,
)
EXPORTS = (SALES, SELLERS, BY_DAY)
D1, D2, D3 = "2025-01-01", "2025-01-02", "2025-01-03"
ODD = 'a "quoted", text\r\nof two lines 😀'


def sale(day: str, sale_id: str, **values: Any) -> dict[str, Any]:
    """A row of `gold/sales`; what is not named is null."""
    row = dict.fromkeys(DAILY.schema.fieldNames())
    return {**row, "day": date.fromisoformat(day), "sale_id": sale_id, **values}


FULL = sale(
    D1,
    "s1",
    email="ada@example.org",
    text=ODD,
    amount=Decimal("-1234567890123.45"),
    units=-5,
    is_paid=True,
    at=datetime(2025, 1, 1, 10, 0, 0, 250, tzinfo=UTC),
    parts=[{"part_id": "p1", "amount": Decimal("1.10")}, {"part_id": "p2", "amount": None}],
)
MIDNIGHT = datetime(2025, 1, 1, tzinfo=UTC)
FORMULA = sale(D1, "s2", text="=1+2", amount=Decimal("0.10"), is_paid=False, at=MIDNIGHT, parts=[])
EMPTY = sale(D2, "s3")


@dataclass(frozen=True)
class Shop:
    """A lake and the folder of its exports."""

    folder: Path

    @property
    def lake(self) -> TableStore:
        """The lake, read anew."""
        return TableStore(str(self.folder / "lake"))

    def target(self, name: str) -> Target:
        """A target of the folder."""
        return target_of(name, str(self.folder / "exports"))

    def exported(self, name: str, exports: Sequence[Export] = EXPORTS) -> list[Exported]:
        """What a target is to hold."""
        return exported(self.lake, exports, TABLES, self.target(name))

    def push(self, name: str, exports: Sequence[Export] = EXPORTS) -> dict[str, Pushed]:
        """Bring a target up to date."""
        return {each.name: each for each in push(self.exported(name, exports), self.target(name))}

    def sales(self, day: str, *rows: Mapping[str, Any]) -> None:
        """Replace a day of `gold/sales`."""
        lake = self.lake
        note = {"table": DAILY.name, "days": {day: "made"}, "touched": [day]}
        lake.commit(DAILY.name, ReplaceWhere(f"day = DATE'{day}'"), _table(lake, DAILY.name, rows), note)

    def sellers(self, *ids: str) -> None:
        """Replace `gold/sellers`."""
        lake, rows = self.lake, [{"seller_id": each, "phone": "+1"} for each in ids]
        lake.commit(SNAPSHOT.name, Overwrite(), _table(lake, SNAPSHOT.name, rows), {"days": {WHOLE: "made"}})


def shop_in(folder: Path) -> Shop:
    """A lake with two days of sales and two sellers."""
    shop = Shop(folder)
    for table in TABLES:
        shop.lake.create(table.name, table.schema)
    shop.sales(D1, FULL, FORMULA)
    shop.sales(D2, EMPTY)
    shop.sellers("ann", "bob")
    return shop


def _table(lake: TableStore, name: str, rows: Sequence[Mapping[str, Any]]) -> Any:
    schema = lake.state(name).arrow_schema
    return pyarrow.Table.from_pylist([dict(row) for row in rows], schema)
