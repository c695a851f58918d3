"""The benchmark compares like with like: both sides write the same Gold, and a process is measured with its children.

Runs real processes, for each source; those tests are among the long ones.
"""

from __future__ import annotations

import os
import sys
from datetime import date
from pathlib import Path

import deltalake
import pytest

from bench import counts, report
from bench.measure import BenchError, Usage, measure
from bench.scenarios import (
    COLD,
    DAY,
    NOTHING,
    PLAIN,
    PLATFORM,
    Counted,
    Data,
    Measured,
    Side,
    count_jobs,
    online_retail,
    shop,
)
from project_etl_tests.oracle.given import land_invoices

MEMORY_MIB = 120
CHILD = f"import time; held = bytearray({MEMORY_MIB} << 20); end = time.time() + 1\nwhile time.time() < end: pass"
PARENT = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {CHILD!r}], check=True)"


def small_shop(landing: Path) -> Data:
    return shop(landing, scale=0.02, days=4)


def small_retail(landing: Path) -> Data:
    land_invoices(landing)
    return online_retail(landing)


@pytest.fixture(scope="module", params=[small_shop, small_retail])
def data(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Data:
    return request.param(tmp_path_factory.mktemp("landing"))


def gold(lake: Path) -> dict[str, list[str]]:
    """Every Gold table's rows as sorted texts."""
    return {
        folder.name: sorted(
            repr(sorted(row.items())) for row in deltalake.DeltaTable(folder).to_pyarrow_table().to_pylist()
        )
        for folder in (lake / "gold").iterdir()
    }


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_both_sides_write_the_same_gold(data: Data, tmp_path: Path) -> None:
    platform, plain = (Side(name, data, tmp_path / name) for name in (PLATFORM, PLAIN))
    for scenario in (COLD, DAY):
        for side in (platform, plain):
            assert side.run(scenario).has_jvm
        expected = gold(plain.lake)
        assert all(expected.values()), "a Gold table without rows compares nothing"
        assert gold(platform.lake) == expected
    before = counts.versions(platform.lake)
    assert not platform.run(NOTHING).has_jvm
    assert counts.commits(platform.lake, before) == {}


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_jobs_are_counted_for_every_table(data: Data, tmp_path: Path) -> None:
    counted = count_jobs(data, tmp_path, [COLD], lambda _: None)
    assert [(each.side, each.scenario) for each in counted] == [(PLATFORM, COLD), (PLAIN, COLD)]
    for each in counted:
        assert set(each.jobs) - {counts.ELSEWHERE} == set(each.seconds)


def test_a_command_is_measured_with_its_children(tmp_path: Path) -> None:
    usage = measure([sys.executable, "-c", PARENT], env=os.environ, folder=tmp_path, log=tmp_path / "log")
    assert usage.wall_seconds > 1
    assert usage.peak_bytes > MEMORY_MIB << 20
    assert usage.cpu_seconds > 0
    assert not usage.has_jvm


def test_a_command_that_fails_says_its_last_words(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import sys; print('no more disk'); sys.exit(3)"]
    with pytest.raises(BenchError, match=r"exited with 3, expected 0(.|\n)*no more disk"):
        measure(command, env=os.environ, folder=tmp_path, log=tmp_path / "log")


def test_report_names_what_misses_its_bound(tmp_path: Path) -> None:
    def run(side: str, scenario: str, wall: float, peak: int, *, has_jvm: bool = True) -> Measured:
        commits = {"gold/daily_aov": ["WRITE"]}
        return Measured("shop", scenario, side, 1, Usage(wall, 2 * wall, peak, has_jvm), commits)

    runs = [
        run(PLATFORM, COLD, 13, 100 << 20),
        run(PLAIN, COLD, 10, 100 << 20),
        run(PLATFORM, NOTHING, 3, 50 << 20, has_jvm=False),
    ]
    day = date(2025, 1, 1)
    data = Data("shop", "EUR", tmp_path, day, day, day, {COLD: 10, DAY: 1, NOTHING: 0})
    work = [Counted("shop", COLD, PLATFORM, {"gold/daily_aov": 4}, {"gold/daily_aov": 0.5})]
    json_file, markdown_file = report.save(report.result_of([data], runs, work, {"pairs": 1}), tmp_path, "shop")
    text = markdown_file.read_text()
    assert "| shop | cold full load: wall, platform / plain | 1.30 | ≤ 1.25 | **miss** |" in text
    assert "| shop | cold full load: peak memory, platform / plain | 1.00 | ≤ 1.25 | pass |" in text
    assert "| shop | nothing new: runs that started a JVM | 0 | 0 | pass |" in text
    assert "| shop | nothing new: tables that got a commit | gold/daily_aov | none | **miss** |" in text
    assert "| gold/daily_aov | 1 | 4 | 0.5 | 1 |  |  |" in text
    assert str(tmp_path) not in json_file.read_text()
