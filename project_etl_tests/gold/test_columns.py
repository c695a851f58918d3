"""A Gold table whose contract has other columns than before is computed again as a whole."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pandera.pyspark as pa
import pytest
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from project_etl.core.contracts import Contract
from project_etl.core.engine.base import Engine
from project_etl.gold import customer_ltv, daily_aov
from project_etl_tests.small_shop import CUSTOMER, ITEM, ORDER, PRODUCT, SmallShop

pytestmark = pytest.mark.long

DAYS = ("2025-01-01", "2025-01-02")


class AovWithNote(daily_aov.DailyAov):
    """Has a column more, which may not be null."""

    note: T.StringType = pa.Field(description="A note.")


class LtvWithNote(customer_ltv.CustomerLtv):
    """Has a column more, which may not be null."""

    note: T.StringType = pa.Field(description="A note.")


def aov_with_note(orders: DataFrame) -> DataFrame:
    return daily_aov.transform(orders).withColumn("note", F.lit("new"))


def ltv_with_note(orders: DataFrame, dim_date: DataFrame) -> DataFrame:
    return customer_ltv.transform(orders, dim_date).withColumn("note", F.lit("new"))


@pytest.mark.parametrize(
    ("name", "contract", "transform", "rows"),
    [("daily_aov", AovWithNote, aov_with_note, 2), ("customer_ltv", LtvWithNote, ltv_with_note, 1)],
)
def test_it_is_replaced_in_one_commit(
    tmp_path: Path, engine: Engine, name: str, contract: Contract, transform: Any, rows: int
) -> None:
    shop = SmallShop(tmp_path, engine)
    shop.land_rows("customers", DAYS[0], CUSTOMER)
    shop.land_rows("products", DAYS[0], PRODUCT)
    second = {"order_id": "O2", "order_ts": "2025-01-02T10:00:00Z"}
    shop.land_rows("orders", DAYS[0], ORDER, ORDER | second)
    shop.land_rows("order_items", DAYS[0], ITEM, ITEM | {"order_id": "O2"})
    shop.land("fx_rates", DAYS[0], "rate_date,base_currency,quote_currency,rate\n2025-01-01,GBP,EUR,1.2\n")
    shop.load(*DAYS)
    for table in ("fact_order_items", "fact_orders", "fact_events", "dim_date", name):
        shop.gold(table, *DAYS)
    before = shop.lake.state(f"gold/{name}")
    assert before.row_count == rows
    declared = shop.tables[f"gold/{name}"]
    shop.tables[f"gold/{name}"] = replace(declared, contract=contract, transform=transform, code_version="new")
    # One day is asked for, and all that were computed come along.
    shop.gold(name, DAYS[1])
    after = shop.lake.state(f"gold/{name}")
    assert (after.version, after.table_id) == (before.version + 1, before.table_id)
    assert shop.rows(f"gold/{name}", "note") == [("new",)] * rows
    shop.gold(name, *DAYS)
    assert shop.lake.state(f"gold/{name}").version == after.version
