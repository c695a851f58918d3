"""Silver after an erasure is what it would be if the customer's records had been empty or absent all along (P1)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from project_etl.catalog import datasets_of
from project_etl.core.bronze import erasure, tombstones
from project_etl.core.bronze.tombstones import Tombstones, customer_hash
from project_etl.core.engine.base import Engine
from project_etl.core.model.table import Table
from project_etl.core.rows_kept import silver_rows_kept
from project_etl_tests.promises.contents import assert_same, contents
from project_etl_tests.small_shop import CUSTOMER, ORDER, SmallShop, made_of

pytestmark = pytest.mark.long

D1, D2 = DAYS = ("2010-12-01", "2010-12-02")
RETAIL = "online_retail"
HEADER = ",".join(datasets_of([RETAIL])[0].columns)
TABLES = made_of("silver/orders", "silver/order_items", "silver/customers")
# An id as the export writes it, a guest's line on the invoice of a customer, a line that breaks a rule, and others.
LINES = {
    D1: [
        "536365,85123A,LAMP,6,2010-12-01 08:26:00,2.55,12.0,United Kingdom",
        "536365,71053,LANTERN,6,2010-12-01 08:27:00,3.39,,United Kingdom",
        "536366,71053,LANTERN,-6,2010-12-01 08:28:00,3.39,12,United Kingdom",
        "536367,71053,LANTERN,1,2010-12-01 08:29:00,3.39,120.0,France",
    ],
    D2: [
        "536365,22752,BOX,2,2010-12-01 08:30:00,7.65,12.0,United Kingdom",
        "536368,22752,BOX,2,2010-12-02 08:30:00,7.65,12.0,EIRE",
    ],
}
# As the file would be without the customer's number.
EMPTIED = {day: [line.replace(",12.0,", ",,").replace(",12,", ",,") for line in lines] for day, lines in LINES.items()}
SOMETIME = {"_source_version"}


def erase(shop: SmallShop, *hashes: str) -> None:
    tombstones.write(shop.lake, Tombstones(frozenset(hashes)))
    for dataset in datasets_of(shop.sources):
        job = shop.bronze_job(dataset.name)
        if shop.lake.exists(dataset.bronze):
            erasure.erase(job, job.redaction(tombstones.read(shop.lake)))


def derived(shop: SmallShop, but: Sequence[str] = ()) -> dict[str, Any]:
    found = contents(shop.lake, but=SOMETIME.union(but))
    return {name: rows for name, rows in found.items() if name.startswith(("silver/", "quarantine/"))}


def land_lines(shop: SmallShop, lines: dict[str, list[str]]) -> None:
    for day, of_day in lines.items():
        shop.land(RETAIL, day, "\n".join([HEADER, *of_day]) + "\n", "lines.csv", source=RETAIL)


def test_lines_of_a_customer_become_those_of_a_guest(tmp_path: Path, engine: Engine) -> None:
    shop, expected = (
        SmallShop(tmp_path / name, engine, (RETAIL,), {RETAIL: "R-"}, only=TABLES) for name in ("found", "expected")
    )
    land_lines(shop, LINES)
    land_lines(expected, EMPTIED)
    shop.load(*DAYS)
    expected.load(*DAYS)
    assert ("R-536365", "R-12") in shop.rows("silver/orders", "order_id", "customer_id")
    erase(shop, customer_hash("R-", "12"))
    shop.load(*DAYS)
    assert_same(derived(shop), derived(expected))
    assert shop.rows("silver/customers", "customer_id") == [("R-120",)]
    assert shop.quarantined("order_items")
    for name in ("silver/orders", "silver/order_items", "silver/customers"):
        assert not silver_rows_kept(shop.lake, name).wrong


def test_days_may_be_judged_one_by_one_and_a_kept_out_record_loses_the_id(tmp_path: Path, engine: Engine) -> None:
    tables: tuple[Table, ...] = made_of("silver/orders", "silver/customers")
    shop, expected = (SmallShop(tmp_path / name, engine, only=tables) for name in ("found", "expected"))
    for each, customer in ((shop, "C1"), (expected, "")):
        people = [CUSTOMER] if customer else []
        for day in DAYS:
            each.land_rows("customers", day, *people, CUSTOMER | {"customer_id": "C2"})
            bad = ORDER | {"order_id": f"O-{day}", "status": "?", "customer_id": customer}
            each.land_rows("orders", day, ORDER | {"customer_id": customer}, bad)
        for name in ("customers", "orders"):
            each.bronze(name, *DAYS)
            each.silver(name, *DAYS)
    erase(shop, customer_hash("", "C1"))
    for name in ("customers", "orders"):
        for day in reversed(DAYS):
            shop.silver(name, day)
    assert_same(derived(shop, ["_row_number"]), derived(expected, ["_row_number"]))
    assert all("C1" not in text for (text,) in shop.rows("quarantine/orders", "raw"))
