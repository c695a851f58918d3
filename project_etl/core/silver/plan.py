"""Planning Silver: which landing days hold anything that the table has not seen, decided without Spark.

Belongs here: comparing Bronze and the parents with what the journal says. Does not belong here: rows
(`stage.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from pyspark.sql import types as T

from project_etl.core.bronze import file_table
from project_etl.core.contracts import Action, Rule, rules_of, sql_rule
from project_etl.core.contracts.judge import unbroken
from project_etl.core.contracts.report import Report
from project_etl.core.contracts.sql_text import sql_text
from project_etl.core.digest import digest
from project_etl.core.lake import Journal, TableStore
from project_etl.core.model.records import RECORD, Feed, Records
from project_etl.core.model.staged import Run
from project_etl.core.model.table import Reference, Table
from project_etl.core.model.transform import taken
from project_etl.core.silver import quarantine
from project_etl.core.transforms.text import ROUNDED_KEY, Kind

EMPTY = "-"
EARLIEST_DAY = "1900-01-01"
WITHIN_PARTITIONS = "within_partitions"


@dataclass(frozen=True)
class SilverJob:
    """One materialization of a Silver table.

    Attributes:
        lake: the lake.
        table: the Silver table.
        feeds: the Bronze tables that feed it, of the sources that are on.
        days: landing days asked for, ISO dates in order.
        run: the run.
        first_day: the first business day that has a Gold partition; None does not look at that.
        replay: judge the asked days again even when nothing changed.
    """

    lake: TableStore
    table: Table
    feeds: tuple[Feed, ...]
    days: tuple[str, ...]
    run: Run
    first_day: date | None = None
    replay: bool = False

    def pinned(self) -> SilverJob:
        """The job over the table and its inputs as they are now, whatever other runs commit from now on."""
        inputs = (*(feed.bronze for feed in self.feeds), *(ref.table for ref in self.table.references))
        # The file table may lag behind Bronze and never lead, and so may quarantine behind its Silver table.
        first = (quarantine.name_of(self.table.name), self.table.name, file_table.FILES)
        return replace(self, lake=self.lake.pinned([*first, *inputs]))

    @property
    def records(self) -> Records:
        """What its records say."""
        assert self.table.records is not None, self.table.name
        return self.table.records

    @property
    def columns(self) -> tuple[str, ...]:
        """The text columns of its records."""
        return tuple(self.records.columns)

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Every rule of the table, in the order in which people see them."""
        return silver_rules(self.table, self.feeds, self.first_day)

    @property
    def version(self) -> str:
        """Changes when rules, code, mappings or the parameters that the transform takes change."""
        feeds = [feed.version for feed in self.feeds]
        return digest(self.table.version, feeds, taken(self.table, self.run.parameters))


@dataclass(frozen=True)
class SilverPlan:
    """What a Silver materialization has to do.

    Attributes:
        journal: what was judged before.
        fingerprints: asked day (and day that is judged again) → what it is made of now.
        new_days: days that hold files and have never been judged.
        changed_days: days whose files or rules are not those that were judged.
        parents: parent table → data version now.
        parent_ids: parent table → Delta's identity of it; one that was made anew counts its versions from the start.
        moved: references whose parent changed since the last commit.
        waiting: records that wait for a parent.
    """

    journal: Journal
    fingerprints: Mapping[str, str]
    new_days: tuple[str, ...]
    changed_days: tuple[str, ...]
    parents: Mapping[str, int]
    parent_ids: Mapping[str, str]
    moved: tuple[Reference, ...]
    waiting: int

    @property
    def batch_days(self) -> tuple[str, ...]:
        """The days whose records are judged."""
        return tuple(sorted({*self.new_days, *self.changed_days}))

    @property
    def has_work(self) -> bool:
        """Whether anything could come out differently from what is stored."""
        return bool(self.batch_days) or self.has_other_parents

    @property
    def has_other_parents(self) -> bool:
        """Whether a parent has changed in a way that may concern a published row or a waiting record."""
        return bool(self.moved and (self.waiting or self.carried))

    @property
    def carried(self) -> tuple[Reference, ...]:
        """Moved references whose change may reach rows that are already published."""
        return tuple(ref for ref in self.moved if ref.table in self.parents_before)

    @property
    def parents_before(self) -> Mapping[str, int]:
        """Parent table → data version with which the table was judged last."""
        return self.journal.last_note("parents") or {}

    @property
    def is_lost(self) -> bool:
        """Whether all of Bronze is judged because nobody knows any more which days were."""
        return self.has_work and not self.journal.is_complete

    def judging_again(self, job: SilverJob, days: Collection[str]) -> SilverPlan:
        """The plan with days that are judged anew, as if their files had changed."""
        return replace(
            self,
            changed_days=tuple(sorted({*self.changed_days, *days})),
            fingerprints={**self.fingerprints, **_fingerprints(job, days)},
        )


def silver_rules(table: Table, feeds: Sequence[Feed], first_day: date | None = None) -> tuple[Rule, ...]:
    """The rules of a Silver table: its contract's, its references', and those every record must meet.

    Args:
        table: the table.
        feeds: the Bronze tables that feed it.
        first_day: the first business day that has a Gold partition; None makes no rule of it.
    """
    universal = [
        sql_rule(
            "well_formed", "_record.malformed IS NULL", description="the record can be parsed", action=Action.QUARANTINE
        )
    ]
    if any(feed.mapping is not None for feed in feeds):
        universal.append(
            sql_rule(
                "source_values_mapped",
                "_record.unmapped IS NULL",
                description="every value of the source system has a counterpart here",
                action=Action.WARN,
            )
        )
    references = [
        sql_rule(
            ref.rule,
            f"`{ref.column}` IS NULL OR _record.found.{ref.rule}",
            description=f"{ref.column} is known in {ref.table}",
            action=ref.action,
            column=ref.column,
        )
        for ref in table.references
    ]
    assert table.records is not None, table.name
    given = (*universal, *_key_rules(table.records), *_range_rules(table, table.records))
    extra = (*given, *_partition_rules(table, first_day), *references, *table.rules)
    rules = rules_of(table.contract, text_columns=tuple(table.records.columns), extra=extra)
    return tuple(rule for rule in rules if rule.column not in table.derived)


def _key_rules(records: Records) -> tuple[Rule, ...]:
    """Keys and references that a spreadsheet has rounded would make one thing of several."""
    keys = records.of_kind(Kind.KEY)
    if not keys:
        return ()
    rounded = " OR ".join(f"coalesce({RECORD}.text.`{key}` RLIKE {sql_text(ROUNDED_KEY)}, false)" for key in keys)
    return (
        sql_rule(
            "keys_not_rounded",
            f"NOT ({rounded})",
            description=f"{', '.join(keys)}: not in scientific notation (4.5E+12), in which a spreadsheet loses digits",
            action=Action.QUARANTINE,
        ),
    )


def _range_rules(table: Table, records: Records) -> tuple[Rule, ...]:
    """Instants that no business has: a version from the future would win for ever, and no Gold day holds the others."""
    instants = {*records.of_kind(Kind.INSTANT)}

    def rule(column: str, action: Action) -> Rule:
        return sql_rule(
            f"{column}_in_range",
            # Never the clock: what is in the future must not depend on when it is looked at.
            f"`{column}` IS NULL OR (to_date(`{column}`) >= DATE'{EARLIEST_DAY}'"
            f" AND to_date(`{column}`) <= date_add({RECORD}._landing_date, 1))",
            description=f"{column} is not before {EARLIEST_DAY}, nor more than one day after the landing day",
            action=action,
            column=column,
        )

    def decides(item: T.StructField) -> bool:
        return isinstance(item.dataType, T.TimestampType) or item.name in table.keys

    found = [item for item in table.schema.fields if item.name in instants]
    return tuple(rule(item.name, Action.QUARANTINE if decides(item) else Action.WARN) for item in found)


def _partition_rules(table: Table, first_day: date | None) -> tuple[Rule, ...]:
    """A row of an earlier day than Gold has is in Silver, and in no number that people see."""
    day = table.day_column
    if day is None or first_day is None:
        return ()
    return (
        sql_rule(
            WITHIN_PARTITIONS,
            # Not the last day, which is today's: a verdict must not depend on when it is made.
            f"`{day}` IS NULL OR `{day}` >= DATE'{first_day}'",
            description=f"{day} is not before start_date, {first_day}, the first day of which Gold is computed",
            action=Action.WARN,
            column=day,
        ),
    )


def make_plan(job: SilverJob) -> SilverPlan:
    """Compare what is there with what was judged."""
    journal = job.lake.journal(job.table.name)
    fingerprints = _fingerprints(job, job.days)
    new: list[str] = []
    changed: list[str] = []
    for day in job.days:
        known, now = journal.fingerprint(day), fingerprints[day]
        if known == now and not job.replay:
            continue
        if known is not None:
            changed.append(day)
        elif now != EMPTY:
            new.append(day)
    references = [ref for ref in job.table.references if ref.action is not Action.WARN]
    parents = {ref.table: job.lake.data_version(ref.table) for ref in references}
    before, ids_before = journal.last_note("parents") or {}, journal.last_note("parent_ids") or {}
    ids = {ref.table: job.lake.state(ref.table).table_id for ref in references if job.lake.exists(ref.table)}

    def is_moved(ref: Reference) -> bool:
        return (parents[ref.table], ids.get(ref.table)) != (before.get(ref.table), ids_before.get(ref.table))

    plan = SilverPlan(
        journal=journal,
        fingerprints=fingerprints,
        new_days=tuple(new),
        changed_days=tuple(changed),
        parents={table: version for table, version in parents.items() if version is not None},
        parent_ids=ids,
        moved=tuple(filter(is_moved, references)),
        waiting=quarantine.waiting_count(job.lake, quarantine.name_of(job.table.name)) if references else 0,
    )
    if plan.is_lost:
        return replace(plan.judging_again(job, days_in_bronze(job)), new_days=())
    return plan.judging_again(job, _unfinished_days(job, journal))


def _unfinished_days(job: SilverJob, journal: Journal) -> Collection[str]:
    """Landing days whose rows in quarantine are not what the last commit found: the run died before it changed them."""
    promised = journal.last_note("quarantine")
    if promised is None:
        return ()
    done = job.lake.journal(quarantine.name_of(job.table.name)).last_note("batch")
    return () if done == promised["batch"] else promised["days"]


def remembered_report(job: SilverJob, journal: Journal, days: Collection[str]) -> Report:
    """The report of some days as it was when they were judged last."""
    return Report.remembered(journal, sorted(days), [unbroken(rule) for rule in job.rules])


def _fingerprints(job: SilverJob, days: Collection[str]) -> dict[str, str]:
    files: dict[str, list[tuple[str, str, str]]] = {day: [] for day in days}
    for path, row in file_table.files(job.lake, [feed.bronze for feed in job.feeds], days).items():
        if row.status is file_table.Status.LOADED:
            files[row.day].append((row.dataset, path, row.version or ""))
    return {day: f"{job.version}/{digest(sorted(found))}" if found else EMPTY for day, found in files.items()}


def days_of_other_files(job: SilverJob, plan: SilverPlan) -> set[str]:
    """Judged days out of the batch that hold other files now, by whichever rules: a run has not come to Silver yet."""
    days = plan.journal.units.keys() - {*plan.batch_days}
    known = {day: fingerprint for day in days if (fingerprint := plan.journal.fingerprint(day)) is not None}
    now = _fingerprints(job, known)
    return {day for day, then in known.items() if now[day].rpartition("/")[2] != then.rpartition("/")[2]}


def unjudged_days(job: SilverJob, plan: SilverPlan) -> tuple[str, ...]:
    """The days in Bronze that were never judged and are not judged now: what their files say may still be corrected."""
    return tuple(sorted(days_in_bronze(job) - {*plan.batch_days} - plan.journal.units.keys()))


@dataclass(frozen=True)
class Behind:
    """What a Silver table has not taken in of what is there.

    Attributes:
        days: landing days of which Bronze holds other files than were judged, or quarantine other rows.
        parents: whether a parent changed in a way that may concern published rows or waiting records.
    """

    days: frozenset[str]
    parents: bool


def behind(job: SilverJob) -> Behind:
    """What a run of any day, and runs of some days, would take in; other rules are not looked at (see `replay`).

    Args:
        job: the table, for no days.
    """
    job = replace(job, feeds=tuple(feed for feed in job.feeds if job.lake.exists(feed.bronze))).pinned()
    plan = make_plan(job)
    days = days_of_other_files(job, plan).union(unjudged_days(job, plan), _unfinished_days(job, plan.journal))
    return Behind(frozenset(days), plan.has_other_parents)


def days_in_bronze(job: SilverJob) -> set[str]:
    """The landing days of which Bronze holds rows."""
    return {day for feed in job.feeds for day in job.lake.state(feed.bronze).partition_rows("_landing_date")}
