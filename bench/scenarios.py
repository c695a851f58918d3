"""The scenarios: who can do them, and running each side as a new process, as a user does.

Not here: the data (`landing.py`), how a process is measured (`measure.py`, `counts.py`), the report (`report.py`).
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import counts
from bench.landing import AGAIN, COLD, DAY, DEMO, LATE, NOTHING, ONLINE_RETAIL, REPOSITORY, SCENARIOS, SHOP, Data
from bench.measure import Usage, measure
from project_etl.core import meter
from project_etl.demo.manifest import Manifest

PLATFORM, POLARS, DUCKDB, PYSPARK = "project_etl", "Polars + delta-rs", "DuckDB + delta-rs", "PySpark + Delta"
PEERS = {POLARS: "peer_polars", DUCKDB: "peer_duckdb", PYSPARK: "peer_spark"}
SIDES = (PLATFORM, *PEERS)
LOADS = (COLD, DAY, LATE)
# Scripts do not know what they have loaded, and load nothing but online_retail.
CAN_DO = {
    ONLINE_RETAIL: {PLATFORM: (*LOADS, NOTHING, AGAIN), **dict.fromkeys(PEERS, LOADS)},
    SHOP: {PLATFORM: (*LOADS, NOTHING, AGAIN, DEMO)},
}
# Settings of ours that say where things are on this machine; all others would change what is measured.
_KEPT = frozenset(("PROJECT_ETL_ENGINE", "PROJECT_ETL_CONFIG_DIR", "PROJECT_ETL_JARS_DIR", "PROJECT_ETL_JAVA_HOME"))


@dataclass(frozen=True)
class Run:
    """One run of one side.

    Attributes:
        scenario: key of `SCENARIOS`.
        side: who ran.
        round: 1 for its first run.
        rows: records that were new.
        usage: what the process and its children used.
        files: files of the lake afterwards.
        bytes: their bytes.
        stored: tables of the lake afterwards.
        commits: table → the operations that the run committed.
        metered: table (of a script: layer) → what the run itself counted for it (`core/meter.py`).
    """

    scenario: str
    side: str
    round: int
    rows: int
    usage: Usage
    files: int
    bytes: int
    stored: Sequence[str]
    commits: Mapping[str, Sequence[str]]
    metered: Mapping[str, Mapping[str, float]]


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

    def run(self, scenario: str, number: int = 1) -> Run:
        """Do a scenario in a new process."""
        home, told = self.folder / "dagster", self.folder / f"{scenario}.json"
        home.mkdir(parents=True, exist_ok=True)
        shutil.copy(REPOSITORY / "dagster.yaml", home)
        surroundings = {
            name: text for name, text in os.environ.items() if name in _KEPT or not name.startswith("PROJECT_ETL_")
        }
        # This folder's code, also where another copy of it is installed.
        env = surroundings | {"PYTHONPATH": str(REPOSITORY), meter.VARIABLE: str(told)}
        if scenario != DEMO:
            env |= {
                "DAGSTER_HOME": str(home),
                "PROJECT_ETL_LANDING_ROOT": str(self.data.landing),
                "PROJECT_ETL_LAKE_ROOT": str(self.lake),
                "PROJECT_ETL_SOURCES": self.data.source,
                "PROJECT_ETL_START_DATE": self.data.first.isoformat(),
                "PROJECT_ETL_REPORTING_CURRENCY": self.data.currency,
                "PROJECT_ETL_SETTLE_SECONDS": "0",
                "PROJECT_ETL_EXPORTS": "",
            }
        before = counts.versions(self.lake)
        log = self.folder / f"{scenario}.log"
        usage = measure(self._command(scenario), env=env, folder=REPOSITORY, log=log)
        rows = Manifest.load(self.folder / "landing").records if scenario == DEMO else self.data.rows[scenario]
        files, size = counts.size(self.lake)
        return Run(
            scenario=scenario,
            side=self.name,
            round=number,
            rows=rows,
            usage=usage,
            files=files,
            bytes=size,
            stored=sorted(counts.versions(self.lake)),
            commits=counts.commits(self.lake, before),
            metered=json.loads(told.read_text(encoding="utf-8")) if told.exists() else {},
        )

    def _command(self, scenario: str) -> list[str]:
        first, last = (day.isoformat() for day in self.data.landed(scenario))
        if self.name in PEERS:
            jars = os.environ.get("PROJECT_ETL_JARS_DIR", str(REPOSITORY / ".jars"))
            command = [sys.executable, "-m", f"bench.peers.{PEERS[self.name]}", "--from", first, "--to", last]
            command += ["--landing", str(self.data.landing), "--lake", str(self.lake)]
            return [*command, "--jars", jars] if self.name == PYSPARK else command
        scripts = Path(sys.executable).parent
        if scenario == DEMO:
            return [str(scripts / "project-etl"), "demo", "--folder", str(self.folder)]
        first, last = (day.isoformat() for day in self.data.asked(scenario))
        wanted = ["-m", "project_etl.definitions", "--select", "*", "--partition-range", f"{first}...{last}"]
        return [str(scripts / "dagster"), "asset", "materialize", *wanted]


def expected(source: str, scenarios: Collection[str]) -> list[tuple[str, str]]:
    """Every scenario and side that a report on these scenarios has, in the order in which they run."""
    return [
        (scenario, side)
        for scenario in SCENARIOS
        for side, can_do in CAN_DO[source].items()
        if scenario in scenarios and scenario in can_do
    ]


def run_rounds(
    data: Data, folder: Path, rounds: int, scenarios: Collection[str], say: Callable[[str], None]
) -> list[Run]:
    """Measure all sides in turn, each round on new lakes; a later scenario needs the ones before it."""
    runs: list[Run] = []
    order = list(SCENARIOS)
    last = max((order.index(scenario) for scenario in scenarios if scenario != DEMO), default=-1)
    needed = {*order[: last + 1], *scenarios}
    for number in range(1, rounds + 1):
        places: list[Path] = []
        for scenario, name in expected(data.source, needed):
            kind = DEMO if scenario == DEMO else "lake"
            side = Side(name, data, folder / f"{data.source}-{number}-{name.split()[0]}-{kind}")
            places.append(side.folder)
            run = side.run(scenario, number)
            runs.append(run)
            say(f"{data.source}, round {number}, {SCENARIOS[scenario]}, {name}: {run.usage.wall_seconds:.1f} s")
        for place in set(places):
            shutil.rmtree(place)
    return [run for run in runs if run.scenario in scenarios]
