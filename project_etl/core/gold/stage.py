"""Gold: compute the asked days (or the whole of a snapshot), judge them, and replace what was there.

A unit is a day of a daily table, and the whole of any other. One that breaks a `fail` rule is held back: it keeps the
rows that it had, or none, and the others are published. A day that is computed from one is held back with it.

Belongs here: reading exactly the input days a table needs, judging, and the commit. Does not belong here: what any
table means (`gold/`), Dagster.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from project_etl.core.contracts import FAIL, Rule, rules_of, sql_rule
from project_etl.core.contracts.judge import grouped, judged, rule_results, shown, unbroken
from project_etl.core.contracts.report import Report
from project_etl.core.contracts.sql_text import is_day
from project_etl.core.gold.conserve import Balance, balances, conservation_rules, with_balances
from project_etl.core.lake import WHOLE, Append, Commit, Held, Journal, Overwrite, Remake, ReplaceWhere, TableStore
from project_etl.core.lake.state import REMADE
from project_etl.core.model.staged import Run, Staged, note_of, staging
from project_etl.core.model.table import AS_OF, Input, ReplaceDays, Table
from project_etl.core.model.transform import call, conform
from project_etl.core.staleness import BLOCKED, Reads, Staleness, day_of

# No row breaks it: what would be computed from rows that are not those of today is not even judged.
INPUTS_PUBLISHED = sql_rule(
    BLOCKED,
    "TRUE",
    action=FAIL,
    description="no day of a Gold table that the day is computed from may be held back",
)


@dataclass(frozen=True)
class GoldJob:
    """One materialization of a Gold table.

    Attributes:
        lake: the lake.
        table: the Gold table.
        tables: all tables by name, for what is declared of the inputs.
        days: business days asked for, ISO dates in order; ignored by snapshots.
        run: the run.
        zone: the reporting time zone, which says when a business day begins.
    """

    lake: TableStore
    table: Table
    tables: Mapping[str, Table]
    days: tuple[str, ...]
    run: Run
    zone: str = "UTC"

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Every rule of the table."""
        return gold_rules(self.table)

    @property
    def units(self) -> tuple[str, ...]:
        """What is computed and remembered on its own: the asked days, or the whole table."""
        return self.days if self.table.is_daily else (WHOLE,)


def gold_rules(table: Table) -> tuple[Rule, ...]:
    """The rules of a Gold table."""
    reads_gold_by_day = table.is_daily and any(
        not item.whole and item.table.startswith("gold/") for item in table.inputs.values()
    )
    published = (INPUTS_PUBLISHED,) if reads_gold_by_day else ()
    return rules_of(table.contract, extra=(*table.rules, *conservation_rules(table), *published))


def stage_gold(job: GoldJob) -> Staged:
    """Compute and judge the asked days of a Gold table, or find that they have been computed from the same inputs.

    What breaks a `fail` rule is computed again with each run that asks for it, until it breaks none.
    """
    table = job.table
    misfit = job.lake.misfit(table.name, table.schema)
    if not misfit:
        job.lake.create(
            table.name,
            table.schema,
            partition_by=table.partition_by,
            description=table.description,
            statistics=table.statistics,
        )
    lake = job.lake.pinned([table.name, *(item.table for item in table.inputs.values())])
    journal, staleness = lake.journal(table.name), Staleness(lake, job.tables, job.run.parameters, job.zone)
    if misfit and table.is_daily:
        # All that was ever computed is computed again, into the new columns.
        job = replace(job, days=tuple(sorted({*job.days, *journal.units})))
    job = replace(job, lake=lake)
    stale = job.units if misfit else staleness.units_of(table, job.units)
    if not stale:
        return Staged(table.name, _remembered(job, journal, job.units), lake, good=job.units)
    reads = Reads(lake, job.tables, table, stale)
    job = replace(job, lake=lake.for_work(partial(bytes_read, reads)))
    work = _Work(job, staleness, journal, stale, misfit)
    blocked = staleness.blocked(table, stale)
    if not blocked and not misfit and has_no_rows(reads):
        return work.staged(None, Report({}, rule_results(job.rules, [], "day")), ExitStack())
    with staging(job.lake) as kept:
        rows = kept.enter_context(job.lake.keep(judged(computed(job, reads), job.rules)))
        return work.staged(rows, _report(job, rows, blocked, balances_of(job, rows, reads)), kept)


@dataclass(frozen=True)
class _Work:
    """The stale units of a materialization, and what they are compared with."""

    job: GoldJob
    staleness: Staleness
    journal: Journal
    stale: Sequence[str]
    misfit: str

    def staged(self, rows: DataFrame | None, found: Report, kept: ExitStack) -> Staged:
        """What is to be committed of the computed units.

        Args:
            rows: their judged rows, kept; None when there are none.
            found: how they fared.
            kept: frees the rows.
        """
        job, table, stale, misfit = self.job, self.job.table, self.stale, self.misfit
        made = self.staleness.made_from(table)
        held = tuple(unit for unit in stale if unit in found.failed_days)
        good = tuple(unit for unit in stale if unit not in held)
        note = note_of(
            job.run,
            table.name,
            found.of_days(good),
            days=dict.fromkeys(good, made.identity),
            held={unit: Held(made.identity, found.broken_on(unit)).to_json() for unit in held},
            reads=made.versions,
            touched=None if misfit else _touched(job, good, rows) if good else [],
            **self.staleness.checked(table, good),
            **({REMADE: misfit} if misfit else {}),
        )
        # Who asks again for what is held back, with nothing changed, leaves no commit.
        has_news = good or held != self.staleness.held_back(table, held)
        fresh = [unit for unit in job.units if unit not in stale]
        return Staged(
            table.name,
            _of_held(found, held, self.journal).joined(_remembered(job, self.journal, fresh)),
            job.lake,
            partial(_commit, job, good, rows, note) if has_news else None,
            kept=kept.pop_all(),
            remarks=_remarks(job, self.journal, stale, misfit),
            good=tuple(unit for unit in job.units if unit not in held),
            held=held,
        )


def _remarks(job: GoldJob, journal: Journal, stale: Sequence[str], misfit: str) -> tuple[str, ...]:
    """What people should know when more is computed than was asked for, or more than had to be."""
    if misfit:
        return (f"All of {job.table.name} is computed again, once, and its rows are replaced in one commit: {misfit}.",)
    day = job.table.day_column
    if journal.is_complete or not job.table.is_daily or day is None:
        return ()
    unknown = job.lake.state(job.table.name).rows_by_day(day, [each for each in stale if each not in journal.units])
    if not unknown:
        return ()
    return (
        f"{len(unknown)} days of {job.table.name} are computed again, once: its log and its journal no longer say from "
        "what they were computed.",
    )


def _touched(job: GoldJob, good: Sequence[str], rows: DataFrame | None) -> Sequence[str] | None:
    """The days of rows that the commit changes; None when any may be among them. Another `as_of` alone is no change."""
    table, lake = job.table, job.lake
    if table.is_daily:
        return good
    if rows is None or table.day_column is None or lake.is_empty(table.name):
        return None
    columns = [name for name in table.schema.fieldNames() if name != AS_OF]
    new, old = rows.select(*columns), lake.read(table.name).select(*columns)
    changed = new.exceptAll(old).unionAll(old.exceptAll(new)).select(F.col(table.day_column).cast("string"))
    days = [day for (day,) in changed.distinct().collect()]
    return None if None in days else sorted(days)


def has_no_rows(reads: Reads) -> bool:
    """Whether a daily table has no row on the days that are computed, which the logs of its inputs alone tell.

    It keeps the number of rows of an input that has none on these days.
    """
    kept = [reads.table.inputs[each.of] for each in reads.table.conserves if not each.amount]
    return any(
        column and not reads.lake.state(item.table).size_on(column, reads.days(item))
        for item in kept
        if (column := day_of(reads.tables, reads.table, item))
    )


def bytes_read(reads: Reads) -> int:
    """Bytes of the input files that computing some units reads."""

    def size(item: Input) -> int:
        state, column = reads.lake.state(item.table), day_of(reads.tables, reads.table, item)
        return state.size_bytes if column is None else state.size_on(column, reads.days(item))

    return sum(map(size, reads.table.inputs.values()))


def _commit(job: GoldJob, good: Sequence[str], rows: DataFrame | None, note: dict[str, Any]) -> Commit | None:
    """Replace the good units; where there are none, only the note is left.

    Returns:
        None when no row was replaced.
    """
    table, lake = job.table, job.lake
    nothing = lake.state(table.name).arrow_schema.empty_table()
    if not good:
        lake.commit(table.name, Append(), nothing, note)
        return None
    result = nothing if rows is None else rows.select(*table.schema.fieldNames())
    if rows is not None and isinstance(table.write, ReplaceDays) and note["held"]:
        result = result.where(is_day(table.write.day, good))
    if REMADE in note:
        change = Remake(table.schema)
    elif lake.is_empty(table.name):
        # There is nothing to replace, and the writer need not look for it.
        change = Append()
    elif isinstance(table.write, ReplaceDays):
        change = ReplaceWhere(is_day(table.write.day, good))
    else:
        change = Overwrite()
    return lake.commit(table.name, change, result, note)


def computed(job: GoldJob, reads: Reads) -> DataFrame:
    """What the transform makes of the inputs, for some units, with the columns that its rules need."""
    frames = [_input(job, item, reads) for item in job.table.inputs.values()]
    rows = call(job.table, frames, job.run.parameters)
    rows = conform(rows, job.table.schema, job.table.name, also=job.table.for_rules)
    if isinstance(job.table.write, ReplaceDays):
        rows = rows.where(is_day(job.table.write.day, reads.units))
    return rows


def _input(job: GoldJob, item: Input, reads: Reads) -> DataFrame:
    """What the transform sees of an input."""
    rows, column = job.lake.read(item.table), day_of(job.tables, job.table, item)
    if column is not None:
        rows = rows.where(is_day(column, reads.days(item)))
    return rows.select(*item.columns) if item.columns else rows


def balances_of(job: GoldJob, rows: DataFrame, reads: Reads) -> list[Balance]:
    """What a daily table keeps of its inputs, on some days of which these are the rows."""
    inputs: dict[str, tuple[DataFrame, str]] = {}
    for name in {each.of for each in job.table.conserves}:
        item = job.table.inputs[name]
        if day := day_of(job.tables, job.table, item):
            inputs[name] = (_input(job, item, reads), day)
    return balances(job.table, rows, inputs)


def _report(job: GoldJob, rows: DataFrame, blocked: dict[str, int], balanced: Sequence[Balance]) -> Report:
    day = F.col(job.table.write.day) if isinstance(job.table.write, ReplaceDays) else F.lit(WHOLE)
    schema = job.table.schema
    groups = grouped(
        rows,
        [day.cast("string").alias("day")],
        schema.fieldNames(),
        lambda row: shown(row.asDict(True), schema),
        job.rules,
    )
    published: dict[str, int] = {}
    for group in groups:
        published[group.keys["day"]] = published.get(group.keys["day"], 0) + group.count
    rules = (
        replace(rule, by_day=blocked) if rule.name == INPUTS_PUBLISHED.name else rule
        for rule in with_balances(rule_results(job.rules, groups, "day"), balanced)
    )
    return Report({unit: {"published": number} for unit, number in sorted(published.items())}, tuple(rules))


def _of_held(found: Report, held: Sequence[str], journal: Journal) -> Report:
    """The report in which units that are held back still publish what they had."""
    had = Report.remembered(journal, held).days
    rows = {unit: found.days.get(unit, {}).get("published", 0) for unit in held}
    days = {unit: {**had.get(unit, {}), "held_back": number} for unit, number in rows.items()}
    return replace(found, days={**found.days, **days})


def _remembered(job: GoldJob, journal: Journal, units: Sequence[str]) -> Report:
    return Report.remembered(journal, units, [unbroken(rule) for rule in job.rules])
