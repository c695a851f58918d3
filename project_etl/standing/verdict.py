"""Whether a day of a table can be trusted, and if not, why: a verdict from what the lake already knows, without Spark.

*No* is said where the numbers are known to be wrong or not those of what has landed. What has been kept out, and what
is yet to come, are notes. Does not belong here: how a verdict is shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from functools import cached_property
from typing import Any

from project_etl.catalog import datasets_of, feeds_of, silver_behind, staleness_of
from project_etl.core.bronze import file_table
from project_etl.core.contracts.report import quality_score
from project_etl.core.lake import WHOLE, LakeError, TableStore
from project_etl.core.model.days import instants_of, some_of
from project_etl.core.model.table import Table
from project_etl.core.rows_kept import gold_rows_kept, silver_rows_kept
from project_etl.core.staleness import days_of_data, newest_landing_day
from project_etl.settings import Settings
from project_etl.standing.landing import survey_of
from project_etl.standing.standing import look_at
from project_etl.standing.validated import validated

SHOWN = 3
# What a business day is made of lands on the day itself or the next one, mostly.
LANDS_WITHIN = timedelta(days=1)


class Kind(StrEnum):
    """What a finding means for the verdict."""

    GOOD = "good"
    NOTE = "note"
    WRONG = "wrong"


@dataclass(frozen=True)
class Finding:
    """One thing that was found out.

    Attributes:
        kind: what it means for the verdict.
        text: what it is, as a sentence.
        command: what mends it; empty when there is nothing to do.
    """

    kind: Kind
    text: str
    command: str = ""


@dataclass(frozen=True)
class Verdict:
    """Whether a day of a table can be trusted.

    Attributes:
        table: the table.
        day: the day; None for a table that is computed as a whole.
        findings: what was found out: what is wrong first.
    """

    table: str
    day: date | None
    findings: Sequence[Finding]

    @property
    def is_trusted(self) -> bool:
        """Whether nothing is known to be wrong."""
        return not self.of(Kind.WRONG)

    def of(self, kind: Kind) -> list[Finding]:
        """The findings of a kind."""
        return [each for each in self.findings if each.kind is kind]

    def in_words(self) -> str:
        """The verdict: `yes`, `yes, with 2 notes` or `no: …` with what is wrong."""
        if wrong := self.of(Kind.WRONG):
            return f"no: {wrong[0].text}" + (f" And {len(wrong) - 1} more." if len(wrong) > 1 else "")
        notes = len(self.of(Kind.NOTE))
        return f"yes, with {notes} note{'' if notes == 1 else 's'}" if notes else "yes"

    def to_json(self) -> dict[str, Any]:
        """As JSON values, for programs."""
        found = [{"kind": each.kind.value, "text": each.text, "command": each.command} for each in self.findings]
        return {"table": self.table, "day": self.day, "is_trusted": self.is_trusted, "findings": found}


def verdict_on(
    lake: TableStore, settings: Settings, tables: Iterable[Table], name: str, day: date | None, now: datetime
) -> Verdict:
    """What is known of a day of a Gold or Silver table.

    Args:
        lake: the lake.
        settings: the settings.
        tables: all tables.
        name: the table, `layer/name`.
        day: the day; None takes the newest one that has rows. Passed over by a table that is computed as a whole.
        now: an instant in UTC.

    Raises:
        LakeError: there is no such table, or it is of another layer.
    """
    declared = {table.name: table for table in tables}
    if name not in declared:
        raise LakeError(f"{name} is no Gold or Silver table: only these are judged.")
    if not lake.exists(name):
        found = Finding(Kind.WRONG, f"{name} has not been computed yet.", _command(settings, "run --days FIRST..LAST"))
        return Verdict(name, day, [found])
    table = declared[name]
    if table.layer == "gold" and not table.is_daily:
        day = None
    elif day is None:
        day = _newest(lake, table)
    judge = _Judge(lake, settings, declared, table, day, now)
    order = [Kind.WRONG, Kind.NOTE, Kind.GOOD]
    return Verdict(name, day, sorted(judge.findings(), key=lambda each: order.index(each.kind)))


@dataclass(frozen=True)
class _Judge:
    """Finds out what is known of a day of a table."""

    lake: TableStore
    settings: Settings
    declared: Mapping[str, Table]
    table: Table
    day: date | None
    now: datetime

    def findings(self) -> Iterator[Finding]:
        """All of it, in no order."""
        if self.table.layer == "gold":
            computed = list(self._computed())
            yield from computed
            if Kind.GOOD in (each.kind for each in computed):
                yield from self._stale()
        yield from self._not_loaded()
        yield from self._not_judged()
        yield from self._kept_out()
        yield from self._rules()
        yield from self._star()
        yield from self._rows()
        yield from self._is_over()

    # --- the table itself ---------------------------------------------------------------------------------------------

    @cached_property
    def _unit(self) -> str:
        return self.day.isoformat() if self.day else WHOLE

    def _computed(self) -> Iterator[Finding]:
        journal = self.lake.journal(self.table.name)
        if held := journal.held.get(self._unit):
            rules = held.held[self._unit]
            yield Finding(
                Kind.WRONG,
                f"{self._what} is held back and keeps the rows that it had, or none. It breaks: {rules}.",
                _command(self.settings, "status"),
            )
        entry = journal.units.get(self._unit)
        if entry is None:
            if not held:
                command = _command(self.settings, f"run --days {self.day} --select 'gold/*'")
                yield Finding(Kind.WRONG, f"{self._what} has never been computed.", command)
            return
        at = datetime.fromtimestamp(entry.timestamp / 1000, UTC)
        yield Finding(Kind.GOOD, f"{self._what} was computed at {at:%Y-%m-%d %H:%M} UTC.")

    def _stale(self) -> Iterator[Finding]:
        staleness = staleness_of(self.lake, self.settings, self._made_of)
        last = self.settings.last_day(self.now.timestamp())
        # Windows look back on other days, and a table that is computed as a whole on all.
        days = {
            *days_of_data(self.lake, self._made_of, self.settings.start_date, last),
            *([self.day] if self.day else []),
        }
        stale = staleness.everywhere(days, with_held=False)
        found = stale.get(self.table.name)
        if found is None or (self.day and self.day not in found):
            yield Finding(Kind.GOOD, "It was computed from what Silver says now.")
            return
        why = "; ".join(staleness.why({self.table.name: found & {self.day}}))
        to_run = sorted({each for late in stale.values() for each in late}) or [newest_landing_day(self.lake)]
        command = _command(self.settings, f"run --days {_range(to_run)} --select 'gold/*'")
        yield Finding(Kind.WRONG, f"{self._what} is out of date ({why}).", command)

    def _rules(self) -> Iterator[Finding]:
        journal = self.lake.journal(self.table.name)
        # Silver is judged by landing day.
        is_gold = self.table.layer == "gold"
        for unit in [self._unit] if is_gold else self._landing_days:
            what, landed = ("row", "") if is_gold else ("record", f" that landed on {unit}")
            for rule in journal.note(unit).get("report", {}).get("rules", []):
                number = rule["by_day"].get(unit, 0)
                if number and rule["action"] in ("warn", "error"):
                    kind = Kind.WRONG if rule["action"] == "error" else Kind.NOTE
                    rows = f"1 {what}{landed} breaks" if number == 1 else f"{number:,} {what}s{landed} break"
                    yield Finding(kind, f"{rows} {rule['name']}: {rule['description']}.")

    def _rows(self) -> Iterator[Finding]:
        is_gold = self.table.layer == "gold"
        kept = gold_rows_kept(self.lake, self.table) if is_gold else silver_rows_kept(self.lake, self.table.name)
        if kept.wrong:
            yield Finding(Kind.WRONG, f"{kept.in_words()}")

    def _is_over(self) -> Iterator[Finding]:
        landed = newest_landing_day(self.lake)
        if self.day is None or landed is None:
            return
        if self.now < instants_of(self.day, self.settings.reporting_timezone)[1]:
            yield Finding(Kind.NOTE, f"{self.day} is not over.")
        elif landed <= self.day and self.table.layer == "gold":
            text = f"Nothing has landed after {landed}: what happened late on {self.day} may be yet to come."
            yield Finding(Kind.NOTE, text)

    # --- what it is made from -----------------------------------------------------------------------------------------

    @cached_property
    def _made_of(self) -> list[Table]:
        """The table, and all Gold and Silver tables that it is made from."""
        found: dict[str, Table] = {}
        left = [self.table.name]
        while left:
            table = self.declared[left.pop()]
            if table.name not in found:
                found[table.name] = table
                left += [item.table for item in table.inputs.values()]
        return list(found.values())

    @cached_property
    def _silver(self) -> list[Table]:
        """The Silver tables that it is made from, itself where it is one."""
        return [table for table in self._made_of if table.layer == "silver" and self.lake.exists(table.name)]

    @cached_property
    def _landing_days(self) -> list[str]:
        """The landing days around the day; all of the newest one for a table that is computed as a whole."""
        day = self.day or newest_landing_day(self.lake)
        return [] if day is None else [day.isoformat(), (day + LANDS_WITHIN).isoformat()]

    def _not_loaded(self) -> Iterator[Finding]:
        bronze = {feed.bronze for table in self._silver for feed in feeds_of(table, self.settings)}
        datasets = [each for each in datasets_of(self.settings.sources) if each.bronze in bronze]
        folders = tuple(f"{each.source}/{each.name}/" for each in datasets)
        survey = survey_of(self.settings)
        files = [file for file in survey.files if file.path.startswith(folders)]
        landing = look_at(self.lake, datasets, files, self.settings.settle_seconds, self.now.timestamp())
        late = {"landed and not loaded": landing.waiting, "changed since a run looked": landing.changed}
        for what, by_table in late.items():
            if paths := [path for paths in by_table.values() for path in paths]:
                days = sorted({path.split("/")[2] for path in paths})
                text = f"{_files(len(paths))} {what}: {some_of(paths, SHOWN)}."
                yield Finding(Kind.WRONG, text, _command(self.settings, f"run --days {_range(days)}"))
        if settling := landing.settling:
            yield Finding(Kind.NOTE, f"{_files(len(settling))} still being written: {some_of(settling, SHOWN)}.")
        if files and not (landing.waiting or landing.changed or settling):
            yield Finding(Kind.GOOD, f"All {_files(len(files))} that it is made from are loaded.")
        known = file_table.files(self.lake, sorted(bronze), self._landing_days)
        unread = (file_table.Status.UNREADABLE, file_table.Status.DENIED)
        for row in [row for row in known.values() if row.status in unread][:SHOWN]:
            yield Finding(Kind.NOTE, f"{row.path} could not be read: {row.detail}.")
        for row in [row for row in known.values() if row.status == file_table.Status.LOST][:SHOWN]:
            yield Finding(Kind.NOTE, f"What {row.path.split('/')[0]} had is lost: {row.detail}.")
        if survey.unread:
            number = len(survey.unread)
            text = f"{number} other {'thing' if number == 1 else 'things'} in landing cannot be read."
            yield Finding(Kind.NOTE, text, _command(self.settings, "status"))

    def _not_judged(self) -> Iterator[Finding]:
        behind = silver_behind(self.lake, self._silver, self.settings)
        for name, late in behind.items():
            if late.days:
                days = sorted(late.days)
                command = _command(self.settings, f"run --days {_range(days)}")
                yield Finding(Kind.WRONG, f"{name} has not judged {some_of(days, SHOWN)} as they are now.", command)

    def _kept_out(self) -> Iterator[Finding]:
        for table in self._silver:
            if table.sister:
                continue
            journal = self.lake.journal(table.name)
            for day in self._landing_days:
                counts = journal.note(day).get("report", {}).get("days", {}).get(day, {})
                if not (kept_out := counts.get("quarantined", 0)):
                    continue
                score = quality_score(counts)
                share = "" if score is None else f" ({1 - score:.1%})"
                yield Finding(
                    Kind.NOTE,
                    f"{kept_out:,} of {counts['read']:,} records of {table.name} that landed on {day} are kept out"
                    f"{share}.",
                    _command(self.settings, f"quarantine show {table.short_name} --day {day}"),
                )

    def _star(self) -> Iterator[Finding]:
        found = validated(self.lake)
        if found is None:
            return
        command = _command(self.settings, "validate")
        for text in found.errors:
            yield Finding(Kind.WRONG, f"The star schema is wrong: {text} rows.", command)
        for text in found.warnings:
            yield Finding(Kind.NOTE, f"Of the star schema, {text} rows, over all days.", command)

    @property
    def _what(self) -> str:
        return f"{self.table.name} for {self.day}" if self.day else self.table.name


def _newest(lake: TableStore, table: Table) -> date | None:
    """The newest day that has rows: a business day, or a landing day of a Silver table without business days."""
    column = table.day_column or "_landing_date"
    found = lake.state(table.name).bounds(column)
    return found[1] if found else newest_landing_day(lake)


def _files(number: int) -> str:
    return f"{number:,} file{'' if number == 1 else 's'}"


def _range(days: Sequence[object]) -> str:
    """Days in order as `run --days` takes them."""
    return str(days[0]) if len(days) == 1 else f"{days[0]}..{days[-1]}"


def _command(settings: Settings, command: str) -> str:
    return f"{settings.program} {command}"
