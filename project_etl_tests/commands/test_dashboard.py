"""`project-etl dashboard` with the real thing: what it says before it starts, that it answers, and that it ends."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
import tomllib
import urllib.request
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from project_etl.commands.dashboard import run as code
from project_etl.commands.shared.errors import UserError
from project_etl.settings import Settings
from project_etl_tests.commands.given import REPOSITORY, paper, settings_in, surroundings
from project_etl_tests.webserver import free_port

HOST = "127.0.0.1"
SECONDS = 60


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """An environment whose lake has one table."""
    write_deltalake(str(tmp_path / "lake" / "gold" / "daily_aov"), pa.table({"orders": [1]}))
    return settings_in(tmp_path, "lake_root: lake\n")


def refusal(settings: Settings, port: int | None = None, **others) -> str:
    with pytest.raises(UserError) as caught:
        code.run(paper(), settings, HOST, port or free_port(), **others)
    assert caught.value.exit_code == 2
    return caught.value.message


def test_a_lake_without_tables_is_refused_with_the_command_that_fills_it(tmp_path: Path) -> None:
    said = refusal(settings_in(tmp_path, "lake_root: nothing\n"))
    assert f"the lake in {tmp_path / 'nothing'} has no table" in said
    assert "`project-etl run --days FIRST..LAST`" in said


def test_without_its_packages_it_names_them_and_the_extra(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(code, "PACKAGES", ("plotly", "no_such_package"))
    said = refusal(settings)
    assert "not installed: no_such_package." in said
    assert "pip install 'project_etl[dashboard]'" in said


def test_its_packages_are_those_of_the_extra() -> None:
    extras = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert [*code.PACKAGES] == [each.partition(">")[0] for each in extras["dashboard"]]


def test_a_port_that_is_taken_is_refused_with_another_one(settings: Settings) -> None:
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
        said = refusal(settings, port)
    assert f"The dashboard cannot listen on {HOST}:{port}" in said
    assert f"`project-etl dashboard -p {port + 1}`" in said


def test_a_column_that_is_no_personal_data_is_refused(settings: Settings) -> None:
    assert "--allow-pii orders: no table has such a column of personal data" in refusal(settings, allow_pii=["orders"])


def test_a_lake_elsewhere_is_refused(tmp_path: Path) -> None:
    assert "lake on this machine only; lake_root is s3a://shop/lake" in refusal(
        settings_in(tmp_path, "lake_root: s3a://shop/lake\n")
    )


def test_it_says_what_it_shows_answers_this_machine_and_ends_on_sigterm(tmp_path: Path, settings: Settings) -> None:
    port = free_port()
    dashboard = subprocess.Popen(
        [Path(sys.executable).with_name("project-etl"), "dashboard", "--port", str(port)],
        cwd=REPOSITORY,
        env=surroundings(tmp_path, LAKE_ROOT=settings.lake_root, ENV="local") | {"PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert health(port) == "ok"
        dashboard.send_signal(signal.SIGTERM)
        said, _ = dashboard.communicate(timeout=SECONDS)
    finally:
        dashboard.kill()
    assert said.splitlines()[:3] == [
        "Environment  local",
        f"Lake         {settings.lake_root}",
        f"Dashboard    http://localhost:{port} (in a few seconds; Ctrl+C stops it)",
    ]
    assert dashboard.returncode in (0, -signal.SIGTERM)


def health(port: int) -> str:
    """What the dashboard says of itself, as soon as it says anything."""
    until = time.monotonic() + SECONDS
    while True:
        try:
            with urllib.request.urlopen(f"http://{HOST}:{port}/_stcore/health", timeout=5) as answer:
                return answer.read().decode()
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)
