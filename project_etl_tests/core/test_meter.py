"""The meter: counts by table, in the file that the variable names, and nothing without it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
BUSY = "import time; end = time.process_time() + 0.5\nwhile time.process_time() < end: pass"
COUNTING = f"""
import subprocess, sys
from project_etl.core import meter
meter.count("log_reads", "silver/orders")
with meter.measured("gold/daily_aov"):
    meter.count("queries")
    subprocess.run([sys.executable, "-c", {BUSY!r}], check=True)
try:
    with meter.measured("gold/top_users"):
        raise ValueError
except ValueError:
    pass
meter.count("log_reads", by=2)
"""


def run(**variables: str) -> None:
    env = {name: text for name, text in os.environ.items() if name != "PROJECT_ETL_METER"}
    subprocess.run([sys.executable, "-c", COUNTING], cwd=REPOSITORY, env=env | variables, check=True, timeout=60)


def test_each_table_has_its_counts_and_a_failed_one_none(tmp_path: Path) -> None:
    run(PROJECT_ETL_METER=str(tmp_path / "meter.json"))
    found = json.loads((tmp_path / "meter.json").read_text())
    table = found.pop("gold/daily_aov")
    assert found == {"silver/orders": {"log_reads": 1}, "(outside)": {"log_reads": 2}}
    assert table["queries"] == 1
    assert table["seconds"] > 0.5
    assert table["cpu_seconds"] >= 0.4, "what a child used counts, also when it has ended"


def test_without_the_variable_nothing_is_written(tmp_path: Path) -> None:
    run(TMPDIR=str(tmp_path))
    assert not list(tmp_path.iterdir())
