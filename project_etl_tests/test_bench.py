"""The benchmark: the scripts beside the platform do the same work, processes are measured whole, no report has gaps."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import deltalake
import pytest

from bench import counts, report
from bench.landing import (
    AGAIN,
    COLD,
    DAY,
    DEMO,
    LATE,
    NOTHING,
    ONLINE_RETAIL,
    SCENARIOS,
    SHOP,
    Data,
    online_retail,
    shop,
)
from bench.measure import BenchError, Usage, measure
from bench.scenarios import DUCKDB, PEERS, PLATFORM, POLARS, PYSPARK, Run, Side, expected
from project_etl_tests.oracle import expected_gold
from project_etl_tests.oracle.given import land_invoices
from project_etl_tests.oracle.gold import KPIS

REPOSITORY = Path(__file__).resolve().parent.parent
MEMORY_MIB = 120
CHILD = f"import time; held = bytearray({MEMORY_MIB} << 20)\nwhile time.process_time() < 1: pass"
PARENT = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {CHILD!r}], check=True)"


@pytest.fixture
def retail(tmp_path: Path) -> Data:
    land_invoices(tmp_path / "real")
    return online_retail(tmp_path / "landing", tmp_path / "real", repeat=2)


# --- data -------------------------------------------------------------------------------------------------------------


def test_real_days_are_laid_out_again_with_one_more_day_and_a_late_row(retail: Data) -> None:
    assert (retail.first, retail.last_cold, retail.last) == (date(2025, 1, 1), date(2025, 1, 5), date(2025, 1, 6))
    assert retail.rows == {COLD: 13, DAY: 1, LATE: 1, NOTHING: 0, AGAIN: 0}
    late = (retail.landing / f"online_retail/online_retail/{retail.late}/late.csv").read_text().splitlines()
    assert len(late) == 2
    assert "2025-01-03" in late[1]


def test_without_two_real_days_there_is_no_landing(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=r"has 0 days of online_retail, expected two or more .* --landing"):
        online_retail(tmp_path / "landing", tmp_path / "nowhere", repeat=1)


def test_the_shop_has_one_more_day_and_a_late_row(tmp_path: Path) -> None:
    data = shop(tmp_path, scale=0.02, days=4)
    assert data.last - data.last_cold == data.late - data.last == timedelta(days=1)
    assert all(data.rows[scenario] > 0 for scenario in (COLD, DAY, LATE))
    assert (tmp_path / f"shop/order_items/{data.late}/late.csv").is_file()


# --- sides ------------------------------------------------------------------------------------------------------------


def by_key(rows: Iterable[Mapping[str, Any]], key: Sequence[str]) -> dict[tuple[Any, ...], dict[str, Any]]:
    """Rows by their key, numbers as doubles: the scripts round money to four digits, and ratios not at all."""
    return {
        tuple(row[name] for name in key): {
            name: float(value) if isinstance(value, float | Decimal) else value for name, value in row.items()
        }
        for row in rows
    }


def near(value: Any) -> Any:
    return pytest.approx(value, abs=0.006) if isinstance(value, float) else value


def assert_side_does_the_work(name: str, data: Data, folder: Path, last: date) -> list[Run]:
    """Run all scenarios of a side, and compare its Gold up to `last` with what the oracle computes from all files."""
    side = Side(name, data, folder)
    runs = [side.run(scenario) for scenario, each in expected(ONLINE_RETAIL, SCENARIOS) if each == name]
    assert not list(report.missing(ONLINE_RETAIL, runs, SCENARIOS, sides=[name]))
    days = [data.first + timedelta(days=n) for n in range((last - data.first).days + 1)]
    gold = expected_gold(data.landing, [ONLINE_RETAIL], data.currency, days)
    if name != PLATFORM:
        # Scripts write the tables of revenue. One of them spares the platform the whole of history; scripts read that.
        gold = {question.name: gold[question.name] for question in KPIS}
        del gold["customer_first_order"]
    for table, wanted in gold.items():
        columns = [column for column in wanted.columns if name == PLATFORM or column != "as_of"]
        found = deltalake.DeltaTable(side.lake / "gold" / table).to_pyarrow_table().select(columns)
        there = by_key(found.to_pylist(), wanted.key)
        expected_rows = by_key(wanted.by_key().values(), wanted.key)
        assert there.keys() == expected_rows.keys(), table
        for key, row in expected_rows.items():
            assert there[key] == {column: near(row[column]) for column in columns}, table
    return runs


@pytest.mark.parametrize("name", [POLARS, DUCKDB])
def test_a_script_writes_the_gold_that_the_oracle_expects(name: str, retail: Data, tmp_path: Path) -> None:
    # A script computes the days that a window reaches, whether they have come or not.
    assert_side_does_the_work(name, retail, tmp_path / "side", retail.last + timedelta(days=13))


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_the_pyspark_script_writes_the_gold_that_the_oracle_expects(retail: Data, tmp_path: Path) -> None:
    assert_side_does_the_work(PYSPARK, retail, tmp_path / "side", retail.last + timedelta(days=13))


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_the_platform_writes_the_gold_that_the_oracle_expects(retail: Data, tmp_path: Path) -> None:
    runs = assert_side_does_the_work(PLATFORM, retail, tmp_path / "side", retail.late)
    idle = [run for run in runs if run.scenario in (NOTHING, AGAIN)]
    assert [(run.usage.has_jvm, run.commits) for run in idle] == [(False, {}), (False, {})]


def test_a_side_runs_only_what_it_can_do() -> None:
    asked = (COLD, NOTHING, DEMO)
    assert expected(SHOP, asked) == [(COLD, PLATFORM), (NOTHING, PLATFORM), (DEMO, PLATFORM)]
    cold = [(COLD, side) for side in (PLATFORM, *PEERS)]
    assert expected(ONLINE_RETAIL, asked) == [*cold, (NOTHING, PLATFORM)]


# --- measuring --------------------------------------------------------------------------------------------------------


def test_a_command_is_measured_with_its_children(tmp_path: Path) -> None:
    usage = measure([sys.executable, "-c", PARENT], env=os.environ, folder=tmp_path, log=tmp_path / "log")
    assert usage.wall_seconds > 1
    assert usage.peak_bytes > MEMORY_MIB << 20
    assert 0.9 < usage.cpu_seconds < 2
    assert usage.others_cores >= 0
    assert not usage.has_jvm


def test_a_command_that_fails_says_its_last_words(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import sys; print('no more disk'); sys.exit(3)"]
    with pytest.raises(BenchError, match=r"exited with 3, expected 0(.|\n)*no more disk"):
        measure(command, env=os.environ, folder=tmp_path, log=tmp_path / "log")


def test_commits_are_counted_from_the_logs(tmp_path: Path) -> None:
    log = tmp_path / "gold" / "daily_aov" / "_delta_log"
    log.mkdir(parents=True)
    for version, operation in enumerate(("CREATE TABLE", "WRITE", "MERGE")):
        (log / f"{version:020}.json").write_text(json.dumps({"commitInfo": {"operation": operation}}) + "\n")
    assert counts.commits(tmp_path, {}) == {"gold/daily_aov": ["WRITE", "MERGE"]}
    assert counts.commits(tmp_path, {"gold/daily_aov": 1}) == {"gold/daily_aov": ["MERGE"]}
    assert counts.commits(tmp_path, counts.versions(tmp_path)) == {}
    assert counts.size(tmp_path)[0] == 3


# --- the report -------------------------------------------------------------------------------------------------------

TABLES = ("bronze/online_retail/online_retail", "silver/orders", "gold/daily_aov")


def a_run(scenario: str, side: str, wall: float = 4, *, number: int = 1) -> Run:
    """A run with all its figures: 2 CPU seconds and 1 query a table, none when nothing is new."""
    is_idle = scenario in (NOTHING, AGAIN)
    counted = {"seconds": 1.0, "cpu_seconds": 2.0, "queries": 0 if is_idle else 1, "log_reads": 3}
    names = TABLES if side == PLATFORM else ("bronze", "silver", "gold")
    return Run(
        scenario=scenario,
        side=side,
        round=number,
        rows=600_000 if scenario == COLD else 1,
        usage=Usage(wall, 2 * wall, 500_000_000, has_jvm=not is_idle, others_cores=0.0),
        files=10,
        bytes=1_000_000,
        stored=[*TABLES, "quarantine/orders"],
        commits={} if is_idle else {table: ["WRITE"] for table in TABLES},
        metered={name: dict(counted) for name in names},
    )


def all_runs(source: str = ONLINE_RETAIL) -> list[Run]:
    return [a_run(scenario, side) for scenario, side in expected(source, SCENARIOS)]


def some_data(source: str = ONLINE_RETAIL, cold: int = 600_000) -> Data:
    day = date(2025, 1, 1)
    rows = {COLD: cold, DAY: 1, LATE: 1, NOTHING: 0, AGAIN: 0}
    return Data(source, "GBP", Path("landing"), day, day, day, rows)


def result_of(runs: Sequence[Run], source: str = ONLINE_RETAIL, **data: int) -> dict[str, Any]:
    return report.result_of(some_data(source, **data), runs, SCENARIOS, {"rounds": 1})


def verdicts(result: dict[str, Any]) -> dict[str, tuple[str, str]]:
    return {row["what"]: (row["found"], row["verdict"]) for row in result["bounds"]}


def test_bounds_name_what_misses_them() -> None:
    slow = [replace(run, usage=replace(run.usage, wall_seconds=50)) for run in all_runs() if run.side == PLATFORM]
    slow = [replace(run, commits={"gold/daily_aov": ["WRITE"]}) if run.scenario == AGAIN else run for run in slow]
    found = verdicts(result_of([*slow, *(run for run in all_runs() if run.side != PLATFORM)]))
    assert found["cold full load: wall, × Polars"] == ("12.50", "**miss**")
    assert found["cold full load: CPU of Silver, s"] == ("2.00", "pass")
    assert found["one more day: wall, s"] == ("50.00", "**miss**")
    assert found["nothing new: wall, s"] == ("50.00", "**miss**")
    assert found["nothing new: runs that started an engine"] == ("0", "pass")
    assert found["nothing new: tables that got a commit"] == ("none", "pass")
    assert found["nothing new, all days: tables that got a commit"] == ("gold/daily_aov", "**miss**")


def test_an_engine_without_a_jvm_is_seen_by_its_queries() -> None:
    def asking(run: Run) -> Run:
        return replace(run, metered={**run.metered, "gold/daily_aov": {**run.metered["gold/daily_aov"], "queries": 1}})

    runs = [asking(run) if run.scenario == NOTHING else run for run in all_runs()]
    assert verdicts(result_of(runs))["nothing new: runs that started an engine"] == ("1", "**miss**")


def test_a_small_load_passes_no_bound_of_a_large_one() -> None:
    found = verdicts(result_of(all_runs(), cold=1000))
    assert {verdict for what, (_, verdict) in found.items() if "nothing" not in what} == {"too little data"}


def test_the_shop_has_bounds_of_its_own() -> None:
    found = verdicts(result_of(all_runs(SHOP), SHOP))
    assert found["cold full load: wall, s"] == ("4.00", "pass")
    assert found["cold full load: peak memory, MB"] == ("500.00", "pass")
    assert not any("Polars" in what for what in found)


def test_figures_are_medians_beside_the_polars_script() -> None:
    walls = {PLATFORM: (30, 90, 40), POLARS: (4, 5, 100)}
    runs = [
        a_run(COLD, side, walls.get(side, (8, 8, 8))[number], number=number + 1)
        for number in range(3)
        for side in (PLATFORM, *PEERS)
    ]
    result = report.result_of(some_data(), runs, [COLD], {})
    figures = {row["side"]: row for row in result["figures"]}
    assert {side: row["wall_seconds"] for side, row in figures.items()} == {
        PLATFORM: 40,
        POLARS: 5,
        DUCKDB: 8,
        PYSPARK: 8,
    }
    assert figures[PLATFORM]["times_polars"] == {"wall_seconds": 8.0, "cpu_seconds": 8.0, "peak_mb": 1.0}
    assert figures[PLATFORM]["seconds_per_1000_records"] == round(40 / 600, 3)
    assert figures[PLATFORM]["commits"] == 3
    platform = next(row for row in result["layers"] if row["side"] == PLATFORM)
    assert platform["cpu_seconds"] == {"bronze": 2, "silver": 2, "gold": 2, "rest": 74}


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"metered": {}}, "seconds of silver/orders"),
        (
            {"metered": {name: {"seconds": 1, "cpu_seconds": 1, "queries": 1} for name in TABLES}},
            "log_reads of gold/daily_aov",
        ),
        ({"metered": {name: dict.fromkeys(report.METERED, 0) for name in TABLES}}, "queries of any table"),
        ({"files": 0}, "cold full load, project_etl: files"),
        ({"usage": Usage(1, 1, 0, has_jvm=True, others_cores=0)}, "cold full load, project_etl: peak_mb"),
    ],
)
def test_a_report_with_a_gap_is_refused_by_name(change: dict[str, Any], name: str) -> None:
    runs = all_runs()
    assert (runs[0].scenario, runs[0].side) == (COLD, PLATFORM)
    with pytest.raises(BenchError, match=f"No report on online_retail(.|\n)*{name}"):
        result_of([replace(runs[0], **change), *runs[1:]])


def test_a_report_without_a_side_is_refused_by_name() -> None:
    runs = [run for run in all_runs() if run.side != POLARS]
    with pytest.raises(
        BenchError, match=r"3 of its figures are missing(.|\n)*a late row, Polars \+ delta-rs: every figure"
    ):
        result_of(runs)


def test_a_script_that_does_not_say_its_layers_is_refused_by_name() -> None:
    runs = [replace(run, metered={}) if run.side == DUCKDB else run for run in all_runs()]
    with pytest.raises(BenchError, match=r"one more day, DuckDB \+ delta-rs: cpu_seconds of gold"):
        result_of(runs)


def test_a_page_has_every_cell_filled(tmp_path: Path) -> None:
    results = {source: result_of(all_runs(source), source) for source in (ONLINE_RETAIL, SHOP)}
    written = report.save(results, tmp_path, None)
    assert {path.name for path in written} == {"online_retail.json", "online_retail.md", "shop.json", "shop.md"}
    for path in written:
        text = path.read_text()
        assert str(REPOSITORY) not in text
        assert not [line for line in text.splitlines() if line.startswith("|") and "|  |" in line]
    assert "| gold/daily_aov | 1 | 2 | 1 | 3 | 1 |" in (tmp_path / "shop.md").read_text()
    assert "| quarantine/orders | – | – | – | 0 | 0 |" in (tmp_path / "shop.md").read_text()


def test_one_report_may_hold_all_sources(tmp_path: Path) -> None:
    results = {source: result_of(all_runs(source), source) for source in (ONLINE_RETAIL, SHOP)}
    as_json, as_markdown = report.save(results, tmp_path, "before")
    assert set(json.loads(as_json.read_text())) == {ONLINE_RETAIL, SHOP}
    assert as_markdown.read_text().count("# Benchmark: ") == 2
