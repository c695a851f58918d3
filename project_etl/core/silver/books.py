"""The books of a Silver table as it is now: what became of every record of some landing days.

Belongs here: judging again what was judged, and comparing; nothing is written. Does not belong here: the numbers of a
run, which its report keeps as they were then (`report.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

from project_etl.core.contracts.report import Report
from project_etl.core.model.staged import staging
from project_etl.core.silver.plan import SilverJob, days_in_bronze, make_plan
from project_etl.core.silver.stage import OPS, bytes_read, judge_batch


@dataclass(frozen=True)
class Books:
    """How a table stands.

    Attributes:
        table: the Silver table.
        report: counts of its records by landing day, as of now.
        rows_wrong: rows of the table that are not what its records say; 0 when all is right.
        quarantine_wrong: rows of quarantine of which the same is true.
        behind: landing days that wait to be judged, or to be judged again; their records are not in the report.
    """

    table: str
    report: Report
    rows_wrong: int
    quarantine_wrong: int
    behind: tuple[str, ...]

    def in_words(self) -> str:
        """What is wrong, and what to do."""
        return (
            f"{self.table} is not what its records say: {self.rows_wrong:,} rows differ, and {self.quarantine_wrong:,} "
            "in its quarantine. Somebody else has written them, or this is a fault of the platform. Remove the folders "
            "of the table and of its quarantine, and materialize the table for all days: no record is lost, for Bronze "
            "has them all."
        )

    @property
    def are_right(self) -> bool:
        """Whether the table and its quarantine hold what the judged records say."""
        return not (self.rows_wrong or self.quarantine_wrong)


def books_of(job: SilverJob, *, since: str = "") -> Books:
    """Judge landing days again and compare with what the table and its quarantine hold.

    Args:
        job: the table and its feeds; its days are not looked at.
        since: the first landing day (ISO) to look at; empty takes all.

    Returns:
        The books; empty ones of a table that was never computed. Where files were replaced, or parents have changed,
        since the table was judged, the next run changes rows: nothing is compared then.
    """
    needed = (job.table.name, *(feed.bronze for feed in job.feeds), *(ref.table for ref in job.table.references))
    if not all(map(job.lake.exists, needed)):
        return Books(job.table.name, Report(), 0, 0, ())
    known = days_in_bronze(job) | job.lake.journal(job.table.name).units.keys()
    job = replace(job, days=tuple(sorted(known))).pinned()
    plan = make_plan(job)
    if plan.changed_days or plan.grown or plan.has_other_parents:
        return Books(job.table.name, Report(), 0, 0, behind=plan.batch_days or job.days)
    behind = plan.new_days
    asked = sorted(day for day in known.difference(plan.new_days) if day >= since)
    if not asked:
        return Books(job.table.name, Report(), 0, 0, behind=behind)
    plan = replace(plan, new_days=()).judging_again(job, asked)
    job = replace(job, lake=job.lake.for_work(partial(bytes_read, job, plan)))
    with staging(job.lake) as kept:
        judged = judge_batch(job, plan, kept)
        wrong = sum(judged.counted.effect[op] for op in OPS)
        in_quarantine = judged.quarantine.rows.count() if judged.quarantine else 0
        return Books(job.table.name, judged.report.of_days(asked), wrong, in_quarantine, behind=behind)
