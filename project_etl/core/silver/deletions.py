"""Where deletions are: records that say that something is gone. They are versions like any other.

Nothing stored stands for one that has won. So a batch must be compared with the deletions of earlier batches, and when
a file that held some says something else by now, nobody knows any more which keys it named. Belongs here: what Bronze
and the journal tell of both, without an engine. Does not belong here: rules (`rules.py`), who wins (`rank.py`).
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow.compute as pc

from project_etl.core.bronze import file_table
from project_etl.core.lake.state import on_days
from project_etl.core.model.names import DELETED
from project_etl.core.silver.plan import SilverJob, SilverPlan, unjudged_days
from project_etl.core.transforms.casts import FALSE

# What says that nothing is gone, in small letters.
NOT_GONE = ("", "nan", "null", "0.0", *FALSE)


def days_beside(job: SilverJob, plan: SilverPlan) -> set[str]:
    """The landing days that may hold deletions that were judged before."""
    states = [job.lake.state(feed.bronze) for feed in job.feeds if feed.may_delete]
    days = {day for state in states for day in state.partitions_with("_landing_date", DELETED, but=NOT_GONE)}
    return days.difference(plan.whole_days, unjudged_days(job, plan))


def files_with(job: SilverJob, days: Sequence[str]) -> list[list[str]]:
    """Path and version of the files of some days that may hold deletions."""
    spelled = {form for word in NOT_GONE for form in (word, word.upper(), word.title())}
    is_gone = pc.field(DELETED).is_valid() & ~pc.field(DELETED).isin(sorted(spelled))
    found: set[tuple[str, str]] = set()
    for feed in job.feeds:
        state = job.lake.state(feed.bronze)
        if days and feed.may_delete and DELETED in state.arrow_schema.names:
            rows = state.rows(["_source_file", "_source_version"], on_days("_landing_date", days) & is_gone)
            found |= set(zip(*(column.to_pylist() for column in rows.columns), strict=True))
    return sorted(map(list, found))


def have_vanished(job: SilverJob, plan: SilverPlan) -> bool:
    """Whether a file that held deletions when its day was judged says something else now, or nothing.

    Which keys it named nobody knows any more.
    """
    # A note tells of all days of its commit; one of them may have been judged again since.
    notes = {day: plan.journal.note(day).get("deletions", ()) for day in plan.changed_days}
    told = {(path, version) for day, noted in notes.items() for path, version in noted if f"/{day}/" in path}
    if not told:
        return False
    rows = file_table.files(job.lake, [feed.bronze for feed in job.feeds], plan.changed_days).values()
    return not told <= {(row.path, row.version) for row in rows if row.status is file_table.Status.LOADED}
