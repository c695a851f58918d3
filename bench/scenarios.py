"""The scenarios: the data, the two sides, and what is run in which order.

Belongs here: starting each side as a fresh process, as a user does, and collecting what it used. Not here: how that is
measured (`measure.py`, `counts.py`) or shown (`report.py`).
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

from bench import counts
from bench.measure import BenchError, Usage, measure
from project_etl.generator import generate
from project_etl.generator.shop import FIRST_DAY

REPOSITORY = Path(__file__).resolve().parent.parent
REAL_LANDING = REPOSITORY.parent / "shared" / "data" / "landing"

COLD, DAY, NOTHING = "cold", "day", "nothing"
SCENARIOS = {COLD: "cold full load", DAY: "one more day", NOTHING: "nothing new"}
PLATFORM, PLAIN = "platform", "plain"
SIDES = (PLATFORM, PLAIN)
# Of the shop's days; then one more lands.
SHOP_DAYS = 90

# Settings of ours that say where things are on this machine; all others would change what is measured.
_KEPT = frozenset(("PROJECT_ETL_CONFIG_DIR", "PROJECT_ETL_JARS_DIR", "PROJECT_ETL_JAVA_HOME"))


@dataclass(frozen=True)
class Data:
    """A source's landing: the days of the cold load, the last of all days, and the rows of each part."""

    source: str
    currency: str
    landing: Path
    first: date
    last_cold: date
    last: date
    rows: dict[str, int]

    def days(self, scenario: str) -> str:
        """The days a scenario loads, as `FIRST...LAST`."""
        first, last = (self.first, self.last_cold) if scenario == COLD else (self.last, self.last)
        return f"{first.isoformat()}...{last.isoformat()}"


@dataclass(frozen=True)
class Measured:
    """One run of one side: what it used, and which tables moved by which commits."""

    source: str
    scenario: str
    side: str
    pair: int
    usage: Usage
    commits: dict[str, list[str]]


@dataclass
class Counted:
    """Work per table of one side in one scenario: Spark jobs, and seconds in a run that is not among the timed ones."""

    source: str
    scenario: str
    side: str
    jobs: dict[str, int] = field(default_factory=dict[str, int])
    seconds: dict[str, float] = field(default_factory=dict[str, float])


@dataclass(frozen=True)
class Side:
    """One side's own lake, Dagster home and logs for one source."""

    name: str
    data: Data
    folder: Path

    @property
    def lake(self) -> Path:
        """Root of the lake."""
        return self.folder / "lake"

    @property
    def home(self) -> Path:
        """The platform's `DAGSTER_HOME`."""
        return self.folder / "dagster"

    def run(self, scenario: str, *, events: Path | None = None) -> Usage:
        """Load the scenario's days in a new process.

        Args:
            scenario: key of `SCENARIOS`.
            events: folder for Spark's event log; None for timed runs.
        """
        self.home.mkdir(parents=True, exist_ok=True)
        shutil.copy(REPOSITORY / "dagster.yaml", self.home)
        env = {
            name: value for name, value in os.environ.items() if name in _KEPT or not name.startswith("PROJECT_ETL_")
        }
        env |= {
            "DAGSTER_HOME": str(self.home),
            "PROJECT_ETL_LANDING_ROOT": str(self.data.landing),
            "PROJECT_ETL_LAKE_ROOT": str(self.lake),
            "PROJECT_ETL_SOURCES": self.data.source,
            "PROJECT_ETL_START_DATE": self.data.first.isoformat(),
            "PROJECT_ETL_REPORTING_CURRENCY": self.data.currency,
            "PROJECT_ETL_SETTLE_SECONDS": "0",
        }
        if events is not None:
            events.mkdir(parents=True)
            env["PROJECT_ETL_SPARK__CONF"] = json.dumps(counts.EVENT_LOG | {"spark.eventLog.dir": events.as_uri()})
        log = self.folder / f"{scenario}.log"
        return measure(self._command(self.data.days(scenario)), env=env, folder=REPOSITORY, log=log)

    def windows(self) -> dict[str, tuple[float, float]]:
        """When each table of the last run began and ended."""
        if self.name == PLATFORM:
            return counts.dagster_windows(self.home)
        return {table: (begun, ended) for table, (begun, ended) in json.loads(self._timings.read_text()).items()}

    @property
    def _timings(self) -> Path:
        return self.folder / "timings.json"

    def _command(self, days: str) -> list[str]:
        if self.name == PLAIN:
            return [sys.executable, "-m", "bench.plain", days, str(self._timings)]
        dagster = str(Path(sys.executable).with_name("dagster"))
        wanted = ["-m", "project_etl.definitions", "--select", "*", "--partition-range", days]
        return [dagster, "asset", "materialize", *wanted]


def shop(folder: Path, scale: float, days: int = SHOP_DAYS) -> Data:
    """Generate the shop: `days` days and one more."""
    manifest = generate(folder, days=days + 1, scale=scale)
    last_cold = FIRST_DAY + timedelta(days=days - 1)
    files = [file for books in manifest.datasets.values() for file in books.files if file.state == "loaded"]
    rows = {COLD: 0, DAY: 0, NOTHING: 0}
    for file in files:
        rows[COLD if file.path.split("/")[2] <= last_cold.isoformat() else DAY] += file.records
    return Data("shop", "EUR", folder, FIRST_DAY, last_cold, last_cold + timedelta(days=1), rows)


def online_retail(landing: Path) -> Data:
    """The real order lines; the last day that landed is the one more.

    Raises:
        BenchError: there are fewer than two days.
    """
    folders = sorted((landing / "online_retail" / "online_retail").glob("????-??-??"))
    if len(folders) < 2:
        raise BenchError(
            f"{landing} has {len(folders)} days of online_retail, expected two or more at "
            "online_retail/online_retail/<YYYY-MM-DD>/*.csv: name its landing folder with --landing, or --sources shop."
        )
    days = [date.fromisoformat(folder.name) for folder in folders]
    lines = [_lines(folder) for folder in folders]
    rows = {COLD: sum(lines[:-1]), DAY: lines[-1], NOTHING: 0}
    return Data("online_retail", "GBP", landing, days[0], days[-2], days[-1], rows)


def _lines(folder: Path) -> int:
    return sum(len(path.read_bytes().splitlines()) - 1 for path in folder.glob("*.csv"))


def run_pairs(
    data: Data, folder: Path, pairs: int, scenarios: Collection[str], say: Callable[[str], None]
) -> list[Measured]:
    """Measure both sides in turn, each pair on new lakes; a later scenario needs the ones before it."""
    measured: list[Measured] = []
    for pair in range(1, pairs + 1):
        sides = [Side(name, data, folder / f"{data.source}-{pair}-{name}") for name in SIDES]
        for scenario in SCENARIOS:
            if not any(_needs(wanted, scenario) for wanted in scenarios):
                continue
            for side in sides:
                if scenario == NOTHING and side.name == PLAIN:
                    continue  # It does not know what it has loaded.
                before = counts.versions(side.lake)
                usage = side.run(scenario)
                moved = counts.commits(side.lake, before)
                measured.append(Measured(data.source, scenario, side.name, pair, usage, moved))
                say(f"{data.source}, pair {pair}, {SCENARIOS[scenario]}, {side.name}: {usage.wall_seconds:.1f} s")
        for side in sides:
            shutil.rmtree(side.folder)
    return [each for each in measured if each.scenario in scenarios]


def count_jobs(data: Data, folder: Path, scenarios: Collection[str], say: Callable[[str], None]) -> list[Counted]:
    """Run each side once more with Spark's event log on, and count the jobs of each table."""
    counted: list[Counted] = []
    for name in SIDES:
        side = Side(name, data, folder / f"{data.source}-counted-{name}")
        for scenario in (COLD, DAY):
            if not any(_needs(wanted, scenario) for wanted in scenarios):
                continue
            events = side.folder / f"events-{scenario}"
            side.run(scenario, events=events)
            windows = side.windows()
            seconds = {table: round(ended - begun, 3) for table, (begun, ended) in windows.items()}
            if scenario in scenarios:
                counted.append(Counted(data.source, scenario, name, counts.jobs(events, windows), seconds))
            say(f"{data.source}, counted, {SCENARIOS[scenario]}, {name}")
        shutil.rmtree(side.folder)
    return counted


def _needs(wanted: str, scenario: str) -> bool:
    order = list(SCENARIOS)
    return order.index(scenario) <= order.index(wanted)
