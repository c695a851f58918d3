"""Databases that are pulled, on real servers: nothing is lost and nothing comes twice.

Expected is what the tables hold, compared with what Silver makes of what has landed.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine as DatabaseEngine
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from project_etl.catalog import puller_of
from project_etl.core.engine.base import Engine
from project_etl.core.model.pull import PullError
from project_etl_tests.integration.pulled import VARIABLE, Place, ago, place
from project_etl_tests.integration.servers import PASSWORD, Server

ORDERS = (
    "CREATE TABLE orders (order_id INT PRIMARY KEY, customer_id INT, order_ts TIMESTAMP, status VARCHAR(20), "
    "currency VARCHAR(3), order_total NUMERIC(12, 2), country VARCHAR(2), updated_at TIMESTAMP(6) NULL)"
)
INSERT = "INSERT INTO orders VALUES (:id, NULL, '2025-01-01 10:00:00', :status, 'EUR', 12.5, 'DE', :at)"


@pytest.fixture
def shop(server: Server, tmp_path: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    url = server.database()
    monkeypatch.setenv(VARIABLE, url)
    with place(tmp_path, url, engine) as found:
        found.execute(ORDERS)
        yield found


def add(shop: Place, number: int, status: str = "PAID", seconds: float = 5) -> None:
    shop.execute(INSERT, id=number, status=status, at=ago(seconds))


def test_a_pull_brings_what_is_new_and_the_same_pull_nothing(shop: Place) -> None:
    add(shop, 1, seconds=4000)
    add(shop, 2, seconds=3000)
    assert shop.pull_and_load().records == 2
    assert not shop.pull().files
    add(shop, 3)
    shop.execute("UPDATE orders SET status = 'SHIPPED', updated_at = :at WHERE order_id = 1", at=ago(4))
    assert shop.pull_and_load().records == 2
    assert shop.silver("order_id", "status") == [("1", "SHIPPED"), ("2", "PAID"), ("3", "PAID")]


def test_values_land_as_the_server_prints_them(shop: Place) -> None:
    add(shop, 1)
    shop.pull()
    (record,) = shop.landed()
    assert (str(record["order_id"]), record["customer_id"], record["order_total"]) == ("1", None, "12.50")
    assert record["order_ts"] == "2025-01-01 10:00:00"


def test_a_row_without_an_instant_of_change_comes_with_the_first_pull(shop: Place) -> None:
    shop.execute(INSERT, id=1, status="PAID", at=None)
    assert shop.pull().records == 1


def test_what_is_committed_late_is_found_within_the_overlap(shop: Place) -> None:
    add(shop, 1, seconds=300)
    with shop.engine.begin() as open_transaction:
        open_transaction.execute(text(INSERT), {"id": 2, "status": "PAID", "at": ago(200)})
        shop.pull_and_load()
        assert shop.silver("order_id") == [("1",)]
    shop.pull_and_load()
    assert shop.silver("order_id") == [("1",), ("2",)]


def test_what_is_committed_later_than_the_overlap_is_found_by_the_recount_and_told(shop: Place) -> None:
    add(shop, 1, seconds=3000)
    shop.pull_and_load()
    add(shop, 2, seconds=90_000)
    assert not shop.pull().files
    done = shop.pull_and_load(recount=True)
    assert done.notes == ("1 rows had not been pulled, and are now",)
    assert shop.silver("order_id") == [("1",), ("2",)]
    assert not shop.pull(recount=True).files


def test_what_is_deleted_is_found_by_the_recount(shop: Place) -> None:
    for number in (1, 2, 3):
        add(shop, number)
    shop.pull_and_load()
    shop.execute("DELETE FROM orders WHERE order_id IN (1, 3)")
    done = shop.pull_and_load(recount=True)
    assert done.notes == ("2 rows are gone from the database, and count as deleted now",)
    assert shop.silver("order_id") == [("2",)]
    assert not shop.pull(recount=True).files


def test_what_comes_back_is_there_again(shop: Place) -> None:
    add(shop, 1)
    shop.pull_and_load()
    shop.execute("DELETE FROM orders")
    shop.pull_and_load(recount=True)
    assert shop.silver("order_id") == []
    # Later than its deletion, which is as of the end of the last slice.
    add(shop, 1, "PLACED", seconds=0)
    time.sleep(0.01)
    shop.pull_and_load()
    assert shop.silver("order_id", "status") == [("1", "PLACED")]
    shop.execute("DELETE FROM orders")
    shop.pull_and_load(recount=True)
    assert shop.silver("order_id") == []


def test_a_row_that_was_restored_as_it_was_is_told(shop: Place) -> None:
    add(shop, 1)
    add(shop, 2)
    at = ago(5)
    shop.execute("UPDATE orders SET updated_at = :at WHERE order_id = 1", at=at)
    shop.pull_and_load()
    shop.execute("DELETE FROM orders WHERE order_id = 1")
    shop.pull_and_load(recount=True)
    shop.execute(INSERT, id=1, status="PAID", at=at)
    (note,) = shop.pull(recount=True).notes
    assert note == "1 rows were deleted and are there again with their old updated_at: they stay deleted"


def test_a_recount_waits_for_what_has_landed(shop: Place) -> None:
    add(shop, 1)
    shop.pull()
    done = shop.pull(recount=True)
    assert not done.files
    assert done.waits.endswith("is not in Bronze yet, and all is compared with Bronze")


def test_a_new_column_is_kept_and_loses_nothing(shop: Place) -> None:
    add(shop, 1)
    shop.pull_and_load()
    shop.execute("ALTER TABLE orders ADD COLUMN channel VARCHAR(10)")
    shop.execute("UPDATE orders SET channel = 'app', updated_at = :at", at=ago(1))
    shop.pull_and_load()
    rescued = [row for (row,) in shop.shop.rows("bronze/oltp/orders", "_rescued_data") if row]
    assert rescued == ['{"channel":"app"}']
    assert shop.silver("order_id") == [("1",)]


def test_a_slice_that_somebody_removed_before_it_was_loaded_is_pulled_again(
    server: Server, tmp_path: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = server.database()
    monkeypatch.setenv(VARIABLE, url)
    with place(tmp_path, url, engine, {"overlap_seconds": 0}) as shop:
        shop.execute(ORDERS)
        add(shop, 1)
        shop.pull_and_load()
        slices = []
        for number in (2, 3):
            add(shop, number, seconds=0)
            slices += shop.pull().files
        (shop.shop.landing / slices[0].path).unlink()
        (again,) = shop.pull().files
        assert again.path == slices[0].path
        assert again.slice.gap
        assert again.slice.note.endswith("was missing, and is pulled again")
        shop.load()
        assert shop.silver("order_id") == [("1",), ("2",), ("3",)]


def test_another_database_at_the_same_address_is_pulled_from_the_start(
    shop: Place, server: Server, tmp_path: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(shop, 1)
    shop.pull_and_load()
    url = server.database()
    monkeypatch.setenv(VARIABLE, url)
    with place(tmp_path, url, engine) as other:
        other.execute(ORDERS)
        add(other, 2, seconds=100_000)
        assert other.pull_and_load().records == 1
        assert other.silver("order_id") == [("1",), ("2",)]


RATES = (
    "CREATE TABLE fx_rates (rate_date DATE, base_currency VARCHAR(3), quote_currency VARCHAR(3), rate NUMERIC(12, 6))"
)


def test_a_table_without_an_instant_of_change_is_compared_as_a_whole(shop: Place) -> None:
    shop.execute(
        RATES, "INSERT INTO fx_rates VALUES ('2025-01-01', 'EUR', 'USD', 1.1), ('2025-01-01', 'EUR', 'GBP', 2)"
    )
    assert shop.pull_and_load("fx_rates").records == 2
    assert not shop.pull("fx_rates").files
    shop.execute("UPDATE fx_rates SET rate = 1.2 WHERE quote_currency = 'USD'")
    shop.execute("DELETE FROM fx_rates WHERE quote_currency = 'GBP'")
    assert shop.pull_and_load("fx_rates").records == 2
    assert [(name, float(rate)) for name, rate in shop.silver("quote_currency", "rate", name="fx_rates")] == [
        ("USD", 1.2)
    ]
    # What comes back is no copy of what was there before.
    for rate in (1.1, 1.2, 1.1):
        shop.execute("UPDATE fx_rates SET rate = :rate", rate=rate)
        assert shop.pull_and_load("fx_rates").records == 1
        assert [float(found) for (found,) in shop.silver("rate", name="fx_rates")] == [rate]


def test_other_names_of_tables_and_columns(
    server: Server, tmp_path: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = server.database()
    monkeypatch.setenv(VARIABLE, url)
    columns = {"order_id": "Id", "updated_at": "Changed", "order_ts": "placed"}
    with place(tmp_path, url, engine, {"tables": {"orders": {"table": "Sales", "columns": columns}}}) as shop:
        quote = shop.engine.dialect.identifier_preparer.quote
        shop.execute(
            f"CREATE TABLE {quote('Sales')} ({quote('Id')} INT PRIMARY KEY, placed TIMESTAMP, status VARCHAR(9), "
            f"currency CHAR(3), {quote('Changed')} TIMESTAMP(6))",
            f"INSERT INTO {quote('Sales')} VALUES (5, '2025-01-01 10:00:00', 'PAID', 'EUR', '2025-01-01 10:00:00')",
        )
        shop.pull_and_load()
        assert shop.silver("order_id", "status") == [("5", "PAID")]
        shop.execute(f"DELETE FROM {quote('Sales')}")
        shop.pull_and_load(recount=True)
        assert shop.silver("order_id") == []


# --- what goes wrong --------------------------------------------------------------------------------------------------


def why(shop: Place, name: str = "orders") -> str:
    with pytest.raises(PullError) as caught:
        shop.pull(name)
    return str(caught.value)


def test_a_table_that_is_not_there_is_told_with_what_to_do(shop: Place) -> None:
    said = why(shop, "products")
    assert "Set pull.oltp.tables.products.table to the table or view that holds products" in said
    assert "add products to pull.oltp.without" in said


def test_a_column_that_is_not_there_is_told_with_those_that_are(shop: Place) -> None:
    shop.execute("ALTER TABLE orders DROP COLUMN updated_at")
    said = why(shop)
    assert "orders has no column updated_at; it has order_id, customer_id" in said
    assert "pull.oltp.tables.orders" in said


def test_a_server_that_is_down_is_told_without_the_password(shop: Place, server: Server) -> None:
    add(shop, 1)
    server.stop()
    try:
        said = why(shop)
    finally:
        server.start()
    assert PASSWORD not in said
    assert "127.0.0.1" in said
    assert "pull.oltp.tables" not in said
    assert shop.pull().records == 1


def test_a_wrong_password_is_not_told(shop: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = shop.engine.url.set(password="wr0ng-pass").render_as_string(hide_password=False)
    monkeypatch.setenv(VARIABLE, wrong)
    assert "wr0ng-pass" not in why(shop)


def test_a_pull_changes_nothing_in_the_database(shop: Place) -> None:
    add(shop, 1)
    with puller_of(shop.shop.settings, "oltp") as puller:
        database: DatabaseEngine = puller.reader.engine  # pyright: ignore[reportAttributeAccessIssue]
        with database.connect() as connection, pytest.raises(DBAPIError, match=r"(?i)read.only"):
            connection.execute(text("DELETE FROM orders"))


# --- killed -----------------------------------------------------------------------------------------------------------

KILLED = """
import os, signal, sys
from pathlib import Path
from project_etl.core.extract import land
from project_etl_tests.integration.pulled import place

write, rename = land._write, land._rename
def written(file, records):
    number = write(file, records)
    if sys.argv[2] == "written":
        os.kill(os.getpid(), signal.SIGKILL)
    return number
def renamed(aside, file):
    rename(aside, file)
    if sys.argv[2] == "renamed":
        os.kill(os.getpid(), signal.SIGKILL)
land._write, land._rename = written, renamed
with place(Path(sys.argv[1]), os.environ["SHOP_DB_URL"], None) as shop:
    shop.pull()
"""


@pytest.mark.parametrize(("moment", "again"), [("written", 2), ("renamed", 0)])
def test_a_pull_that_is_killed_loses_and_repeats_nothing(shop: Place, tmp_path: Path, moment: str, again: int) -> None:
    add(shop, 1, seconds=3000)
    add(shop, 2, seconds=3000)
    command = [sys.executable, "-c", KILLED, str(tmp_path), moment]
    assert subprocess.run(command, env=os.environ, check=False).returncode == -signal.SIGKILL
    assert shop.pull_and_load().records == again
    if not again:
        shop.load()
    assert shop.silver("order_id") == [("1",), ("2",)]
    assert len(shop.landed()) == 2
