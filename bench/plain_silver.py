"""Silver of the plain script: records of the days → transform → rules → quarantine and MERGE.

Not here: Bronze and Gold (`plain.py`), and any table's meaning, which is taken from `project_etl.silver`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from delta.tables import DeltaTable
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from project_etl.core.contract import Action, Rule, broken_rules, contract_version
from project_etl.core.records import ARRIVAL_ORDER, LINEAGE_NAMES, RECORD, Feed, union_all
from project_etl.core.silver_plan import VALIDITY, silver_rules
from project_etl.core.steps import call
from project_etl.core.table import History, Merge, Table
from project_etl.sources.catalog import feeds_of, record_columns

if TYPE_CHECKING:
    from bench.plain import Job

PLACE = ["_source_file", "_row_number"]


def load(job: Job, table: Table) -> None:
    """Bring the job's days into a Silver table and its quarantine."""
    assert table.records is not None
    columns, feeds = record_columns(table.records), feeds_of(table.records, job.settings.sources)
    if not feeds:
        # No source fills it, and Gold reads it all the same.
        job.spark.createDataFrame([], table.schema).write.format("delta").mode("overwrite").save(job.path(table.name))
        return
    rules = silver_rules(table, columns, feeds)
    records = union_all([feed.records(_bronze_rows(job, table, feed), columns) for feed in feeds])
    rows = _judged(job, table, records, rules).persist()
    valid = rows.where(~_breaks(rules)).select(*_columns(table, rows))
    _quarantine(job, table, rows.where(_breaks(rules)), valid, rules)
    _write(job, table, valid, gathers=any(feed.gather for feed in feeds))
    _redate(job, table)
    rows.unpersist()


def _columns(table: Table, rows: DataFrame) -> list[str]:
    return [name for name in (*table.schema.fieldNames(), *LINEAGE_NAMES) if name in rows.columns]


# --- records ----------------------------------------------------------------------------------------------------------


def _bronze_rows(job: Job, table: Table, feed: Feed) -> DataFrame:
    """Bronze rows of the days, of records that still wait for a parent, and of groups that the days add to."""
    every = job.read(feed.bronze)
    rows = every.where(job.in_days("_landing_date"))
    held = _quarantine_name(table)
    if table.references and job.exists(held):
        waiting = job.read(held).where("is_waiting").where(~job.in_days("_landing_date")).select(*PLACE)
        rows = rows.unionByName(every.join(waiting, on=PLACE, how="left_semi"))
    if feed.gather is not None and job.exists(table.name):
        rows = every.join(rows.select(feed.gather).distinct(), on=feed.gather, how="left_semi")
    return rows


def _judged(job: Job, table: Table, records: DataFrame, rules: Sequence[Rule]) -> DataFrame:
    for ref in table.references:
        key = f"_key_of_{ref.rule}"
        parent = job.read(ref.table).select(F.col(ref.parent_key).alias(key), *ref.carry)
        records = records.join(parent, on=F.col(ref.column) == F.col(key), how="left")
    found = [F.col(f"_key_of_{ref.rule}").isNotNull().alias(ref.rule) for ref in table.references]
    if found:
        records = records.withColumn(RECORD, F.col(RECORD).withField("found", F.struct(*found)))
    rows = call(table, [records], job.parameters)
    is_malformed = F.col(f"{RECORD}.malformed").isNotNull()
    return (
        rows.withColumn("_text", F.col(f"{RECORD}.text"))
        .withColumn("_broken", F.when(is_malformed, F.array(F.lit("well_formed"))).otherwise(broken_rules(rules)))
        .select("*", *[F.col(f"{RECORD}.{name}").alias(name) for name in LINEAGE_NAMES])
    )


def _breaks(rules: Sequence[Rule]) -> Column:
    return F.arrays_overlap("_broken", F.array(*[F.lit(rule.name) for rule in rules if rule.action is not Action.WARN]))


# --- quarantine -------------------------------------------------------------------------------------------------------


def _quarantine_name(table: Table) -> str:
    return f"quarantine/{table.short_name}"


def _quarantine(job: Job, table: Table, rejected: DataFrame, valid: DataFrame, rules: Sequence[Rule]) -> None:
    """Keep rejected records with all they said, and let go of those whose parent has arrived."""
    name = _quarantine_name(table)
    lacks_parent = F.arrays_overlap(
        "_broken", F.array(*[F.lit(ref.rule) for ref in table.references]).cast("array<string>")
    )
    bad = rejected.select(
        *[column for column in LINEAGE_NAMES if column != "_source_files"],
        F.col("_broken").alias("rules"),
        F.lit(contract_version(rules)).alias("rules_version"),
        lacks_parent.alias("is_waiting"),
        F.to_json(f"{RECORD}.text").alias("record"),
        F.to_json(f"{RECORD}.raw").alias("raw"),
        F.current_timestamp().alias("seen_at"),
    )
    if job.exists(name):
        on = " AND ".join(f"t.{column} = s.{column}" for column in PLACE)
        held = DeltaTable.forPath(job.spark, job.path(name)).alias("t")
        held.merge(bad.alias("s"), on).whenNotMatchedInsertAll().execute()
        if table.references:
            held.merge(valid.select(*PLACE).alias("s"), on).whenMatchedDelete().execute()
    elif not bad.isEmpty():
        bad.write.format("delta").partitionBy("_landing_date").save(job.path(name))


# --- the table --------------------------------------------------------------------------------------------------------


def _write(job: Job, table: Table, valid: DataFrame, *, gathers: bool) -> None:
    assert isinstance(table.write, History | Merge)
    order = (table.write.newest_by, *ARRIVAL_ORDER)
    columns = [*table.schema.fieldNames(), *LINEAGE_NAMES]
    is_new = not job.exists(table.name)
    if isinstance(table.write, History):
        # A new version changes how long its neighbours are valid: all versions of the thing are written again.
        if not is_new:
            stored = job.read(table.name).join(
                valid.select(table.write.of).distinct(), on=table.write.of, how="left_semi"
            )
            valid = valid.unionByName(stored.drop(*VALIDITY))
        newest = _with_validity(_newest(valid, table.keys, order), table.write)
    else:
        newest = _newest(valid, table.keys, order)
    newest = newest.select(*columns)
    if is_new:
        writer = newest.repartition(table.partition_by) if table.partition_by else newest
        properties = writer.write.format("delta").option("delta.enableChangeDataFeed", "true")
        (properties.partitionBy(table.partition_by) if table.partition_by else properties).save(job.path(table.name))
        return
    on = " AND ".join(f"t.{column} = s.{column}" for column in table.keys)
    stored_order, new_order = (f"struct({', '.join(f'{side}.{name}' for name in order)})" for side in ("t", "s"))
    # A gathered record stands for all its rows, so that it replaces the stored one even where it is not newer.
    condition = None if gathers or isinstance(table.write, History) else f"{new_order} > {stored_order}"
    target = DeltaTable.forPath(job.spark, job.path(table.name)).alias("t")
    target.merge(newest.alias("s"), on).whenMatchedUpdateAll(condition).whenNotMatchedInsertAll().execute()


def _newest(rows: DataFrame, keys: Sequence[str], order: Sequence[str]) -> DataFrame:
    best = Window.partitionBy(*keys).orderBy(*[F.col(name).desc_nulls_last() for name in order])
    return rows.withColumn("_rank", F.row_number().over(best)).where("_rank = 1").drop("_rank")


def _with_validity(rows: DataFrame, history: History) -> DataFrame:
    until = F.lead(history.newest_by).over(Window.partitionBy(history.of).orderBy(history.newest_by))
    return rows.withColumns({"valid_from": F.col(history.newest_by), "valid_to": until, "is_current": until.isNull()})


def _redate(job: Job, table: Table) -> None:
    """Bring carried columns (an item's order day) up to date where the parent changed in these days."""
    for ref in table.references:
        if not ref.carry:
            continue
        parent = job.read(ref.table).where(job.in_days("_landing_date")).select(ref.parent_key, *ref.carry)
        is_other = " OR ".join(f"NOT t.{name} <=> s.{name}" for name in ref.carry)
        target = DeltaTable.forPath(job.spark, job.path(table.name)).alias("t")
        target.merge(parent.alias("s"), f"t.{ref.column} = s.{ref.parent_key} AND ({is_other})").whenMatchedUpdate(
            set={name: f"s.{name}" for name in ref.carry}
        ).execute()
