"""Planning Silver: which landing days hold anything that the table has not seen, decided without Spark.

Belongs here: comparing Bronze and the parents with what the commit notes remember. Does not belong here: rows
(`silver.py`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from project_etl.core import file_table, quarantine
from project_etl.core.contract import Action, Rule, rules_of, sql_rule
from project_etl.core.judge import unbroken
from project_etl.core.lake import TableStore
from project_etl.core.records import Feed
from project_etl.core.report import Report
from project_etl.core.staged import Memory, Run, remember
from project_etl.core.steps import taken
from project_etl.core.table import History, Reference, Table

EMPTY = "-"
VALIDITY = ("valid_from", "valid_to", "is_current")


@dataclass(frozen=True)
class SilverJob:
    """One materialization of a Silver table.

    Attributes:
        lake: the lake.
        table: the Silver table.
        columns: text columns of its records.
        feeds: the Bronze tables that feed it, of the sources that are on.
        days: landing days asked for, ISO dates in order.
        run: the run.
        replay: judge the asked days again even when nothing changed.
    """

    lake: TableStore
    table: Table
    columns: tuple[str, ...]
    feeds: tuple[Feed, ...]
    days: tuple[str, ...]
    run: Run
    replay: bool = False

    def pinned(self) -> SilverJob:
        """The job over the table and its inputs as they are now, whatever other runs commit from now on."""
        inputs = (*(feed.bronze for feed in self.feeds), *(ref.table for ref in self.table.references))
        # Before Bronze: the file table may lag behind it, and never lead.
        return replace(self, lake=self.lake.pinned([self.table.name, file_table.FILES, *inputs]))

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Every rule of the table, in the order in which people see them."""
        return silver_rules(self.table, self.columns, self.feeds)

    @property
    def version(self) -> str:
        """Changes when rules, code, mappings or the parameters that the transform takes change."""
        parts = [
            self.table.version,
            *(feed.version for feed in self.feeds),
            str(taken(self.table, self.run.parameters)),
        ]
        return hashlib.blake2b("|".join(parts).encode(), digest_size=6).hexdigest()


@dataclass(frozen=True)
class SilverPlan:
    """What a Silver materialization has to do.

    Attributes:
        memory: what the commit notes say.
        fingerprints: asked day (and day that is judged again) → what it is made of now.
        new_days: days that hold files and have never been judged.
        changed_days: days whose files or rules are not those that were judged.
        parents: parent table → data version now.
        moved: references whose parent changed since the last commit.
        waiting: records that wait for a parent.
    """

    memory: Memory
    fingerprints: Mapping[str, str]
    new_days: tuple[str, ...]
    changed_days: tuple[str, ...]
    parents: Mapping[str, int]
    moved: tuple[Reference, ...]
    waiting: int

    @property
    def batch_days(self) -> tuple[str, ...]:
        """The days whose records are judged."""
        return tuple(sorted({*self.new_days, *self.changed_days}))

    @property
    def has_work(self) -> bool:
        """Whether anything could come out differently from what is stored."""
        return bool(self.batch_days or (self.moved and (self.waiting or self.carried)))

    @property
    def carried(self) -> tuple[Reference, ...]:
        """Moved references whose change may reach rows that are already published."""
        return tuple(ref for ref in self.moved if ref.table in self.memory.last.get("parents", {}))

    def judging_again(self, job: SilverJob, days: Collection[str]) -> SilverPlan:
        """The plan with days that are judged anew, as if their files had changed."""
        return replace(
            self,
            changed_days=tuple(sorted({*self.changed_days, *days})),
            fingerprints={**self.fingerprints, **_fingerprints(job, days)},
        )


def silver_rules(table: Table, columns: Sequence[str], feeds: Sequence[Feed]) -> tuple[Rule, ...]:
    """The rules of a Silver table: its contract's, its references', and those every record must meet."""
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
    rules = rules_of(table.contract, text_columns=columns, extra=(*universal, *references, *table.rules))
    derived = VALIDITY if isinstance(table.write, History) else ()
    return tuple(rule for rule in rules if rule.column not in derived)


def make_plan(job: SilverJob) -> SilverPlan:
    """Compare what is there with what was judged."""
    memory = remember(job.lake, job.table.name)
    fingerprints = _fingerprints(job, job.days)
    unsettled = unsettled_days(job, memory, job.days)
    new: list[str] = []
    changed: list[str] = []
    for day in job.days:
        known, now = memory.fingerprint(day), fingerprints[day]
        if known == now and not job.replay and day not in unsettled:
            continue
        if known is not None or (not memory.is_complete and now != EMPTY):
            changed.append(day)
        elif now != EMPTY:
            new.append(day)
    references = [ref for ref in job.table.references if ref.action is not Action.WARN]
    parents = {ref.table: job.lake.data_version(ref.table) for ref in references}
    before = memory.last.get("parents", {})
    plan = SilverPlan(
        memory=memory,
        fingerprints=fingerprints,
        new_days=tuple(new),
        changed_days=tuple(changed),
        parents={table: version for table, version in parents.items() if version is not None},
        moved=tuple(ref for ref in references if parents[ref.table] != before.get(ref.table)),
        waiting=quarantine.waiting_count(job.lake, quarantine.name_of(job.table.name)) if references else 0,
    )
    return plan.judging_again(job, _half_judged_days(job, memory))


def remembered_report(job: SilverJob, memory: Memory) -> Report:
    """The report of the asked days as their last commits told it."""
    return memory.report(job.days, Report(rules=tuple(unbroken(rule) for rule in job.rules)))


def _fingerprints(job: SilverJob, days: Collection[str]) -> dict[str, str]:
    files: dict[str, list[tuple[str, str, str]]] = {day: [] for day in days}
    for feed in job.feeds:
        for path, row in file_table.files(job.lake, feed.bronze, days).items():
            if row.status is file_table.Status.LOADED:
                files[row.day].append((feed.bronze, path, row.version or ""))
    return {day: f"{job.version}/{_digest(sorted(found))}" if found else EMPTY for day, found in files.items()}


def days_of_other_files(job: SilverJob, plan: SilverPlan) -> set[str]:
    """Judged days out of the batch that hold other files now, by whichever rules: a run has not come to Silver yet."""
    days = plan.memory.days.keys() - {*plan.batch_days}
    known = {day: fingerprint for day in days if (fingerprint := plan.memory.fingerprint(day)) is not None}
    now = _fingerprints(job, known)
    return {day for day, then in known.items() if now[day].rpartition("/")[2] != then.rpartition("/")[2]}


def unsettled_days(job: SilverJob, memory: Memory, days: Iterable[str]) -> set[str]:
    """Those of some days whose judging run died before it had tidied quarantine."""
    promised = {day: note["tidies"] for day in days if (note := memory.days.get(day, {})).get("tidies")}
    commits = job.lake.commits(quarantine.name_of(job.table.name)) if promised else ()
    kept = {commit.note.get("tidied") for commit in commits}
    return {day for day, tidies in promised.items() if tidies not in kept}


def _half_judged_days(job: SilverJob, memory: Memory) -> set[str]:
    """Judged days of which a run put records into quarantine and died before Silver's commit, and none judged since."""
    found: set[str] = set()
    for commit in job.lake.commits(quarantine.name_of(job.table.name)):
        batch = commit.note.get("batch")
        if batch and batch not in memory.batches:
            days = (day for day in commit.note["rejects"] if memory.fingerprint(day) is not None)
            found |= {day for day in days if _base(memory.days[day].get("batch")) < _base(batch)}
    return found


def _base(batch: str | None) -> int:
    """The version of the Silver table that a batch was judged against."""
    return int(batch.rsplit("/", 1)[1]) if batch else -1


def unjudged_days(job: SilverJob, plan: SilverPlan) -> tuple[str, ...]:
    """The days in Bronze that were never judged and are not judged now: what their files say may still be corrected."""
    if not plan.memory.is_complete:
        return ()
    days = days_in_bronze(job) - {*plan.batch_days}
    return tuple(sorted(day for day in days if plan.memory.fingerprint(day) is None))


def days_in_bronze(job: SilverJob) -> set[str]:
    """The landing days of which Bronze holds rows."""
    return {day for feed in job.feeds for day in job.lake.state(feed.bronze).partition_rows("_landing_date")}


def _digest(value: object) -> str:
    return hashlib.blake2b(json.dumps(value, default=str).encode(), digest_size=6).hexdigest()
