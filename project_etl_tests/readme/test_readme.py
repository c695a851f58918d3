"""The README is true: its commands are run in their order, its table is added, and its targets are those CI runs.

The commands run in a copy of what they use, so that they write nothing into the repository. Belongs here: what the
README says. Does not belong here: what the commands do in detail (`commands/`, `orchestration/`).
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

import deltalake
import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
COPIED = ("project_etl", "config", "data/landing", "dagster.yaml", "workspace.yaml", "jars.txt")
LINKED = (".venv", ".jars", ".java_home")
# A day of the sample that has orders.
DAY = "2025-01-02"
START_SECONDS = 180

pytestmark = pytest.mark.timeout(1800)


def blocks(language: str) -> list[str]:
    """The README's blocks of code in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def commands(block: str) -> list[str]:
    """A block's commands without what explains them."""
    return [line.split("  #")[0].strip() for line in block.splitlines() if line.strip()]


def run(folder: Path, *lines: str) -> str:
    """Run lines as a person types them into a new shell, and stop at the first that fails."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PROJECT_ETL_", "DAGSTER_"))}
    script = "\n".join(["set -euxo pipefail", *lines])
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=folder,
        # The copy's code comes before the installed one's.
        env=env | {"PYTHONPATH": str(folder)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        pytest.fail(
            f"exit code {done.returncode}, expected 0; the last words, with the command:\n{done.stdout[-5000:]}"
        )
    return done.stdout


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone's files without its `.git`, with the set-up done."""
    folder = tmp_path_factory.mktemp("clone")
    for name in COPIED:
        source, target = REPOSITORY / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, target)
    for name in LINKED:
        (folder / name).symlink_to(REPOSITORY / name)
    return folder


@pytest.fixture(scope="module")
def used(copy: Path) -> str:
    """What the commands of "Use" print, all in one shell."""
    (block,) = (each for each in blocks("bash") if "dagster asset materialize" in each)
    return run(copy, *commands(block))


def test_the_commands_of_use_do_what_stands_beside_them(copy: Path, used: str) -> None:
    assert used.count("RUN_SUCCESS") == 2
    assert "<testsuites" in (copy / "checks.xml").read_text()
    assert "silver/orders" in (copy / "checks.md").read_text()
    assert list((copy / "my_landing").rglob("orders*"))
    assert deltalake.DeltaTable(copy / "data/lake/gold/daily_aov").to_pyarrow_table().num_rows == 3


def test_a_table_of_your_own_is_one_module(copy: Path, used: str) -> None:
    assert used
    (code,) = blocks("python")
    (name,) = re.findall(r"Save it as `(project_etl/gold/\w+\.py)`", README)
    (copy / name).write_text(code)
    table = f"gold/{Path(name).stem}"
    materialize = f"dagster asset materialize -m project_etl.definitions --select {table} --partition {DAY}"
    run(copy, "export DAGSTER_HOME=$PWD PATH=$PWD/.venv/bin:$PATH", materialize)
    (row,) = deltalake.DeltaTable(copy / "data/lake" / table).to_pyarrow_table().to_pylist()
    facts = deltalake.DeltaTable(copy / "data/lake/gold/fact_orders").to_pyarrow_table().to_pylist()
    assert row["order_date"].isoformat() == DAY
    assert row["units"] == sum(each["units"] for each in facts if str(each["order_date"]) == DAY and each["is_revenue"])


def test_ci_runs_every_target_that_the_readme_names() -> None:
    ci = set(re.findall(r"^make (\w+)$", (REPOSITORY / ".ci" / "run").read_text(), re.MULTILINE))
    # `make check` runs the tests of `make test`; `make dev` does not end by itself, and is started below.
    elsewhere = {"test", "dev", "help"}
    named = set(re.findall(r"`?make (\w+)", "".join([*blocks("bash"), *re.findall(r"`make \w+`", README)])))
    assert named - elsewhere - ci == set()


def test_make_dev_shows_the_assets() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        ["make", "dev", f"ARGS=-h 127.0.0.1 -p {port}"],
        cwd=REPOSITORY,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        groups = [node["groupName"] for node in asset_nodes(f"http://127.0.0.1:{port}/graphql")]
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(timeout=60)
    assert set(groups) == {"bronze", "silver", "gold"}


def asset_nodes(url: str) -> list[dict[str, str]]:
    """Ask the webserver, as soon as it answers, for its assets."""
    query = json.dumps({"query": "{ assetNodes { groupName } }"}).encode()
    request = urllib.request.Request(url, query, {"Content-Type": "application/json"})
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.load(answer)["data"]["assetNodes"]
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(1)
