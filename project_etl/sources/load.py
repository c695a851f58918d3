"""Loading Bronze: files become rows of text, once, and a replaced file's old rows go.

Belongs here: running the reader on Spark's executors, judging files as a whole, and the commit. Does not belong here:
deciding what to load (`load_plan.py`), reading formats (`records.py`), types and rules of records (`silver/`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from project_etl.core.lake import Append, Commit, ReplaceWhere
from project_etl.core.names import RESCUED
from project_etl.core.records import MALFORMED_PATH
from project_etl.core.report import Report
from project_etl.core.sql_text import sql_list
from project_etl.core.staged import Staged, note_of, staging
from project_etl.sources.bronze_report import Found, bronze_report, dropped
from project_etl.sources.executor import PROBLEM, groups_of, reader
from project_etl.sources.file_register import FILE_HAS_RECORDS, FILE_UNIQUE, FileEntry, update
from project_etl.sources.landing_store import LandingFile
from project_etl.sources.load_plan import BronzeJob, BronzePlan, make_plan
from project_etl.sources.unreadable import FILE_ACCESSIBLE

TASKS_PER_CORE = 2


def stage_bronze(job: BronzeJob) -> Staged:
    """Read the asked days' new files; without any, no Spark session is started."""
    table = job.dataset.bronze
    description = f"Text of {job.dataset.source}/{job.dataset.name} files, as received."
    job.lake.create(table, job.dataset.schema, partition_by="_landing_date", description=description)
    lake = job.lake.pinned([table])
    job = replace(job, lake=lake)
    plan = make_plan(job)
    if not plan.has_work:
        report = bronze_report(job, plan, {})
        update(lake, _copies(job, plan), plan.settled)
        return Staged(table, report, lake)
    files: dict[str, list[str]] = {}
    for file in sorted(plan.load):
        files.setdefault(file.day, []).append(file.path)
    with staging(lake) as kept:
        rows = kept.enter_context(lake.keep(_read(job, plan)))
        found = _found(rows)
        report = bronze_report(job, plan, found)
        return Staged(
            table,
            report,
            lake,
            commit=lambda: _commit(job, plan, rows, found, report),
            files=files,
            kept=kept.pop_all(),
        )


def _read(job: BronzeJob, plan: BronzePlan) -> DataFrame:
    assert job.lake.engine is not None
    spark = job.lake.engine.session()
    cores = int(spark.conf.get("spark.default.parallelism", "8") or "8")
    groups = groups_of(plan.load, cores * TASKS_PER_CORE)
    read = reader(job.landing_root, tuple(job.dataset.columns), groups, job.run.started_at)
    schema = T.StructType([*job.dataset.schema.fields, T.StructField(PROBLEM, T.StringType())])
    return spark.range(0, len(groups), 1, numPartitions=max(len(groups), 1)).mapInArrow(read, schema)


def _found(rows: DataFrame) -> dict[str, Found]:
    is_record = F.col("_row_number") > 0
    malformed = F.get_json_object(RESCUED, MALFORMED_PATH)
    is_malformed = is_record & malformed.isNotNull()
    is_rescued = is_record & F.col(RESCUED).isNotNull() & malformed.isNull()
    found = (
        rows.groupBy(F.col("_source_file").alias("path"), F.col("_landing_date").cast("string").alias("day"))
        .agg(
            F.count_if(is_record).alias("records"),
            F.count_if(is_malformed).alias("malformed"),
            F.any_value(F.when(is_malformed, malformed), F.lit(True)).alias("malformed_sample"),
            F.count_if(is_rescued).alias("rescued"),
            F.any_value(F.when(is_rescued, F.col(RESCUED)), F.lit(True)).alias("rescued_sample"),
            F.max(PROBLEM).alias("problem"),
        )
        .collect()
    )
    files = [Found(**{**row.asDict(), "problem": json.loads(row["problem"] or "null")}) for row in found]
    return {file.path: file for file in sorted(files, key=lambda file: file.path)}


def _commit(job: BronzeJob, plan: BronzePlan, rows: DataFrame, found: Mapping[str, Found], report: Report) -> Commit:
    # The register never knows less than it must: entries come before the rows and go after them, should the run die in
    # between. The next one reads the same files, and drops what is left over.
    update(job.lake, [*_copies(job, plan), *_unloaded(job, plan, found)], ())
    commit = _write(job, plan, rows, found, report)
    bad = _bad(found)
    update(job.lake, (), [path for path in plan.settled if path not in bad])
    return commit


def _write(job: BronzeJob, plan: BronzePlan, rows: DataFrame, found: Mapping[str, Found], report: Report) -> Commit:
    lake, table, bad = job.lake, job.dataset.bronze, _bad(found)
    columns = job.dataset.schema.fieldNames()
    good = rows.where(F.col("_row_number") > 0).select(*columns)
    if bad:
        good = good.where(~F.col("_source_file").isin(bad))
    drop = dropped(plan, found)
    note = note_of(job.run, table, report, days=dict.fromkeys(job.days, ""))
    if not drop and not plan.rename:
        return lake.commit(table, Append(), good, note)
    for old, (new, _) in plan.rename.items():
        held = lake.read(table).where(F.col("_source_file") == old).withColumn("_source_file", F.lit(new))
        good = good.unionByName(held.select(*columns))
    paths = {
        *drop,
        *(file.path for file in plan.load if file.path not in bad),
        *(new for new, _ in plan.rename.values()),
    }
    days = {path.split("/")[2] for path in paths}
    where = f"_landing_date IN ({sql_list(days)}) AND _source_file IN ({sql_list(paths)})"
    return lake.commit(table, ReplaceWhere(where), good, note)


def _bad(found: Mapping[str, Found]) -> list[str]:
    return [path for path, file in found.items() if file.problem is not None]


def _copies(job: BronzeJob, plan: BronzePlan) -> list[FileEntry]:
    copies = [
        _entry(job, file, version, FILE_UNIQUE, f"has the bytes of {holder}")
        for file, (version, holder) in plan.copies.items()
    ]
    # No version of their own: nobody has seen their bytes. Known bytes under the same name stay as they are.
    denied = [
        _entry(job, file, "unread", FILE_ACCESSIBLE, why)
        for file, why in plan.denied.items()
        if file not in plan.known_denied
    ]
    known_bad = [_entry(job, file, bad.version, bad.rule, bad.detail) for file, bad in plan.known_bad.items()]
    return [*copies, *denied, *known_bad]


def _unloaded(job: BronzeJob, plan: BronzePlan, found: Mapping[str, Found]) -> list[FileEntry]:
    """Entries of files that gave no rows; one that changed while it was read is simply taken next time."""
    result: list[FileEntry] = []
    for file, version in plan.load.items():
        what = found[file.path]
        if what.problem is not None and not what.is_unstable:
            result.append(_entry(job, file, version, what.problem["rule"], what.problem["detail"]))
        elif what.problem is None and not what.records:
            result.append(_entry(job, file, version, FILE_HAS_RECORDS, "has a header and no records"))
    return result


def _entry(job: BronzeJob, file: LandingFile, version: str, rule: str, detail: str) -> FileEntry:
    now = job.run.started_at
    day = date.fromisoformat(file.day)
    return FileEntry(file.path, version, day, job.dataset.bronze, rule, detail, file.size, job.run.run_id, now, now)
