"""Loading Bronze: files become rows of text, once, and a replaced file's old rows go.

Belongs here: running the reader on Spark's executors, judging files as a whole, and the commit. Does not belong here:
deciding what to load (`load_plan.py`), reading formats (`records.py`), types and rules of records (`silver/`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F
from pyspark.sql import types as T

from project_etl.core.contract import Action
from project_etl.core.delta_log import Commit
from project_etl.core.names import RESCUED
from project_etl.core.records import MALFORMED_PATH
from project_etl.core.report import Report, RuleResult
from project_etl.core.sql_text import sql_list
from project_etl.core.staged import Staged, note_of, remember
from project_etl.sources.executor import PROBLEM, groups_of, reader
from project_etl.sources.file_register import FILE_HAS_RECORDS, FILE_UNIQUE, FileEntry, update
from project_etl.sources.landing_store import LandingFile
from project_etl.sources.load_plan import BronzeJob, BronzePlan, make_plan
from project_etl.sources.unreadable import FILE_ACCESSIBLE, FILE_STABLE

TASKS_PER_CORE = 2

# What people see as Bronze's checks: nothing here keeps a record out, Silver does.
RULES = {
    "files_readable": "every file can be read as a whole",
    "files_unique": "no file is a copy of another file of its landing day",
    "files_settled": "no file changed while it was loaded",
    "files_recognized": "everything in landing has a name and place that is read",
    "records_well_formed": "every record can be parsed",
    "columns_known": "no record has a column that is not declared",
}


def bronze_rules() -> tuple[RuleResult, ...]:
    """Every rule of a Bronze table, as unbroken."""
    return tuple(RuleResult(name, Action.WARN, description, version="1") for name, description in RULES.items())


def stage_bronze(job: BronzeJob) -> Staged:
    """Read the asked days' new files; without any, no Spark session is started."""
    lake, table = job.lake, job.dataset.bronze
    description = f"Text of {job.dataset.source}/{job.dataset.name} files, as received."
    lake.create(table, job.dataset.schema, partition_by="_landing_date", description=description)
    plan = make_plan(job)
    if not plan.has_work:
        update(lake, _copies(job, plan), plan.settled)
        report = _report(job, plan, {})
        known = remember(lake, table).report(job.days, report)
        return Staged(table, report.joined(known), None, lake.version(table))
    rows = _read(job, plan).persist()
    found = {row["_source_file"]: row for row in sorted(_found(rows), key=lambda row: row["_source_file"])}
    report = _report(job, plan, found)
    files: dict[str, list[str]] = {}
    for file in sorted(plan.load):
        files.setdefault(file.day, []).append(file.path)
    return Staged(
        table,
        report,
        commit=lambda: _commit(job, plan, rows, found, report),
        discard=lake.release,
        files=files,
    )


def _read(job: BronzeJob, plan: BronzePlan) -> DataFrame:
    spark = job.lake.session()
    cores = int(spark.conf.get("spark.default.parallelism", "8") or "8")
    groups = groups_of(plan.load, cores * TASKS_PER_CORE)
    read = reader(job.landing_root, tuple(job.dataset.columns), groups, job.run.started_at)
    schema = T.StructType([*job.dataset.schema.fields, T.StructField(PROBLEM, T.StringType())])
    return spark.range(0, len(groups), 1, numPartitions=max(len(groups), 1)).mapInArrow(read, schema)


def _found(rows: DataFrame) -> list[Row]:
    is_record = F.col("_row_number") > 0
    is_malformed = F.get_json_object(RESCUED, MALFORMED_PATH).isNotNull()
    is_rescued = is_record & F.col(RESCUED).isNotNull()
    return (
        rows.groupBy("_source_file", F.col("_landing_date").cast("string").alias("day"))
        .agg(
            F.count_if(is_record).alias("records"),
            F.count_if(is_rescued & is_malformed).alias("malformed"),
            F.count_if(is_rescued & ~is_malformed).alias("rescued"),
            F.max(PROBLEM).alias("problem"),
            F.any_value(F.when(is_rescued & ~is_malformed, F.col(RESCUED)), F.lit(True)).alias("rescued_sample"),
            F.any_value(
                F.when(is_rescued & is_malformed, F.get_json_object(RESCUED, MALFORMED_PATH)), F.lit(True)
            ).alias("malformed_sample"),
        )
        .collect()
    )


def _report(job: BronzeJob, plan: BronzePlan, found: Mapping[str, Row]) -> Report:
    broken: dict[str, dict[str, int]] = {name: {} for name in RULES}
    samples: dict[str, list[str]] = {name: [] for name in RULES}
    days: dict[str, dict[str, int]] = {}

    def count(rule: str, day: str, number: int, sample: str) -> None:
        if number:
            broken[rule][day] = broken[rule].get(day, 0) + number
            samples[rule].append(sample)

    for path, row in found.items():
        problem = json.loads(row["problem"]) if row["problem"] else None
        counts = days.setdefault(row["day"], {"files": 0, "read": 0, "published": 0})
        rule = "files_settled" if problem and problem["rule"] == FILE_STABLE else "files_readable"
        count(
            rule,
            row["day"],
            int(problem is not None),
            f"{path}: {problem['rule']}: {problem['detail']}" if problem else "",
        )
        if problem is None:
            counts["files"] += 1
            counts["read"] += row["records"]
            counts["published"] += row["records"]
            count("records_well_formed", row["day"], row["malformed"], f"{path}: {row['malformed_sample']}")
            count("columns_known", row["day"], row["rescued"], f"{path}: {row['rescued_sample']}")
    for file, (_, holder) in plan.copies.items():
        count("files_unique", file.day, 1, f"{file.path} has the bytes of {holder}")
    for file, bad in plan.known_bad.items():
        count("files_readable", file.day, 1, f"{file.path}: {bad.rule}: {bad.detail}")
    for file, why in plan.denied.items():
        count("files_readable", file.day, 1, f"{file.path}: {FILE_ACCESSIBLE}: {why}")
    for file in plan.unsettled:
        count("files_settled", file.day, 1, f"{file.path} was still changing; it is taken next time")
    for item in plan.unrecognized:
        count(
            "files_recognized",
            item.path.split("/")[2] if item.path.count("/") > 1 else job.days[0],
            1,
            f"{item.path}: {item.reason}",
        )
    rules = tuple(
        RuleResult(
            rule.name,
            rule.action,
            rule.description,
            rule.version,
            None,
            broken[rule.name],
            tuple(samples[rule.name][:5]),
        )
        for rule in bronze_rules()
    )
    return Report(days=days, rules=rules, totals={"files_dropped": len(plan.drop)})


def _commit(job: BronzeJob, plan: BronzePlan, rows: DataFrame, found: Mapping[str, Row], report: Report) -> Commit:
    lake, table = job.lake, job.dataset.bronze
    bad = {path: json.loads(row["problem"]) for path, row in found.items() if row["problem"]}
    # The register first: should the run die in between, the files are read again and judged the same.
    update(
        lake,
        [*_copies(job, plan), *_unloaded(job, plan, found, bad)],
        [path for path in plan.settled if path not in bad],
    )
    columns = job.dataset.schema.fieldNames()
    good = rows.where(F.col("_row_number") > 0).select(*columns)
    if bad:
        good = good.where(~F.col("_source_file").isin(list(bad)))
    # What changed or vanished while it was read is taken next time; until then its old rows stand.
    unstable = {path for path, problem in bad.items() if problem["rule"] == FILE_STABLE}
    drop = set(plan.drop) - unstable
    note = note_of(job.run, table, report, days=dict.fromkeys(job.days, ""))
    if not drop and not plan.rename:
        has_rows = any(row["records"] for path, row in found.items() if path not in bad)
        return lake.append(table, good, note) if has_rows else lake.commits(table)[0]
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
    return lake.replace(table, good, where, note)


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


def _unloaded(
    job: BronzeJob, plan: BronzePlan, found: Mapping[str, Row], bad: Mapping[str, Mapping[str, str]]
) -> list[FileEntry]:
    """Entries of files that gave no rows; one that changed while it was read is simply taken next time."""
    result: list[FileEntry] = []
    for file, version in plan.load.items():
        if file.path in bad and bad[file.path]["rule"] != FILE_STABLE:
            result.append(_entry(job, file, version, bad[file.path]["rule"], bad[file.path]["detail"]))
        elif file.path not in bad and not found[file.path]["records"]:
            result.append(_entry(job, file, version, FILE_HAS_RECORDS, "has a header and no records"))
    return result


def _entry(job: BronzeJob, file: LandingFile, version: str, rule: str, detail: str) -> FileEntry:
    now = job.run.started_at
    day = date.fromisoformat(file.day)
    return FileEntry(file.path, version, day, job.dataset.bronze, rule, detail, file.size, job.run.run_id, now, now)
