"""`project-etl generate --to`: a shop that lives in a real database, its command, and its schedule."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import sqlalchemy as sa

from project_etl.commands.generate import live as command
from project_etl.commands.shared.errors import UserError
from project_etl.demo.live.database import Database
from project_etl.demo.live.errors import LiveError
from project_etl.demo.live.shop import Written, live, set_up
from project_etl.demo.live.tables import METADATA, ORDER_ITEMS, ORDERS, REFUNDS
from project_etl.orchestration.build import build_defs
from project_etl_tests.commands.given import paper, text_of
from project_etl_tests.integration.generating import generating
from project_etl_tests.integration.servers import PASSWORD, Server
from project_etl_tests.orchestration.given import settings_of

# As it stands in a URL, too.
SECRETS = (PASSWORD, sa.URL.create("x", "u", PASSWORD).render_as_string(hide_password=False)[6:-1])
SEED = 7
SECONDS = 60

Rows = dict[str, dict[tuple[Any, ...], Mapping[str, Any]]]


@pytest.fixture
def url(server: Server) -> str:
    return server.database()


@pytest.fixture
def database(url: str) -> Database:
    database = Database(url)
    assert set_up(database, seed=SEED)
    return database


def all_rows(url: str) -> Rows:
    """Table → key → row."""
    with sa.create_engine(url).connect() as connection:
        return {
            table.name: {
                tuple(row[column.name] for column in table.primary_key): row
                for row in map(dict, connection.execute(sa.select(table)).mappings())
            }
            for table in METADATA.sorted_tables
        }


def differences(before: Rows, after: Rows) -> dict[str, dict[str, int]]:
    """What has become of the rows, as `Written` counts it."""
    return {
        name: {
            "inserted": len(after[name].keys() - rows.keys()),
            "updated": sum(after[name].get(key, row) != row for key, row in rows.items()),
            "deleted": len(rows.keys() - after[name].keys()),
        }
        for name, rows in before.items()
    }


def naive(instant: Any) -> Any:
    """An instant as MariaDB gives it, which knows no offsets."""
    return instant.replace(tzinfo=None)


def test_a_new_shop_is_small_and_whole(url: str) -> None:
    database = Database(url)
    written = set_up(database, seed=SEED)
    assert written
    rows = all_rows(url)
    assert {name: len(of) for name, of in rows.items()} == {
        name: counts["inserted"] for name, counts in written.rows.items()
    }
    assert (len(rows["customers"]), len(rows["products"]), len(rows["orders"])) == (200, 80, 150)
    assert len({row["status"] for row in rows["orders"].values()}) > 4
    assert set_up(database, seed=SEED) is None
    assert all_rows(url) == rows


def test_what_an_interval_tells_is_what_has_changed(url: str, database: Database) -> None:
    before = all_rows(url)
    for _ in range(3):
        written = live(database, seed=SEED)
        after = all_rows(url)
        found = differences(before, after)
        assert found == written.rows
        assert 45 <= written.orders <= 55
        assert 95 <= written.events <= 110
        assert found["order_items"]["inserted"] >= written.orders
        assert found["orders"]["updated"] > 10
        assert found["customers"]["inserted"] > 0
        before = after


def test_every_row_that_is_written_carries_the_instant_and_no_other_row_does(url: str, database: Database) -> None:
    before = all_rows(url)
    for _ in range(2):
        written = live(database, seed=SEED)
        after = all_rows(url)
        for name, rows in after.items():
            if "updated_at" not in METADATA.tables[name].c:
                continue
            changed = {key for key, row in rows.items() if before[name].get(key) != row}
            stamped = {key for key, row in rows.items() if naive(row["updated_at"]) == naive(written.until)}
            assert changed == stamped
        before = after


def test_an_order_that_is_cancelled_before_it_is_paid_is_deleted_with_its_items(url: str, database: Database) -> None:
    gone: dict[tuple[Any, ...], Mapping[str, Any]] = {}
    statuses: Counter[tuple[str, str]] = Counter()
    before = all_rows(url)
    for _ in range(4):
        live(database, seed=SEED)
        after = all_rows(url)
        gone |= {key: row for key, row in before["orders"].items() if key not in after["orders"]}
        statuses.update(
            (row["status"], after["orders"][key]["status"])
            for key, row in before["orders"].items()
            if key in after["orders"] and after["orders"][key] != row
        )
        before = after
    assert gone
    assert {row["status"] for row in gone.values()} == {"PLACED"}
    assert not [key for key in before["order_items"] if (key[0],) in gone]
    assert not [row for row in before["events"].values() if (row["order_id"],) in gone]
    assert ("PLACED", "CANCELLED") not in statuses
    for step in (("PLACED", "PAID"), ("PAID", "SHIPPED"), ("PAID", "CANCELLED"), ("SHIPPED", "DELIVERED")):
        assert statuses[step] > 0


def _pairs(connection: sa.Connection, query: sa.Select[Any]) -> dict[str, Decimal]:
    return {key: Decimal(value) for key, value in connection.execute(query)}


def test_amounts_add_up(url: str, database: Database) -> None:
    for _ in range(4):
        live(database, seed=SEED)
    of = ORDER_ITEMS.c
    items = sa.select(of.order_id, sa.func.sum(of.quantity * of.unit_price - of.discount)).group_by(of.order_id)
    paid = sa.select(REFUNDS.c.order_id, sa.func.sum(REFUNDS.c.amount)).group_by(REFUNDS.c.order_id)
    with sa.create_engine(url).connect() as connection:
        orders = {row.order_id: row for row in connection.execute(sa.select(ORDERS))}
        assert {key: row.order_total for key, row in orders.items()} == _pairs(connection, items)
        refunded = _pairs(connection, paid)
    assert len(refunded) > 5
    for key, amount in refunded.items():
        whole = amount == orders[key].order_total
        assert 0 < amount <= orders[key].order_total
        assert orders[key].status == ("REFUNDED" if whole else "PARTIALLY_REFUNDED")
    assert {orders[key].status for key in refunded} == {"REFUNDED", "PARTIALLY_REFUNDED"}


def test_what_happens_lies_within_the_interval(url: str, database: Database) -> None:
    known = all_rows(url)
    length = timedelta(seconds=40)
    written = live(database, seed=SEED, length=length)
    after, begin = all_rows(url), naive(written.until - length)
    for name, instant in (("orders", "order_ts"), ("reviews", "review_ts")):
        new = [row for key, row in after[name].items() if key not in known[name]]
        assert all(begin <= naive(row[instant]) <= naive(written.until) for row in new)
    # Who buys has looked before.
    begin -= timedelta(seconds=60)
    clicks = [naive(row["event_ts"]) for row in after["events"].values()]
    assert begin <= min(clicks) < max(clicks) <= naive(written.until)
    types = Counter(row["event_type"] for row in after["events"].values())
    assert types["view"] > types["add_to_cart"] > types["purchase"] > 0


def test_a_second_start_goes_on_and_gives_no_key_again(url: str) -> None:
    known: set[tuple[str, tuple[Any, ...]]] = set()
    there: set[tuple[str, tuple[Any, ...]]] = set()
    for _ in range(5):
        database = Database(url)
        set_up(database, seed=SEED)
        live(database, seed=SEED)
        now = {(name, key) for name, rows in all_rows(url).items() for key in rows}
        assert not (now - there) & known
        known |= now
        there = now
    assert len(known) > len(there)


def test_rates_of_days_without_the_generator_are_filled_up(url: str, database: Database) -> None:
    days = {key[0] for key in all_rows(url)["fx_rates"]}
    rates = METADATA.tables["fx_rates"]
    with sa.create_engine(url).begin() as connection:
        connection.execute(rates.delete().where(rates.c.rate_date > max(days) - timedelta(days=3)))
    written = live(database, seed=SEED)
    assert written.rows["fx_rates"] == {"inserted": 6, "updated": 0, "deleted": 0}
    assert {key[0] for key in all_rows(url)["fx_rates"]} == days
    assert live(database, seed=SEED).rows["fx_rates"]["inserted"] == 0


def test_the_same_seed_makes_the_same_shop_in_both_databases(postgresql: Server, mariadb: Server) -> None:
    shops: list[Any] = []
    for server, seed in ((postgresql, 3), (mariadb, 3), (mariadb, 4)):
        url = server.database()
        set_up(Database(url), seed=seed)
        live(Database(url), seed=seed)
        rows = all_rows(url)
        shops.append(
            {
                name: {key: {c: v for c, v in row.items() if not c.endswith(("_ts", "_at"))} for key, row in of.items()}
                for name, of in rows.items()
            }
        )
    assert shops[0] == shops[1]
    assert shops[1] != shops[2]


def test_two_who_write_at_once_take_turns(url: str, database: Database) -> None:
    with ThreadPoolExecutor(4) as pool:
        written = list(pool.map(lambda _: live(Database(url), seed=SEED), range(6)))
    rows = all_rows(url)
    assert len(rows["orders"]) == 150 + sum(each.orders - each.rows["orders"]["deleted"] for each in written)
    assert len({each.until for each in written}) == 6
    assert database.address.endswith(url.rpartition("/")[2])


def test_columns_have_the_types_of_a_database(postgresql: Server, mariadb: Server) -> None:
    wanted = {
        ("orders", "order_ts"): ("timestamp with time zone", "datetime(6)"),
        ("orders", "updated_at"): ("timestamp with time zone", "datetime(6)"),
        ("orders", "order_total"): ("numeric", "decimal(12,2)"),
        ("products", "active"): ("boolean", "tinyint(1)"),
        ("products", "tags"): ("jsonb", "longtext"),
        ("customers", "signup_date"): ("date", "date"),
        ("fx_rates", "rate"): ("numeric", "decimal(18,6)"),
    }
    for place, (server, column) in enumerate(((postgresql, "data_type"), (mariadb, "column_type"))):
        url = server.database()
        set_up(Database(url), seed=SEED)
        # `public` of PostgreSQL; MariaDB's schema is the database.
        schema = "public" if place == 0 else url.rpartition("/")[2]
        asked = sa.text(
            f"SELECT table_name, column_name, {column} FROM information_schema.columns WHERE table_schema = :schema"
        )
        with sa.create_engine(url).connect() as connection:
            found = {(row[0], row[1]): row[2] for row in connection.execute(asked, {"schema": schema})}
        assert {key: found[key] for key in wanted} == {key: kinds[place] for key, kinds in wanted.items()}


def test_a_table_of_somebody_else_is_left_alone(url: str) -> None:
    with sa.create_engine(url).begin() as connection:
        connection.execute(sa.text("CREATE TABLE orders (order_id varchar(20) PRIMARY KEY)"))
        connection.execute(sa.text("INSERT INTO orders VALUES ('mine')"))
    with pytest.raises(LiveError, match=r"has tables that were not made here \(orders\).*choose an empty database"):
        set_up(Database(url), seed=SEED)
    with sa.create_engine(url).connect() as connection:
        assert sa.inspect(connection).get_table_names() == ["orders"]
        assert connection.execute(sa.text("SELECT order_id FROM orders")).scalars().all() == ["mine"]


def test_an_interval_that_fails_leaves_nothing(url: str, database: Database) -> None:
    with sa.create_engine(url).begin() as connection:
        # The last table that an interval writes.
        connection.execute(sa.text("ALTER TABLE events DROP COLUMN price"))
        before = connection.execute(sa.select(ORDERS)).all()
    with pytest.raises(LiveError, match="price") as caught:
        live(database, seed=SEED)
    assert "\n" not in str(caught.value)
    with sa.create_engine(url).connect() as connection:
        assert connection.execute(sa.select(ORDERS)).all() == before


# The command.


class Listener:
    """What a webhook was told, and with which status it answers."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []
        self.status = 200


@contextmanager
def listening() -> Iterator[tuple[str, Listener]]:
    """A real HTTP server on loopback, with its address."""
    heard = Listener()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.headers["Content-Type"] == "application/json"
            heard.told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(heard.status)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/hook", heard
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def no_secret(capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    """Whatever is printed, also by other processes, holds no password."""
    yield
    printed = "".join(capfd.readouterr())
    assert not [secret for secret in SECRETS if secret in printed]


def orders_in(url: str) -> int:
    with sa.create_engine(url).connect() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(ORDERS)).scalar_one()


def wait_until(is_true: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    until = time.monotonic() + SECONDS
    while not is_true():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(0.05)


def test_the_command_writes_one_interval_and_tells_the_webhook(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_DB_URL", url)
    console = paper()
    with listening() as (hook, heard):
        command.run(console, "env:SHOP_DB_URL", seed=SEED, webhook=hook)
        command.run(console, "env:SHOP_DB_URL", seed=SEED, webhook=hook)
    new, first, second = text_of(console).splitlines()
    assert "150 orders" in new
    assert f"a new shop in {Database(url).address}" in new
    for line, told in zip((first, second), heard.told, strict=True):
        assert f"UTC: {told['orders']} orders, {told['events']} events; " in line
        assert f"{told['until'][:10]} {told['until'][11:19]}" in line
    assert not [secret for secret in SECRETS if secret in text_of(console)]


def test_a_webhook_that_fails_stops_nothing(url: str) -> None:
    console = paper()
    with listening() as (hook, heard):
        heard.status = 503
        command.run(console, url, seed=SEED, webhook=hook)
        assert len(heard.told) == 1
    assert "The webhook was not told: HTTP Error 503" in text_of(console)
    before = orders_in(url)
    command.run(console, url, seed=SEED, webhook=hook)
    assert "Connection refused" in text_of(console)
    assert orders_in(url) > before


def test_a_password_on_the_command_line_is_taken_and_advised_against(url: str, tmp_path: Path) -> None:
    console = paper()
    command.run(console, url, seed=SEED)
    assert "--to env:NAME or --to file:PATH" in text_of(console)
    assert not [secret for secret in SECRETS if secret in text_of(console)]
    kept, console = tmp_path / "url", paper()
    kept.write_text(f"{url}\n")
    command.run(console, f"file:{kept}", seed=SEED)
    assert "list of processes" not in text_of(console)


def test_a_wrong_password_is_told_without_it(url: str) -> None:
    wrong = sa.make_url(url).set(password="another-secret").render_as_string(hide_password=False)
    with pytest.raises(UserError, match=r"The shop was not written: .*127.0.0.1.*shop") as caught:
        command.run(paper(), wrong, seed=SEED)
    assert "another-secret" not in str(caught.value)


@pytest.mark.usefixtures("no_secret")
def test_it_goes_on_until_it_is_stopped_and_no_process_shows_the_password(url: str) -> None:
    with (
        listening() as (hook, heard),
        generating("env:SHOP_DB_URL", "--every", "0.2", "--webhook", hook, SHOP_DB_URL=url) as process,
    ):
        wait_until(lambda: len(heard.told) > 3, process)
        # With the environment of no process: those are the owner's to see.
        processes = subprocess.run(["ps", "-ewwo", "args"], capture_output=True, text=True, check=True).stdout
        assert "env:SHOP_DB_URL" in processes
        assert not [secret for secret in SECRETS if secret in processes]
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=SECONDS)
    assert process.returncode == 0
    assert said.splitlines()[-1] == "Stopped."
    assert not [secret for secret in SECRETS if secret in said]
    instants = [told["until"] for told in heard.told]
    assert instants == sorted(set(instants))


@pytest.mark.usefixtures("no_secret")
def test_a_database_that_goes_away_and_comes_back_is_written_again(server: Server, url: str) -> None:
    with generating("env:SHOP_DB_URL", "--every", "0.2", SHOP_DB_URL=url) as process:
        assert process.stdout
        lines = iter(process.stdout.readline, "")
        assert "a new shop" in next(lines)
        # The first interval: who cannot write that one, ends.
        assert next(lines).startswith("20")
        try:
            server.stop()
            missed = next(line for line in lines if not line.startswith("20"))
        finally:
            server.start()
        assert missed.startswith("No interval was written: ")
        assert "The next one tries again." in missed
        assert next(line for line in lines if line.startswith("20"))
        process.send_signal(signal.SIGINT)
        process.wait(SECONDS)
    assert process.returncode == 0


def test_a_stopped_server_is_told_without_the_password(server: Server, url: str) -> None:
    server.stop()
    try:
        with pytest.raises(UserError, match=r"The shop was not written: .*refused") as caught:
            command.run(paper(), url, seed=SEED)
    finally:
        server.start()
    assert not [secret for secret in SECRETS if secret in str(caught.value)]


# The schedule.


def test_the_schedule_runs_an_interval_and_shows_its_rows(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_DB_URL", url)
    repository = build_defs(
        settings_of(tmp_path).model_copy(update={"synth_url": "env:SHOP_DB_URL"})
    ).get_repository_def()
    schedule = repository.get_schedule_def("synth_stream")
    assert schedule.cron_schedule == "*/5 * * * *"
    assert schedule.default_status is dg.DefaultScheduleStatus.STOPPED
    job = repository.get_job("synth_stream")
    with dg.DagsterInstance.ephemeral() as instance:
        first, second = (job.execute_in_process(instance=instance) for _ in range(2))
        shown = [_metadata_of(result) for result in (first, second)]
        lines = [str(record) for result in (first, second) for record in instance.all_logs(result.run_id)]
    assert "rows_of_the_new_shop" in shown[0]
    assert "rows_of_the_new_shop" not in shown[1]
    rows = {record.data["table"]: record.data for record in shown[1]["rows"].records}
    assert rows["orders"]["inserted"] == shown[1]["orders"].value
    assert rows["orders"]["updated"] > 10
    assert shown[1]["database"].value == Database(url).address
    assert not [secret for secret in SECRETS if any(secret in line for line in lines)]
    monkeypatch.setenv("SHOP_DB_URL", "")
    result = job.execute_in_process(raise_on_error=False)
    assert not result.success
    (failed,) = (event for event in result.all_events if event.is_step_failure)
    assert "the variable SHOP_DB_URL is not set" in str(failed.step_failure_data.user_failure_data)


def _metadata_of(result: dg.ExecuteInProcessResult) -> Mapping[str, Any]:
    (output,) = (event for event in result.all_events if event.event_type_value == "STEP_OUTPUT")
    return output.step_output_data.metadata


def test_written_counts_orders_and_events(database: Database) -> None:
    written = live(database, seed=SEED)
    assert isinstance(written, Written)
    assert (written.orders, written.events) == tuple(written.rows[name]["inserted"] for name in ("orders", "events"))
