"""The main job on real order lines: materialize every asset from a plain shell, then compare Gold with the oracle.

`PROJECT_ETL_REALDATA` names a landing folder with `online_retail/online_retail/<day>/*.csv`; which days it holds, how
the files are called and how many a day has are free. `make realdata` runs this; the ordinary test run does not.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pytest

from project_etl_tests.oracle import expected_gold
from project_etl_tests.oracle.compare import assert_gold_equal
from project_etl_tests.oracle.gold import GOLD_TABLES, GoldTable
from project_etl_tests.oracle.landing import landing_days

REPOSITORY = Path(__file__).resolve().parents[2]
SOURCE, CURRENCY = "online_retail", "GBP"
RUN_SECONDS = 1800
SHOWN_OUTPUT = 8000  # characters: the end of the output says why a run failed

# One test may wait for the whole run.
pytestmark = pytest.mark.timeout(RUN_SECONDS + 120)


@dataclass(frozen=True)
class RealLanding:
    """A landing folder and the days it holds, from the first to the last, gaps included."""

    root: Path
    days: tuple[date, ...]


@pytest.fixture(scope="module")
def landing() -> RealLanding:
    default = REPOSITORY.parent / "shared" / "data" / "landing"
    root = Path(os.environ.get("PROJECT_ETL_REALDATA", default)).resolve()
    found = landing_days(root, SOURCE)
    if not found:
        pytest.fail(
            f"{root}: expected {SOURCE}/{SOURCE}/<YYYY-MM-DD>/*.csv there; "
            "set PROJECT_ETL_REALDATA to a landing folder that has it"
        )
    first, last = found[0], found[-1]
    return RealLanding(root, tuple(first + timedelta(days=n) for n in range((last - first).days + 1)))


@pytest.fixture(scope="module")
def lake(landing: RealLanding, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The lake after one `dagster asset materialize` over all days."""
    home, root = tmp_path_factory.mktemp("dagster_home"), tmp_path_factory.mktemp("lake")
    shutil.copy(REPOSITORY / "dagster.yaml", home)
    first, last = landing.days[0].isoformat(), landing.days[-1].isoformat()
    kept = {"PROJECT_ETL_ENGINE", "PROJECT_ETL_CONFIG_DIR", "PROJECT_ETL_JARS_DIR", "PROJECT_ETL_JAVA_HOME"}
    surroundings = {
        name: value for name, value in os.environ.items() if name in kept or not name.startswith("PROJECT_ETL_")
    }
    run = subprocess.run(
        [
            *(str(Path(sys.executable).with_name("dagster")), "asset", "materialize"),
            *("-m", "project_etl.definitions", "--select", "*", "--partition-range", f"{first}...{last}"),
        ],
        cwd=REPOSITORY,
        env=surroundings
        | {
            "DAGSTER_HOME": str(home),
            "PROJECT_ETL_SOURCES": SOURCE,
            "PROJECT_ETL_REPORTING_CURRENCY": CURRENCY,
            "PROJECT_ETL_START_DATE": first,
            "PROJECT_ETL_LANDING_ROOT": str(landing.root),
            "PROJECT_ETL_LAKE_ROOT": str(root),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=RUN_SECONDS,
        check=False,
    )
    if run.returncode != 0:
        pytest.fail(f"dagster exited with {run.returncode}, expected 0; its last words:\n{run.stdout[-SHOWN_OUTPUT:]}")
    return root


@pytest.fixture(scope="module")
def expected(landing: RealLanding) -> dict[str, GoldTable]:
    return expected_gold(landing.root, [SOURCE], CURRENCY, landing.days, start_date=landing.days[0])


@pytest.mark.parametrize("table", GOLD_TABLES)
def test_gold_is_what_the_oracle_computes_from_the_raw_files(
    table: str, lake: Path, expected: dict[str, GoldTable]
) -> None:
    assert expected["fact_orders"].rows, "the oracle found no orders in landing: is this the right folder?"
    assert_gold_equal(lake, {table: expected[table]})
