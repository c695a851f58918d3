"""Judging one file: it is loaded into a lake for the moment, by the same code that loads it for good.

Does not belong here: how a verdict is shown (`run.py`), rules (`silver/`), judging itself (`core/silver`).
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from pyspark.sql import functions as F

from project_etl.catalog import feeds_of, parameters_of, tables
from project_etl.commands.check.lines import line_numbers
from project_etl.core.arrow import ArrowTable
from project_etl.core.bronze import file_table
from project_etl.core.bronze.file_table import Status
from project_etl.core.bronze.plan import BronzeJob, look
from project_etl.core.bronze.readers.rescued import is_malformed
from project_etl.core.bronze.stage import stage_bronze
from project_etl.core.contracts import Action
from project_etl.core.contracts.report import RuleResult
from project_etl.core.lake import TableStore
from project_etl.core.model.names import MALFORMED_KEY, RESCUED
from project_etl.core.model.records import Feed
from project_etl.core.model.source import Dataset
from project_etl.core.model.staged import Run, staging
from project_etl.core.model.table import Merge, Table
from project_etl.core.silver.plan import SilverJob, make_plan, silver_schema
from project_etl.core.silver.rules import QUALITY, WELL_FORMED
from project_etl.core.silver.stage import judge_batch, stage_silver
from project_etl.orchestration.resources import lake_of, spark_resource
from project_etl.settings import Settings

KEPT_OUT, WAITS, LOADED, REFUSED = "kept out", "waits", "loaded", "refused"


class NotReadError(Exception):
    """The file cannot be read as a whole; the message says what was found and what was expected."""


@dataclass(frozen=True)
class Broken:
    """One rule that records of the file break.

    Attributes:
        table: the Silver table whose rule it is.
        rule: its name.
        says: the rule as a sentence.
        effect: what becomes of these records: `KEPT_OUT`, `WAITS` for a parent, `LOADED` (the rule only warns), or
            `REFUSED` (nothing of the landing day is published).
        records: how many they are.
        lines: of the first of them, the line and what was found there.
    """

    table: str
    rule: str
    says: str
    effect: str
    records: int
    lines: tuple[tuple[int, str], ...]


@dataclass(frozen=True)
class Verdict:
    """What a load would make of a file.

    Attributes:
        dataset: `source/dataset`.
        read: records in it.
        kept_out: records that break a rule which keeps them out.
        waiting: records that lack nothing but a parent.
        missing: declared columns that the file does not have.
        unknown: its columns that nobody declared.
        unchecked: rules of references that were not looked at, for the parent is not in the lake.
        broken: every broken rule.
    """

    dataset: str
    read: int
    kept_out: int
    waiting: int
    missing: tuple[str, ...]
    unknown: tuple[str, ...]
    unchecked: tuple[str, ...]
    broken: tuple[Broken, ...]

    @property
    def is_fine(self) -> bool:
        """Whether every record would be loaded."""
        is_refused = any(each.effect == REFUSED for each in self.broken)
        return bool(self.read) and not (self.kept_out or self.waiting or is_refused)


def judge_file(settings: Settings, file: Path, dataset: Dataset, limit: int) -> Verdict:
    """Judge a file of a dataset. The real lake is read for references, and never written.

    Args:
        settings: the settings.
        file: the file.
        dataset: what it holds.
        limit: how many lines are named for each rule.

    Raises:
        NotReadError: the file cannot be read as a whole.
    """
    with tempfile.TemporaryDirectory(prefix="project-etl-check-") as folder:
        day, root = _landing_day(file, settings), Path(folder, "landing")
        landed = root / dataset.source / dataset.name / day / file.name
        landed.parent.mkdir(parents=True)
        shutil.copyfile(file, landed)
        lake = _lake_in(folder, settings)
        run = Run("check", parameters=parameters_of(settings))
        job = BronzeJob(lake, dataset, str(root), (day,), run)
        row = _load(job)
        stored = lake.state(dataset.bronze).rows().sort_by("_row_number") if row.status is Status.LOADED else None
        if stored is None:
            return Verdict(f"{dataset.source}/{dataset.name}", 0, 0, 0, _names(row.absent), (), (), ())
        rescued: list[str | None] = stored[RESCUED].to_pylist()
        path = landed.relative_to(root).as_posix()
        found = _Found(stored, line_numbers(root, path, rescued), limit)
        fed = _fed_tables(settings, dataset)
        unchecked = _with_parents(lake, settings, fed)
        judged: list[_Judged] = []
        for table in fed:
            silver = SilverJob(
                lake,
                table,
                _feeds(table, settings, dataset),
                (day,),
                run,
                settings.start_date,
                settings.reporting_timezone,
            )
            judged.append(_judged(silver, unchecked, found))
            if any(ref.table == table.name for other in fed for ref in other.references):
                staged = stage_silver(silver)
                with staged.kept:
                    staged.publish()
        kept_out = frozenset[int]().union(*(each.kept_out for each in judged))
        waiting = frozenset[int]().union(*(each.waiting for each in judged)) - kept_out
        return Verdict(
            f"{dataset.source}/{dataset.name}",
            len(rescued),
            len(kept_out),
            len(waiting),
            _names(row.absent),
            _unknown(rescued),
            tuple(sorted(unchecked)),
            tuple(broken for each in judged for broken in each.broken),
        )


def _landing_day(file: Path, settings: Settings) -> str:
    """The day of the folder that the file lies in, as in landing; else today."""
    try:
        return date.fromisoformat(file.absolute().parent.name).isoformat()
    except ValueError:
        return settings.clock().date().isoformat()


def _lake_in(folder: str, settings: Settings) -> TableStore:
    """A lake for the moment, computed on this machine whatever the settings say: the rows are the same everywhere."""
    spark = settings.spark.model_copy(update={"master": "local[*]", "remote": None})
    here = settings.model_copy(update={"lake_root": f"{folder}/lake", "engine": "auto", "spark": spark})
    return lake_of(here, spark_resource(here))


def _load(job: BronzeJob) -> file_table.FileRow:
    """Load the file into Bronze.

    Raises:
        NotReadError: it cannot be read as a whole.
    """
    landing = look(job)
    if not landing.files:
        said = [item.in_words().rpartition("/")[2] for item in landing.unrecognized]
        raise NotReadError("; ".join(said) or "a name that begins with . or _, or ends in .tmp or .part, is not read")
    staged = stage_bronze(job, landing)
    with staged.kept:
        staged.publish()
    (row,) = file_table.files(job.lake, [job.dataset.bronze], job.days).values()
    if row.status not in (Status.LOADED, Status.EMPTY):
        raise NotReadError(f"{row.rule}: {row.detail}")
    return row


def _feeds(table: Table, settings: Settings, dataset: Dataset) -> tuple[Feed, ...]:
    return tuple(feed for feed in feeds_of(table, settings) if feed.bronze == dataset.bronze)


def _fed_tables(settings: Settings, dataset: Dataset) -> list[Table]:
    """The Silver tables of the dataset's records, parents first; of one kind, that of newest versions."""
    fed = [table for table in tables() if _feeds(table, settings, dataset)]
    fed.sort(key=lambda table: isinstance(table.write, Merge))
    by_kind = {table.records.name: table for table in fed if table.records}
    return sorted(by_kind.values(), key=lambda table: len(table.references))


def _with_parents(lake: TableStore, settings: Settings, fed: Sequence[Table]) -> frozenset[str]:
    """Have the lake for the moment look at the parents in the real one.

    A parent that the file itself feeds is made of the file: what is judged is never a table of the real lake.

    Returns:
        The rules of the references whose parent is not there.
    """
    real, declared = TableStore(settings.lake_root), {table.name: table for table in tables()}
    missing: set[str] = set()
    for ref in (ref for table in fed for ref in table.references):
        if declared[ref.table] in fed:
            continue
        is_there = settings.has_local_lake and real.exists(ref.table)
        place = Path(lake.path(ref.table))
        if not is_there:
            missing.add(ref.rule)
            lake.create(ref.table, silver_schema(declared[ref.table]))
        elif not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(real.path(ref.table), target_is_directory=True)
    return frozenset(missing)


@dataclass(frozen=True)
class _Found:
    """The records of the file as received, in order, and the line of each."""

    records: ArrowTable
    lines: Sequence[int]
    limit: int

    def at(self, number: int, rule: str, column: str | None) -> tuple[int, str]:
        """The line of a record, and what breaks a rule: what stands in the column, or the record as a whole."""
        (record,) = self.records.slice(number - 1, 1).to_pylist()
        if rule == WELL_FORMED:
            found = json.loads(record[RESCUED])[MALFORMED_KEY]
        elif column in record:
            found = "nothing" if record[column] is None else f"'{record[column]}'"
        else:
            said = {name: value for name, value in record.items() if value is not None and not name.startswith("_")}
            found = json.dumps(said, ensure_ascii=False)
        return self.lines[number - 1], found


@dataclass(frozen=True)
class _Judged:
    """What a table makes of the records, by their numbers in the file."""

    kept_out: frozenset[int]
    waiting: frozenset[int]
    broken: tuple[Broken, ...]


def _judged(job: SilverJob, unchecked: Collection[str], found: _Found) -> _Judged:
    records, failed = _judge(job)
    broken_by: dict[str, list[int]] = defaultdict(list)
    for number, rules in records:
        for rule in rules:
            if rule not in unchecked:
                broken_by[rule].append(number)
    # What the whole comes to is not known while it is not known which records wait.
    refusing = {} if unchecked else {rule.name: rule for rule in failed}
    effects = _effects(job) | dict.fromkeys(refusing, REFUSED)
    kept_out, waiting = (
        frozenset(number for rule, numbers in broken_by.items() if effects[rule] == effect for number in numbers)
        for effect in (KEPT_OUT, WAITS)
    )
    broken = [
        Broken(
            job.table.name,
            rule.name,
            rule.description,
            effects[rule.name],
            len(broken_by[rule.name]),
            tuple(found.at(number, rule.name, rule.column) for number in sorted(broken_by[rule.name])[: found.limit]),
        )
        for rule in job.rules
        if rule.name in broken_by
    ]
    if QUALITY in refusing:
        broken.append(Broken(job.table.name, QUALITY, refusing[QUALITY].description, REFUSED, len(kept_out), ()))
    return _Judged(kept_out, waiting, tuple(broken))


def _judge(job: SilverJob) -> tuple[list[tuple[int, Collection[str]]], Sequence[RuleResult]]:
    """Number and broken rules of each record that breaks any; and the rules that forbid publishing."""
    job.lake.create(job.table.name, silver_schema(job.table))
    job = job.pinned()
    assert job.lake.engine is not None
    with staging(job.lake) as kept:
        judged = judge_batch(job, make_plan(job), kept)
        rows = judged.rows.where(~F.col("_stored") & (F.size("_broken") > 0)).select("_row_number", "_broken")
        records = job.lake.engine.arrow(rows).to_pylist()
        return [(each["_row_number"], each["_broken"]) for each in records], judged.report.failed


def _effects(job: SilverJob) -> dict[str, str]:
    waiting = {ref.rule for ref in job.table.references if ref.action is Action.QUARANTINE}
    said = {Action.WARN: LOADED, Action.QUARANTINE: KEPT_OUT, Action.FAIL: REFUSED}
    return {rule.name: WAITS if rule.name in waiting else said[rule.action] for rule in job.rules}


def _names(text: str | None) -> tuple[str, ...]:
    return tuple(text.split(", ")) if text else ()


def _unknown(rescued: Sequence[str | None]) -> tuple[str, ...]:
    """The names of columns that nobody declared, in order."""
    return tuple(sorted({name for text in rescued if text and not is_malformed(text) for name in json.loads(text)}))
