"""`project-etl doctor`: each thing it looks at, in order and out of order."""

from __future__ import annotations

import os
import re
import shutil
import time
import tomllib
from importlib.metadata import version
from pathlib import Path

import fsspec
import pytest

from project_etl.commands.doctor import data as health_data
from project_etl.commands.doctor import machine as health
from project_etl.commands.doctor import run as doctor
from project_etl.commands.doctor.machine import Level
from project_etl.commands.shared.environment import dagster_instance
from project_etl_tests.commands.given import REPOSITORY, paper, settings_in, text_of

LANDED = "shop/orders/2025-01-01/orders.csv"


def only(findings):
    (finding,) = findings
    return finding


def land(folder: Path, path: str = LANDED) -> Path:
    file = folder / "data" / "landing" / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("order_id\n")
    return file


# --- Java, jars, packages, disk ---------------------------------------------------------------------------------------


def java_home(folder: Path, answer: str, code: int = 0) -> str:
    program = folder / "jdk" / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\necho '{answer}' >&2\nexit {code}\n")
    program.chmod(0o755)
    return str(folder / "jdk")


@pytest.mark.parametrize(
    ("answer", "level"),
    [
        ('openjdk version "17.0.17" 2025-10-21', Level.OK),
        ('openjdk version "21" 2023-09-19', Level.OK),
        ('java version "1.8.0_402"', Level.FAIL),
        ('openjdk version "11.0.2"', Level.FAIL),
        ("something else", Level.FAIL),
    ],
)
def test_java_is_one_that_spark_supports(tmp_path, answer, level):
    finding = only(health.java(settings_in(tmp_path, ENGINE="spark", JAVA_HOME=java_home(tmp_path, answer))))
    assert finding.level is level
    assert ("install Java 17 or 21" in finding.advice) == (level is Level.FAIL)


def test_java_that_does_not_run_is_found_out(tmp_path):
    broken = only(health.java(settings_in(tmp_path, ENGINE="spark", JAVA_HOME=java_home(tmp_path, "cannot", code=3))))
    assert broken.level is Level.FAIL
    assert "does not run" in broken.found
    missing = only(health.java(settings_in(tmp_path, ENGINE="spark", JAVA_HOME=str(tmp_path / "nowhere"))))
    assert missing.level is Level.FAIL


def test_without_java_it_says_where_it_looked(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "no java on PATH" in only(health.java(settings_in(tmp_path))).found


def test_a_remote_spark_needs_neither_java_nor_jars(tmp_path):
    settings = settings_in(tmp_path, SPARK__REMOTE="sc://spark:15002")
    assert only(health.java(settings)).level is Level.OK
    assert only(health.jars(settings)).level is Level.OK


def test_jars_are_those_of_the_list(tmp_path):
    settings = settings_in(tmp_path, ENGINE="spark")
    (tmp_path / "jars.txt").write_text("# the jars\nio.delta:delta-storage:4.4.0  # a comment\n\n")
    missing = only(health.jars(settings))
    assert missing.level is Level.FAIL
    assert "io.delta:delta-storage:4.4.0 not in" in missing.found
    (tmp_path / ".jars").mkdir()
    (tmp_path / ".jars" / "io.delta_delta-storage-4.4.0.jar").touch()
    assert only(health.jars(settings)).level is Level.OK


def test_without_a_list_of_jars_it_says_so(tmp_path):
    assert only(health.jars(settings_in(tmp_path, ENGINE="spark"))).level is Level.FAIL


def test_the_engine_is_named(tmp_path, monkeypatch):
    assert only(health.engine(settings_in(tmp_path))).found == "embedded; Spark for a table that reads more than 268 MB"
    assert only(health.engine(settings_in(tmp_path, ENGINE="spark"))).found == "spark"
    assert only(health.engine(settings_in(tmp_path, SPARK__REMOTE="sc://spark:15002"))).found == "connect"
    monkeypatch.setattr(health, "can_embed", lambda: False)
    missing = only(health.engine(settings_in(tmp_path, ENGINE="embedded")))
    assert (missing.level, missing.found) == (Level.FAIL, "embedded, but pysail is not installed")


def test_java_and_jars_are_needed_as_far_as_the_engine_needs_them(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    for engine, level in (("embedded", Level.OK), ("auto", Level.WARN), ("spark", Level.FAIL)):
        settings = settings_in(tmp_path, ENGINE=engine)
        assert (only(health.java(settings)).level, only(health.jars(settings)).level) == (level, level)


def test_packages_are_compared_with_the_lock_file(tmp_path):
    settings = settings_in(tmp_path)
    assert only(health.packages(settings)).level is Level.WARN
    lock = tmp_path / "requirements.txt"
    installed = {name: version(name) for name in health.PACKAGES}
    lock.write_text("".join(f"{name}=={number} \\\n    --hash=sha256:0\n" for name, number in installed.items()))
    assert only(health.packages(settings)).level is Level.OK
    lock.write_text(lock.read_text().replace(f"pyspark=={installed['pyspark']}", "pyspark==1.2.3"))
    other = only(health.packages(settings))
    assert other.level is Level.WARN
    assert "tested was 1.2.3" in other.found


def test_a_package_that_is_missing_fails(tmp_path, monkeypatch):
    monkeypatch.setattr(health, "PACKAGES", (*health.PACKAGES, "no-such-package"))
    missing = only(health.packages(settings_in(tmp_path)))
    assert missing.level is Level.FAIL
    assert missing.found == "not installed: no-such-package"


def test_the_platform_does_without_the_packages_of_the_dashboard(tmp_path, monkeypatch):
    extras = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert [*health.DASHBOARD_PACKAGES] == [re.split(r"\W", each)[0] for each in extras["dashboard"]]
    there = only(health.dashboard(settings_in(tmp_path)))
    assert there.found == f"plotly {version('plotly')}, streamlit {version('streamlit')}"
    monkeypatch.setattr(health, "DASHBOARD_PACKAGES", ("plotly", "no-such-package"))
    missing = only(health.dashboard(settings_in(tmp_path)))
    assert (missing.level, missing.found) == (Level.OK, "not installed: no-such-package")
    assert "pip install 'project_etl[dashboard]'" in missing.advice


def test_disk_is_looked_at_where_the_lake_will_be(tmp_path, monkeypatch):
    settings = settings_in(tmp_path, LAKE_ROOT=str(tmp_path / "not" / "there"))
    lake, temporary = health.disk(settings)
    assert str(tmp_path / "not" / "there") in lake.found
    monkeypatch.setattr(health, "FREE_WARN", 10**18)
    assert next(health.disk(settings)).level is Level.WARN
    monkeypatch.setattr(health, "FREE_FAIL", 10**18)
    assert next(health.disk(settings)).level is Level.FAIL
    assert temporary.what == "disk (temporary)"
    assert [f.what for f in health.disk(settings_in(tmp_path, LAKE_ROOT="s3a://b/lake"))] == ["disk (temporary)"]


# --- landing, lake, clock ---------------------------------------------------------------------------------------------


def test_landing_holds_files(tmp_path):
    settings = settings_in(tmp_path)
    nothing = only(health_data.landing(settings))
    assert nothing.level is Level.WARN
    assert "is not there yet" in nothing.found
    land(tmp_path)
    assert only(health_data.landing(settings)).found.startswith("1 files of shop in ")
    other, unread = health_data.landing(settings_in(tmp_path, SOURCES="online_retail"))
    assert (other.level, unread.level) == (Level.WARN, Level.WARN)
    assert "holds no files of online_retail" in other.found
    assert "sources: [online_retail, shop]" in unread.found


def test_what_lies_in_landing_and_is_not_read_is_a_warning(tmp_path):
    settings = settings_in(tmp_path)
    for path in (LANDED, "shop/order/2025-01-01/a.csv", "shop/orders/2024-12-31/a.csv", "a.csv", "b.csv"):
        land(tmp_path, path)
    holds, unread = health_data.landing(settings)
    assert holds.found.startswith("1 files of shop in ")
    assert unread.level is Level.WARN
    assert unread.found.startswith(f"4 things in {tmp_path}/data/landing are not read: a.csv: a file outside")
    assert "shop/order: no dataset of shop; rename it" not in unread.found, "orders is there too"
    assert "shop/order: no dataset of shop; move its files into orders, if that is meant and 1 more" in unread.found
    assert "`project-etl status`" in unread.advice


def test_the_lake_is_written_and_left_clean(tmp_path):
    settings = settings_in(tmp_path)
    assert "can be made" in only(health_data.lake(settings)).found
    lake = tmp_path / "data" / "lake"
    lake.mkdir(parents=True)
    assert only(health_data.lake(settings)).level is Level.OK
    assert list(lake.iterdir()) == []


def test_a_lake_that_is_a_file_fails(tmp_path):
    (tmp_path / "lake").touch()
    finding = only(health_data.lake(settings_in(tmp_path, LAKE_ROOT=str(tmp_path / "lake"))))
    assert finding.level is Level.FAIL
    assert finding.found.endswith("is a file")


@pytest.fixture
def store():
    """An object store: the same code path as s3a://, without a server."""
    files = fsspec.filesystem("memory")
    yield files
    files.store.clear()


def test_an_object_store_is_read_and_written(tmp_path, store):
    settings = settings_in(tmp_path, LANDING_ROOT="memory://shop/landing", LAKE_ROOT="memory://shop/lake")
    store.pipe_file(f"/shop/landing/{LANDED}", b"order_id\n")
    assert only(health_data.landing(settings)).level is Level.OK
    assert only(health_data.lake(settings)).level is Level.OK
    assert only(health_data.clock(settings)).level is Level.OK
    assert store.find("/shop/lake") == []


def test_a_store_that_cannot_be_reached_says_what_to_check(tmp_path, monkeypatch):
    for name, value in {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_MAX_ATTEMPTS": "1",
    }.items():
        monkeypatch.setenv(name, value)
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    settings = settings_in(tmp_path, LANDING_ROOT="s3a://shop/landing", LAKE_ROOT="s3a://shop/lake")
    for finding in (only(health_data.landing(settings)), only(health_data.lake(settings))):
        assert finding.level is Level.FAIL
        assert "127.0.0.1:1" in finding.found
        assert "credentials" in finding.advice
    assert only(health_data.clock(settings)).level is Level.WARN
    fsspec.get_filesystem_class("s3").clear_instance_cache()


def test_the_clock_is_not_before_the_newest_file(tmp_path):
    settings, file = settings_in(tmp_path), land(tmp_path)
    assert only(health_data.clock(settings)).level is Level.OK
    ahead = time.time() + 86400
    os.utime(file, (ahead, ahead))
    finding = only(health_data.clock(settings))
    assert finding.level is Level.FAIL
    assert "set the clock" in finding.advice


# --- Dagster and the whole --------------------------------------------------------------------------------------------


def test_dagster_has_its_file(tmp_path, monkeypatch):
    settings = settings_in(tmp_path)
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    assert "no dagster.yaml" in only(health_data.dagster(settings)).found
    (tmp_path / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    unset = only(health_data.dagster(settings))
    assert (unset.level, unset.found) == (Level.WARN, f"0 runs in {tmp_path} (DAGSTER_HOME is not set)")
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    assert only(health_data.dagster(settings)).level is Level.OK
    (tmp_path / "dagster.yaml").write_text("nonsense: true\n")
    assert only(health_data.dagster(settings)).level is Level.FAIL


def test_runs_of_an_environment_with_its_own_folder(tmp_path, monkeypatch):
    folder, moved = tmp_path / "here", tmp_path / "there"
    settings = settings_in(folder, "dagster_home: own\n")
    home, file = folder / "own", folder / "own" / "dagster.yaml"
    monkeypatch.setenv("DAGSTER_HOME", str(folder))
    assert only(health_data.dagster(settings)).found == f"no runs yet; the first will make {home}"
    home.mkdir()
    missing = only(health_data.dagster(settings))
    assert (missing.level, missing.advice) == (Level.WARN, f"put the platform's dagster.yaml into {folder}")
    shutil.copy(REPOSITORY / "dagster.yaml", folder)
    assert only(health_data.dagster(settings)).found == f"0 runs in {home}"
    with dagster_instance(settings) as instance:
        assert instance.run_retries_enabled, "the repository's dagster.yaml holds there too"
    # A folder that is moved as a whole needs nothing; a link that leads nowhere is made again.
    folder.rename(moved)
    assert (moved / "own" / "dagster.yaml").is_file()
    moved.rename(folder)
    file.unlink()
    file.symlink_to("nowhere")
    assert only(health_data.dagster(settings)).level is Level.OK
    assert file.is_file()


def test_a_wrong_setting_is_the_only_finding(tmp_path, monkeypatch):
    settings_in(tmp_path)
    (tmp_path / "config" / "local.yaml").write_text("sources: [shopp]\n")
    monkeypatch.setenv("PROJECT_ETL_CONFIG_DIR", str(tmp_path / "config"))
    console = paper()
    assert not doctor.run(console, None)
    said = text_of(console)
    assert "shopp" in said
    assert "1 to mend" in said
    assert "Java" not in said


def test_the_whole_is_well_when_nothing_fails(tmp_path, monkeypatch):
    settings_in(tmp_path)
    monkeypatch.setenv("PROJECT_ETL_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setattr(doctor, "LOOKS", (health.disk, health_data.landing))
    console = paper()
    assert doctor.run(console, None)
    assert "All is well (1 warning)." in text_of(console)


def test_who_is_told_is_counted_and_never_named(tmp_path):
    (none,) = health_data.alerts(settings_in(tmp_path))
    assert none.found == "webhook not set, 0 addresses"
    secret = "https://hooks.example.org/s3cret"
    (some,) = health_data.alerts(settings_in(tmp_path, ALERTS__WEBHOOK_URL=secret, ALERTS__EMAIL_TO="ann@example.org"))
    assert some.found.startswith("webhook set, 1 address, messages without links")
    assert "s3cret" not in some.found
    assert some.level is Level.OK
