"""What a run's checks found, read from Dagster's memory.

Does not belong here: how it is shown (`gate_reports.py`), which run it is and where files go (`gate.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import dagster as dg

from project_etl.orchestration.failures import failure_text, table_of_step
from project_etl.orchestration.metadata import counts_of

FAIL, QUARANTINE = "fail", "quarantine"
PASSED_RUN = dg.DagsterRunStatus.SUCCESS.value


@dataclass(frozen=True)
class Check:
    """One check of one table, as the run found it.

    Attributes:
        table: `layer/name`.
        name: the rule.
        verdict: `passed`, `warned`, `failed`, or `not run` when the run ended before it.
        action: what breaking the rule does (`warn`, `quarantine`, `fail`); empty when the check does not say.
        broken: records that broke it; None when the check does not count.
        description: what was found, in words; where somebody has to act, with the rule and the days that it forbids.
    """

    table: str
    name: str
    verdict: str
    action: str = ""
    broken: int | None = None
    description: str = ""


@dataclass(frozen=True)
class Verdict:
    """What a run found.

    Attributes:
        run_id: Dagster's id of the run; empty for checks that were made without one.
        status: how the run ended, as Dagster calls it.
        checks: every planned check, by table and name.
        failures: table → why its step failed.
        kept_out: records that quarantine rules kept out of the landing days that the run looked at.
    """

    run_id: str
    status: str
    checks: tuple[Check, ...]
    failures: Mapping[str, str]
    kept_out: int = 0

    @property
    def is_passed(self) -> bool:
        """Whether CI may go on."""
        return self.status == PASSED_RUN and not self.failures and not self.having("failed")

    def having(self, verdict: str) -> list[Check]:
        """The checks with a verdict."""
        return [check for check in self.checks if check.verdict == verdict]


def verdict_of(instance: dg.DagsterInstance, found: dg.DagsterRun) -> Verdict:
    """Read a run's checks from its events; of a check that was evaluated twice (a retried step) the last one counts."""
    happened = dg.DagsterEventType
    checks: dict[tuple[str, str], Check] = {}
    failures: dict[str, str] = {}
    quarantined: dict[str, int] = {}
    kinds = {
        happened.ASSET_CHECK_EVALUATION_PLANNED,
        happened.ASSET_CHECK_EVALUATION,
        happened.STEP_FAILURE,
        happened.HANDLED_OUTPUT,
    }
    for event in _events(instance, found.run_id, kinds):
        if event.event_type is happened.STEP_FAILURE:
            failures[table_of_step(event.step_key or "")] = failure_text(event)
        elif event.event_type is happened.HANDLED_OUTPUT:
            # Of all days together. A record that breaks two rules is one record here.
            metadata = getattr(event.event_specific_data, "metadata", {})
            if "quarantined" in metadata:
                quarantined[table_of_step(event.step_key or "")] = metadata["quarantined"].value
        elif event.event_type is happened.ASSET_CHECK_EVALUATION:
            check = _check(event.asset_check_evaluation_data)
            checks[check.table, check.name] = check
        else:
            planned = event.asset_check_planned_data
            table = "/".join(planned.asset_key.path)
            checks.setdefault((table, planned.check_name), Check(table, planned.check_name, "not run"))
    ordered = tuple(check for _, check in sorted(checks.items()))
    # A history counts the records that its sister reports, and has no such check.
    reporting = {check.table for check in ordered if check.action == QUARANTINE}
    kept_out = sum(number for table, number in quarantined.items() if table in reporting)
    return Verdict(found.run_id, found.status.value, ordered, failures, kept_out)


def _check(evaluation: dg.AssetCheckEvaluation) -> Check:
    counts: Mapping[str, Any] = counts_of(evaluation)
    action, broken = counts.get("action", ""), counts.get("broken")
    stops = evaluation.severity is dg.AssetCheckSeverity.ERROR or action == FAIL
    return Check(
        table="/".join(evaluation.asset_key.path),
        name=evaluation.check_name,
        verdict="passed" if evaluation.passed else "failed" if stops else "warned",
        action=str(action),
        broken=broken if isinstance(broken, int) else None,
        description=evaluation.description or "",
    )


def _events(instance: dg.DagsterInstance, run_id: str, kinds: set[dg.DagsterEventType]) -> Iterable[dg.DagsterEvent]:
    entries = instance.all_logs(run_id, of_type=kinds)
    return [entry.dagster_event for entry in entries if entry.dagster_event is not None]
