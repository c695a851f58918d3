"""Columns of a contract that come, go and change: the table follows, and no row is lost."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import pandera.pyspark as pa
import pytest
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from project_etl.core.contracts import Contract
from project_etl.core.engine.base import Engine
from project_etl.core.model.table import Merge, Table
from project_etl.silver.fx_rates import FxRates
from project_etl.silver.fx_rates import transform as as_now
from project_etl_tests.small_shop import SmallShop

DAYS = ("2025-01-01", "2025-01-02", "2025-01-03")


class WithNote(FxRates):
    """Has a column more, which may be null."""

    note: T.StringType = pa.Field(nullable=True, description="A note.")


class WithPlace(FxRates):
    """Has a column more, which may not be null."""

    place: T.StringType = pa.Field(description="Where it was given.")


class Coarser(FxRates):
    """Has another type."""

    rate: Annotated[T.DecimalType, 18, 4] = pa.Field(gt=0, description="Units of the quote currency.")


class Renamed(pa.DataFrameModel):
    """Has another name in place of one."""

    rate_date: T.DateType = pa.Field(description="Day.")
    sold: T.StringType = pa.Field(description="Currency of which one unit is exchanged.")
    quote_currency: T.StringType = pa.Field(description="Currency in which the rate is given.")
    rate: Annotated[T.DecimalType, 28, 18] = pa.Field(gt=0, description="Units of the quote currency.")


def with_note(fx_rates: DataFrame) -> DataFrame:
    return as_now(fx_rates).withColumn("note", F.lit("new"))


def with_place(fx_rates: DataFrame) -> DataFrame:
    return as_now(fx_rates).withColumn("place", F.lit("here"))


def coarser(fx_rates: DataFrame) -> DataFrame:
    return as_now(fx_rates).withColumn("rate", F.col("rate").cast(T.DecimalType(18, 4)))


def renamed(fx_rates: DataFrame) -> DataFrame:
    return as_now(fx_rates).withColumnRenamed("base_currency", "sold")


def changed(table: Table, contract: Contract, transform: Any, **more: Any) -> Table:
    return replace(table, contract=contract, transform=transform, code_version=transform.__name__, **more)


@pytest.fixture
def shop(tmp_path: Path, engine: Engine) -> SmallShop:
    """Three days have landed; the first two are in Silver."""
    shop = SmallShop(tmp_path, engine)
    for number, day in enumerate(DAYS, start=1):
        shop.land("fx_rates", day, f"rate_date,base_currency,quote_currency,rate\n{day},GBP,EUR,1.{number}\n")
        shop.bronze("fx_rates", day)
    shop.silver("fx_rates", *DAYS[:2])
    return shop


def test_a_column_that_may_be_null_is_added_in_place(shop: SmallShop) -> None:
    table = changed(shop.tables["silver/fx_rates"], WithNote, with_note)
    shop.silver("fx_rates", DAYS[2], table=table)
    assert shop.rows("silver/fx_rates", "note") == [("new",), (None,), (None,)]
    shop.silver("fx_rates", *DAYS, table=table)
    assert shop.rows("silver/fx_rates", "note") == [("new",)] * 3


@pytest.mark.parametrize(
    ("contract", "transform", "keys", "expected"),
    [
        (WithPlace, with_place, None, {"place": "here"}),
        (Coarser, coarser, None, {}),
        (Renamed, renamed, ("rate_date", "sold", "quote_currency"), {"sold": "GBP"}),
        (FxRates, as_now, ("rate_date", "quote_currency", "base_currency"), {}),
    ],
)
def test_a_table_that_no_longer_fits_is_computed_again_in_one_commit(
    shop: SmallShop, contract: Contract, transform: Any, keys: tuple[str, ...] | None, expected: dict[str, str]
) -> None:
    before = shop.lake.state("silver/fx_rates")
    more = {"keys": keys, "write": Merge(newest_by="rate_date")} if keys else {}
    table = changed(shop.tables["silver/fx_rates"], contract, transform, **more)
    with (staged := shop.stage_silver("fx_rates", DAYS[1], table=table)).kept:
        assert "judged again, once" in staged.remarks[0]
        # Of the days that were never asked for none comes along.
        assert sorted(staged.report.days) == [DAYS[1]]
        staged.publish()
    after = shop.lake.state("silver/fx_rates")
    assert (after.version, after.table_id) == (before.version + 1, before.table_id)
    assert [item.name for item in table.schema.fields] == after.arrow_schema.names[: len(table.schema.fields)]
    rows = after.rows().to_pylist()
    assert sorted((str(row["rate_date"]), str(row["rate"])[:3]) for row in rows) == [(DAYS[0], "1.1"), (DAYS[1], "1.2")]
    assert all(row[name] == value for row in rows for name, value in expected.items())
    # Once is enough, and the next day is added as always.
    assert shop.stage_silver("fx_rates", *DAYS[:2], table=table).commit is None
    shop.silver("fx_rates", DAYS[2], table=table)
    assert len(shop.rows("silver/fx_rates", "rate_date")) == 3
