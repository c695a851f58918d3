"""Silver: stage what the asked days bring to a table, count it, and commit it.

Belongs here: the order of commits that makes a crash harmless, and the report. Does not belong here: how rows are
judged and ranked (`silver_frames.py`), whether there is work (`silver_plan.py`), Dagster.

A crash between two commits is healed by the next run: quarantine receives rows before Silver's commit, which alone says
that a day was judged, and loses rows only after it.
"""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from project_etl.core import quarantine
from project_etl.core.delta_log import Commit
from project_etl.core.judge import masked_json, rule_counts, rule_results
from project_etl.core.records import RECORD
from project_etl.core.report import SILVER_COUNTS, Report
from project_etl.core.silver_frames import of_days, scored, silver_schema
from project_etl.core.silver_plan import SilverJob, SilverPlan, make_plan, remembered_report
from project_etl.core.sql_text import sql_list
from project_etl.core.staged import Staged, note_of

# More partitions than this in a condition cost more to plan than they save.
MAX_PARTITIONS = 400
OPS = ("insert", "update", "delete")


def stage_silver(job: SilverJob) -> Staged:
    """Judge what the asked days bring to a Silver table.

    Returns:
        The judged rows, or, when nothing changed since they were last judged, the report of that time.
    """
    table, lake = job.table, job.lake
    lake.create(
        table.name,
        silver_schema(table),
        partition_by=table.partition_by,
        description=table.description,
        properties={"delta.enableChangeDataFeed": "true"},
    )
    plan = make_plan(job)
    if not plan.has_work:
        return Staged(table.name, remembered_report(job, plan.memory), None, lake.version(table.name))
    rows = scored(job, plan).persist()
    counted = _count(job, rows)
    report = _report(job, plan, counted)
    return Staged(
        table.name,
        report,
        commit=lambda: _commit(job, plan, rows, counted, report),
        discard=lake.release,
    )


def _count(job: SilverJob, rows: DataFrame) -> list[Row]:
    """One row per landing day: counts by status, rule and effect, samples, and the partitions that lose rows."""
    sample = F.concat_ws(
        " ",
        F.concat_ws(":", "_source_file", "_row_number"),
        masked_json(job.table.schema, job.columns, f"{RECORD}.text"),
    )
    partition = job.table.partition_by
    lost = (
        F.when(F.col("_op").isin("update", "delete"), F.col(f"_was.{partition}").cast("string"))
        if partition
        else F.lit(None)
    )
    preview = F.when(F.col("_status") == "published", masked_json(job.table.schema, job.table.schema.fieldNames()))
    outside = ~F.col("_in_batch") & ~F.col("_stored")
    return (
        rows.groupBy("_landing_date")
        .agg(
            F.count_if("_in_batch").alias("read"),
            *[
                F.count_if((F.col("_status") == status) & F.col("_in_batch")).alias(status)
                for status in SILVER_COUNTS[1:]
            ],
            *[F.count_if(F.col("_op") == op).alias(op) for op in OPS],
            F.count_if(F.col("_status") == "quarantined").alias("rejects"),
            F.count_if(outside & (F.col("_status") == "published")).alias("released"),
            F.collect_set(lost.cast("string")).alias("lost"),
            F.count_if(F.col("_op").isin("update", "delete") & lost.isNull()).alias("lost_nowhere"),
            F.any_value(preview, F.lit(True)).alias("preview"),
            *rule_counts(job.rules, sample, F.col("_in_batch")),
        )
        .orderBy("_landing_date")
        .collect()
    )


def _report(job: SilverJob, plan: SilverPlan, counted: Sequence[Row]) -> Report:
    days = [(str(row["_landing_date"]), row) for row in counted if row["read"]]
    fresh = Report(
        days={day: {count: row[count] for count in SILVER_COUNTS} for day, row in days},
        rules=rule_results(job.rules, days),
        totals={name: sum(row[name] for row in counted) for name in (*OPS, "released")},
    )
    # Asked days that were not judged now are reported as they were when they were judged.
    settled = [day for day in job.days if day not in plan.batch_days and day in plan.memory.days]
    return fresh.joined(plan.memory.report(settled, fresh)) if settled else fresh


def _commit(job: SilverJob, plan: SilverPlan, rows: DataFrame, counted: Sequence[Row], report: Report) -> Commit:
    lake, name = job.lake, quarantine.name_of(job.table.name)
    rejected = rows.where(F.col("_status") == "quarantined")
    if reject_days := [str(row["_landing_date"]) for row in counted if row["rejects"]]:
        waiting = [ref.rule for ref in job.table.references]
        bad = quarantine.rows_of(rejected, waiting, job.version, job.run)
        quarantine.put(lake, name, bad, reject_days, note_of(job.run, job.table.name, Report()))
    leaving = _leaving(job, plan, rows, rejected)
    batch = f"{job.run.run_id}/{lake.version(job.table.name)}"
    note = note_of(
        job.run,
        job.table.name,
        report,
        days={day: plan.fingerprints[day] for day in plan.batch_days},
        parents=plan.parents,
        reads={feed.bronze: lake.version(feed.bronze) for feed in job.feeds} | dict(plan.parents),
        tidies=batch if leaving is not None else None,
    )
    commit = _write(job, rows, counted, note)
    if leaving is not None:
        quarantine.remove(lake, name, leaving, {"table": job.table.name, "run_id": job.run.run_id, "tidied": batch})
    return commit


def _write(job: SilverJob, rows: DataFrame, counted: Sequence[Row], note: dict[str, object]) -> Commit:
    lake, table = job.lake, job.table
    columns = silver_schema(table).fieldNames()
    effect = {op: sum(row[op] for row in counted) for op in OPS}
    if not effect["update"] and not effect["delete"]:
        # Nothing stored changes: an append is a third of the work of a MERGE. An empty one still remembers the days.
        new = rows.where(F.col("_op") == "insert").select(*columns)
        return lake.append(table.name, _by_partition(new, table.partition_by), note)
    partitions = sorted({value for row in counted for value in row["lost"]})
    is_pruned = (
        table.partition_by and len(partitions) <= MAX_PARTITIONS and not any(row["lost_nowhere"] for row in counted)
    )
    return lake.merge(
        table.name,
        rows.where(F.col("_op").isNotNull()).select(*columns, "_op"),
        on=table.keys,
        columns=columns,
        note=note,
        within=f"t.`{table.partition_by}` IN ({sql_list(partitions)})" if is_pruned else None,
    )


def _by_partition(rows: DataFrame, column: str | None) -> DataFrame:
    """Bring the rows of a partition together, so that each partition gets one file and not one per task."""
    return rows.repartition(column) if column else rows


def _leaving(job: SilverJob, plan: SilverPlan, rows: DataFrame, rejected: DataFrame) -> DataFrame | None:
    """Quarantined records that are valid now, or that their file no longer says; None when there are none."""
    name = quarantine.name_of(job.table.name)
    if not (plan.waiting or plan.changed_days or plan.carried) or not job.lake.exists(name):
        return None
    keys: list[str] = [*quarantine.KEYS]
    held = job.lake.read(name).select(*keys, "_landing_date")
    valid = rows.where(F.col("_valid") & ~F.col("_stored")).select(*keys)
    released = held.join(valid, on=keys, how="left_semi").select(*keys)
    unsaid = held.where(of_days(plan.changed_days)).join(rejected.select(*keys), on=keys, how="left_anti").select(*keys)
    leaving = released.union(unsaid).distinct().persist()
    # Counted in full: what it is computed from changes before it is used.
    return leaving if leaving.count() else None
