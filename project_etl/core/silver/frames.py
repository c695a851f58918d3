"""The frames behind Silver: records in, judged and ranked rows with their effect on the table out.

Belongs here: the one algorithm behind every Silver table. A table is a pure function, per key, of the Bronze rows of
that key; it is computed either for a few new days or files, where the stored row stands for all earlier records, or,
where files were replaced, rules or parents changed, anew from Bronze for the keys concerned. Does not belong here: what
any table means (`silver/`), deciding whether there is work (`plan.py`), counting and committing (`stage.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import reduce
from operator import or_

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from project_etl.core.contracts import Action
from project_etl.core.contracts.judge import BROKEN, breaks, judged
from project_etl.core.model.names import DELETED
from project_etl.core.model.records import LINEAGE_NAMES, PLACE, RECORD, of_days, union_all
from project_etl.core.model.table import History, Reference, Table
from project_etl.core.model.transform import call, conform
from project_etl.core.silver import deletions, quarantine
from project_etl.core.silver.plan import SilverJob, SilverPlan, judges_all, silver_schema, unjudged_days
from project_etl.core.silver.rank import Stored, ranked
from project_etl.core.silver.rules import VALUES_MAPPED, WELL_FORMED, WITHIN_PARTITIONS, in_range, rules_of_deletions
from project_etl.core.transforms.casts import to_boolean
from project_etl.core.transforms.text import Kind, clean
from project_etl.core.transforms.zones import DOUBLED, NO_ZONE, SKIPPED, business_day, in_utc, oddity

FALSE, TRUE = "false", "true"


def scored(job: SilverJob, plan: SilverPlan, orphaned: Sequence[Keys], kept: ExitStack) -> DataFrame:
    """Every judged record, and every stored row of the keys concerned.

    Args:
        job: the materialization.
        plan: what it has to do.
        orphaned: by reference, the parents that have vanished or changed.
        kept: frees what is kept on the way.

    Returns:
        The stored columns and, of a judged record, `_broken`, `_text` (its text columns, where it broke a rule),
        `_in_batch` (it is of a day that is judged now) and `_status` (what became of it, see `SILVER_COUNTS`);
        of every row `_op` (what it means for the table: `insert`, `update`, `delete`, or null) and the days of its
        key's stored row (see `was_day`).
    """
    columns, lake = silver_schema(job.table).fieldNames(), job.lake
    if plan.misfit:
        fresh = kept.enter_context(lake.keep(_judged(job, plan, _records(job, plan, is_all=True))))
        return ranked(job.table, columns, fresh, Stored.NOTHING, job.precedence)
    if not (plan.changed_days or orphaned):
        sources = [_records(job, plan, is_all=False)]
        if plan.waiting or quarantine.holds(lake, job.quarantine, plan.grown):
            sources.append(_held(job, plan))
        # Read twice below: for its keys, and for its rows.
        fresh = kept.enter_context(lake.keep(_judged(job, plan, union_all(sources))))
        days = deletions.days_beside(job, plan)
        if lake.is_empty(job.table.name) and not days:
            return ranked(job.table, columns, fresh, Stored.NOTHING, job.precedence)
        pool = _pool(fresh, _stored_beside(job, fresh))
        if days:
            pool = pool.unionByName(_deletions_beside(job, plan, fresh, days, kept), allowMissingColumns=True)
        return ranked(job.table, columns, pool, Stored.TRUSTED, job.precedence)
    records, stored = _records(job, plan, is_all=True), _stored(job)
    if not judges_all(job, plan):
        records, stored = _of_concerned_keys(job, plan, records, stored, orphaned, kept)
    pool = _pool(_judged(job, plan, records), stored)
    return ranked(job.table, columns, pool, Stored.DOUBTED, job.precedence)


def _judged(job: SilverJob, plan: SilverPlan, records: DataFrame) -> DataFrame:
    """Records, judged; `_in_batch` says whether their day is, of which those in quarantine count with the new files."""
    return judged_records(job, records).withColumn("_in_batch", of_days(plan.batch_days))


def _pool(fresh: DataFrame, stored: DataFrame) -> DataFrame:
    return fresh.unionByName(stored, allowMissingColumns=True)


def of_batch(plan: SilverPlan) -> Column:
    """Whether a record, or what tells of one, is of those that are judged because of their day or file."""
    files = [file.path for files in plan.grown.values() for file in files]
    is_whole = of_days(plan.whole_days)
    return is_whole | (of_days(plan.grown) & F.col("_source_file").isin(files)) if files else is_whole


# --- records ----------------------------------------------------------------------------------------------------------


def _records(job: SilverJob, plan: SilverPlan, *, is_all: bool) -> DataFrame:
    """Records of the feeds: those of the batch, or all but those of days whose turn has not come."""
    wanted = ~of_days(unjudged_days(job, plan)) if is_all else of_batch(plan)
    bronze = [(feed, job.lake.read(feed.bronze).where(wanted)) for feed in job.feeds]
    return union_all([feed.records(rows, job.records) for feed, rows in bronze])


def _held(job: SilverJob, plan: SilverPlan) -> DataFrame:
    """Records out of quarantine: those that wait for a parent, and all of days that have gained files.

    Those that are judged from Bronze are not among them.
    """
    text = T.StructType([T.StructField(name, T.StringType()) for name in job.columns])
    is_judged_again = F.col("is_waiting") | of_days(plan.grown)
    held = job.lake.read(job.quarantine).where(is_judged_again & ~of_batch(plan))
    held = held.withColumn("_text", F.from_json("record", text))
    nothing = sorted({word for feed in job.feeds for word in feed.nothing})

    def as_before(rule: str) -> Column:
        # What reading and mapping found, the record does not say.
        return F.when(F.array_contains("rules", rule), rule)

    return held.select(
        *[F.col(f"_text.{name}").alias(name) for name in job.columns],
        F.struct(
            *[F.col(name) for name in LINEAGE_NAMES if name != "_source_files"],
            F.array("_source_file").alias("_source_files"),
            F.col("_text").alias("text"),
            as_before(WELL_FORMED).alias("malformed"),
            as_before(VALUES_MAPPED).alias("unmapped"),
            clean(F.get_json_object("raw", f"$.{DELETED}"), Kind.NUMBER, nothing).alias("deletion"),
        ).alias(RECORD),
    )


def _carried(job: SilverJob) -> dict[str, T.DataType]:
    """Columns that the parents give to a record, with their types."""
    return {name: job.table.schema[name].dataType for ref in job.table.references for name in ref.carry}


def _with_nothing_found(job: SilverJob, records: DataFrame) -> DataFrame:
    return _with_found(records, {ref.rule: F.lit(None).cast("boolean") for ref in job.table.references})


def _with_parents(job: SilverJob, records: DataFrame) -> DataFrame:
    """Add the carried columns of each reference's parent, and to `_record.found` whether the parent is known."""
    for ref in job.table.references:
        parent, is_its_own = _parent(job, ref)
        records = records.join(parent, on=is_its_own, how="left")
    return _with_found(records, {ref.rule: F.col(_key_of(ref)).isNotNull() for ref in job.table.references})


def _parent(job: SilverJob, ref: Reference) -> tuple[DataFrame, list[Column]]:
    """What a record needs of a reference's parents, and whether a parent is its own."""
    key = _key_of(ref)
    within = {name: f"{key}_{name}" for name in ref.within}
    parent = job.lake.read(ref.table).select(
        F.col(ref.parent_key).alias(key), *[F.col(name).alias(other) for name, other in within.items()], *ref.carry
    )
    return parent, [F.col(name) == F.col(other) for name, other in {ref.column: key, **within}.items()]


def _key_of(ref: Reference) -> str:
    return f"_key_of_{ref.rule}"


def without_parent(job: SilverJob, ref: Reference, days: Collection[str]) -> DataFrame:
    """The stored rows of some landing days whose parent is not known: where each stood, and what it refers to."""
    parent, is_its_own = _parent(job, ref)
    rows = job.lake.read(job.table.name).where(of_days(days)).dropna(subset=[ref.column])
    rows = rows.select("_landing_date", "_source_file", "_row_number", ref.column, *ref.within)
    return rows.join(parent, on=is_its_own, how="left_anti")


def _with_found(records: DataFrame, found: Mapping[str, Column]) -> DataFrame:
    if not found:
        return records
    parents = F.struct(*[column.alias(rule) for rule, column in found.items()])
    return records.withColumn(RECORD, F.col(RECORD).withField("found", parents))


def transformed(table: Table, rows: DataFrame, parameters: dict[str, object]) -> DataFrame:
    """Apply a Silver table's transform; the result has the contract's columns and `_record`.

    Raises:
        TableError: the transform gives other columns or types than the contract declares.
    """
    schema = T.StructType([item for item in table.schema.fields if item.name not in table.derived])
    return conform(call(table, [rows], parameters), schema, table.name, also=(RECORD,))


def _rows(job: SilverJob, records: DataFrame) -> DataFrame:
    """Records as rows of the table, each instant read in the time zone of its source."""
    return transformed(job.table, _in_utc(job, records), dict(job.run.parameters))


def _in_utc(job: SilverJob, records: DataFrame) -> DataFrame:
    """Give instants that name no offset that of UTC, by the time zone of their source.

    What a record says, in `_record.text`, stays. To `_record` is added whether one of its local times `is_skipped` or
    `is_doubled` by a change of clocks.
    """
    zones = {feed.folder: feed.zone for feed in job.feeds if feed.zone}
    instants = job.records.instants
    if not (zones and instants):
        return records

    def by_source(of: Callable[[str, str], Column], column: str, otherwise: Column) -> Column:
        path = F.col(f"{RECORD}._source_file")
        cases = [(path.startswith(folder), of(column, zone)) for folder, zone in zones.items()]
        return reduce(lambda found, case: F.when(case[0], case[1]).otherwise(found), cases, otherwise)

    odd = F.array(*[by_source(oddity, column, F.lit(0)) for column in instants])
    marked = F.col(RECORD).withField("is_skipped", F.array_contains(odd, SKIPPED))
    marked = marked.withField("is_doubled", F.array_contains(odd, DOUBLED))
    return records.withColumns(
        {RECORD: marked, **{column: by_source(in_utc, column, F.col(column)) for column in instants}}
    )


def _with_days(job: SilverJob, rows: DataFrame) -> DataFrame:
    """Add to `_record.day` the day of each instant in the reporting time zone, where that is another than UTC."""
    if job.zone == NO_ZONE:
        return rows
    # Those that the transform has passed on; asking the rows would have the engine analyze all that they are made of.
    names = {*job.table.schema.fieldNames()} - {*job.table.derived}
    instants = [name for name in job.records.instants if name in names]
    if not instants:
        return rows
    days = F.struct(*[business_day(F.col(name), job.zone).alias(name) for name in instants])
    return rows.withColumn(RECORD, F.col(RECORD).withField("day", days))


def judged_records(job: SilverJob, records: DataFrame) -> DataFrame:
    """Records as rows of the table, judged: the stored columns, `_text`, `_broken`, `_valid` and `_stored`."""
    rules = job.rules
    if job.may_delete:
        is_deleted = to_boolean(f"{RECORD}.deletion")
        records = records.withColumn(RECORD, F.col(RECORD).withField("is_deleted", is_deleted))
    rows = _with_days(job, _rows(job, _with_parents(job, records)))
    # A record that could not be parsed breaks that one rule; that its columns are empty follows from it.
    malformed = F.when(F.col(f"{RECORD}.malformed").isNotNull(), F.array(F.lit(WELL_FORMED)))
    rows = judged(rows.withColumn("_text", F.col(f"{RECORD}.text")), rules).withColumn(
        BROKEN, F.coalesce(malformed, BROKEN)
    )
    is_deleted = F.expr(FALSE)
    if job.may_delete:
        is_deleted = F.coalesce(F.col(f"{RECORD}.is_deleted"), F.lit(False))
        needed = F.array(*[F.lit(name) for name in rules_of_deletions(job.table, rules)])
        rows = rows.withColumn(BROKEN, F.when(is_deleted, F.array_intersect(BROKEN, needed)).otherwise(F.col(BROKEN)))
    # Whether a parent that only warns is known, and which day is the first, changes without the record, which nobody
    # looks at again for that.
    is_valid = ~breaks(rules, Action.QUARANTINE)
    passing = {WITHIN_PARTITIONS, *(ref.rule for ref in job.table.references if ref.action is Action.WARN)}
    if warnings := [rule.name for rule in rules if rule.name in passing]:
        lasting = F.array_except(BROKEN, F.array(*[F.lit(name) for name in warnings]).cast("array<string>"))
        rows = rows.withColumn(BROKEN, F.when(is_valid, F.col(BROKEN)).otherwise(lasting))
    derived = [item for item in job.table.schema.fields if item.name in job.table.derived]
    # Text by text: the embedded engine reads the fields of a struct that a CASE has made null as they were.
    text = {name: F.when(F.size(BROKEN) > 0, F.col(f"_text.{name}")) for name in job.columns}
    # A day that cannot be says nothing.
    kept = {
        rule.column: F.when(~F.array_contains(BROKEN, rule.name), F.col(rule.column)).alias(rule.column)
        for rule in rules
        if rule.column and rule.name == in_range(rule.column) and rule.action is Action.WARN
    }
    return rows.select(
        *[kept.get(item.name, item.name) for item in job.table.schema.fields if item not in derived],
        *[F.lit(None).cast(item.dataType).alias(item.name) for item in derived],
        *[F.col(f"{RECORD}.{name}").alias(name) for name in LINEAGE_NAMES],
        F.struct(*[column.alias(name) for name, column in text.items()]).alias("_text"),
        BROKEN,
        is_valid.alias("_valid"),
        is_deleted.alias("_deleted"),
        F.expr(FALSE).alias("_stored"),
    )


def as_received(job: SilverJob, plan: SilverPlan, days: Collection[str]) -> DataFrame:
    """`raw` of records of some landing days, by `PLACE`; also of those in quarantine whose file has changed."""
    # Where stored rows stand for what was judged before, all others that are kept out are in quarantine already.
    wanted = of_days(days) & of_batch(plan) if plan.grown else of_days(days)
    bronze = [feed.as_received(job.lake.read(feed.bronze).where(wanted)) for feed in job.feeds]
    held = quarantine.rows_in(job.lake, job.quarantine)
    found = union_all(bronze)
    return found.unionByName(held.select(*PLACE, "raw").join(found, on=[*PLACE], how="left_anti"))


# --- which keys are concerned -----------------------------------------------------------------------------------------


def _entity(table: Table) -> tuple[str, ...]:
    """The columns whose rows are decided together."""
    return (table.write.of,) if isinstance(table.write, History) else table.keys


def _stored_beside(job: SilverJob, fresh: DataFrame) -> DataFrame:
    """The stored rows that new records may change, where these are compared with nothing else."""
    write, stored = job.table.write, _stored(job)
    if not isinstance(write, History):
        return stored.join(fresh.select(*job.table.keys).distinct(), on=list(job.table.keys), how="left_semi")
    # A version changes the one before it, and says itself how long it holds by the one after it.
    since = fresh.groupBy(write.of).agg(F.min(write.newest_by).alias("_since"))
    still_valid = F.col("valid_to").isNull() | (F.col("valid_to") >= F.col("_since"))
    return stored.join(since, on=write.of, how="inner").where(still_valid).drop("_since")


def _deletions_beside(
    job: SilverJob, plan: SilverPlan, fresh: DataFrame, days: Collection[str], kept: ExitStack
) -> DataFrame:
    """The deletions of earlier batches that new records must be compared with."""
    keys = [*_entity(job.table)]
    earlier = of_days(days) & ~of_batch(plan) & F.col(DELETED).isNotNull()
    bronze = [
        feed.records(job.lake.read(feed.bronze).where(earlier), job.records) for feed in job.feeds if feed.may_delete
    ]
    # Kept, for an engine copies all of judging into a filter that follows it: minutes for a few hundred records.
    told = kept.enter_context(job.lake.keep(judged_records(job, union_all(bronze))))
    told = told.where(F.col("_valid") & F.col("_deleted"))
    return told.join(fresh.select(*keys).distinct(), on=keys, how="left_semi")


def _stored(job: SilverJob) -> DataFrame:
    columns = silver_schema(job.table).fieldNames()
    says = {"_valid": FALSE, "_deleted": FALSE, "_stored": TRUE}
    return job.lake.read(job.table.name).select(*columns, *[F.expr(value).alias(name) for name, value in says.items()])


@dataclass(frozen=True)
class Keys:
    """Values of some columns, by which rows are found.

    Attributes:
        columns: the columns.
        values: distinct values of these columns, and nothing else; None stands for any.
    """

    columns: tuple[str, ...]
    values: DataFrame | None


def _of_concerned_keys(
    job: SilverJob,
    plan: SilverPlan,
    records: DataFrame,
    stored: DataFrame,
    orphaned: Sequence[Keys],
    kept: ExitStack,
) -> tuple[DataFrame, DataFrame]:
    """Those records and stored rows whose key has a record of the batch, or a row that may no longer be right.

    Which they are is found on a few columns; the records alone are judged then. A record without a key stands for
    itself.
    """
    entity = [*_entity(job.table)]
    references = [ref.column for ref in job.table.references]
    # What a parent gives is no part of a key.
    plain = records.select("*", *[F.lit(None).cast(kind).alias(name) for name, kind in _carried(job).items()])
    plain = _rows(job, _with_nothing_found(job, plain))
    lineage = [F.col(f"{RECORD}.{name}").alias(name) for name in (*PLACE, "_landing_date")]
    keyed = plain.select(*dict.fromkeys([*entity, *references]), *lineage)
    keyed = _touched(keyed, of_batch(plan), [*_waiting_keys(job, plan), *orphaned])
    keyed = kept.enter_context(job.lake.keep(keyed))
    doubted = _touched(stored, _of_changed_days(plan), orphaned).where("_touched").select(*entity)
    keys = keyed.where("_touched").select(*entity).unionByName(doubted).dropna().distinct()
    keys = kept.enter_context(job.lake.keep(keys))
    of_keys = keyed.join(keys, on=entity, how="left_semi").select(*PLACE)
    places = of_keys.unionByName(keyed.where("_touched").select(*PLACE)).distinct()
    in_place = [F.col(f"{RECORD}.{name}") == F.col(f"_at{name}") for name in PLACE]
    places = places.select(*[F.col(name).alias(f"_at{name}") for name in PLACE])
    return records.join(places, on=in_place, how="left_semi"), stored.join(keys, on=entity, how="left_semi")


def _touched(rows: DataFrame, condition: Column, keys: Sequence[Keys]) -> DataFrame:
    """Add `_touched`: whether a row meets the condition, or has one of the keys."""
    reasons = [condition]
    for number, found in enumerate(keys):
        if found.values is None:
            reasons.append(F.expr(TRUE))
            continue
        hit = f"_hit_{number}"
        values = found.values.withColumn(hit, F.lit(True))
        rows = rows.join(F.broadcast(values), on=list(found.columns), how="left")
        reasons.append(F.coalesce(hit, F.lit(False)))
    hits = [f"_hit_{number}" for number in range(len(keys))]
    return rows.withColumn("_touched", reduce(or_, reasons)).drop(*hits)


def _of_changed_days(plan: SilverPlan) -> Column:
    """Whether a stored row was made from a file of a day whose files or rules are not those that were judged."""
    if not plan.changed_days:
        return F.expr(FALSE)
    # The day is the third part of a path. A strange file name may look like one: its key is judged again for nothing.
    days = "|".join(plan.changed_days)
    return F.concat_ws("\n", "_source_files").rlike(f"(^|\n)[^/]*/[^/]*/({days})/")


def _waiting_keys(job: SilverJob, plan: SilverPlan) -> list[Keys]:
    if not plan.waiting:
        return []
    held = job.lake.read(job.quarantine).where("is_waiting")
    return [Keys(quarantine.KEYS, held.select(*quarantine.KEYS))]
