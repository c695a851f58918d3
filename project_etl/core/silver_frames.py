"""The frames behind Silver: records in, judged and ranked rows with their effect on the table out.

Belongs here: the one algorithm behind every Silver table. A table is a pure function, per key, of the Bronze rows of
that key; it is computed either for a few new days, where the stored row stands for all earlier records, or, where files
were replaced, rules or parents changed, anew from Bronze for the keys concerned. Does not belong here: what any table
means (`silver/`), deciding whether there is work (`silver_plan.py`), counting and committing (`silver.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from functools import reduce
from operator import or_

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F
from pyspark.sql import types as T

from project_etl.core import quarantine
from project_etl.core.contract import Action
from project_etl.core.json_text import texts_of_json
from project_etl.core.judge import BROKEN, breaks, judged
from project_etl.core.records import LINEAGE_NAMES, RECORD, SILVER_LINEAGE, of_days, raw_of, union_all
from project_etl.core.silver_plan import VALIDITY, SilverJob, SilverPlan, unjudged_days
from project_etl.core.silver_rank import Stored, ranked
from project_etl.core.steps import call, conform
from project_etl.core.table import History, Table

FALSE, TRUE = "false", "true"


def silver_schema(table: Table) -> T.StructType:
    """The stored columns of a Silver table: the contract's, then lineage."""
    return T.StructType([*table.schema.fields, *SILVER_LINEAGE.fields])


def scored(job: SilverJob, plan: SilverPlan, orphaned: Sequence[Column]) -> DataFrame:
    """Every judged record, and every stored row of the keys concerned.

    Args:
        job: the materialization.
        plan: what it has to do.
        orphaned: by reference, whether the parent of a row has vanished or changed.

    Returns:
        The stored columns and `_record`, `_broken`, `_in_batch` (the record is of a day that is judged now), `_status`
        (what became of a judged record, see `SILVER_COUNTS`), `_op` (what the row means for the table: `insert`,
        `update`, `delete`, or null) and `_was` (the row's key as stored, or null).
    """
    reached, columns = _reached(plan, orphaned), silver_schema(job.table).fieldNames()
    if reached is None:
        sources = [_records(job, plan, is_all=False)]
        sources += [_waiting(job, plan.batch_days)] if plan.waiting else []
        fresh = judged_records(job, union_all(sources))
        if job.lake.is_empty(job.table.name):
            return ranked(job.table, columns, _with_batch(fresh, plan), Stored.NOTHING)
        # Read twice below: for its keys, and for its rows.
        fresh = fresh.persist()
        keys = fresh.where("_valid").select(*_entity(job.table)).distinct()
        pool = fresh.unionByName(
            _stored(job).join(keys, on=list(_entity(job.table)), how="left_semi"), allowMissingColumns=True
        )
    else:
        # Also records that are in quarantine for something else: now they lack a parent too.
        touched = _any([_is_asked(job, plan), *orphaned])
        fresh = judged_records(job, _records(job, plan, is_all=True)).withColumn("_touched", touched)
        pool = fresh.unionByName(_stored(job).withColumn("_touched", reached), allowMissingColumns=True)
        pool = _of_touched_keys(pool, _entity(job.table))
    stored = Stored.TRUSTED if reached is None else Stored.DOUBTED
    return ranked(job.table, columns, _with_batch(pool, plan), stored)


def _with_batch(pool: DataFrame, plan: SilverPlan) -> DataFrame:
    return pool.withColumn("_in_batch", ~F.col("_stored") & of_days(plan.batch_days))


# --- records ----------------------------------------------------------------------------------------------------------


def _records(job: SilverJob, plan: SilverPlan, *, is_all: bool) -> DataFrame:
    """Records of the feeds: those of the batch, or all but those of days whose turn has not come."""
    wanted = ~of_days(unjudged_days(job, plan)) if is_all else of_days(plan.batch_days)
    return union_all([feed.records(job.lake.read(feed.bronze).where(wanted), job.columns) for feed in job.feeds])


def _waiting(job: SilverJob, days: Collection[str]) -> DataFrame:
    """Records that wait for a parent, read back from quarantine; those of `days` are judged from Bronze anyway."""
    text = T.StructType([T.StructField(name, T.StringType()) for name in job.columns])
    held = job.lake.read(quarantine.name_of(job.table.name)).where(F.col("is_waiting") & ~of_days(days))
    held = held.withColumns({"_text": F.from_json("record", text), "_raw": raw_of(*texts_of_json("raw"))})
    nothing = F.lit(None).cast("string")
    return held.select(
        *[F.col(f"_text.{name}").alias(name) for name in job.columns],
        F.struct(
            *[F.col(name) for name in LINEAGE_NAMES if name != "_source_files"],
            F.array("_source_file").alias("_source_files"),
            F.col("_text").alias("text"),
            F.col("_raw").alias("raw"),
            nothing.alias("malformed"),
            nothing.alias("unmapped"),
        ).alias(RECORD),
    )


def _with_parents(job: SilverJob, records: DataFrame) -> DataFrame:
    """Add the carried columns of each reference's parent, and to `_record.found` whether the parent is known."""
    for ref in job.table.references:
        key = f"_key_of_{ref.rule}"
        parent = job.lake.read(ref.table).select(F.col(ref.parent_key).alias(key), *ref.carry)
        records = records.join(parent, on=F.col(ref.column) == F.col(key), how="left")
    found = [F.col(f"_key_of_{ref.rule}").isNotNull().alias(ref.rule) for ref in job.table.references]
    return records.withColumn(RECORD, F.col(RECORD).withField("found", F.struct(*found))) if found else records


def transformed(table: Table, rows: DataFrame, parameters: dict[str, object]) -> DataFrame:
    """Apply a Silver table's transform; the result has the contract's columns and `_record`.

    Raises:
        TableError: the transform gives other columns or types than the contract declares.
    """
    derived = VALIDITY if isinstance(table.write, History) else ()
    schema = T.StructType([item for item in table.schema.fields if item.name not in derived])
    return conform(call(table, [rows], parameters), schema, table.name, also=(RECORD,))


def judged_records(job: SilverJob, records: DataFrame) -> DataFrame:
    """Records as rows of the table, judged: the stored columns, `_record`, `_broken`, `_valid` and `_stored`."""
    rows = transformed(job.table, _with_parents(job, records), dict(job.run.parameters))
    # A record that could not be parsed breaks that one rule; that its columns are empty follows from it.
    malformed = F.when(F.col(f"{RECORD}.malformed").isNotNull(), F.array(F.lit("well_formed")))
    rows = judged(rows.withColumn("_text", F.col(f"{RECORD}.text")), job.rules).withColumn(
        BROKEN, F.coalesce(malformed, BROKEN)
    )
    # Whether a parent that only warns is known changes without the record, which nobody looks at again for that.
    is_valid = ~breaks(job.rules, Action.QUARANTINE)
    if warnings := [ref.rule for ref in job.table.references if ref.action is Action.WARN]:
        lasting = F.array_except(BROKEN, F.array(*[F.lit(name) for name in warnings]).cast("array<string>"))
        rows = rows.withColumn(BROKEN, F.when(is_valid, F.col(BROKEN)).otherwise(lasting))
    derived = [item for item in job.table.schema.fields if item.name not in rows.columns]
    return rows.select(
        *[item.name for item in job.table.schema.fields if item not in derived],
        *[F.lit(None).cast(item.dataType).alias(item.name) for item in derived],
        *[F.col(f"{RECORD}.{name}").alias(name) for name in LINEAGE_NAMES],
        RECORD,
        BROKEN,
        is_valid.alias("_valid"),
        F.expr(FALSE).alias("_stored"),
    )


# --- which keys are concerned -----------------------------------------------------------------------------------------


def _entity(table: Table) -> tuple[str, ...]:
    """The columns whose rows are decided together."""
    return (table.write.of,) if isinstance(table.write, History) else table.keys


def _stored(job: SilverJob) -> DataFrame:
    columns = silver_schema(job.table).fieldNames()
    return job.lake.read(job.table.name).select(*columns, F.expr(FALSE).alias("_valid"), F.expr(TRUE).alias("_stored"))


def _any(conditions: Iterable[Column]) -> Column:
    return reduce(or_, conditions, F.expr(FALSE))


def _reached(plan: SilverPlan, orphaned: Sequence[Column]) -> Column | None:
    """Which stored rows may no longer be right; None when stored rows still say all that earlier records said."""
    reasons = [*orphaned]
    if plan.changed_days:
        days = F.array(*[F.lit(day) for day in plan.changed_days])
        reasons.append(
            F.arrays_overlap(F.transform("_source_files", lambda file: F.element_at(F.split(file, "/"), 3)), days)
        )
    return _any(reasons) if reasons else None


def _is_asked(job: SilverJob, plan: SilverPlan) -> Column:
    asked = of_days(plan.batch_days)
    if not plan.waiting:
        return asked
    held = job.lake.read(quarantine.name_of(job.table.name)).where("is_waiting").select(*quarantine.KEYS).collect()
    place = F.concat_ws(":", *quarantine.KEYS)
    return asked | place.isin([f"{file}:{row}" for file, row in held])


def _of_touched_keys(pool: DataFrame, entity: Iterable[str]) -> DataFrame:
    """All rows of the keys of which at least one row is touched; rows without a key stand each for itself."""
    keyless = _any(F.col(name).isNull() for name in entity)
    of_key = F.max("_touched").over(Window.partitionBy(*entity))
    return (
        pool.withColumn("_touched", F.when(keyless, F.col("_touched")).otherwise(of_key))
        .where("_touched")
        .drop("_touched")
    )
