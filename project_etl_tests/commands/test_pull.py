"""`project-etl pull` and what `doctor` says of pulled sources."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from project_etl.cli import main
from project_etl.commands.doctor.machine import Level
from project_etl.commands.doctor.sources import sources
from project_etl_tests.commands.given import dagster_home_in, settings_in
from project_etl_tests.core.extract.given import FileShop

WITHOUT = "[customers, events, fx_rates, order_items, products, refunds, reviews]"


@pytest.fixture(autouse=True)
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FileShop:
    found = FileShop(tmp_path)
    settings_in(tmp_path, config(tmp_path))
    monkeypatch.setenv("PROJECT_ETL_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("DAGSTER_HOME", dagster_home_in(tmp_path))
    return found


def config(folder: Path, table: str = "orders") -> str:
    return (
        f"landing_root: landing\nlake_root: lake\nsources: [oltp]\npull:\n  oltp:\n    url: sqlite:///{folder}/shop.db\n"
        f"    lag_seconds: 0\n    without: {WITHOUT}\n    tables: {{orders: {{table: {table}}}}}\n"
    )


def call(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def test_pull_says_what_has_landed_and_what_comes_next(shop: FileShop) -> None:
    shop.add(1, 2)
    said = call("pull")
    assert said.exit_code == 0, said.output
    assert "✓ landing/oltp/orders              read         2  published         2" in said.output
    day = datetime.now(UTC).date().isoformat()
    assert f"{day} waits to be loaded. Next: " in said.output
    assert said.output.rstrip().endswith(f"run --days {day}")
    assert shop.ids() == [[1, 2]]
    shop.load()
    again = call("pull", "oltp", "--recount")
    assert "nothing new" in again.output
    assert "to be loaded" not in again.output


def test_a_source_that_cannot_be_pulled_ends_with_1_and_says_why(tmp_path: Path) -> None:
    settings_in(tmp_path, config(tmp_path, table="sales"))
    said = call("pull")
    assert said.exit_code == 1
    assert "landing/oltp/orders failed: oltp cannot be pulled: sqlite:///" in said.output


def test_a_source_that_is_not_pulled_is_told(tmp_path: Path) -> None:
    said = call("pull", "oltpp")
    assert said.exit_code == 2
    assert "There is no source 'oltpp' that is on and pulled; did you mean oltp?" in said.output
    settings_in(tmp_path, "sources: [shop]")
    said = call("pull")
    assert said.exit_code == 2
    assert "No source that is on is pulled: `sources` of the environment local is shop." in said.output


def test_doctor_looks_at_each_source(tmp_path: Path) -> None:
    (finding,) = sources(settings_in(tmp_path, config(tmp_path)))
    assert finding.level is Level.OK
    assert finding.found.endswith("shop.db has orders (5 columns)")
    (finding,) = sources(settings_in(tmp_path, config(tmp_path, table="sales")))
    assert finding.level is Level.FAIL
    assert "cannot be pulled: sqlite:///" in finding.found
    (finding,) = sources(settings_in(tmp_path, "sources: [oltp]"))
    assert finding.level is Level.FAIL
    assert "nothing says where it is pulled from" in finding.found
    assert not list(sources(settings_in(tmp_path, "sources: [shop]")))
