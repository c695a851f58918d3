"""What was found before of a landing day that has gained files, as far as it still holds.

Belongs here: taking off what the note of the day's last commit says whatever is found anew, because a record is looked
at again or a parent has arrived. Does not belong here: counting what is judged now (`stage.py`).
"""

from __future__ import annotations

from collections import Counter
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
    """Counts and verdicts of days that have gained files, of the records that are not looked at again.

    Those in quarantine are looked at again, and all others are in the table, or have given way to one that is.
    """
    report = remembered_report(job, plan.journal, plan.grown)
    if job.table.sister:
        # What it keeps out is in the sister's quarantine, and stays there for both.
        return report
    held = quarantine.verdicts(job.lake, quarantine.name_of(job.table.name), plan.grown)
    number, broken = Counter(day for day, _ in held), Counter((day, rule) for day, rules in held for rule in rules)
    days = {
        day: {
            **counts,
            "read": counts["read"] - number[day],
            # With those that were released since.
            "accepted": counts["accepted"] + counts["quarantined"] - number[day],
            "quarantined": 0,
        }
        for day, counts in report.days.items()
    }
    references = {ref.rule: ref for ref in job.table.references}

    def of_others(rule: RuleResult) -> RuleResult:
        if rule.action is Action.QUARANTINE or rule.name == NEWER_QUARANTINED:
            return replace(rule, by_day={}, samples=())
        by_day = {day: count - broken[day, rule.name] for day, count in rule.by_day.items()}
        by_day = {day: count for day, count in by_day.items() if count > 0}
        if by_day and rule.name in references:
            return _still_missing(job, references[rule.name], replace(rule, by_day=by_day))
        return replace(rule, by_day=by_day, samples=rule.samples if by_day else ())

    return replace(report, days=days, rules=tuple(map(of_others, report.rules)))


def _still_missing(job: SilverJob, ref: Reference, rule: RuleResult) -> RuleResult:
    """What was found of parents that only warn, without those that have arrived since."""
    said = (ref.column, *ref.within)
    first = F.min(F.struct("_source_file", "_row_number", *said))
    rows = without_parent(job, ref, rule.by_day).groupBy("_landing_date").agg(F.count(F.lit(1)), first).collect()
    # Of records that say the same, one is a row.
    by_day = {str(day): min(count, rule.by_day[str(day)]) for day, count, _ in rows}
    samples = sorted(placed(row, {name: row[name] for name in said}, job.table.schema) for _, _, row in rows)
    return replace(rule, by_day=by_day, samples=tuple(samples[:SAMPLES]))
