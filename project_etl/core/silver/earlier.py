"""What was found before of a landing day that has gained files, as far as it still holds.

Belongs here: taking off what the note of the day's last commit says whatever is found anew, because a record is looked
at again or a parent has arrived. Does not belong here: counting what is judged now (`stage.py`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from pyspark.sql import functions as F

from project_etl.core.contracts import Action
from project_etl.core.contracts.judge import SAMPLES, placed
from project_etl.core.contracts.report import Report, RuleResult
from project_etl.core.model.table import Reference
from project_etl.core.silver import quarantine
from project_etl.core.silver.frames import without_parent
from project_etl.core.silver.plan import SilverJob, SilverPlan, remembered_report
from project_etl.core.silver.rules import NEWER_QUARANTINED


def earlier_report(job: SilverJob, plan: SilverPlan) -> Report:
    """Counts and verdicts of days that have gained files, of the records that are not judged again.

    Records in quarantine are judged again, and counted there. Of all others, what the note says goes on.
    """
    report = remembered_report(job, plan.journal, plan.grown)
    if job.table.sister:
        # It has no quarantine of its own, and judges no record again.
        return report
    held = quarantine.verdicts(job.lake, job.quarantine, plan.grown)
    number, broken = Counter(day for day, _ in held), Counter((day, rule) for day, rules in held for rule in rules)
    references = {ref.rule: ref for ref in job.table.references}

    def of_others(rule: RuleResult) -> RuleResult:
        if rule.action is Action.QUARANTINE or rule.name == NEWER_QUARANTINED:
            return replace(rule, by_day={}, samples=())
        less = {day: count - broken[day, rule.name] for day, count in rule.by_day.items()}
        rule = replace(rule, by_day={day: count for day, count in less.items() if count > 0})
        if rule.broken and rule.name in references:
            return _still_missing(job, references[rule.name], rule)
        return rule if rule.broken else replace(rule, samples=())

    days = {day: _without_held(counts, number[day]) for day, counts in report.days.items()}
    return replace(report, days=days, rules=tuple(map(of_others, report.rules)))


def _without_held(counts: Mapping[str, int], held: int) -> dict[str, int]:
    """The counts of a day without its records in quarantine.

    Where the note counted more of them, the others have been released since. Where it counted fewer, some have come in.
    Among which others these are or were counted, nobody has noted: among the accepted, as far as these go.
    """
    found = {**counts, "read": counts["read"] - held, "quarantined": 0}
    left = counts["quarantined"] - held
    for what in ("accepted", "superseded", "deduplicated"):
        found[what] = max(counts[what] + left, 0)
        left = min(counts[what] + left, 0)
    return found


def _still_missing(job: SilverJob, ref: Reference, rule: RuleResult) -> RuleResult:
    """What was found of parents that only warn, less those that have arrived since: none is added."""
    said = (ref.column, *ref.within)
    first = F.min(F.struct("_source_file", "_row_number", *said))
    rows = without_parent(job, ref, rule.by_day).groupBy("_landing_date").agg(F.count(F.lit(1)), first).collect()
    # A row may stand for several records, and one that was released since was never counted.
    by_day = {str(day): min(count, rule.by_day[str(day)]) for day, count, _ in rows}
    samples = sorted(placed(row, {name: row[name] for name in said}, job.table.schema) for _, _, row in rows)
    return replace(rule, by_day=by_day, samples=tuple(samples[:SAMPLES]))
