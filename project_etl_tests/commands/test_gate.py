"""`project-etl gate` over real runs in a real Dagster instance."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from xml.etree import ElementTree as ET

import dagster as dg
import pytest

from project_etl.commands.gate import reports as gate_reports
from project_etl.commands.gate import run as gate
from project_etl.commands.gate.verdict import Check, Verdict
from project_etl.commands.shared.environment import dagster_instance
from project_etl.commands.shared.errors import UserError
from project_etl.commands.shared.runs import materialize
from project_etl_tests.commands.given import dagster_home_in, paper, settings_in, text_of
from project_etl_tests.commands.small_shop import asset_with_check, definitions

DAY = date(2025, 1, 1), date(2025, 1, 1)


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DAGSTER_HOME", dagster_home_in(tmp_path))
    return settings_in(tmp_path)


def run_of(settings, *assets: dg.AssetsDefinition) -> str:
    with dagster_instance(settings) as instance:
        return materialize(definitions(*assets), instance, DAY, command="test").run_id


def test_a_run_in_order_passes(settings):
    run_of(settings, asset_with_check("silver/orders"))
    console = paper()
    assert gate.run(console, settings)
    assert "1 passed, 0 warned, 0 failed, 0 not run" in text_of(console)
    assert text_of(console).endswith("Data checks: passed\n")


def test_what_quarantine_keeps_out_is_counted_once_and_told_to_programs(settings):
    run_of(settings, asset_with_check("silver/orders", action="quarantine"), asset_with_check("silver/orders_history"))
    console, for_programs = paper(), paper()
    assert gate.run(console, settings)
    assert gate.run(for_programs, settings, as_json=True)
    assert "2 passed (1 records kept out), 0 warned" in text_of(console)
    told = json.loads(text_of(for_programs))
    assert (told["is_passed"], told["kept_out"], told["counts"]["passed"]) == (True, 1, 2)
    assert told["checks"][0] == {
        "table": "silver/orders",
        "name": "rule",
        "verdict": "passed",
        "action": "quarantine",
        "broken": 0,
        "description": "0 broke a | rule",
    }


def test_a_broken_warning_is_shown_and_passes(settings, tmp_path):
    run_of(settings, asset_with_check("silver/orders", action="quarantine", broken=1234))
    console, junit = paper(), tmp_path / "out" / "junit.xml"
    assert gate.run(console, settings, junit=junit)
    assert "WARNED  silver/orders: 1,234 broke a | rule (rule)\n" in text_of(console)
    (case,) = ET.parse(junit).findall("testsuite[@name='silver/orders']/testcase")
    assert (case.findtext("system-out") or "") == "warning: 1,234 broke a | rule (rule)"
    assert case.find("failure") is None


def test_a_broken_fail_rule_stops(settings, tmp_path):
    run_of(
        settings,
        asset_with_check("silver/orders", action="fail", broken=3),
        asset_with_check("gold/daily_aov", deps=("silver/orders",)),
    )
    console, junit, markdown = paper(), tmp_path / "junit.xml", tmp_path / "summary.md"
    assert not gate.run(console, settings, junit=junit, markdown=markdown)
    said = text_of(console)
    # Once: what failed the table names the rules.
    assert [line for line in said.splitlines() if "silver/orders" in line] == [
        "FAILED  silver/orders: nothing was published"
    ]
    assert "NOT RUN gold/daily_aov: rule" in said
    root = ET.parse(junit).getroot()
    suites = {suite.get("name"): suite for suite in root}
    assert suites["silver/orders"].get("failures") == "1"
    assert suites["gold/daily_aov"].get("skipped") == "1"
    assert suites["run"].get("failures") == "2"
    text = markdown.read_text()
    assert text.startswith("## Data checks: failed\n")
    assert "**silver/orders** failed: nothing was published" in text


def test_a_failed_step_stops_even_when_no_check_was_broken(settings):
    run_of(settings, asset_with_check("silver/orders", error=RuntimeError("disk full")))
    console = paper()
    assert not gate.run(console, settings)
    assert "FAILED  silver/orders: RuntimeError: disk full" in text_of(console)


def test_the_last_run_counts_and_another_can_be_named(settings):
    bad = run_of(settings, asset_with_check("silver/orders", action="fail", broken=3))
    run_of(settings, asset_with_check("silver/orders"))
    assert gate.run(paper(), settings)
    assert not gate.run(paper(), settings, run_id=bad)


def test_no_run_says_where_it_looked(settings, tmp_path):
    with pytest.raises(UserError, match=r"knows of no run at all.*DAGSTER_HOME") as error:
        gate.run(paper(), settings)
    assert error.value.exit_code == 2
    assert str(tmp_path / "home") in str(error.value)
    with pytest.raises(UserError, match="no run 'abc'"):
        gate.run(paper(), settings, run_id="abc")


def test_a_run_that_has_not_ended_has_no_verdict(settings):
    with dagster_instance(settings) as instance:
        job = definitions(asset_with_check("silver/orders")).resolve_implicit_global_asset_job_def()
        run = instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED)
    with pytest.raises(UserError, match=f"Run {run.run_id} is STARTED; wait"):
        gate.run(paper(), settings)


def test_reports_hold_what_records_may_say():
    nasty = 'a\x00b <c> & "d" | *e*'
    verdict = Verdict("r", "FAILURE", (Check("silver/a", "rule", "failed", "fail", 1, nasty),), {"silver/b": nasty})
    root = ET.fromstring(gate_reports.junit(verdict))
    assert 'a�b <c> & "d" | *e*' in next(root.iter("failure")).attrib["message"]
    row = next(line for line in gate_reports.markdown(verdict).splitlines() if line.startswith("| failed"))
    assert r"\<c\> & " in row
    assert r"\| \*e\*" in row
