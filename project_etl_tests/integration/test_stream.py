"""A stream beside the daemon: what is sent is in Gold within two minutes, without a person.

Three minutes of it belong to `make integration`. To `make soak` belong half an hour, and three minutes of a day that
has millions of events already.
"""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

import pyarrow.compute as pc
import pytest

from project_etl.core.lake import TableStore
from project_etl.demo import generate
from project_etl_tests.commands.given import REPOSITORY, surroundings, with_memory
from project_etl_tests.integration.kafka_broker import Kafka
from project_etl_tests.integration.servers import free_port
from project_etl_tests.integration.streamed import fill

RATE, PROMISED_SECONDS = 100, 120
DAYS = 5
# Events that a day has already, of the largest for which the promise is tried.
FULL = 2_000_000
# Until Dagster's services have started.
START_SECONDS = 30
GOLD = "gold/fact_events"
PROGRAM = str(Path(sys.executable).with_name("project-etl"))


@dataclass
class Arrivals:
    """When events have come into Gold.

    Attributes:
        lake_root: the lake.
        since: earlier events are not looked at.
        late: event → seconds from what happened to when it was seen in Gold.
    """

    lake_root: str
    since: datetime
    late: dict[str, float] = field(default_factory=dict)
    _version: int | None = None

    def look(self) -> None:
        """Look at Gold, if it has changed."""
        lake = TableStore(self.lake_root)
        if not lake.exists(GOLD) or lake.version(GOLD) == self._version:
            return
        self._version = lake.version(GOLD)
        rows = lake.state(GOLD).rows(["event_id", "event_ts"], pc.field("event_ts") >= self.since)
        now = datetime.now(UTC)
        for row in rows.to_pylist():
            self.late.setdefault(row["event_id"], (now - row["event_ts"]).total_seconds())

    def in_words(self) -> str:
        """Figures for people."""
        late = sorted(self.late.values())
        most = late[len(late) * 95 // 100]
        return f"{len(late):,} events: median {median(late):.0f} s, 95 % {most:.0f} s, worst {late[-1]:.0f} s"


def environment(folder: Path, kafka: Kafka, topic: str) -> dict[str, str]:
    """A shop and its stream, with the sensors on."""
    config = folder / "config"
    config.mkdir()
    start = (datetime.now(UTC) - timedelta(days=DAYS)).date()
    (config / "local.yaml").write_text(
        f"landing_root: {folder}/landing\nlake_root: {folder}/lake\nsources: [shop, clickstream]\n"
        f"namespaces: {{shop: '', clickstream: cs-}}\nexports: []\nautomation: true\nstart_date: {start}\n"
        f"pull: {{clickstream: {{brokers: '{kafka.bootstrap}', topic: {topic}}}}}\n"
    )
    (folder / "workspace.yaml").symlink_to(REPOSITORY / "workspace.yaml")
    generate(folder / "landing", days=DAYS, scale=0.05, start=start)
    return surroundings(folder, CONFIG_DIR=config) | {"PYTHONPATH": str(REPOSITORY), "PYTHONUNBUFFERED": "1"}


@contextmanager
def running(folder: Path, env: Mapping[str, str], *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """A command until the end of the block; what it says is in `<name>.log`."""
    with (folder / f"{arguments[0]}.log").open("wb") as log:
        process = subprocess.Popen(
            [PROGRAM, *arguments], env=dict(env), stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(60)
            finally:
                process.kill()


@pytest.mark.timeout(4000)
@pytest.mark.parametrize(
    ("seconds", "earlier"),
    [(180, 0), pytest.param(1800, 0, marks=pytest.mark.soak), pytest.param(180, FULL, marks=pytest.mark.soak)],
)
def test_every_event_is_in_gold_within_two_minutes(kafka: Kafka, tmp_path: Path, seconds: int, earlier: int) -> None:
    topic = kafka.topic(partitions=3)
    env = environment(tmp_path, kafka, topic)
    with_memory(tmp_path)
    if earlier:
        fill(kafka, topic, earlier)
        subprocess.run([PROGRAM, "pull", "clickstream"], env=env, check=True)
    first = (datetime.now(UTC) - timedelta(days=DAYS)).date()
    subprocess.run([PROGRAM, "run", "--days", f"{first}..{datetime.now(UTC):%Y-%m-%d}"], env=env, check=True)
    with ExitStack() as stack:
        stack.enter_context(running(tmp_path, env, "dev", "-p", str(free_port())))
        stream = stack.enter_context(running(tmp_path, env, "stream"))
        time.sleep(START_SECONDS)
        arrivals = Arrivals(str(tmp_path / "lake"), datetime.now(UTC))
        url = f"kafka://{kafka.bootstrap}/{topic}"
        sending = stack.enter_context(
            running(tmp_path, env, "generate", "--to", url, "--rate", str(RATE), "--seconds", str(seconds))
        )
        end = time.monotonic() + seconds + 2 * PROMISED_SECONDS
        while len(arrivals.late) < RATE * seconds and time.monotonic() < end:
            time.sleep(0.5)
            arrivals.look()
        assert sending.wait(60) == 0, (tmp_path / "generate.log").read_text()
        stream.send_signal(signal.SIGTERM)
        assert stream.wait(60) == 0, (tmp_path / "stream.log").read_text()
    print(f"\nAt {RATE} events a second for {seconds} s after {earlier:,} of that day: {arrivals.in_words()}.")
    assert len(arrivals.late) == RATE * seconds
    assert all(re.fullmatch(r"cs-E[0-9a-f]{16}-\d+", event) for event in arrivals.late)
    assert max(arrivals.late.values()) <= PROMISED_SECONDS
