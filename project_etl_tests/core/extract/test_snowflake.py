"""Snowflake by an emulator in this process, which speaks its SQL to DuckDB; nothing here has met the real one."""

from __future__ import annotations

import json
from pathlib import Path

import fakesnow
import snowflake.connector

from project_etl.catalog import pulled_datasets, puller_of
from project_etl.core.extract.pull import Pulled, PullJob, pull
from project_etl_tests.small_shop import SmallShop

URL = "snowflake://shop@account/DWH/PUBLIC"


def test_orders_of_snowflake_are_pulled(tmp_path: Path) -> None:
    shop = SmallShop(tmp_path, None, ("snowflake",), pull={"snowflake": {"url": URL, "lag_seconds": 0}})
    orders = next(each for each in pulled_datasets(shop.settings, "snowflake") if each.name == "orders")

    def pulled(*, recount: bool = False) -> Pulled:
        with puller_of(shop.settings, "snowflake") as puller:
            return pull(PullJob(shop.lake, str(shop.landing), orders, recount), puller)

    with fakesnow.patch():
        warehouse = snowflake.connector.connect(database="DWH", schema="PUBLIC").cursor()
        warehouse.execute(
            "CREATE TABLE ORDERS (ORDER_ID NUMBER, STATUS VARCHAR, ORDER_TOTAL NUMBER(12,2), ORDER_TS TIMESTAMP_NTZ, "
            "UPDATED_AT TIMESTAMP_NTZ)"
        )
        warehouse.execute(
            "INSERT INTO ORDERS VALUES (1, 'PAID', 12.5, '2025-01-01 10:00:00', '2025-01-01 10:00:00'), "
            "(2, 'PAID', NULL, NULL, '2025-01-01 11:00:00.123456')"
        )
        (file,) = pulled().files
        records = [json.loads(line) for line in (shop.landing / file.path).read_text().splitlines()]
        assert records == [
            {
                "order_id": 1,
                "status": "PAID",
                "order_total": "12.50",
                "order_ts": "2025-01-01T10:00:00",
                "updated_at": "2025-01-01T10:00:00",
            },
            {
                "order_id": 2,
                "status": "PAID",
                "order_total": None,
                "order_ts": None,
                "updated_at": "2025-01-01T11:00:00.123456",
            },
        ]
        assert not pulled().files
        shop.bronze("orders", file.path.split("/")[2])
        warehouse.execute("DELETE FROM ORDERS WHERE ORDER_ID = 1")
        assert pulled(recount=True).notes == ("1 rows are gone from the database, and count as deleted now",)
