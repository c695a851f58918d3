"""How tables, landing and quarantine stand, and what is behind: what `project-etl status` shows. Without Spark.

Does not belong here: how it is shown (`commands/status`), why something failed (the Dagster UI, `gate`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from project_etl.catalog import datasets_of, landing_refusal, silver_behind, stale_exports, staleness_of, tables
from project_etl.core.bronze import file_table
from project_etl.core.bronze.landing import LandingFile, Unrecognized
from project_etl.core.bronze.plan import new_files
from project_etl.core.contracts.report import Report, quality_score
from project_etl.core.lake import WHOLE, TableStore
from project_etl.core.model.source import Dataset
from project_etl.core.model.table import Table
from project_etl.core.silver.plan import Behind
from project_etl.core.staleness import days_of_data, due_day, missing_day
from project_etl.settings import Settings
from project_etl.standing import held
from project_etl.standing.landing import survey_of
from project_etl.standing.validated import Validated, validated

RECENT_DAYS = 7


@dataclass(frozen=True)
class State:
    """How a table stands.

    Attributes:
        table: the table.
        latest: the newest day with rows (a landing day for Bronze and Silver); None without one.
        at: when a run last committed to it; None when none has.
        quality: the share of that day's records that quarantine has left, when they were judged last; None where
            nothing is kept out.
    """

    table: str
    latest: str | None
    at: datetime | None
    quality: float | None


@dataclass(frozen=True)
class Landing:
    """What lies in landing, by name, size and time.

    Attributes:
        files: how many files are read with these settings.
        kept_out: how many of them were read and are kept out whole.
        waiting: Bronze table → files that no run has looked at.
        changed: Bronze table → files that are not as they were when a run looked at them.
        settling: files that were still changing; they are loaded once they are still.
        unread: what is not read, with what to do.
    """

    files: int = 0
    kept_out: int = 0
    waiting: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])
    changed: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])
    settling: Sequence[str] = ()
    unread: Sequence[Unrecognized] = ()

    @property
    def is_loaded(self) -> bool:
        """Whether every file that is read is loaded, and nothing else lies there."""
        return not (self.waiting or self.changed or self.unread)


@dataclass(frozen=True)
class Standing:
    """How the platform stands.

    Attributes:
        refusal: why the lake may not be loaded from this landing; landing is not looked at then. Empty when it may.
        tables: the tables in the order of the layers.
        quarantine: table → its entries, and those of them that landed in the last days.
        recent_to: the last of these days.
        landing: what lies in landing.
        silver_behind: Silver table → what it has not judged.
        gold_behind: Gold table → days that are stale; none for a table that is computed as a whole.
        held: Gold table → days that it holds back, each with the rules that it breaks.
        outside: Silver table → business days that are in no Gold day, with their rows.
        due: the day for which every daily Gold table must be there; None when nothing is expected.
        overdue: the daily Gold tables that have not been computed for it.
        validation: what the last run found of the star schema; None when none has looked.
        exports_behind: the assets of targets that are not what Gold would make of them.
    """

    refusal: str
    tables: Sequence[State]
    quarantine: Mapping[str, tuple[int, int]]
    recent_to: date
    landing: Landing
    silver_behind: Mapping[str, Behind]
    gold_behind: Mapping[str, Sequence[str]]
    held: Mapping[str, Mapping[str, str]]
    outside: Mapping[str, Mapping[str, int]]
    due: date | None
    overdue: Sequence[str]
    validation: Validated | None = None
    exports_behind: Sequence[str] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing has been loaded yet."""
        return all(state.at is None for state in self.tables)

    @property
    def is_fine(self) -> bool:
        """Whether all that landed is in Gold, and Gold is as it should be."""
        wrong = (
            self.refusal or self.silver_behind or self.gold_behind or self.held or self.overdue or self.exports_behind
        )
        wrong = wrong or (self.validation is not None and self.validation.errors)
        return self.landing.is_loaded and not wrong

    def to_json(self) -> dict[str, Any]:
        """All of it as JSON values, for programs."""
        landing = self.landing
        return {
            "is_fine": self.is_fine,
            "refused": self.refusal or None,
            "waiting": landing.waiting,
            "changed": landing.changed,
            "settling": landing.settling,
            "not_read": [
                {"path": item.path, "files": item.files, "reason": item.reason, "advice": item.advice}
                for item in landing.unread
            ],
            "files": landing.files,
            "kept_out_whole": landing.kept_out,
            "silver_behind": {
                table: {"landing_days": sorted(late.days), "other_parents": late.parents}
                for table, late in self.silver_behind.items()
            },
            "gold_behind": self.gold_behind,
            "held_back": self.held,
            "exports_behind": list(self.exports_behind),
            "in_no_gold_day": self.outside,
            "validation": self.validation.to_json() if self.validation else None,
            "freshness": {"due": self.due, "overdue": self.overdue},
            "quarantine": {name: {"rows": rows, "recent": recent} for name, (rows, recent) in self.quarantine.items()},
            "tables": {
                state.table: {
                    "latest_day_with_rows": state.latest,
                    "quality_score": state.quality,
                    "last_commit": state.at,
                }
                for state in self.tables
            },
        }


def find(settings: Settings, now: datetime) -> Standing:
    """Look at everything, at an instant in UTC."""
    lake, declared = TableStore(settings.lake_root), tables()
    datasets, last = datasets_of(settings.sources), settings.last_day(now.timestamp())
    # What reads rows comes first: pyarrow's threads may still close files when the process ends, and that aborts it.
    star = validated(lake)
    refusal = landing_refusal(lake, settings)
    landing = Landing() if refusal else _landing(lake, settings, datasets, now)
    outside = {table.name: rows_outside(lake, table, settings.start_date, last) for table in declared}
    bronze = [state_of(lake, dataset.bronze) for dataset in datasets]
    newest = max(
        (date.fromisoformat(state.latest) for state in bronze if state.latest),
        default=settings.clock(now.timestamp()).date(),
    )
    quarantine = _quarantine(lake, newest)
    due = due_day(settings.freshness_deadline, settings.clock(now.timestamp()))
    is_due = due is not None and settings.start_date <= due <= last
    judged = silver_behind(lake, [table for table in declared if table.layer == "silver"], settings)
    behind = gold_behind(lake, declared, settings, last)
    return Standing(
        refusal=refusal,
        tables=[*bronze, *(state_of(lake, table.name) for table in declared)],
        quarantine=quarantine,
        recent_to=newest,
        landing=landing,
        silver_behind={name: late for name, late in judged.items() if late.days or late.parents},
        gold_behind=behind,
        held=held_back(lake, declared),
        outside={name: rows for name, rows in outside.items() if rows},
        due=due if is_due else None,
        overdue=missing_day(lake, declared, due, settings.reporting_timezone) if due and is_due else [],
        validation=star,
        exports_behind=stale_exports(lake, settings, declared, behind),
    )


def gold_behind(lake: TableStore, declared: Sequence[Table], settings: Settings, until: date) -> dict[str, list[str]]:
    """Gold table → days on which it is not what Silver says; none for a table that is computed as a whole.

    Args:
        lake: the lake.
        declared: all tables.
        settings: the settings.
        until: the newest business day to look at.
    """
    staleness = staleness_of(lake, settings, declared)
    days = days_of_data(lake, declared, settings.start_date, until)
    stale = staleness.everywhere(days, with_held=False)
    return {name: sorted(day.isoformat() for day in days) for name, days in stale.items()}


def held_back(lake: TableStore, declared: Sequence[Table]) -> dict[str, dict[str, str]]:
    """Gold table → the days that it holds back, or `all` of it, each with the rules that it breaks."""
    found: dict[str, dict[str, str]] = {}
    for table in declared:
        if held := lake.journal(table.name).held:
            found[table.name] = {unit: str(entry.held[unit]) for unit, entry in sorted(held.items())}
    return found


def state_of(lake: TableStore, name: str) -> State:
    """How a table stands, from its log."""
    journal = lake.journal(name)
    at = datetime.fromtimestamp(journal.last.timestamp / 1000, UTC) if journal.last else None
    for day in sorted(journal.units.keys() - {WHOLE}, reverse=True):
        counts = Report.remembered(journal, [day]).days.get(day, {})
        if any(number for count, number in counts.items() if count != "files"):
            return State(name, day, at, quality_score(counts))
    return State(name, None, at, None)


def look_at(
    lake: TableStore, datasets: Sequence[Dataset], files: Sequence[LandingFile], settle_seconds: float, now: float
) -> Landing:
    """How the files in landing stand.

    Args:
        lake: whose file table says what is known.
        datasets: the datasets of the sources that are on.
        files: what lies in their folders.
        settle_seconds: how long a file must have been still before it is loaded.
        now: seconds since the epoch.
    """
    bronze = {f"{dataset.source}/{dataset.name}": dataset.bronze for dataset in datasets}
    known = file_table.seen(lake, [*bronze.values()], {file.day for file in files})
    waiting, changed = defaultdict[str, list[str]](list), defaultdict[str, list[str]](list)
    new, settling = new_files(lake, [*bronze.values()], files), list[str]()
    for file in new:
        if not file.is_settled(settle_seconds, now):
            settling.append(file.path)
            continue
        table = bronze[file.path.rsplit("/", 2)[0]]
        (changed if file.path in known else waiting)[table].append(file.path)
    loaded = {file.path for file in files} - {file.path for file in new}
    kept_out = sum(known[path].status != file_table.Status.LOADED for path in loaded)
    return Landing(len(files), kept_out, waiting, changed, settling)


def rows_outside(lake: TableStore, table: Table, first: date, last: date) -> dict[str, int]:
    """Business days of a Silver table that no Gold table is computed for, with their rows.

    Args:
        lake: the lake.
        table: any table; one that has no business day, or does not exist, has none of these days.
        first: the first business day that has a partition.
        last: the last one.
    """
    if table.layer != "silver" or table.day_column is None or not lake.exists(table.name):
        return {}
    return lake.state(table.name).rows_outside(table.day_column, first, last)


def _landing(lake: TableStore, settings: Settings, datasets: Sequence[Dataset], now: datetime) -> Landing:
    found = survey_of(settings)
    looked = look_at(lake, datasets, found.files, settings.settle_seconds, now.timestamp())
    return replace(looked, unread=found.unread)


def _quarantine(lake: TableStore, newest: date) -> dict[str, tuple[int, int]]:
    found: dict[str, tuple[int, int]] = {}
    for name in held.names(lake):
        is_recent = [newest - timedelta(days=RECENT_DAYS) < day <= newest for day in held.landing_dates(lake, name)]
        found[name] = len(is_recent), sum(is_recent)
    return found
