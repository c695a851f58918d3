"""Silver: stage what the asked days bring to a table, count it, and commit it.

Belongs here: the order of commits that makes a crash harmless, and the report. Does not belong here: how rows are
judged and ranked (`frames.py`), whether there is work (`plan.py`), Dagster.

A crash between two commits is healed by the next run: Silver commits first, and its note says which days quarantine
still has to follow. A run that finds that quarantine did not follow judges these days again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from project_etl.core.contracts.judge import SAMPLES, Group, grouped, placed, rule_results
from project_etl.core.contracts.report import SILVER_COUNTS, Report, RuleResult, quality_score
from project_etl.core.contracts.sql_text import is_day
from project_etl.core.lake import Append, Commit, Remake, Upsert
from project_etl.core.lake.state import REMADE
from project_etl.core.model.staged import Staged, note_of, staging
from project_etl.core.model.table import Table
from project_etl.core.silver import deletions, quarantine
from project_etl.core.silver.earlier import earlier_report
from project_etl.core.silver.frames import as_received, of_batch, scored
from project_etl.core.silver.plan import (
    SilverJob,
    SilverPlan,
    judges_all,
    make_plan,
    remembered_report,
    silver_schema,
)
from project_etl.core.silver.rank import was_day
from project_etl.core.silver.reach import reach
from project_etl.core.silver.rules import NEWER_QUARANTINED, QUALITY, comparisons

OPS = ("insert", "update", "delete")


def stage_silver(job: SilverJob) -> Staged:
    """Judge what the asked days bring to a Silver table.

    Returns:
        The judged rows, or, when nothing changed since they were last judged, the report of that time.
    """
    table = job.table
    if not job.lake.misfit(table.name, silver_schema(table)):
        job.lake.create(
            table.name,
            silver_schema(table),
            partition_by=table.partition_by,
            description=table.description,
            statistics=(*table.statistics, "_landing_date"),
            properties={"delta.enableChangeDataFeed": "true"},
        )
    job = job.pinned()
    lake, plan = job.lake, make_plan(job)
    if not plan.has_work:
        return Staged(table.name, remembered_report(job, plan.journal, job.days), lake)
    job = replace(job, lake=lake.for_work(partial(bytes_read, job, plan)))
    with staging(job.lake) as kept:
        return _stage(job, plan, kept)


def bytes_read(job: SilverJob, plan: SilverPlan) -> int:
    """Bytes of what judging works on: records, those in quarantine, parents, and stored rows that are decided anew."""
    records = [job.lake.state(feed.bronze) for feed in job.feeds]
    beside = {ref.table for ref in job.table.references}
    if plan.changed_days or plan.carried:
        # What has changed is derived again from all of Bronze.
        size, beside = sum(state.size_bytes for state in records), beside | {job.table.name}
    else:
        # Of stored rows, few are decided anew here. Of the others, columns are looked through for keys.
        size = sum(state.size_on("_landing_date", plan.whole_days) for state in records)
        size += sum(file.size_bytes for files in plan.grown.values() for file in files)
        size += quarantine.size_on(job.lake, job.quarantine, plan.grown)
    return size + sum(job.lake.state(name).size_bytes for name in beside)


@dataclass(frozen=True)
class Judged:
    """What a batch comes to.

    Attributes:
        plan: what was judged, with the further days that it reached.
        rows: the scored frame, kept.
        counted: what that holds.
        quarantine: what changes there; None when it is right already.
    """

    plan: SilverPlan
    rows: DataFrame
    counted: Counted
    quarantine: quarantine.Changes | None

    @property
    def report(self) -> Report:
        """Counts and verdicts of the days of the batch."""
        released = self.quarantine.released if self.quarantine else 0
        report = self.counted.report
        return replace(report, totals={**report.totals, "released": released})


def judge_batch(job: SilverJob, plan: SilverPlan, kept: ExitStack) -> Judged:
    """Judge what a plan names; nothing becomes visible.

    Args:
        job: the materialization, pinned.
        plan: what it has to do.
        kept: frees what is kept.
    """
    plan, orphaned = reach(job, plan)
    rows = kept.enter_context(job.lake.keep(scored(job, plan, orphaned, kept)))
    counted = _count(job, rows, earlier_report(job, plan))
    return Judged(plan, rows, counted, _quarantine_changes(job, plan, rows, counted.reject_days, kept))


def _stage(job: SilverJob, plan: SilverPlan, kept: ExitStack) -> Staged:
    table, lake = job.table, job.lake
    judged = judge_batch(job, plan, kept)
    plan = judged.plan
    # Asked days that are not judged now are reported as they were when they were.
    report = judged.report.joined(remembered_report(job, plan.journal, {*job.days} - {*plan.batch_days}))
    batch, is_all = f"{job.run.run_id}/{lake.version(table.name)}", judges_all(job, plan)
    note = note_of(
        job.run,
        table.name,
        judged.report,
        days={day: plan.fingerprints[day] for day in plan.batch_days},
        parents=plan.parents,
        parent_ids=plan.parent_ids,
        reads={feed.bronze: lake.version(feed.bronze) for feed in job.feeds} | dict(plan.parents),
        quarantine={"batch": batch, "days": judged.quarantine.days} if judged.quarantine else None,
        is_all=is_all,
        rows=_rows_after(job, plan, judged.counted.effect, is_all=is_all),
        deletions=deletions.files_with(job, plan.batch_days),
        keys=table.keys,
        touched=None if plan.misfit else judged.counted.touched,
        **({REMADE: plan.misfit} if plan.misfit else {}),
    )
    # Of further days that are judged along, those are shown that forbid publishing.
    shown = {*job.days, *report.failed_days.intersection(plan.batch_days)}
    commit = partial(_commit, job, judged, note)
    return Staged(table.name, report.of_days(shown), lake, commit, kept=kept.pop_all(), remarks=_remarks(job, plan))


def _rows_after(job: SilverJob, plan: SilverPlan, effect: Mapping[str, int], *, is_all: bool) -> int:
    """How many rows the table should have after the commit; it goes on from what the last one said (`rows_kept`).

    Who judges everything knows what is there, whoever wrote it.
    """
    said = None if is_all else plan.journal.last_note("rows")
    before = job.lake.state(job.table.name).row_count if said is None else said
    return effect["insert"] if plan.misfit else before + effect["insert"] - effect["delete"]


def _remarks(job: SilverJob, plan: SilverPlan) -> tuple[str, ...]:
    if plan.misfit:
        return (
            f"All {len(plan.batch_days)} landing days of {job.table.name} are judged again, once, and its rows are "
            f"replaced in one commit: {plan.misfit}.",
        )
    if not plan.is_lost:
        return ()
    return (
        f"All {len(plan.batch_days)} landing days of {job.table.name} are judged again, once: its log and its journal "
        "no longer say which of them were. No row is lost.",
    )


@dataclass(frozen=True)
class Counted:
    """What a scored frame holds.

    Attributes:
        report: counts and verdicts of the days of the batch.
        effect: operation of `OPS` → rows.
        reject_days: landing days of rejected records.
        lost: business days that lose or change rows; None when the table has none, or a row is of no day.
        touched: those and the days that gain rows, by every day column; None when a row is of no day by one of them.
    """

    report: Report
    effect: dict[str, int]
    reject_days: tuple[str, ...]
    lost: tuple[str, ...] | None
    touched: tuple[str, ...] | None


def _count(job: SilverJob, rows: DataFrame, earlier: Report) -> Counted:
    """Count a scored frame in one query.

    Args:
        job: the materialization.
        rows: the scored frame.
        earlier: what was found before of days of which further files are judged.
    """
    is_lost, is_gained = F.col("_op").isin("update", "delete"), F.col("_op").isin("update", "insert")
    landed = F.col("_landing_date").cast("string").alias("day")
    keys = [
        landed,
        *map(F.col, ("_in_batch", "_status", "_op", "_is_newer")),
        *[F.when(is_lost, F.col(was_day(day))).alias(f"lost_{day}") for day in job.table.days],
        *[F.when(is_gained, F.col(day).cast("string")).alias(f"gained_{day}") for day in job.table.days],
    ]

    def as_text(row: Row) -> str:
        return placed(row, row["_text"].asDict(), job.table.schema)

    groups = grouped(rows, keys, ("_source_file", "_row_number", "_text"), as_text)
    batch = [group for group in groups if group.keys["_in_batch"]]
    days: dict[str, dict[str, int]] = {}
    for group in batch:
        day = days.setdefault(group.keys["day"], dict.fromkeys(SILVER_COUNTS, 0))
        day["read"] += group.count
        day[group.keys["_status"]] += group.count
    effect = {op: sum(group.count for group in groups if group.keys["_op"] == op) for op in OPS}
    losing = [group.keys for group in groups if group.keys["_op"] in ("update", "delete")]
    gaining = [group.keys for group in groups if group.keys["_op"] in ("update", "insert")]
    lost = {day: {keys[f"lost_{day}"] for keys in losing} for day in job.table.days}
    touched = {day: _named(lost[day] | {keys[f"gained_{day}"] for keys in gaining}) for day in job.table.days}
    rejected = {group.keys["day"] for group in groups if group.keys["_status"] == "quarantined"}
    told = Report(days, (*rule_results(job.rules, batch, "day"), *_newer(job.table, batch)), effect).joined(earlier)
    days_told = dict(sorted(told.days.items()))
    return Counted(
        report=replace(told, days=days_told, rules=(*told.rules, *_quality(job.table, days_told))),
        effect=effect,
        reject_days=tuple(sorted(rejected)),
        lost=_named(lost[job.table.day_column]) if job.table.day_column else None,
        touched=_in_notes(job.table, touched),
    )


def _newer(table: Table, batch: Sequence[Group]) -> list[RuleResult]:
    """The verdict on records that are newer than their row, where the table has it."""
    newer: dict[str, int] = {}
    samples: set[str] = set()
    for group in batch:
        if group.keys["_is_newer"]:
            newer[group.keys["day"]] = newer.get(group.keys["day"], 0) + group.count
            samples |= {group.sample} if group.sample else set()
    found = {"by_day": dict(sorted(newer.items())), "samples": tuple(sorted(samples)[:SAMPLES])}
    return [replace(check, **found) for check in comparisons(table) if check.name == NEWER_QUARANTINED]


def _quality(table: Table, days: Mapping[str, Mapping[str, int]]) -> list[RuleResult]:
    """The verdict on all records of each day, where the table has it."""
    scores = {day: quality_score(counts) for day, counts in days.items()}
    least = table.min_score or 0
    poor = {day: days[day]["quarantined"] for day, score in scores.items() if score is not None and score < least}
    return [replace(check, by_day=poor) for check in comparisons(table) if check.name == QUALITY]


def _named(days: Collection[str | None]) -> tuple[str, ...] | None:
    """Days in order; None when one is not known."""
    names = tuple(sorted(day for day in days if day is not None))
    return names if len(names) == len(days) else None


def _in_notes(table: Table, touched: Mapping[str, Sequence[str] | None]) -> tuple[str, ...] | None:
    """The days of each day column as the note of a commit has them; None when one is not known, or there are none."""
    if not touched or None in touched.values():
        return None
    return tuple(day for column, days in touched.items() for day in table.days_in_notes(column, days or ()))


def _quarantine_changes(
    job: SilverJob, plan: SilverPlan, rows: DataFrame, reject_days: Sequence[str], kept: ExitStack
) -> quarantine.Changes | None:
    """What the judgements of now mean for quarantine; None when it is right already, or a sister has it."""
    if job.table.sister:
        return None
    lake, name, keys = job.lake, job.quarantine, [*quarantine.KEYS]
    may_leave = bool(plan.waiting or plan.changed_days or plan.carried) or quarantine.holds(lake, name, plan.new_days)
    if not reject_days and not may_leave:
        return None
    waiting = [ref.rule for ref in job.table.references]
    received, rejected = as_received(job, plan, reject_days), rows.where(F.col("_status") == "quarantined")
    bad = quarantine.rows_of(rejected, received, job.columns, waiting, job.version, job.run)
    if not lake.exists(name) or not (may_leave or quarantine.holds(lake, name, reject_days)):
        return quarantine.Changes(bad, tuple(reject_days), are_new=True, released=0) if reject_days else None
    now = rows.where(~F.col("_stored")).select(*keys, "_valid")
    held = quarantine.rows_in(lake, name).join(now, on=keys, how="left")
    # A record of the batch that was not judged is one that its file no longer has.
    is_unsaid = F.col("_valid").isNull() & of_batch(plan)
    leaving = held.where(F.coalesce("_valid", is_unsaid)).withColumn("_valid", F.coalesce("_valid", F.lit(False)))
    return quarantine.changes_of(lake, name, bad, leaving, kept)


def _commit(job: SilverJob, judged: Judged, note: dict[str, Any]) -> Commit:
    if judged.quarantine is None:
        return _write(job, judged.rows, judged.counted, note)
    name = job.quarantine
    told = note_of(job.run, name, Report(), batch=note["quarantine"]["batch"])
    with job.lake.lock(name):
        commit = _write(job, judged.rows, judged.counted, note)
        quarantine.commit(job.lake, name, judged.quarantine, told)
    return commit


def _write(job: SilverJob, rows: DataFrame, counted: Counted, note: dict[str, Any]) -> Commit:
    lake, table = job.lake, job.table
    columns = silver_schema(table).fieldNames()
    if REMADE in note:
        rows = rows.where(F.col("_op") == "insert").select(*columns)
        return lake.commit(table.name, Remake(silver_schema(table)), rows, note)
    if not counted.effect["update"] and not counted.effect["delete"]:
        # Nothing stored changes: an append is less work than a MERGE. An empty one still remembers the days.
        new = rows.where(F.col("_op") == "insert").select(*columns)
        return lake.commit(table.name, Append(), new, note)
    within = is_day(table.day_column, counted.lost, of="t") if table.day_column and counted.lost else None
    changed = rows.where(F.col("_op").isNotNull()).select(*columns, "_op")
    return lake.commit(table.name, Upsert(tuple(table.keys), tuple(columns), within), changed, note)
