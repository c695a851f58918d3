"""How far a Silver plan reaches beyond the asked days: further days to judge, and rows whose parent has changed.

Belongs here: what only the rows of Bronze and of the parents can tell. Does not belong here: what the logs tell without
Spark (`plan.py`), judging (`frames.py`).
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import functions as F

from project_etl.core.arrow import ArrowTable
from project_etl.core.lake import LakeError, TableState
from project_etl.core.lake.log import after_purge
from project_etl.core.lake.state import BEFORE_IMAGES
from project_etl.core.model.records import of_days
from project_etl.core.model.table import Reference
from project_etl.core.silver import deletions
from project_etl.core.silver.frames import Keys
from project_etl.core.silver.plan import SilverJob, SilverPlan, days_in_bronze, days_of_other_files, unjudged_days
from project_etl.core.transforms.text import Kind, clean

# Operations whose change feed has an image of each row that they changed or removed.
FOLLOWED = ("WRITE", "MERGE", "DELETE", "UPDATE")


def reach(job: SilverJob, plan: SilverPlan) -> tuple[SilverPlan, list[Keys]]:
    """Find what a plan reaches.

    Returns:
        The plan with the further days to judge; and the parents that have vanished or changed, by reference.
    """
    plan, orphaned = _with_shared_days(job, plan), _orphaned(job, plan)
    if orphaned:
        plan = plan.judging_again(job, plan.grown)
    # When all of Bronze is judged, so is what such days say now.
    if (plan.changed_days or orphaned) and (days := days_of_other_files(job, plan)):
        plan = _with_shared_days(job, plan.judging_again(job, days))
    if deletions.have_vanished(job, plan):
        # Any key may be there again.
        plan = plan.judging_again(job, days_in_bronze(job).difference(unjudged_days(job, plan)))
    return plan, orphaned


def _with_shared_days(job: SilverJob, plan: SilverPlan) -> SilverPlan:
    """Judge days anew that share with the batch what a mapping needs all together, such as the lines of an invoice."""
    shared: set[str] = set()
    for feed in job.feeds:
        if feed.gather is None or not plan.batch_days:
            continue
        held = {*job.lake.state(feed.bronze).partition_rows("_landing_date")} - {*plan.batch_days}
        judged_before = sorted(held & plan.journal.units.keys())
        if judged_before:
            rows = job.lake.read(feed.bronze).withColumn(feed.gather, clean(F.col(feed.gather), Kind.KEY))
            rows = rows.dropna(subset=[feed.gather])
            keys = rows.where(of_days(plan.batch_days)).select(feed.gather)
            both = rows.where(of_days(judged_before)).join(keys, on=feed.gather, how="left_semi")
            shared |= {str(day) for (day,) in both.select("_landing_date").distinct().collect()}
    return plan.judging_again(job, shared)


def _orphaned(job: SilverJob, plan: SilverPlan) -> list[Keys]:
    """By reference, the parents that have vanished or changed; empty when none has."""
    parents = plan.parents_before
    found: list[Keys] = []
    for ref in plan.carried:
        is_same = (plan.journal.last_note("parent_ids") or {}).get(ref.table) == plan.parent_ids.get(ref.table)
        keys = changed_parents(job.lake.state(ref.table), ref, parents[ref.table]) if is_same else None
        if keys is None:
            found.append(Keys((ref.column,), None))
        elif keys:
            values = pa.table({ref.column: pa.array(sorted(keys), pa.string())})
            found.append(Keys((ref.column,), job.lake.frame(values)))
    return found


def changed_parents(parent: TableState, ref: Reference, since: int) -> set[str] | None:
    """Parent keys that vanished or whose carried columns changed after version `since`; None when any may have.

    Commits that prove to have only added rows cannot change what is carried, which the log tells without its rows. What
    anybody else did to the table may have, and so may commits that the log has forgotten.
    """
    since = after_purge(since, parent.commits_since(since))
    commits = parent.commits_since(since)
    if len(commits) != parent.version - since:
        return None
    changing = [commit for commit in commits if commit.may_change_stored_rows]
    if not changing:
        return set()
    if any(commit.operation not in FOLLOWED for commit in changing):
        return None
    try:
        feed = parent.changes(since)
    except LakeError:
        # VACUUM takes old change feeds along.
        return None
    columns = [ref.parent_key, *ref.carry]
    was = feed.filter(pc.field("_change_type").isin(sorted(BEFORE_IMAGES))).select(columns)
    keys = set(was[ref.parent_key].to_pylist())
    now = parent.rows(columns, among=(ref.parent_key, keys))
    return {key for key, *_ in _distinct(was) - _distinct(now)}


def _distinct(rows: ArrowTable) -> set[tuple[Any, ...]]:
    return set(zip(*(column.to_pylist() for column in rows.columns), strict=True))
