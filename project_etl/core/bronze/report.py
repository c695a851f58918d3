"""What Bronze holds of each landing day and what is wrong with it: counts over the rows of the file table.

Belongs here: the rules that people see as Bronze's checks, and counting. Does not belong here: reading and committing
(`stage.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from project_etl.core.bronze.file_table import FileRow, Status
from project_etl.core.bronze.plan import Look
from project_etl.core.bronze.unreadable import FILE_ACCESSIBLE, FILE_STABLE, NOTHING_LOST
from project_etl.core.contracts import Action
from project_etl.core.contracts.report import Report, RuleResult

SAMPLES = 5

# Nothing here keeps a record out, Silver does.
WELL_FORMED = "records_well_formed"
CHECKS = {
    "files_readable": "every file can be read as a whole",
    "files_unique": "no file is a copy of another file of its landing day",
    NOTHING_LOST: "nothing is lost of what the source held: all of it was read while it was there",
    "files_settled": "no file changed while it was loaded",
    "files_recognized": "everything in the folders of the landing days has a name and place that is read",
    WELL_FORMED: "every record can be parsed",
    "columns_known": "no record has a column that is not declared",
    "columns_complete": "every file has every declared column; one that it lacks is empty",
}

# What was found when they are broken, for one file or record and for several.
FOUND = {
    "files_readable": ("file cannot be read as a whole", "files cannot be read as a whole"),
    "files_unique": ("file is a copy of another", "files are copies of others"),
    NOTHING_LOST: ("file tells of a loss", "files tell of losses"),
    "files_settled": ("file was still changing", "files were still changing"),
    "files_recognized": ("thing has a name or place that is not read", "things have a name or place that is not read"),
    WELL_FORMED: ("record cannot be parsed", "records cannot be parsed"),
    "columns_known": ("record has an undeclared column", "records have an undeclared column"),
    "columns_complete": ("file lacks a declared column", "files lack a declared column"),
}

_RULES = {Status.COPY: "files_unique", Status.LOST: NOTHING_LOST}


def bronze_rules() -> tuple[RuleResult, ...]:
    """Every rule of a Bronze table, as unbroken.

    A file that is not read, or has other columns, needs somebody: these warn of each. Malformed records are in
    quarantine, and warn when there are many.
    """

    def unbroken(name: str, description: str) -> RuleResult:
        rule = RuleResult(name, Action.WARN, description, version="1")
        return rule if name == WELL_FORMED else replace(rule, max_share=0)

    return tuple(unbroken(name, description) for name, description in CHECKS.items())


def bronze_report(
    days: Sequence[str],
    landing: Look,
    rows: Iterable[FileRow],
    denied: Mapping[str, str],
    unstable: Mapping[str, str],
    dropped: int,
) -> Report:
    """Count the asked days as they are with this batch, before anything of it is written.

    Args:
        days: landing days asked for.
        landing: what lies there.
        rows: what is known of these days' files, with this batch.
        denied: files that may not be read now, with why.
        unstable: files that changed while they were read, with what was seen.
        dropped: files whose rows go.
    """
    counted = _Count()
    for path, why in denied.items():
        counted.broke("files_readable", path.split("/")[2], f"{path}: {FILE_ACCESSIBLE}: {why}")
    for path, what in unstable.items():
        counted.broke("files_settled", path.split("/")[2], f"{path}: {FILE_STABLE}: {what}")
    for file in landing.changing:
        counted.broke("files_settled", file.day, f"{file.path} was still changing; it is taken next time")
    for item in landing.unrecognized:
        day = item.path.split("/")[2] if item.path.count("/") > 1 else days[0]
        counted.broke("files_recognized", day, item.in_words())
    for row in rows:
        if not (row.status is Status.DENIED and row.path in denied):
            counted.file(row)
    return counted.report(dropped)


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

    def file(self, row: FileRow) -> None:
        """Count a file."""
        counts = self.days.setdefault(row.day, {"files": 0, "read": 0, "published": 0})
        if row.status in (Status.LOADED, Status.EMPTY):
            counts["files"] += 1
            counts["read"] += row.records
            counts["published"] += row.records
            self.broke(WELL_FORMED, row.day, f"{row.path}: {row.malformed_sample}", row.malformed)
            self.broke("columns_known", row.day, f"{row.path}: {row.rescued_sample}", row.rescued)
            self.broke(
                "columns_complete",
                row.day,
                f"{row.path}: has no {row.absent}",
                1 if row.absent and row.malformed < row.records else 0,
            )
        else:
            rule = _RULES.get(row.status, "files_readable")
            self.broke(rule, row.day, f"{row.path}: {row.rule}: {row.detail}")

    def report(self, dropped: int) -> Report:
        """All of it."""
        rules = (
            replace(rule, by_day=self.broken[rule.name], samples=tuple(self.samples[rule.name][:SAMPLES]))
            for rule in bronze_rules()
        )
        return Report(days=self.days, rules=tuple(rules), totals={"files_dropped": dropped})
