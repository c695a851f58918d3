"""What Bronze holds of each landing day and what is wrong with it, whichever of its files came when.

Belongs here: the rules that people see as Bronze's checks, and counting. A day on which files came, changed or went is
counted anew: the new files as they were read, the others in the table itself; any other day is as it was. Does not
belong here: reading and committing (`load.py`).
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

import pyarrow as pa
import pyarrow.compute as pc

from project_etl.core.contract import Action
from project_etl.core.lake import TableStore
from project_etl.core.lake.state import on_days
from project_etl.core.names import MALFORMED_KEY, RESCUED
from project_etl.core.report import Report, RuleResult
from project_etl.core.staged import remember
from project_etl.sources.file_register import FILE_HAS_RECORDS, FILE_UNIQUE
from project_etl.sources.load_plan import BronzeJob, BronzePlan
from project_etl.sources.unreadable import FILE_ACCESSIBLE, FILE_STABLE

SAMPLES = 5

# Nothing here keeps a record out, Silver does.
FILE_CHECKS = {
    "files_readable": "every file can be read as a whole",
    "files_unique": "no file is a copy of another file of its landing day",
    "files_settled": "no file changed while it was loaded",
    "files_recognized": "everything in landing has a name and place that is read",
}
RECORD_CHECKS = {
    "records_well_formed": "every record can be parsed",
    "columns_known": "no record has a column that is not declared",
}
CHECKS = {**FILE_CHECKS, **RECORD_CHECKS}


@dataclass(frozen=True)
class Found:
    """What a file holds.

    Attributes:
        path: landing path.
        day: landing day.
        records: number of its records.
        malformed: those that could not be parsed.
        malformed_sample: what is wrong with one of them.
        rescued: others, in which something fitted no column.
        rescued_sample: what that was in one of them, as JSON.
        problem: what is wrong with the file as a whole (`rule` and `detail`); its records do not count then.
    """

    path: str
    day: str
    records: int
    malformed: int
    malformed_sample: str | None
    rescued: int
    rescued_sample: str | None
    problem: Mapping[str, str] | None = None

    @property
    def is_unstable(self) -> bool:
        """Whether it changed or vanished while it was read."""
        return self.problem is not None and self.problem["rule"] == FILE_STABLE


def bronze_rules() -> tuple[RuleResult, ...]:
    """Every rule of a Bronze table, as unbroken."""
    return tuple(RuleResult(name, Action.WARN, description, version="1") for name, description in CHECKS.items())


def bronze_report(job: BronzeJob, plan: BronzePlan, found: Mapping[str, Found]) -> Report:
    """Count the asked days as they are with this batch, before anything of it is written.

    Args:
        job: the materialization.
        plan: what it does.
        found: landing path → what was found in a file of the batch.
    """
    counted = _Count()
    for file, copy in plan.copies.items():
        counted.broke("files_unique", file.day, f"{file.path} has the bytes of {copy[1]}")
    for file, bad in plan.known_bad.items():
        if bad.rule != FILE_HAS_RECORDS:
            counted.broke("files_readable", file.day, f"{file.path}: {bad.rule}: {bad.detail}")
    for file, why in plan.denied.items():
        counted.broke("files_readable", file.day, f"{file.path}: {FILE_ACCESSIBLE}: {why}")
    for file in plan.unsettled:
        counted.broke("files_settled", file.day, f"{file.path} was still changing; it is taken next time")
    for item in plan.unrecognized:
        day = item.path.split("/")[2] if item.path.count("/") > 1 else job.days[0]
        counted.broke("files_recognized", day, f"{item.path}: {item.reason}")
    for file in found.values():
        counted.file(file)
    _count_listed(plan, found, counted)
    if plan.has_work:
        _count_held(job, plan, found, counted)
    fresh = counted.report(len(dropped(plan, found)))
    as_before = [day for day in job.days if day not in plan.changed_days]
    known = remember(job.lake, job.dataset.bronze).report(as_before, fresh)
    # Files are judged as they lie there now.
    of_records = [rule if rule.name in RECORD_CHECKS else replace(rule, by_day={}, samples=()) for rule in known.rules]
    return fresh.joined(replace(known, rules=tuple(of_records)))


@dataclass
class _Count:
    """Counts of the days so far."""

    days: dict[str, dict[str, int]] = field(default_factory=dict[str, dict[str, int]])
    broken: dict[str, dict[str, int]] = field(default_factory=lambda: {name: {} for name in CHECKS})
    samples: dict[str, list[str]] = field(default_factory=lambda: {name: [] for name in CHECKS})

    def broke(self, rule: str, day: str, sample: str, number: int = 1) -> None:
        """So many files or records of a day broke a rule."""
        if number:
            self.broken[rule][day] = self.broken[rule].get(day, 0) + number
            self.samples[rule].append(sample)

    def holds(self, day: str, files: int, records: int) -> None:
        """A day holds more files."""
        counts = self.days.setdefault(day, {"files": 0, "read": 0, "published": 0})
        counts["files"] += files
        counts["read"] += records
        counts["published"] += records

    def file(self, file: Found) -> None:
        """A day holds a file, or would hold it if it could be read."""
        if file.problem is not None:
            rule = "files_settled" if file.is_unstable else "files_readable"
            self.broke(rule, file.day, f"{file.path}: {file.problem['rule']}: {file.problem['detail']}")
            self.holds(file.day, 0, 0)
            return
        self.holds(file.day, 1, file.records)
        self.broke("records_well_formed", file.day, f"{file.path}: {file.malformed_sample}", file.malformed)
        self.broke("columns_known", file.day, f"{file.path}: {file.rescued_sample}", file.rescued)

    def report(self, dropped: int) -> Report:
        """All of it."""
        rules = (
            replace(rule, by_day=self.broken[rule.name], samples=tuple(self.samples[rule.name][:SAMPLES]))
            for rule in bronze_rules()
        )
        return Report(days=self.days, rules=tuple(rules), totals={"files_dropped": dropped})


def _count_listed(plan: BronzePlan, found: Mapping[str, Found], counted: _Count) -> None:
    """Count the files in the register that are as they were."""
    seen = {*found, *(file.path for file in (*plan.copies, *plan.known_bad, *plan.denied)), *plan.settled}
    for entry in plan.listed:
        if entry.path in seen:
            continue
        if entry.rule != FILE_HAS_RECORDS:
            rule = "files_unique" if entry.rule == FILE_UNIQUE else "files_readable"
            counted.broke(rule, entry.day, f"{entry.path}: {entry.rule}: {entry.detail}")
        elif entry.day in plan.changed_days:
            counted.holds(entry.day, 1, 0)


def _count_held(job: BronzeJob, plan: BronzePlan, found: Mapping[str, Found], counted: _Count) -> None:
    """Count those files of the changed days that are in Bronze and stay there."""
    replaced = {path for path, file in found.items() if file.problem is None}
    # What a file said stays under the name of its copy.
    gone = (replaced | dropped(plan, found)) - set(plan.rename)
    for file in _held(job.lake, job.dataset.bronze, plan.changed_days):
        if file.path not in gone:
            counted.file(file)


def dropped(plan: BronzePlan, found: Mapping[str, Found]) -> set[str]:
    """Files whose old rows go; those of one that changed or vanished while it was read stand until it is read."""
    return {path for path in plan.drop if not (path in found and found[path].is_unstable)}


@dataclass
class _Problems:
    number: int = 0
    sample: str | None = None


def _held(lake: TableStore, table: str, days: Collection[str]) -> list[Found]:
    """What Bronze holds of the files of some days, without Spark."""
    place = ["_landing_date", "_source_file"]
    records: Counter[tuple[str, str]] = Counter()
    # Landing day, file, and whether a record could not be parsed → such records.
    problems: dict[tuple[str, str, bool], _Problems] = defaultdict(_Problems)
    dataset = lake.state(table).dataset()
    for batch in dataset.to_batches(columns=[*place, RESCUED], filter=on_days("_landing_date", days)):
        rows = pa.Table.from_batches([batch])
        for row in rows.group_by(place).aggregate([([], "count_all")]).to_pylist():
            records[str(row["_landing_date"]), row["_source_file"]] += row["count_all"]
        for row in rows.filter(pc.field(RESCUED).is_valid()).to_pylist():
            malformed = json.loads(row[RESCUED]).get(MALFORMED_KEY)
            found = problems[str(row["_landing_date"]), row["_source_file"], malformed is not None]
            found.number += 1
            found.sample = found.sample or malformed or row[RESCUED]
    return [
        Found(
            path=path,
            day=day,
            records=number,
            malformed=problems[day, path, True].number,
            malformed_sample=problems[day, path, True].sample,
            rescued=problems[day, path, False].number,
            rescued_sample=problems[day, path, False].sample,
        )
        for (day, path), number in sorted(records.items())
    ]
