"""The command line itself: options reach commands, faults of people give one message and exit code 2."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner

from project_etl.cli import main
from project_etl.commands.shared.errors import UserError, shown_to_people
from project_etl.commands.shared.options import DAYS, Days
from project_etl.settings import SettingsError
from project_etl_tests.commands.given import bad_record, dagster_home_in, lake_in, put_in_quarantine, settings_in


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    settings_in(tmp_path)
    monkeypatch.setenv("PROJECT_ETL_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("DAGSTER_HOME", dagster_home_in(tmp_path))
    return tmp_path


def call(*arguments: str):
    return CliRunner().invoke(main, arguments)


def test_a_command_that_is_nearly_right_is_told():
    said = call("staus")
    assert said.exit_code == 2
    assert "There is no command 'staus'; did you mean status?" in said.output
    assert "There is no command 'x'; there is " in call("x").output


def test_help_names_the_commands_and_imports_nothing_slow():
    code = (
        "import sys\n"
        "from project_etl.cli import main\n"
        "main(['--help'], standalone_mode=False)\n"
        "print(sorted({'dagster', 'pyspark', 'pandera', 'deltalake', 'rich'} & set(sys.modules)))\n"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.endswith("[]\n")
    for name in ("demo", "generate", "doctor", "quarantine", "gate"):
        assert f"  {name} " in said


@pytest.mark.parametrize(
    "command",
    [
        ["demo"],
        ["generate"],
        ["contracts"],
        ["doctor"],
        ["gate"],
        ["run"],
        ["quarantine", "list"],
        ["quarantine", "show"],
        ["quarantine", "replay"],
    ],
)
def test_every_command_has_help(command):
    assert call(*command, "--help").exit_code == 0


@pytest.mark.usefixtures("project")
def test_a_wrong_setting_is_one_message_without_a_stack_trace(monkeypatch):
    monkeypatch.setenv("PROJECT_ETL_REPORTING_CURRENCY", "Euro")
    result = call("quarantine", "list")
    assert result.exit_code == 2
    assert "Error: reporting_currency is 'Euro'" in result.output
    assert "Traceback" not in result.output


@pytest.mark.usefixtures("project")
def test_an_environment_that_is_not_there_names_those_that_are():
    result = call("--env", "nowhere", "gate")
    assert result.exit_code == 2
    assert "has no nowhere.yaml; there: local" in result.output


@pytest.mark.usefixtures("project")
def test_a_day_that_does_not_exist_is_refused():
    result = call("quarantine", "list", "--day", "2025-02-30")
    assert result.exit_code == 2
    assert "'2025-02-30' is not a date as YYYY-MM-DD" in result.output


@pytest.mark.usefixtures("project")
def test_no_run_exits_2():
    result = call("gate")
    assert result.exit_code == 2
    assert "knows of no run at all" in result.output


def test_quarantine_is_listed_and_shown(project):
    put_in_quarantine(lake_in(settings_in(project)), {"orders": [bad_record(1, ["status_isin"])]})
    listed = call("quarantine", "list", "--table", "orders", "--rule", "status_isin", "--day", "2025-01-01")
    assert listed.exit_code == 0
    assert "status_isin" in listed.output
    shown = call("quarantine", "show", "orders", "--limit", "1")
    assert "shop/orders/2025-01-01/orders.csv:1" in shown.output


def test_generate_writes_where_it_is_told(tmp_path):
    out = tmp_path / "landing"
    assert call("generate", "--days", "1", "--scale", "0.005", "--out", str(out)).exit_code == 0
    assert (out / "shop" / "orders" / "2025-01-01").is_dir()
    again = call("generate", "--days", "1", "--scale", "0.005", "--out", str(out))
    assert again.exit_code == 2
    assert "--overwrite" in again.output


@pytest.mark.usefixtures("project")
def test_doctor_exits_1_when_something_fails(monkeypatch):
    monkeypatch.setenv("PROJECT_ETL_SOURCES", "nothing")
    assert call("doctor").exit_code == 1


def test_a_demo_stays_on_this_machine(project):
    (project / "config" / "demo.yaml").write_text("lake_root: s3a://bucket/lake\n")
    result = call("demo")
    assert result.exit_code == 2
    assert "lake_root is s3a://bucket/lake" in result.output


def test_a_demo_does_not_reach_into_the_future(project):
    (project / "config" / "demo.yaml").write_text("start_date: 2025-01-01\n")
    result = call("demo", "--days", "3000")
    assert result.exit_code == 2
    assert "yet to come" in result.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["2024-12-31"], "2024-12-31 is before start_date, 2025-01-01"),
        (["..2999-01-01"], "2999-01-01 is after the last day"),
        (["2025-01-03..01"], "2025-01-03 is after 2025-01-01"),
        ([".."], "expected a day on at least one side"),
        (["2025-01-01..32"], "'2025-01-32' is not a date"),
        (["2025-01-01", "--select", "daily_aov"], "There is no table 'daily_aov'; did you mean gold/daily_aov?"),
        (["2025-01-01", "--select", "gold/*,silver/order"], "no table 'silver/order'; did you mean silver/orders?"),
    ],
)
@pytest.mark.usefixtures("project")
def test_a_run_of_days_or_tables_that_there_are_not_is_refused(arguments, said):
    result = call("run", "--days", *arguments)
    assert result.exit_code == 2
    assert said in result.output


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("2025-01-02", Days(date(2025, 1, 2), date(2025, 1, 2))),
        ("2025-01-02..05", Days(date(2025, 1, 2), date(2025, 1, 5))),
        ("2025-01-02..02-05", Days(date(2025, 1, 2), date(2025, 2, 5))),
        ("2025-01-02..", Days(date(2025, 1, 2), None)),
        ("..2025-01-02", Days(None, date(2025, 1, 2))),
    ],
)
def test_days_are_one_or_the_first_and_the_last(text, days):
    assert DAYS.convert(text, None, None) == days


def test_errors_for_people_become_messages_and_others_stay():
    with pytest.raises(UserError, match="wrong"), shown_to_people():
        raise SettingsError("wrong")
    with pytest.raises(ZeroDivisionError), shown_to_people():
        raise ZeroDivisionError
