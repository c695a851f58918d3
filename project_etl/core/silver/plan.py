"""Planning Silver: which landing days hold anything that the table has not seen, decided without Spark.

Belongs here: comparing Bronze and the parents with what the journal says. Does not belong here: rows
(`stage.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date

from pyspark.sql import types as T

from project_etl.core.bronze import file_table
from project_etl.core.bronze.file_table import FileRow
from project_etl.core.contracts import Action, Rule
from project_etl.core.contracts.judge import unbroken
from project_etl.core.contracts.report import Report, RuleResult
from project_etl.core.digest import digest
from project_etl.core.lake import Journal, TableStore
from project_etl.core.model.records import SILVER_LINEAGE, Feed, Records
from project_etl.core.model.staged import Run
from project_etl.core.model.table import Reference, Table
from project_etl.core.model.transform import taken
from project_etl.core.silver import quarantine
from project_etl.core.silver.rules import comparisons, silver_rules
from project_etl.core.transforms.zones import NO_ZONE

EMPTY = "-"


@dataclass(frozen=True)
class SilverJob:
    """One materialization of a Silver table.

    Attributes:
        lake: the lake.
        table: the Silver table.
        feeds: the Bronze tables that feed it, of the sources that are on.
        days: landing days asked for, ISO dates in order.
        run: the run.
        first_day: the first business day that has a Gold partition.
        zone: the reporting time zone, by which an instant is of the future.
        replay: judge the asked days again even when nothing changed.
    """

    lake: TableStore
    table: Table
    feeds: tuple[Feed, ...]
    days: tuple[str, ...]
    run: Run
    first_day: date
    zone: str = NO_ZONE
    replay: bool = False

    def pinned(self) -> SilverJob:
        """The job over the table and its inputs as they are now, whatever other runs commit from now on."""
        inputs = (*(feed.bronze for feed in self.feeds), *(ref.table for ref in self.table.references))
        # The file table may lag behind Bronze and never lead, and so may quarantine behind its Silver table.
        first = (self.quarantine, self.table.name, file_table.FILES)
        return replace(self, lake=self.lake.pinned([*first, *inputs]))

    @property
    def quarantine(self) -> str:
        """The quarantine table of its table; there is none where a sister has it."""
        return quarantine.name_of(self.table.name)

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
        return silver_rules(self.table, self.feeds, self.first_day, self.zone)

    @property
    def checks(self) -> tuple[RuleResult, ...]:
        """All that is judged of the table, as unbroken."""
        return (*map(unbroken, self.rules), *comparisons(self.table))

    @property
    def precedence(self) -> dict[str, int]:
        """Folder of each source → its place among those that may say something of one natural key."""
        return {feed.folder: feed.precedence for feed in self.feeds}

    @property
    def may_delete(self) -> bool:
        """Whether a record may say that something is gone."""
        return any(feed.may_delete for feed in self.feeds)

    @property
    def version(self) -> str:
        """Changes when rules, code, mappings, time zones or the parameters that the transform takes change."""
        feeds = [feed.version for feed in self.feeds]
        zone = [] if self.zone == NO_ZONE else [self.zone]
        return digest(self.table.version, feeds, taken(self.table, self.run.parameters), *zone)


@dataclass(frozen=True)
class SilverPlan:
    """What a Silver materialization has to do.

    Attributes:
        journal: what was judged before.
        fingerprints: asked day (and day that is judged again) → what it is made of now.
        new_days: days that hold files and have never been judged.
        changed_days: days whose files or rules are not those that were judged.
        grown: days that hold all files that were judged, by the same rules, and further ones → these further files,
            which alone are judged.
        parents: parent table → data version now.
        parent_ids: parent table → Delta's identity of it; one that was made anew counts its versions from the start.
        moved: references whose parent changed since the last commit.
        waiting: records that wait for a parent.
        misfit: why the stored table cannot take the rows of now, in words; it is made anew then. Empty when it can.
    """

    journal: Journal
    fingerprints: Mapping[str, str]
    new_days: tuple[str, ...]
    changed_days: tuple[str, ...]
    grown: Mapping[str, tuple[FileRow, ...]]
    parents: Mapping[str, int]
    parent_ids: Mapping[str, str]
    moved: tuple[Reference, ...]
    waiting: int
    misfit: str = ""

    @property
    def batch_days(self) -> tuple[str, ...]:
        """The days of which records are judged."""
        return tuple(sorted({*self.whole_days, *self.grown}))

    @property
    def whole_days(self) -> tuple[str, ...]:
        """The days of which all records are judged."""
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
        changed = {*self.changed_days, *days}
        return replace(
            self,
            # Where keys are derived again from Bronze, the stored rows stand for no files.
            changed_days=tuple(sorted(changed | self.grown.keys() if changed else ())),
            grown={} if changed else self.grown,
            fingerprints=_fingerprints(job, {*days} - self.fingerprints.keys()) | {**self.fingerprints},
        )


def make_plan(job: SilverJob) -> SilverPlan:
    """Compare what is there with what was judged."""
    journal = job.lake.journal(job.table.name)
    files = _files(job, job.days)
    fingerprints = {day: _fingerprint(job, rows) for day, rows in files.items()}
    new: list[str] = []
    changed: list[str] = []
    grown: dict[str, tuple[FileRow, ...]] = {}
    for day in job.days:
        known, now = journal.fingerprint(day), fingerprints[day]
        if known == now and not job.replay:
            continue
        if known is None:
            new += [day] if now != EMPTY else []
        elif gained := _gained(job, journal, day, files[day]):
            grown[day] = gained
        else:
            changed.append(day)
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
        changed_days=(),
        grown=grown,
        parents={table: version for table, version in parents.items() if version is not None},
        parent_ids=ids,
        moved=tuple(filter(is_moved, references)),
        waiting=quarantine.waiting_count(job.lake, job.quarantine) if references else 0,
    )
    plan = plan.judging_again(job, changed)
    if misfit := _misfit(job, journal):
        judged = days_in_bronze(job).difference(unjudged_days(job, plan))
        return replace(plan.judging_again(job, judged), new_days=(), misfit=misfit)
    if plan.is_lost:
        return replace(plan.judging_again(job, days_in_bronze(job)), new_days=())
    return plan.judging_again(job, _unfinished_days(job, journal))


def silver_schema(table: Table) -> T.StructType:
    """The stored columns of a Silver table: the contract's, then lineage."""
    return T.StructType([*table.schema.fields, *SILVER_LINEAGE.fields])


def _misfit(job: SilverJob, journal: Journal) -> str:
    """Why the stored table cannot take the rows of now: columns or keys have changed."""
    keys = journal.last_note("keys")
    if keys is not None and keys != list(job.table.keys):
        return f"its key was ({', '.join(keys)}) and is ({', '.join(job.table.keys)})"
    return job.lake.misfit(job.table.name, silver_schema(job.table))


def _unfinished_days(job: SilverJob, journal: Journal) -> Collection[str]:
    """Landing days whose rows in quarantine are not what the last commit found: the run died before it changed them."""
    promised = journal.last_note("quarantine")
    if promised is None:
        return ()
    done = job.lake.journal(job.quarantine).last_note("batch")
    return () if done == promised["batch"] else promised["days"]


def remembered_report(job: SilverJob, journal: Journal, days: Collection[str]) -> Report:
    """The report of some days as it was when they were judged last."""
    return Report.remembered(journal, sorted(days), job.checks)


def _files(job: SilverJob, days: Collection[str]) -> dict[str, list[FileRow]]:
    """The loaded files of some landing days."""
    files: dict[str, list[FileRow]] = {day: [] for day in days}
    for row in file_table.files(job.lake, [feed.bronze for feed in job.feeds], days).values():
        if row.status is file_table.Status.LOADED:
            files[row.day].append(row)
    return files


def _fingerprint(job: SilverJob, files: Iterable[FileRow]) -> str:
    """What a day is made of that holds some files, in short."""
    found = sorted((row.dataset, row.path, row.content) for row in files)
    return f"{job.version}/{digest(found)}" if found else EMPTY


def _fingerprints(job: SilverJob, days: Collection[str]) -> dict[str, str]:
    return {day: _fingerprint(job, rows) for day, rows in _files(job, days).items()}


def _gained(job: SilverJob, journal: Journal, day: str, files: Collection[FileRow]) -> tuple[FileRow, ...]:
    """The files that a judged day has gained; none when anything else about it has changed, too."""
    if job.replay or any(feed.gather for feed in job.feeds):
        return ()
    reads = journal.note(day).get("reads", {})

    def was_there(row: FileRow) -> bool:
        return row.bronze_version <= reads.get(row.dataset, -1)

    if _fingerprint(job, filter(was_there, files)) != journal.fingerprint(day):
        return ()
    return tuple(row for row in files if not was_there(row))


def days_of_other_files(job: SilverJob, plan: SilverPlan) -> set[str]:
    """Judged days out of the batch that hold other files now, by whichever rules: a run has not come to Silver yet."""
    days = plan.journal.units.keys() - {*plan.batch_days}
    known = {day: fingerprint for day in days if (fingerprint := plan.journal.fingerprint(day)) is not None}
    now = _fingerprints(job, known)
    return {day for day, then in known.items() if now[day].rpartition("/")[2] != then.rpartition("/")[2]}


def unjudged_days(job: SilverJob, plan: SilverPlan) -> tuple[str, ...]:
    """The days in Bronze that were never judged and are not judged now: what their files say may still be corrected."""
    return tuple(sorted(days_in_bronze(job) - {*plan.batch_days} - plan.journal.units.keys()))


def judges_all(job: SilverJob, plan: SilverPlan) -> bool:
    """Whether a plan judges every record in Bronze."""
    return days_in_bronze(job) <= {*plan.whole_days}


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
