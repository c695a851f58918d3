"""`dagster.yaml` and `workspace.yaml` as Dagster itself reads them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest
import yaml
from dagster._core.definitions.run_request import InstigatorType

SENSOR = InstigatorType.SENSOR
REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A DAGSTER_HOME with the repository's own dagster.yaml and nothing else."""
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    shutil.copy2(REPOSITORY / "dagster.yaml", tmp_path)
    return tmp_path


def test_the_instance_has_what_the_file_says(home: Path) -> None:
    with dg.DagsterInstance.from_config(str(home)) as instance:
        concurrency = instance.get_concurrency_config()
        assert concurrency.run_queue_config is not None
        assert concurrency.run_queue_config.max_concurrent_runs == 2
        assert concurrency.pool_config.default_pool_limit == 1
        assert str(concurrency.pool_config.pool_granularity) == "PoolGranularity.RUN"
        assert instance.run_retries_enabled
        assert instance.run_retries_max_retries == 2
        assert not instance.run_retries_retry_on_asset_or_op_failure
        assert instance.run_monitoring_enabled
        assert instance.run_monitoring_max_runtime_seconds == 14400
        assert instance.freshness_enabled
        assert not instance.telemetry_enabled
        ticks = {status.value: days for status, days in instance.get_tick_retention_settings(SENSOR).items()}
        assert ticks == {"SKIPPED": 1, "SUCCESS": 90, "FAILURE": 90, "STARTED": 7}


def test_a_pool_lets_one_run_in(home: Path) -> None:
    with dg.DagsterInstance.from_config(str(home)) as instance:
        instance.event_log_storage.initialize_concurrency_limit_to_default("silver_orders")
        assert instance.event_log_storage.get_concurrency_info("silver_orders").slot_count == 1


def test_an_unknown_key_would_be_noticed(home: Path) -> None:
    text = (home / "dagster.yaml").read_text()
    (home / "dagster.yaml").write_text(f"{text}\nretentions: {{}}\n")
    with pytest.raises(dg.DagsterInvalidConfigError, match="retentions"):
        dg.DagsterInstance.from_config(str(home))


def test_what_dagster_keeps_in_its_home_is_ignored_by_git(home: Path) -> None:
    env = {**os.environ, "DAGSTER_HOME": str(home)}
    dagster = Path(sys.executable).parent / "dagster"
    subprocess.run([str(dagster), "instance", "info"], env=env, capture_output=True, check=True)
    shutil.copy2(REPOSITORY / ".gitignore", home)
    subprocess.run(["git", "init", "--quiet"], cwd=home, check=True)
    asked = subprocess.run(
        ["git", "status", "--porcelain", "--untracked-files=all"], cwd=home, capture_output=True, text=True, check=True
    )
    assert (home / "history").is_dir()
    assert sorted(asked.stdout.split()) == [".gitignore", "??", "??", "dagster.yaml"]


def test_the_workspace_names_the_code_location() -> None:
    workspace = yaml.safe_load((REPOSITORY / "workspace.yaml").read_text())
    assert workspace["load_from"] == [
        {"python_module": {"module_name": "project_etl.definitions", "location_name": "project_etl"}}
    ]
