"""How far a Silver plan reaches beyond the asked days: further days to judge, and rows whose parent has changed.

Belongs here: what only the rows of Bronze and of the parents can tell. Does not belong here: what the logs tell without
Spark (`silver_plan.py`), judging (`silver_frames.py`).
"""

from __future__ import annotations

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import Column
from pyspark.sql import functions as F

from project_etl.core.records import of_days
from project_etl.core.silver_plan import SilverJob, SilverPlan, days_of_other_files
from project_etl.core.table import Reference


def reach(job: SilverJob, plan: SilverPlan) -> tuple[SilverPlan, list[Column]]:
    """Find what a plan reaches.

    Returns:
        The plan with the further days to judge; and, by reference, whether the parent of a row has vanished or changed,
        empty when none has.
    """
    # Column expressions need a session, and building them may be the first thing a process does.
    job.lake.session()
    plan, orphaned = _with_shared_days(job, plan), _orphaned(job, plan)
    # When all of Bronze is judged, so is what such days say now.
    if (plan.changed_days or orphaned) and (days := days_of_other_files(job, plan)):
        plan = _with_shared_days(job, plan.judging_again(job, days))
    return plan, orphaned


def _with_shared_days(job: SilverJob, plan: SilverPlan) -> SilverPlan:
    """Judge days anew that share with the batch what a mapping needs all together, such as the lines of an invoice."""
    shared: set[str] = set()
    for feed in job.feeds:
        if feed.gather is None or not plan.batch_days:
            continue
        held = {*job.lake.partition_rows(feed.bronze, "_landing_date")} - {*plan.batch_days}
        judged_before = [day for day in held if plan.memory.fingerprint(day) is not None]
        if judged_before:
            rows = job.lake.read(feed.bronze).where(F.trim(feed.gather) != "")
            keys = rows.where(of_days(plan.batch_days)).select(feed.gather)
            both = rows.where(of_days(judged_before)).join(keys, on=feed.gather, how="left_semi")
            shared |= {str(day) for (day,) in both.select("_landing_date").distinct().collect()}
    return plan.judging_again(job, shared)


def _orphaned(job: SilverJob, plan: SilverPlan) -> list[Column]:
    """By reference, whether the parent of a row has vanished or changed; empty when none has."""
    parents = plan.memory.last.get("parents", {})
    changed = {ref.column: _changed_parents(job, ref, parents[ref.table]) for ref in plan.carried}
    return [
        F.expr("true") if keys is None else F.col(column).isin(keys) for column, keys in changed.items() if keys != []
    ]


def _changed_parents(job: SilverJob, ref: Reference, since: int) -> list[str] | None:
    """Parent keys that vanished or whose carried columns changed after version `since`; None when any may have.

    Commits that only added rows cannot change what is carried, which the log says without reading a row.
    """
    commits = [commit for commit in job.lake.commits(ref.table) if commit.version > since]
    touched = ("numTargetRowsUpdated", "numTargetRowsDeleted")
    if not any(int(commit.metrics.get(name, 0)) for commit in commits for name in touched):
        return []
    try:
        feed = job.lake.changes(ref.table, since)
        carried = F.struct(F.col(ref.parent_key), *ref.carry)
        before = feed.where(F.col("_change_type").isin("delete", "update_preimage")).select(carried.alias("was"))
        now = job.lake.read(ref.table).select(carried.alias("was"))
        gone = before.distinct().join(now, on="was", how="left_anti").select(f"was.{ref.parent_key}").distinct()
        return [row[0] for row in gone.collect()]
    except (PySparkException, Py4JJavaError):
        # VACUUM takes old change feeds along. Should it have been anything else, judging all says so.
        return None
