"""A table of several day columns: the note of each commit names the days of all of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandera.pyspark as pa
import pytest
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from project_etl.core.engine.base import Engine
from project_etl.core.model.table import TableError
from project_etl.gold import customer_first_order
from project_etl.silver import orders
from project_etl.silver.orders import Orders
from project_etl_tests.small_shop import ORDER, SmallShop

D1, D2, D3 = "2025-01-01", "2025-01-02", "2025-01-03"


class Changed(Orders):
    """Has a day more."""

    changed_date: T.DateType = pa.Field(nullable=True, description="Day of the last change.")


def with_change(rows: DataFrame, *, reporting_timezone: str) -> DataFrame:
    return orders.transform(rows, reporting_timezone=reporting_timezone).withColumn(
        "changed_date", F.to_date("updated_at")
    )


TABLE = replace(orders.TABLE, contract=Changed, transform=with_change, day=("order_date", "changed_date"))


def order(number: int, changed: str, **more: str) -> dict[str, str]:
    return {**ORDER, "order_id": f"O{number}", "updated_at": changed and f"{changed}T10:00:00Z", **more}


@pytest.fixture
def shop(tmp_path: Path, engine: Engine) -> SmallShop:
    """An order of the first day."""
    shop = SmallShop(tmp_path, engine)
    shop.land_rows("orders", D1, order(1, D1))
    load(shop, D1)
    return shop


def load(shop: SmallShop, day: str) -> None:
    if not shop.lake.exists("silver/customers"):
        shop.bronze("customers", day)
        shop.silver("customers", day)
    shop.bronze("orders", day)
    shop.silver("orders", day, table=TABLE)


def touched(shop: SmallShop) -> list[str] | None:
    return shop.lake.commits(TABLE.name)[0].note["touched"]


def test_a_commit_names_the_days_that_gain_rows_by_each_day_column(shop: SmallShop) -> None:
    assert touched(shop) == [D1, f"changed_date={D1}"]
    shop.land_rows("orders", D2, order(2, D2, order_ts=f"{D1}T11:00:00Z"), order(3, D3, order_ts=f"{D2}T11:00:00Z"))
    load(shop, D2)
    assert touched(shop) == [D1, D2, f"changed_date={D2}", f"changed_date={D3}"]


def test_a_row_that_moves_to_another_day_is_lost_by_the_day_that_it_had(shop: SmallShop) -> None:
    shop.land_rows("orders", D2, order(1, D3, status="SHIPPED"))
    load(shop, D2)
    assert touched(shop) == [D1, f"changed_date={D1}", f"changed_date={D3}"]
    journal = shop.lake.journal(TABLE.name)
    newest = shop.version(TABLE.name)
    assert [journal.changed_on(TABLE.days_in_notes("changed_date", [day])) for day in (D1, D2, D3)] == [
        newest,
        journal.anywhere,
        newest,
    ]


def test_a_row_without_a_further_day_may_be_of_any(shop: SmallShop) -> None:
    shop.land_rows("orders", D2, order(2, ""))
    load(shop, D2)
    assert touched(shop) is None


def test_the_first_day_is_the_business_day_and_all_of_them_are_columns() -> None:
    assert TABLE.day_column == "order_date"
    assert {"order_id", "order_date", "changed_date"} == {*TABLE.statistics}
    with pytest.raises(TableError, match=r"sent_date .* not in contract"):
        replace(TABLE, day=("order_date", "sent_date"))
    with pytest.raises(TableError, match="only a Silver table has several days"):
        replace(customer_first_order.TABLE, day=("first_order_date", "customer_id"))
