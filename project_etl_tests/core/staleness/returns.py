"""A small lake of sales, and of returns that come in days later: tables that are read by the days that rows name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pandera.pyspark as pa
import pyarrow
from pyspark.sql import types as T

from project_etl.core.contracts import Contract
from project_etl.core.lake import Append, Held, TableStore, Upsert
from project_etl.core.model.records import Records, key
from project_etl.core.model.table import Input, Merge, ReplaceDays, Table, lookup, same_day
from project_etl.core.silver.plan import silver_schema
from project_etl.core.staleness import Staleness
from project_etl_tests.core.staleness.given import CHANGE_FEED, DEFAULTS, day


class Sales(pa.DataFrameModel):
    """A sale."""

    sale_date: T.DateType = pa.Field(description="Day of the sale.")
    sale_id: T.StringType = pa.Field(description="Number of the sale.")
    person_id: T.StringType = pa.Field(nullable=True, description="Who bought.")
    updated_at: T.TimestampType = pa.Field(nullable=True, description="Instant of the last change.")


class Returns(pa.DataFrameModel):
    """A return of a sale."""

    return_id: T.StringType = pa.Field(description="Number of the return.")
    return_date: T.DateType = pa.Field(description="Day of the return.")
    sale_date: T.DateType = pa.Field(nullable=True, description="Day of the sale.")
    updated_at: T.TimestampType = pa.Field(nullable=True, description="Instant of the last change.")


class Rates(pa.DataFrameModel):
    """A rate that holds until the next one."""

    rate_date: T.DateType = pa.Field(description="First day.")
    currency: T.StringType = pa.Field(description="Currency.")


class People(pa.DataFrameModel):
    """A person."""

    person_id: T.StringType = pa.Field(description="Number of the person.")
    name: T.StringType = pa.Field(nullable=True, description="Name.")
    updated_at: T.TimestampType = pa.Field(nullable=True, description="Instant of the last change.")


class Daily(pa.DataFrameModel):
    """What a day's returns are of."""

    return_date: T.DateType = pa.Field(description="Day of the returns.")
    seen: T.StringType = pa.Field(description="What the transform was given.")


def silver(name: str, contract: Contract, keys: tuple[str, ...], **more: Any) -> Table:
    records = Records(name, {keys[0]: key("A key.")})
    write = more.pop("write", Merge(newest_by="updated_at"))
    return Table(name=f"silver/{name}", contract=contract, keys=keys, records=records, write=write, **more)


def daily(**inputs: Input) -> Table:
    """A table of the days of returns."""
    write = ReplaceDays("return_date")
    return Table(name="gold/daily", contract=Daily, keys=("return_date", "seen"), inputs=inputs, write=write)


SALES = silver("sales", Sales, ("sale_id",), day="sale_date")
RETURNS = silver("returns", Returns, ("return_id",), day=("return_date", "sale_date"))
RATES = silver("rates", Rates, ("rate_date", "currency"), write=Merge(newest_by="rate_date"))
PEOPLE = silver("people", People, ("person_id",))
FACTS = Table(
    name="gold/sales",
    contract=Sales,
    keys=("sale_date", "sale_id"),
    inputs={"sales": same_day("silver/sales")},
    write=ReplaceDays("sale_date"),
)
# The sales that a day's returns are of, on whatever day these were.
DAILY = daily(returns=same_day("silver/returns"), sales=lookup("gold/sales", at="sale_date"))
# All returns of these days' sales, with the rates of the days of the sales.
SIBLINGS = daily(
    returns=same_day("silver/returns"),
    siblings=lookup("silver/returns", by="sale_date", at="sale_date"),
    rates=lookup("silver/rates", at="sale_date"),
)
OTHERS = (SALES, RETURNS, RATES, PEOPLE, FACTS)
NUMBERS = range(1, 9)


def sale(number: int, on: int, person: str | None = None) -> dict[str, Any]:
    return {"sale_id": f"s{number}", "sale_date": day(on), "person_id": person}


def returned(number: int, on: int, of: int | None) -> dict[str, Any]:
    return {"return_id": f"r{number}", "return_date": day(on), "sale_date": of and day(of)}


def made(root: str) -> TableStore:
    """Sales of three days, and returns: on the 3rd of the 1st, on the 4th of the first two, on the 6th of the 5th."""
    lake = TableStore(root)
    for table in (*OTHERS, DAILY):
        lake.create(table.name, _schema(table), properties=CHANGE_FEED)
    change(lake, SALES, sale(1, 1, "ann"), sale(2, 2, "bob"), sale(3, 5, "ann"))
    change(lake, FACTS, sale(1, 1, "ann"), sale(2, 2, "bob"), sale(3, 5, "ann"))
    change(lake, RETURNS, returned(1, 3, 1), returned(2, 4, 2), returned(3, 4, 1), returned(4, 6, 5))
    change(lake, RATES, *({"rate_date": day(number), "currency": "EUR"} for number in (1, 2, 5)))
    change(lake, PEOPLE, {"person_id": "ann", "name": "Ann"}, {"person_id": "cid", "name": "Cid"})
    return lake


def change(
    lake: TableStore, table: Table, *rows: Mapping[str, Any], was: Iterable[Mapping[str, Any]] = (), op: str = "update"
) -> None:
    """Insert or update rows by key, or delete them; the note names their days, and those of what they were."""
    fields = _schema(table).fields
    columns = tuple(field.name for field in fields)
    given = {"updated_at": datetime.now(UTC), "_source_files": ["shop/files/2025-01-09/a.csv"]}
    given |= {field.name: DEFAULTS[type(field.dataType)] for field in fields if not field.nullable}
    filled = [{column: {**given, **row}.get(column) for column in columns} for row in rows]
    arrow = pyarrow.Table.from_pylist(filled, lake.state(table.name).arrow_schema)
    arrow = arrow.append_column("_op", pyarrow.array([op] * len(rows), pyarrow.string()))
    touched = [
        name
        for column in table.days
        for name in table.days_in_notes(column, sorted({str(row[column]) for row in (*rows, *was)}))
    ]
    note = {"table": table.name, "touched": touched if table.days else None}
    lake.commit(table.name, Upsert(table.keys, columns), arrow, note)


def _schema(table: Table) -> T.StructType:
    return silver_schema(table) if table.layer == "silver" else table.schema


def staleness(lake: TableStore, table: Table) -> Staleness:
    return Staleness(lake, {each.name: each for each in (*OTHERS, table)}, {})


def compute(lake: TableStore, table: Table, numbers: Iterable[int] = NUMBERS, held: Iterable[int] = ()) -> None:
    """Leave the note of a computation of some days, and of others that broke a rule."""
    look = staleness(lake, table)
    now, units = look.made_from(table), [str(day(number)) for number in numbers]
    note = {
        "table": table.name,
        "reads": now.versions,
        "days": dict.fromkeys(units, now.identity),
        "held": {str(day(number)): Held(now.identity, {"rule": 1}).to_json() for number in held},
        **look.checked(table, units),
        "touched": [],
    }
    lake.commit(table.name, Append(), lake.state(table.name).arrow_schema.empty_table(), note)


def stale(lake: TableStore, table: Table) -> set[int]:
    """Numbers of the days of a table that are stale, its inputs being right."""
    return numbered(staleness(lake, table).units_of(table, [str(day(number)) for number in NUMBERS]))


def numbered(days: Iterable[date | str]) -> set[int]:
    return {(date.fromisoformat(str(each)) - day(1)).days + 1 for each in days}


def by_sale(**inputs: Input) -> Table:
    """A table of the days of sales, stored where the other one is."""
    return replace(daily(**inputs), contract=Sales, keys=("sale_date", "sale_id"), write=ReplaceDays("sale_date"))
