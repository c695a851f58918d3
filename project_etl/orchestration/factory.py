"""The factory: a table's declaration becomes a Dagster asset with checks.

This is the one place where platform and orchestrator meet. Each layer stages its rows in its own way
(`core/bronze/stage.py`, `core/silver/stage.py`, `core/gold/stage.py`); from there on all assets are the same:

1. prepare: Bronze waits here for files that may still be written, so that nobody waits for its lock meanwhile;
2. take the table's lock, so that two processes never write it at once, and stage: read, compute and judge, without
   anything becoming visible;
3. when a `fail` rule leaves nothing to publish, report the checks and raise: no row is written, and nothing downstream
   runs;
4. else hand the staged rows to the IO manager, which commits them, and report one check result per rule, with counts,
   also for rules that nothing broke;
5. when a daily Gold table holds back some of its days, raise then: the step and its run have failed, and what is
   downstream goes on with what is published (`build.py` has the executor do so).

Inputs are dependencies (`deps`), not arguments: what an asset reads depends on what has changed, and nothing is read
when nothing has. `dg.Failure` ends a step without retries, for the same data would fail again.
"""

# No `from __future__ import annotations` here: Dagster wants to see the class of `context`, not its name.

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from logging import Logger

import dagster as dg
from pyspark.errors import UnsupportedOperationException
from pyspark.sql import types as T

from project_etl.catalog import bronze_job, feeds_of, parameters_of, silver_job
from project_etl.core import meter
from project_etl.core.bronze.landing_root import OtherLanding
from project_etl.core.bronze.plan import look
from project_etl.core.bronze.report import bronze_rules
from project_etl.core.bronze.stage import stage_bronze
from project_etl.core.contracts import Action, Rule
from project_etl.core.contracts.report import RuleResult
from project_etl.core.contracts.rules import limit_in_words
from project_etl.core.gold.stage import GoldJob, gold_rules, stage_gold
from project_etl.core.lake import WHOLE, TableStore
from project_etl.core.model.source import Dataset
from project_etl.core.model.staged import Run, Staged
from project_etl.core.model.table import Table
from project_etl.core.rows_kept import ROWS_KEPT, RowsKept, bronze_rows_kept, gold_rows_kept, silver_rows_kept
from project_etl.core.silver import quarantine
from project_etl.core.silver.plan import silver_schema
from project_etl.core.silver.rules import comparisons, silver_rules
from project_etl.core.silver.stage import stage_silver
from project_etl.core.staleness import misjudged
from project_etl.orchestration.failures import HELD_DAYS
from project_etl.orchestration.io_manager import MEASURE, PARTITION_COLUMN
from project_etl.orchestration.metadata import check_result, column_schema, failure_message, rows_kept_result
from project_etl.orchestration.run_tags import require_lake
from project_etl.settings import Settings

# Prepares a run of some days, and returns what stages them in a lake, under the table's lock.
Prepare = Callable[[tuple[str, ...], Run], Callable[[TableStore], Staged]]
IO_MANAGER_KEY = "delta"
# A `fail` rule that breaks while another process is between two tables that refer to each other is tried again: often
# enough for a load of Silver to end.
MOST_TRIES = 4
PAUSE_SECONDS = 30


@dataclass(frozen=True)
class Wiring:
    """What every asset of one set of definitions shares."""

    settings: Settings
    lake: TableStore
    partitions: dg.PartitionsDefinition

    def run(self, run_id: str) -> Run:
        """The context of a run: its id and the settings that transforms may take."""
        return Run(run_id, parameters=parameters_of(self.settings))


@dataclass(frozen=True)
class AssetShape:
    """What Dagster needs to know of a table."""

    name: str
    description: str
    deps: tuple[str, ...]
    kinds: frozenset[str]
    owners: tuple[str, ...]
    schema: T.StructType
    rules: tuple[Rule, ...]
    checks: tuple[RuleResult | Rule, ...]
    rows_kept: Callable[[TableStore], RowsKept]
    day_column: str | None
    is_daily: bool
    code_version: str
    quarantine: str = ""
    measure: str | None = None


def bronze_asset(wiring: Wiring, dataset: Dataset, deps: tuple[str, ...] = ()) -> dg.AssetsDefinition:
    """The asset of a dataset's Bronze table.

    Args:
        wiring: shared parts.
        dataset: the dataset.
        deps: the asset that lands its files, where one does.
    """
    settings = wiring.settings

    def prepare(days: tuple[str, ...], run: Run) -> Callable[[TableStore], Staged]:
        job = bronze_job(wiring.lake, dataset, settings, days, run)
        try:
            looked = look(job)
        except OtherLanding as error:
            raise dg.Failure(str(error), allow_retries=False) from error
        return lambda lake: stage_bronze(replace(job, lake=lake), looked)

    shape = AssetShape(
        name=dataset.bronze,
        description=dataset.description,
        deps=deps,
        kinds=frozenset({"deltalake", "python", "bronze"}),
        owners=dataset.owners,
        schema=dataset.schema,
        rules=(),
        checks=bronze_rules(),
        rows_kept=partial(bronze_rows_kept, name=dataset.bronze),
        day_column="_landing_date",
        is_daily=True,
        code_version="1",
    )
    return _asset(wiring, shape, prepare)


def silver_asset(wiring: Wiring, table: Table) -> dg.AssetsDefinition:
    """The asset of a Silver table."""

    def prepare(days: tuple[str, ...], run: Run) -> Callable[[TableStore], Staged]:
        return lambda lake: stage_silver(silver_job(lake, table, wiring.settings, days, run))

    feeds = feeds_of(table, wiring.settings)
    rules = silver_rules(table, feeds, wiring.settings.start_date, wiring.settings.reporting_timezone)
    deps = (*(feed.bronze for feed in feeds), *(ref.table for ref in table.references))
    kept = partial(silver_rows_kept, name=table.name)
    shape = _shape(table, deps, silver_schema(table), rules, kept, "_landing_date", is_daily=True)
    # What its sister reports is not reported twice; a rule that forbids publishing still does.
    checks = (*(() if table.sister else rules), *comparisons(table))
    return _asset(wiring, replace(shape, checks=checks, quarantine=quarantine_of(table)), prepare)


def quarantine_of(table: Table) -> str:
    """The name of the table that has the records which a Silver table keeps out."""
    return quarantine.name_of(table.sister or table.name)


def quarantine_spec(wiring: Wiring, table: Table) -> dg.AssetSpec:
    """What Dagster shows of a quarantine table. The run of its Silver table writes it: nothing here is to be run."""
    name = quarantine.name_of(table.name)
    # Without `deps` on the Silver table: Dagster refuses to materialize a table "and all behind it" when something
    # behind it cannot be materialized.
    return dg.AssetSpec(
        asset_key(name),
        group_name="quarantine",
        description=f"Records kept out of {table.name}, with their text and every rule that they break. "
        f"`project-etl quarantine show {table.short_name}` shows them.",
        kinds={"deltalake"},
        owners=list(table.owners),
        metadata={
            "kept_out_of": dg.MetadataValue.asset(asset_key(table.name)),
            "dagster/column_schema": column_schema(quarantine.SCHEMA),
            "dagster/uri": wiring.lake.path(name),
            "dagster/table_name": name.replace("/", "."),
            "dagster/storage_kind": "deltalake",
        },
    )


def gold_asset(wiring: Wiring, table: Table, tables: Sequence[Table]) -> dg.AssetsDefinition:
    """The asset of a Gold table.

    Args:
        wiring: shared parts.
        table: the table.
        tables: all tables, for what is declared of the inputs.
    """
    declared = {each.name: each for each in tables}

    def prepare(days: tuple[str, ...], run: Run) -> Callable[[TableStore], Staged]:
        return lambda lake: stage_gold(GoldJob(lake, table, declared, days, run, wiring.settings.reporting_timezone))

    deps = tuple(item.table for item in table.inputs.values())
    kept = partial(gold_rows_kept, table=table)
    shape = _shape(table, deps, table.schema, gold_rules(table), kept, table.day_column, is_daily=table.is_daily)
    return _asset(wiring, shape, prepare)


def _shape(
    table: Table,
    deps: tuple[str, ...],
    schema: T.StructType,
    rules: tuple[Rule, ...],
    rows_kept: Callable[[TableStore], RowsKept],
    day_column: str | None,
    *,
    is_daily: bool,
) -> AssetShape:
    return AssetShape(
        name=table.name,
        description=table.description,
        deps=deps,
        kinds=frozenset({"deltalake", "pyspark", table.layer}),
        owners=table.owners,
        schema=schema,
        rules=rules,
        checks=rules,
        rows_kept=rows_kept,
        day_column=day_column,
        is_daily=is_daily,
        code_version=table.version,
        measure=table.measure,
    )


def staged_by_who_can(lake: TableStore, stage: Callable[[TableStore], Staged], log: Logger) -> Staged:
    """Stage a table; with the larger engine where the lake's own cannot do what the table asks for.

    Nothing is visible yet when that is found out. It is said in the run's log.
    """
    try:
        staged = stage(lake)
    except UnsupportedOperationException as error:
        if lake.larger is None:
            raise
        log.warning(f"Spark computes this table: the embedded engine cannot. It says: {error}")
        return stage(lake.handed_over())
    if staged.lake.engine is not lake.engine:
        log.info("Spark computes this table: its inputs are larger than the setting engine_max_bytes.")
    return staged


def asset_key(name: str) -> dg.AssetKey:
    """The asset key of a table `layer/name`."""
    return dg.AssetKey(name.split("/"))


def _asset(wiring: Wiring, shape: AssetShape, prepare: Prepare) -> dg.AssetsDefinition:
    key, names = asset_key(shape.name), {check.name for check in shape.checks}

    @dg.asset(
        key=key,
        deps=[asset_key(name) for name in shape.deps],
        group_name=shape.name.split("/")[0],
        description=shape.description,
        kinds=set(shape.kinds),
        owners=list(shape.owners),
        metadata={
            "dagster/column_schema": column_schema(shape.schema, shape.rules),
            "dagster/uri": wiring.lake.path(shape.name),
            "dagster/table_name": shape.name.replace("/", "."),
            "dagster/storage_kind": "deltalake",
            **({PARTITION_COLUMN: shape.day_column} if shape.day_column else {}),
            **({MEASURE: shape.measure} if shape.measure else {}),
        },
        code_version=shape.code_version,
        partitions_def=wiring.partitions if shape.is_daily else None,
        backfill_policy=dg.BackfillPolicy.single_run(),
        io_manager_key=IO_MANAGER_KEY,
        pool=shape.name.replace("/", "_"),
        check_specs=[
            dg.AssetCheckSpec(
                check.name,
                asset=key,
                description=_in_words(check),
                blocking=check.action is Action.FAIL or check.at_most is not None,
            )
            for check in (*shape.checks, ROWS_KEPT)
        ],
    )
    def compute(context: dg.AssetExecutionContext) -> Iterator[dg.AssetCheckResult | dg.MaterializeResult[Staged]]:
        days = tuple(context.partition_keys) if context.has_partition_key_range or context.has_partition_key else ()
        require_lake(context.run, wiring.lake.root)
        stage = prepare(days, wiring.run(context.run.run_id))
        with meter.measured(shape.name), wiring.lake.lock(shape.name):
            staged = staged_by_who_can(wiring.lake, stage, context.log)
            for remark in staged.remarks:
                context.log.warning(remark)
            failed = staged.report.failed
            if failed and context.retry_number + 1 < MOST_TRIES and (behind := misjudged(staged.lake, shape.deps)):
                staged.discard()
                context.log.warning(
                    f"{shape.name}: {failure_message(staged)}\nThat may be another run's, which has not come to "
                    f"{', '.join(behind)} yet: it is tried again."
                )
                raise dg.RetryRequested(max_retries=MOST_TRIES - 1, seconds_to_wait=PAUSE_SECONDS)
            results = [rule for rule in staged.report.rules if rule.name in names]
            checks = [check_result(key, rule, staged.report, shape.quarantine) for rule in results]
            # Of the table as the run found it: what the run adds is judged by the next one.
            checks.append(rows_kept_result(key, shape.rows_kept(staged.lake)))
            failure = _failure(staged) if failed else None
            if failure and staged.is_refused:
                yield from checks
                staged.refuse()
                raise failure
            # Dagster runs the IO manager before it asks for the next item: the commit happens under the lock, and when
            # it is refused, no check stays green for rows that nobody can see.
            yield dg.MaterializeResult(value=staged)
            yield from checks
            if failure:
                raise failure

    return compute


def _in_words(check: RuleResult | Rule) -> str:
    """A check as a sentence, and what a broken one leads to; Dagster itself says so of one that forbids publishing."""
    action = "" if check.action is Action.FAIL else f" ({check.action.value}{limit_in_words(check.at_most)})"
    return f"{check.description}{action}"


def _failure(staged: Staged) -> dg.Failure:
    """Why the step of a table fails; where only some of its days do, with these."""
    days = [unit for unit in staged.held if unit != WHOLE]
    return dg.Failure(failure_message(staged), metadata={HELD_DAYS: days} if days else {}, allow_retries=False)
