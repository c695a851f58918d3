"""Silver: stage what the asked days bring to a table, count it, and commit it.

Belongs here: the order of commits that makes a crash harmless, and the report. Does not belong here: how rows are
judged and ranked (`silver_frames.py`), whether there is work (`silver_plan.py`), Dagster.

A crash between two commits is healed by the next run: quarantine receives rows before Silver's commit, which alone says
that a day was judged, and loses rows only after it.
"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from project_etl.core import quarantine
from project_etl.core.judge import BROKEN, grouped, rule_results, shown
from project_etl.core.lake import Append, Commit, Upsert
from project_etl.core.report import SILVER_COUNTS, Judgement, Report
from project_etl.core.silver_frames import as_received, scored, silver_schema
from project_etl.core.silver_plan import SilverJob, SilverPlan, make_plan, remembered_report, unsettled_days
from project_etl.core.silver_reach import reach
from project_etl.core.sql_text import is_day
from project_etl.core.staged import Staged, note_of, staging

OPS = ("insert", "update", "delete")


def stage_silver(job: SilverJob) -> Staged:
    """Judge what the asked days bring to a Silver table.

    Returns:
        The judged rows, or, when nothing changed since they were last judged, the report of that time.
    """
    table = job.table
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
        return Staged(table.name, remembered_report(job, plan.memory), lake)
    job = replace(job, lake=lake.for_work(partial(_bytes_read, job, plan)))
    with staging(job.lake) as kept:
        return _stage(job, plan, kept)


def _bytes_read(job: SilverJob, plan: SilverPlan) -> int:
    """Bytes of the files that judging reads: of the records, of the stored rows and of the parents."""
    records = [job.lake.state(feed.bronze) for feed in job.feeds]
    # What has changed is derived again from all of Bronze.
    is_all = plan.changed_days or plan.carried
    size = sum(state.size_bytes if is_all else state.size_on("_landing_date", plan.batch_days) for state in records)
    beside = {job.table.name, *(ref.table for ref in job.table.references)}
    return size + sum(job.lake.state(name).size_bytes for name in beside)


def _stage(job: SilverJob, plan: SilverPlan, kept: ExitStack) -> Staged:
    table, lake = job.table, job.lake
    plan, orphaned = reach(job, plan)
    rows = kept.enter_context(lake.keep(scored(job, plan, orphaned, kept)))
    counted = _count(job, rows)
    rejudged = _rejudged(job, plan, rows, kept)
    report, recounted = _with_earlier_days(job, plan, rejudged, counted.report)
    batch = f"{job.run.run_id}/{lake.version(table.name)}"
    note = note_of(
        job.run,
        table.name,
        report,
        days={day: plan.fingerprints[day] for day in plan.batch_days},
        recounted={day: plan.memory.fingerprint(day) for day in recounted},
        parents=plan.parents,
        reads={feed.bronze: lake.version(feed.bronze) for feed in job.feeds} | dict(plan.parents),
        batch=batch,
        tidies=batch if rejudged.leaving is not None else None,
        touched=counted.touched,
    )
    # Of further days that are judged along, those are shown that forbid publishing.
    shown = {*job.days, *report.failed_days.intersection(plan.batch_days)}
    commit = partial(_commit, job, rows, counted, rejudged.leaving, note)
    return Staged(table.name, report.of_days(shown), lake, commit, kept=kept.pop_all())


@dataclass(frozen=True)
class Counted:
    """What a scored frame holds.

    Attributes:
        report: counts and verdicts of the batch.
        effect: operation of `OPS` → rows.
        reject_days: landing days of rejected records.
        lost: business days that lose or change rows; None when the table has none, or a row is of no day.
        touched: those and the days that gain rows; None in the same cases.
    """

    report: Report
    effect: dict[str, int]
    reject_days: tuple[str, ...]
    lost: tuple[str, ...] | None
    touched: tuple[str, ...] | None


def _count(job: SilverJob, rows: DataFrame) -> Counted:
    """Count a scored frame in one query."""
    day_column, no_day = job.table.day_column, F.lit(None).cast("string")
    is_lost, is_gained = F.col("_op").isin("update", "delete"), F.col("_op").isin("update", "insert")
    lost = F.when(is_lost, F.col("_was_day")) if day_column else no_day
    gained = F.when(is_gained, F.col(day_column).cast("string")) if day_column else no_day
    landed = F.col("_landing_date").cast("string").alias("day")
    keys = [landed, *map(F.col, ("_in_batch", "_status", "_op")), lost.alias("lost"), gained.alias("gained")]

    def as_text(row: Row) -> str:
        return f"{row['_source_file']}:{row['_row_number']} {shown(row['_text'].asDict(), job.table.schema)}"

    groups = grouped(rows, keys, ("_source_file", "_row_number", "_text"), as_text)
    batch = [group for group in groups if group.keys["_in_batch"]]
    days: dict[str, dict[str, int]] = {}
    for group in batch:
        day = days.setdefault(group.keys["day"], dict.fromkeys(SILVER_COUNTS, 0))
        day["read"] += group.count
        day[group.keys["_status"]] += group.count
    effect = {op: sum(group.count for group in groups if group.keys["_op"] == op) for op in OPS}
    losing = {group.keys["lost"] for group in groups if group.keys["_op"] in ("update", "delete")}
    gaining = {group.keys["gained"] for group in groups if group.keys["_op"] in ("update", "insert")}
    rejected = {group.keys["day"] for group in groups if group.keys["_status"] == "quarantined"}
    return Counted(
        report=Report(dict(sorted(days.items())), rule_results(job.rules, batch, "day"), effect),
        effect=effect,
        reject_days=tuple(sorted(rejected)),
        lost=_named(losing) if day_column else None,
        touched=_named(losing | gaining) if day_column else None,
    )


def _named(days: Collection[str | None]) -> tuple[str, ...] | None:
    """Days in order; None when one is not known."""
    names = tuple(sorted(day for day in days if day is not None))
    return names if len(names) == len(days) else None


def _commit(
    job: SilverJob, rows: DataFrame, counted: Counted, leaving: DataFrame | None, note: dict[str, Any]
) -> Commit:
    lake, name = job.lake, quarantine.name_of(job.table.name)
    if counted.reject_days:
        rejected = rows.where(F.col("_status") == "quarantined")
        waiting = [ref.rule for ref in job.table.references]
        bad = quarantine.rows_of(
            rejected, as_received(job, counted.reject_days), job.columns, waiting, job.version, job.run
        )
        put = note_of(job.run, job.table.name, Report(), batch=note["batch"], rejects=counted.reject_days)
        quarantine.put(lake, name, bad, counted.reject_days, put)
    commit = _write(job, rows, counted, note)
    if leaving is not None:
        tidied = {"table": job.table.name, "run_id": job.run.run_id, "tidied": note["tidies"]}
        quarantine.remove(lake, name, leaving, tidied)
    return commit


def _write(job: SilverJob, rows: DataFrame, counted: Counted, note: dict[str, Any]) -> Commit:
    lake, table = job.lake, job.table
    columns = silver_schema(table).fieldNames()
    if not counted.effect["update"] and not counted.effect["delete"]:
        # Nothing stored changes: an append is less work than a MERGE. An empty one still remembers the days.
        new = rows.where(F.col("_op") == "insert").select(*columns)
        return lake.commit(table.name, Append(), new, note)
    within = is_day(table.day_column, counted.lost, of="t") if table.day_column and counted.lost else None
    changed = rows.where(F.col("_op").isNotNull()).select(*columns, "_op")
    return lake.commit(table.name, Upsert(tuple(table.keys), tuple(columns), within), changed, note)


@dataclass(frozen=True)
class Rejudged:
    """Records of which something else is true now than when their day was judged.

    Attributes:
        leaving: keys of those in quarantine that are valid now, or that their file no longer says; None for none.
        judgements: what became of those that their files still say.
    """

    leaving: DataFrame | None
    judgements: tuple[Judgement, ...]


def _rejudged(job: SilverJob, plan: SilverPlan, rows: DataFrame, kept: ExitStack) -> Rejudged:
    """Compare quarantine with the judgements of now."""
    lake, name, keys = job.lake, quarantine.name_of(job.table.name), [*quarantine.KEYS]
    # A run that died may have left rows of days that were never judged.
    has_reason = plan.waiting or plan.changed_days or plan.carried
    if not (has_reason or quarantine.holds(lake, name, plan.new_days)):
        return Rejudged(None, ())
    held = quarantine.rows_in(lake, name).select(*keys, F.col("_landing_date").alias("_held"), "rules")
    is_published = (F.col("_was_file") == F.col("_source_file")) & (F.col("_was_row") == F.col("_row_number"))
    is_published = F.coalesce(is_published, F.lit(False)).alias("_published")
    now = rows.where(~F.col("_stored"))
    now = now.select(*keys, "_landing_date", "_in_batch", "_valid", "_status", BROKEN, is_published)
    both = held.join(now, on=keys, how="full")
    is_held = F.col("_held").isNotNull()
    is_unsaid = F.col("_valid").isNull() & F.expr(is_day("_held", plan.batch_days))
    is_entering = ~is_held & ~F.col("_in_batch") & ~F.col("_valid")
    is_leaving = (is_held & F.coalesce("_valid", is_unsaid)).alias("_leaving")
    changed = both.where(is_leaving | is_entering | (is_held & (F.col("rules") != F.col(BROKEN))))
    changed = kept.enter_context(lake.keep(changed.select("*", is_leaving)))
    groups = changed.groupBy("_landing_date", "rules", "_published", BROKEN, "_status", "_leaving").count().collect()
    judgements = (
        Judgement(
            day=str(day),
            number=number,
            before=tuple(before or ()),
            after=tuple(after),
            was="quarantined" if before is not None else "published" if published else "superseded",
            status=status,
        )
        for day, before, published, after, status, _, number in groups
        if status
    )
    is_any_leaving = any(group["_leaving"] for group in groups)
    return Rejudged(changed.where("_leaving").select(*keys) if is_any_leaving else None, tuple(judgements))


def _with_earlier_days(job: SilverJob, plan: SilverPlan, rejudged: Rejudged, fresh: Report) -> tuple[Report, set[str]]:
    """The report with days that are not of the batch, and those of them that are counted anew.

    Asked days are reported as they were when they were judged, and so are the days of records that were judged again,
    but for what became of these.
    """
    memory, judgements = plan.memory, rejudged.judgements
    released = sum(judgement.number for judgement in judgements if judgement.is_released)
    again = {judgement.day for judgement in judgements}
    known = ({*job.days} | again) & memory.days.keys() - {*plan.batch_days}
    report = replace(fresh, totals={**fresh.totals, "released": released})
    report = report.joined(memory.report(sorted(known), report))
    # A run that died before it had tidied has counted them already.
    recounted = (again & known & report.days.keys()) - unsettled_days(job, memory, again)
    for judgement in judgements:
        if judgement.day in recounted:
            report = report.rejudged(judgement)
    return report, recounted
