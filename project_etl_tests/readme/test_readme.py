"""The README is true: its commands are run in their order, its table is added, and its targets are those CI runs.

The commands run in a copy of what they use, so that they write nothing into the repository. Belongs here: what the
README says. Does not belong here: what the commands do in detail (`commands/`, `orchestration/`).
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

import deltalake
import pytest
import yaml

from project_etl.commands.shared.environment import dagster_home, settings_of
from project_etl_tests.commands.given import plain_environment
from project_etl_tests.webserver import ask, served

REPOSITORY = Path(__file__).resolve().parents[2]
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
COPIED = ("project_etl", "config", "data/landing", "dagster.yaml", "workspace.yaml", "jars.txt")
LINKED = (".venv", ".jars", ".java_home")
# A day of the sample that has orders.
DAY = "2025-01-02"
RUN_SECONDS = 600

pytestmark = pytest.mark.timeout(1800)


def blocks(language: str) -> list[str]:
    """The README's blocks of code in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def commands(block: str) -> list[str]:
    """A block's commands without what explains them."""
    return [line.split("  #")[0].strip() for line in block.splitlines() if line.strip()]


def environment(folder: Path) -> dict[str, str]:
    """The environment of a new shell in which a folder's code comes before the installed one's."""
    return plain_environment() | {"PYTHONPATH": str(folder)}


def run(folder: Path, *lines: str) -> str:
    """Run lines as a person types them into a new shell, and stop at the first that fails."""
    done = subprocess.run(
        ["bash", "-c", "\n".join(["set -euxo pipefail", *lines])],
        cwd=folder,
        env=environment(folder),
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
    for table in ("bronze/shop/orders", "silver/orders", "gold/daily_aov"):
        assert len(re.findall(rf" - {table}: .*\d (?:accepted|published).*version \d+", used)) == 2
    assert not re.findall(r"DEBUG|BetaWarning", used)
    assert 'name="silver/orders"' in (copy / "checks.xml").read_text()
    assert "Data checks: passed" in (copy / "checks.md").read_text()
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
    # `make check` runs the tests of `make test`, each target does the set-up. `make dev` (below) and `make dashboard`
    # (`make browser`) do not end.
    elsewhere = {"test", "setup", "dev", "dashboard", "help"}
    named = set(re.findall(r"`?make (\w+)", "".join([*blocks("bash"), *re.findall(r"`make \w+`", README)])))
    assert named - elsewhere - ci == set()


def test_make_dev_shows_the_assets() -> None:
    with served("make", "dev", "ARGS=-h 127.0.0.1 -p {port}", cwd=REPOSITORY, env=dict(os.environ)) as url:
        groups = {node["groupName"] for node in ask(url, "{ assetNodes { groupName } }")["assetNodes"]}
        base = yaml.safe_load(ask(url, "{ instance { info } }")["instance"]["info"])["local_artifact_storage"]
    assert groups == {"bronze", "silver", "gold", "quarantine"}
    demo = dagster_home(settings_of("demo"))
    assert base["config"]["base_dir"] == str(demo if demo.exists() else REPOSITORY)


def test_a_backfill_is_one_run_for_each_range_of_days(copy: Path, used: str) -> None:
    assert used
    env = environment(copy) | {"DAGSTER_HOME": str(copy)}
    dagster = str(REPOSITORY / ".venv" / "bin" / "dagster")
    with served(dagster, "dev", "-h", "127.0.0.1", "-p", "{port}", cwd=copy, env=env) as url:
        ask(url, "{ version }")
        assert backfill(url, "2025-01-01", "2025-01-02", "2025-01-03") == [("2025-01-01", "2025-01-03")]
        assert backfill(url, "2025-01-01", "2025-01-03") == [(day, day) for day in ("2025-01-01", "2025-01-03")]


def backfill(url: str, *days: str) -> list[tuple[str, str]]:
    """Backfill a chain of tables as the UI does, and give the first and last day of each run when all are done."""
    tables = [["bronze", "shop", "orders"], ["silver", "orders"], ["gold", "fact_orders"], ["gold", "daily_aov"]]
    wanted = {"assetSelection": [{"path": path} for path in tables], "partitionNames": days, "fromFailure": False}
    launched = ask(
        url,
        "mutation($wanted: LaunchBackfillParams!) { launchPartitionBackfill(backfillParams: $wanted) "
        "{ ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } } }",
        wanted=wanted,
    )["launchPartitionBackfill"]
    status = '{ partitionBackfillOrError(backfillId: "%s") { ... on PartitionBackfill { status } } }'
    deadline = time.monotonic() + RUN_SECONDS
    while (now := ask(url, status % launched["backfillId"])["partitionBackfillOrError"]["status"]) == "REQUESTED":
        assert time.monotonic() < deadline, "the backfill is still under way"
        time.sleep(1)
    assert now == "COMPLETED_SUCCESS"
    runs = ask(
        url,
        "query($of: RunsFilter) { runsOrError(filter: $of) { ... on Runs { results { tags { key value } } } } }",
        of={"tags": [{"key": "dagster/backfill", "value": launched["backfillId"]}]},
    )["runsOrError"]["results"]
    return sorted(days_of({tag["key"]: tag["value"] for tag in run["tags"]}) for run in runs)


def days_of(tags: Mapping[str, str]) -> tuple[str, str]:
    """First and last day of a run of one day or of a range."""
    if (day := tags.get("dagster/partition")) is not None:
        return day, day
    return tags["dagster/asset_partition_range_start"], tags["dagster/asset_partition_range_end"]
