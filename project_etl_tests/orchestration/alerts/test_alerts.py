"""Alerts: one message when something breaks, one when it works again, none in between; to real servers."""

from __future__ import annotations

import email.message
import json
import socketserver
import threading
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message
from aiosmtpd.smtp import AuthResult
from pydantic import SecretStr

from project_etl.catalog import tables
from project_etl.commands.alerts import run as alerts_command
from project_etl.commands.shared.errors import UserError
from project_etl.core.lake import TableStore
from project_etl.core.staleness import due_day, missing_day
from project_etl.orchestration.alerts import channels
from project_etl.orchestration.alerts.channels import without_secrets
from project_etl.orchestration.alerts.sensor import Cursor, alerts_sensor, ended_since
from project_etl.orchestration.alerts.troubles import Ended, Trouble, broken, message_of
from project_etl.orchestration.metadata import UNTOUCHED
from project_etl.orchestration.sensors.runs import RETRY_SECONDS
from project_etl.setting_groups import AlertSettings
from project_etl.settings import Settings
from project_etl_tests.commands.given import lake_in, paper, settings_in, text_of, write
from project_etl_tests.webserver import free_port

SECRET = "https-is-not-enough-s3cret"


class Mailbox(Message):
    """A real SMTP server's memory."""

    def __init__(self) -> None:
        super().__init__()
        self.mails: list[email.message.Message] = []

    def handle_message(self, message: email.message.Message) -> None:
        self.mails.append(message)

    @property
    def subjects(self) -> list[str]:
        return [mail["Subject"] for mail in self.mails]


@pytest.fixture
def mailbox() -> Iterator[tuple[Mailbox, int]]:
    box, port = Mailbox(), free_port()
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    yield box, port
    controller.stop()


@pytest.fixture
def hook() -> Iterator[tuple[list[dict], str]]:
    posts: list[dict] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.headers["Content-Type"] == "application/json"
            posts.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield posts, f"http://127.0.0.1:{server.server_port}/{SECRET}"
    server.shutdown()
    server.server_close()


# --- a shop of two tables that break when they are told to ------------------------------------------------------------


@dg.asset(key=["gold", "one"], config_schema={"fails": dg.Field(str, default_value="")})
def one(context) -> None:
    if context.op_execution_context.op_config["fails"] == "one":
        raise dg.Failure(f"{UNTOUCHED}rate_known", allow_retries=False)


@dg.asset(key=["gold", "two"], deps=[one], config_schema={"fails": dg.Field(str, default_value="")})
def two(context) -> None:
    if context.op_execution_context.op_config["fails"] == "two":
        raise ValueError(f"no such host {SECRET}")


@dg.asset_check(asset=two, config_schema={"fails": dg.Field(str, default_value="")})
def is_right(context) -> dg.AssetCheckResult:
    fails = context.op_execution_context.op_config["fails"]
    severity = dg.AssetCheckSeverity.WARN if fails == "a little" else dg.AssetCheckSeverity.ERROR
    return dg.AssetCheckResult(passed=fails not in ("check", "a little"), severity=severity, description="7 are odd")


class Watched:
    """The alerts sensor over real runs."""

    def __init__(self, settings: Settings, lake: TableStore, instance: dg.DagsterInstance) -> None:
        self.instance = instance
        self.sensor = alerts_sensor(settings, lake, tables())
        self.cursor: str | None = None
        self.tick()

    def run(self, fails: str = "") -> None:
        config = {
            "ops": {name: {"config": {"fails": fails}} for name in ("gold__one", "gold__two", "gold__two_is_right")}
        }
        dg.materialize([one, two, is_right], instance=self.instance, run_config=config, raise_on_error=False)

    def tick(self) -> str:
        result = self.sensor(dg.build_sensor_context(self.instance, cursor=self.cursor))
        assert isinstance(result, dg.SensorResult)
        assert isinstance(result.skip_reason, dg.SkipReason)
        self.cursor = result.cursor
        return result.skip_reason.skip_message or ""


@pytest.fixture
def lake(tmp_path: Path) -> TableStore:
    return lake_in(settings_in(tmp_path))


def alerting(folder: Path, **variables: object) -> Settings:
    return settings_in(folder, **{name: str(value) for name, value in variables.items()})


def test_people_hear_once_that_it_broke_and_once_that_it_works(
    tmp_path: Path, lake: TableStore, mailbox: tuple[Mailbox, int], hook: tuple[list[dict], str]
) -> None:
    (box, port), (posts, url) = mailbox, hook
    settings = alerting(
        tmp_path,
        ALERTS__EMAIL_TO="ann@example.org,bob@example.org",
        ALERTS__SMTP_HOST="127.0.0.1",
        ALERTS__SMTP_PORT=port,
        ALERTS__WEBHOOK_URL=url,
        UI_URL="http://localhost:3000/",
    )
    with dg.DagsterInstance.ephemeral() as instance:
        watched = Watched(settings, lake, instance)
        watched.run()
        assert watched.tick() == "all is well"
        watched.run(fails="one")
        assert watched.tick() == "project_etl local: 1 broken"
        watched.run(fails="one")
        assert watched.tick() == "1 broken, nothing new"
        assert watched.tick() == "1 broken, nothing new"
        watched.run()
        assert watched.tick() == "project_etl local: 1 working again"
        assert watched.tick() == "all is well"
        run_ids = [run.run_id for run in instance.get_runs()]
    assert len(box.mails) == len(posts) == 2
    assert box.mails[0]["To"] == "ann@example.org, bob@example.org"
    assert box.subjects == ["project_etl local: 1 broken", "project_etl local: 1 working again"]
    text = box.mails[0].get_payload(decode=True)
    assert isinstance(text, bytes)
    said = text.decode().strip()
    assert said.startswith("gold/one failed and keeps its old contents: rate_known http://localhost:3000/runs/")
    # The second of four, newest first.
    assert said.endswith(run_ids[2])
    assert posts[0]["subject"] == "project_etl local: 1 broken"
    assert posts[0]["text"].startswith("*project_etl local: 1 broken*\ngold/one failed")
    assert posts[1]["body"] == "gold/one works again."


def test_the_command_tries_every_channel(
    tmp_path: Path, mailbox: tuple[Mailbox, int], hook: tuple[list[dict], str]
) -> None:
    (box, port), (posts, url) = mailbox, hook
    mail = {"ALERTS__EMAIL_TO": "ann@example.org", "ALERTS__SMTP_HOST": "127.0.0.1", "ALERTS__SMTP_PORT": port}
    console = paper()
    assert alerts_command.run(console, alerting(tmp_path, **mail, ALERTS__WEBHOOK_URL=url))
    assert text_of(console) == f"email: delivered to ann@example.org by 127.0.0.1:{port}\nwebhook: delivered\n"
    assert (box.subjects, [post["subject"] for post in posts]) == (
        ["project_etl local: test"],
        ["project_etl local: test"],
    )
    closed = f"http://127.0.0.1:{free_port()}/{SECRET}"
    console = paper()
    assert not alerts_command.run(console, alerting(tmp_path, **mail, ALERTS__WEBHOOK_URL=closed))
    assert "email: delivered" in text_of(console)
    assert "webhook: not delivered: " in text_of(console)
    assert SECRET not in text_of(console)
    with pytest.raises(UserError, match="PROJECT_ETL_ALERTS__WEBHOOK_URL"):
        alerts_command.run(paper(), alerting(tmp_path))


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
def test_a_server_that_wants_a_name_and_a_password_gets_them() -> None:
    box, given = Mailbox(), list[tuple[bytes, bytes]]()

    def allows(*asked: Any) -> AuthResult:
        login = asked[-1]
        given.append((login.login, login.password))
        # The server says no itself.
        return AuthResult(success=given[-1] == (b"ann", SECRET.encode()), handled=False)

    server = Controller(
        box, hostname="127.0.0.1", port=free_port(), authenticator=allows, auth_required=True, auth_require_tls=False
    )
    server.start()
    place = {"email_to": ("ann@example.org",), "smtp_host": "127.0.0.1", "smtp_port": server.port, "smtp_user": "ann"}
    try:
        channels.send_email(AlertSettings(**place, smtp_password=SecretStr(SECRET)), channels.Message("s", "b"))
        with pytest.raises(OSError, match="535"):
            channels.send_email(AlertSettings(**place, smtp_password=SecretStr("wrong")), channels.Message("t", "b"))
        # A server without TLS gets neither the message nor the password.
        tries = len(given)
        careful = AlertSettings(**place, smtp_password=SecretStr(SECRET), smtp_starttls=True)
        with pytest.raises(OSError, match="STARTTLS"):
            channels.send_email(careful, channels.Message("u", "b"))
    finally:
        server.stop()
    assert (box.subjects, len(given)) == (["s"], tries)


def test_a_check_that_fails_beside_its_table_is_told(
    tmp_path: Path, lake: TableStore, hook: tuple[list[dict], str]
) -> None:
    posts, url = hook
    with dg.DagsterInstance.ephemeral() as instance:
        watched = Watched(alerting(tmp_path, ALERTS__WEBHOOK_URL=url), lake, instance)
        watched.run(fails="a little")
        assert watched.tick() == "all is well"
        watched.run(fails="check")
        assert watched.tick() == "project_etl local: 1 broken"
        watched.run(fails="check")
        assert watched.tick() == "1 broken, nothing new"
        watched.run()
        assert watched.tick() == "project_etl local: 1 working again"
    assert posts[0]["body"].startswith("gold/two, check is_right, failed: 7 are odd (run ")


def test_a_table_that_is_overdue_is_told(tmp_path: Path, lake: TableStore, hook: tuple[list[dict], str]) -> None:
    posts, url = hook
    daily = [table for table in tables() if table.layer == "gold" and table.is_daily]
    settings = alerting(tmp_path, ALERTS__WEBHOOK_URL=url, FRESHNESS_DEADLINE="00:00")
    with dg.DagsterInstance.ephemeral() as instance:
        assert Watched(settings, lake, instance).tick() == f"{len(daily)} broken, nothing new"
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    assert posts[0]["subject"] == f"project_etl local: {len(daily)} broken"
    assert f"gold/daily_aov is overdue: {yesterday} is due and has not been computed" in posts[0]["body"]


def test_no_secret_leaves_the_machine(
    tmp_path: Path, lake: TableStore, hook: tuple[list[dict], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    posts, url = hook
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    with dg.DagsterInstance.ephemeral() as instance:
        watched = Watched(alerting(tmp_path, ALERTS__WEBHOOK_URL=url), lake, instance)
        watched.run(fails="two")
        watched.tick()
        assert SECRET not in str(watched.cursor)
    assert "no such host ***" in posts[0]["body"]


def test_a_message_waits_for_a_server_that_is_down_and_not_for_the_others(
    tmp_path: Path, lake: TableStore, mailbox: tuple[Mailbox, int], hook: tuple[list[dict], str]
) -> None:
    (box, port), (posts, url) = mailbox, hook
    down = {"ALERTS__EMAIL_TO": "ann@example.org", "ALERTS__SMTP_HOST": "127.0.0.1", "ALERTS__SMTP_PORT": "1"}
    with dg.DagsterInstance.ephemeral() as instance:
        watched = Watched(alerting(tmp_path, **down, ALERTS__WEBHOOK_URL=url), lake, instance)
        watched.run(fails="one")
        assert "1 messages wait for email: " in watched.tick()
        watched.run()
        assert "2 messages wait for email: " in watched.tick()
        up = alerting(tmp_path, **{**down, "ALERTS__SMTP_PORT": port}, ALERTS__WEBHOOK_URL=url)
        watched.sensor = alerts_sensor(up, lake, tables())
        assert watched.tick() == "all is well"
    assert len(posts) == 2
    assert box.subjects == ["project_etl local: 1 broken", "project_etl local: 1 working again"]


def test_a_server_that_does_not_speak_http_holds_up_no_other(
    tmp_path: Path, lake: TableStore, mailbox: tuple[Mailbox, int]
) -> None:
    class Garbage(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(4096)
            self.request.sendall(b"what?\r\n\r\n")

    box, port = mailbox
    mail = {"ALERTS__EMAIL_TO": "ann@example.org", "ALERTS__SMTP_HOST": "127.0.0.1", "ALERTS__SMTP_PORT": str(port)}
    with socketserver.TCPServer(("127.0.0.1", 0), Garbage) as server, dg.DagsterInstance.ephemeral() as instance:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}/"
        watched = Watched(alerting(tmp_path, **mail, ALERTS__WEBHOOK_URL=url), lake, instance)
        watched.run(fails="one")
        assert "1 messages wait for webhook: " in watched.tick()
        assert "1 messages wait for webhook: " in watched.tick()
        server.shutdown()
    assert len(box.mails) == 1


def test_without_a_channel_the_tick_says_it_all(tmp_path: Path, lake: TableStore) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        watched = Watched(alerting(tmp_path), lake, instance)
        watched.run(fails="one")
        assert watched.tick() == "project_etl local: 1 broken"
        assert json.loads(watched.cursor or "")["outbox"] == {}


def test_a_run_that_is_about_to_be_retried_has_not_failed_yet(tmp_path: Path, lake: TableStore) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        watched = Watched(alerting(tmp_path), lake, instance)
        watched.run(fails="one")
        (run,) = instance.get_runs()
        instance.add_run_tags(run.run_id, {"dagster/will_retry": "true"})
        (record,) = instance.get_run_records()
        assert record.end_time is not None
        assert list(ended_since(instance, 0, record.end_time)) == []
        assert watched.tick() == "all is well"
        # Dagster may forget it, and what nobody retries has failed. Of one that was retried, the retry tells.
        (ended,) = ended_since(instance, 0, record.end_time + RETRY_SECONDS)
        assert list(ended.failed) == ["gold/one"]
        instance.add_run_tags(run.run_id, {"dagster/auto_retry_run_id": "another"})
        assert list(ended_since(instance, 0, record.end_time + RETRY_SECONDS)) == []


def test_a_run_that_somebody_cancels_says_nothing(tmp_path: Path, lake: TableStore) -> None:
    job = dg.Definitions([one]).resolve_implicit_global_asset_job_def()
    with dg.DagsterInstance.ephemeral() as instance:
        watched = Watched(alerting(tmp_path), lake, instance)
        instance.report_run_canceled(instance.create_run_for_job(job))
        assert watched.tick() == "all is well"
        instance.report_run_failed(instance.create_run_for_job(job))
        assert watched.tick() == "project_etl local: 1 broken"


def test_a_process_that_died_is_told_by_the_tables_it_left() -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        run = instance.create_run_for_job(dg.Definitions([one]).resolve_implicit_global_asset_job_def())
        instance.report_run_failed(run, message="the run worker vanished")
        (ended,) = ended_since(instance, 0, time.time())
        assert ended.failed == {"run": "the run died before its first table"}
        dg.materialize([one], instance=instance)
        later = list(ended_since(instance, 0, time.time()))
    assert broken({}, later[:1], {}).keys() == {"run"}
    assert broken({"run": Trouble("died")}, later[1:], {}) == {}


def test_a_table_works_again_when_it_has_worked_for_each_day_for_which_it_failed() -> None:
    def run(first: int, last: int, *, works: bool) -> Ended:
        days = frozenset(date(2025, 1, day) for day in range(first, last + 1))
        names = frozenset({"gold/one", "gold/ltv"})
        return Ended("run", days, names if works else frozenset(), {} if works else dict.fromkeys(names, "why"))

    opened = broken({}, [run(1, 3, works=False), run(3, 5, works=False)], {}, {"gold/ltv"})
    assert opened.keys() == {"gold/one", "gold/ltv"}
    # The days after it are no news of these days; a table without days works again with any run.
    opened = broken(opened, [run(5, 9, works=True), run(1, 1, works=True)], {}, {"gold/ltv"})
    assert opened == {"gold/one": Trouble("why", frozenset(date(2025, 1, day) for day in (2, 3, 4)), "run")}
    assert broken(opened, [run(2, 3, works=True), run(4, 4, works=True)], {}, {"gold/ltv"}) == {}


def test_a_table_that_held_a_day_back_works_again_with_that_day() -> None:
    first, second, third = (date(2025, 1, day) for day in (1, 2, 3))
    earlier = {"gold/one": Trouble("why", frozenset({first, second}))}
    held = Ended(
        "run", frozenset({first, second, third}), frozenset(), {"gold/one": "x"}, {"gold/one": frozenset({third})}
    )
    opened = broken(earlier, [held], {})
    assert opened == {"gold/one": Trouble("x", frozenset({third}), "run")}
    assert broken(opened, [Ended("run", frozenset({third}), frozenset({"gold/one"}), {})], {}) == {}


def test_days_of_a_run_are_those_of_its_tags() -> None:
    ranged = {"dagster/asset_partition_range_start": "2025-01-30", "dagster/asset_partition_range_end": "2025-02-02"}
    with dg.DagsterInstance.ephemeral() as instance:
        for tags in (ranged, {"dagster/partition": "2025-01-05"}, {"dagster/partition": "north"}, {}):
            job = dg.Definitions([one]).resolve_implicit_global_asset_job_def()
            instance.report_run_failed(instance.create_run_for_job(job, tags=tags))
        assert [len(ended.days) for ended in ended_since(instance, 0, time.time())] == [4, 1, 0, 0]


def test_what_is_late_is_told_until_it_is_there() -> None:
    late = {"late gold/daily_aov": Trouble("2025-01-03 is due and has not been computed")}
    opened = broken({}, [], late)
    message = message_of({}, opened, "prod")
    assert message == channels.Message(
        "project_etl prod: 1 broken", "gold/daily_aov is overdue: 2025-01-03 is due and has not been computed"
    )
    assert message_of(opened, broken(opened, [], late), "prod") is None
    again = message_of(opened, broken(opened, [], {}), "prod")
    assert again is not None
    assert again.body == "gold/daily_aov works again."


def test_a_message_names_a_table_once_with_its_days_and_the_run() -> None:
    days = frozenset(date(2025, 3, day) for day in (29, 30, 31))
    why = f"{UNTOUCHED}units_less_than (units must be less than 100): 3 rows."
    message = message_of({}, {"gold/daily_units": Trouble(why, days, "abcdef123")}, "prod")
    assert message is not None
    assert message.body == (
        "gold/daily_units failed for 2025-03-29 to 2025-03-31 and keeps its old contents: units_less_than (units must "
        "be less than 100): 3 rows. (run abcdef12)"
    )


def test_yesterday_is_due_from_the_deadline_on() -> None:
    before, after = datetime(2025, 1, 10, 8, 59, tzinfo=UTC), datetime(2025, 1, 10, 9, 0, tzinfo=UTC)
    assert due_day("09:00", before) == date(2025, 1, 8)
    assert due_day("09:00", after) == date(2025, 1, 9)
    assert due_day(None, after) is None


def test_a_table_is_overdue_until_that_very_day_is_computed(lake: TableStore) -> None:
    aov = [table for table in tables() if table.name == "gold/daily_aov"]
    assert missing_day(lake, aov, date(2025, 1, 9), "UTC") == ["gold/daily_aov"]
    lake.create("gold/daily_aov", aov[0].schema, partition_by="order_date")
    write(lake, "gold/daily_aov", [], {"table": "gold/daily_aov", "days": {"2025-01-08": "f"}})
    # A backfill of another day is no news of this one.
    assert missing_day(lake, aov, date(2025, 1, 9), "UTC") == ["gold/daily_aov"]
    write(lake, "gold/daily_aov", [], {"table": "gold/daily_aov", "days": {"2025-01-09": "f"}})
    assert missing_day(lake, aov, date(2025, 1, 9), "UTC") == []


def test_a_day_that_held_nothing_before_it_was_over_is_overdue(lake: TableStore) -> None:
    aov = [table for table in tables() if table.name == "gold/daily_aov"]
    today = datetime.now(UTC).date()
    lake.create("gold/daily_aov", aov[0].schema, partition_by="order_date")
    note = {"table": "gold/daily_aov", "days": {today.isoformat(): "f"}}
    write(lake, "gold/daily_aov", [], note)
    assert missing_day(lake, aov, today, "UTC") == ["gold/daily_aov"]
    write(lake, "gold/daily_aov", [], {**note, "report": {"days": {today.isoformat(): {"published": 1}}}})
    assert missing_day(lake, aov, today, "UTC") == []


def test_a_cursor_survives() -> None:
    days = frozenset(date(2025, 1, day) for day in (1, 2, 3, 7))
    troubles = {"gold/one": Trouble("why", days, "run"), "gold/two": Trouble("why")}
    cursor = Cursor(7.5, troubles, {"email": [channels.Message("s", "b")]})
    assert Cursor.from_text(cursor.to_text(), 9) == cursor
    assert Cursor.from_text(None, 9) == Cursor(9)


@pytest.mark.parametrize(
    "name",
    ["SMTP_PASSWORD", "MY_SECRET", "API_TOKEN", "PROJECT_ETL_ALERTS__WEBHOOK_URL", "STRIPE_API_KEY", "DATABASE_URL"],
)
def test_values_of_secret_variables_are_hidden(name: str) -> None:
    assert without_secrets("it was hunter22!", {name: "hunter22"}) == "it was ***!"
    assert without_secrets("it was hunter22!", {"PLACE": "hunter22"}) == "it was hunter22!"


def test_who_logs_in_is_hidden_in_an_address() -> None:
    said = "no answer from postgresql://ann:s3cr3t@db.example.org:5432/shop for https://example.org:80/a"
    assert without_secrets(said, {}) == (
        "no answer from postgresql://***@db.example.org:5432/shop for https://example.org:80/a"
    )
