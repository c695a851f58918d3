"""Whether the numbers can be trusted, in words: what is wrong with them, and what to know about them.

Does not belong here: finding out how things stand (`standing`), numbers by day (`quality.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Sized
from dataclasses import dataclass, field

from project_etl.core.model.days import some_of, span
from project_etl.standing.held import FILES
from project_etl.standing.standing import Standing

SHOWN = 5


@dataclass(frozen=True)
class Trust:
    """A verdict on the numbers.

    Attributes:
        verdict: the answer, as one sentence.
        reasons: why they cannot be trusted, with what to do; empty when they can.
        notes: what to know about numbers that can be trusted.
    """

    verdict: str
    reasons: Sequence[str] = field(default_factory=list[str])
    notes: Sequence[str] = field(default_factory=list[str])


def trust_of(standing: Standing, lost: Sequence[str], program: str) -> Trust:
    """Judge how things stand.

    Args:
        standing: how they stand.
        lost: a sentence on each table that does not hold the rows it should.
        program: the command line of the environment, which sentences name.
    """
    if standing.is_empty:
        return Trust("There are no numbers yet: nothing has been loaded.", [*_not_loaded(standing, program)])
    reasons = [*_not_loaded(standing, program), *_behind(standing, program), *_wrong(standing, program), *lost]
    notes = [*_notes(standing)]
    if reasons:
        return Trust(f"No: {_count(reasons, 'reason')}.", reasons, notes)
    but = f", with {_count(notes, 'note')}" if notes else ""
    return Trust(f"Yes{but}: every number is computed from all that landed up to {standing.recent_to}.", [], notes)


def _not_loaded(standing: Standing, program: str) -> Iterator[str]:
    if standing.refusal:
        yield f"Nothing can be loaded. {standing.refusal}"
    load = f"`{program} status` names the command that loads them."
    for files, what in ((standing.landing.waiting, "wait to be loaded"), (standing.landing.changed, "have changed")):
        if paths := [path for of_table in files.values() for path in of_table]:
            yield f"Numbers lack the records of files that {what} ({len(paths):,}): {some_of(paths, SHOWN)}. {load}"
    if unread := standing.landing.unread:
        yield f"Not read in landing: {some_of([item.in_words() for item in unread], SHOWN)}."


def _behind(standing: Standing, program: str) -> Iterator[str]:
    how = f"`{program} status` names the command that computes them."
    if tables := standing.silver_behind:
        yield f"Records that are loaded are not judged yet, of {some_of([*tables], SHOWN)}. {how}"
    if behind := standing.gold_behind:
        days = sorted({day for stale in behind.values() for day in stale})
        which = f" ({days_in_words(days)})" if days else ""
        those = f"{_count(behind, 'table')}: {some_of([*behind], SHOWN)}"
        yield f"Gold is not computed from the newest records{which}, in {those}. {how}"


def _wrong(standing: Standing, program: str) -> Iterator[str]:
    for table, days in standing.held.items():
        why = some_of([f"{day} ({rules})" for day, rules in days.items()], SHOWN)
        yield f"{table} shows older numbers, or none, for days that break a rule: {why}."
    if standing.validation and standing.validation.errors:
        yield f"The star schema is wrong: {'; '.join(standing.validation.errors)}. `{program} validate` says where."
    if standing.overdue:
        yield f"{standing.due} is late: {some_of([*standing.overdue], SHOWN)} have not been computed for it."


def _notes(standing: Standing) -> Iterator[str]:
    if standing.landing.kept_out:
        yield f"{_count(range(standing.landing.kept_out), 'file')} left out whole: copies, and what cannot be read."
    if recent := {name: rows for name, (_, rows) in standing.quarantine.items() if rows and name != FILES}:
        said = ", ".join(f"{rows:,} of {name}" for name, rows in recent.items())
        yield f"Records of the seven landing days to {standing.recent_to} are in quarantine: {said}."
    if standing.validation and standing.validation.warnings:
        yield f"Checks of the star schema warn: {'; '.join(standing.validation.warnings)}."
    for table, rows in standing.outside.items():
        number, days = f"{sum(rows.values()):,}", some_of(sorted(rows), SHOWN)
        yield f"Rows of {table} are in no day of Gold, {number} in all: {days}."
    if standing.landing.settling:
        yield f"{_count(standing.landing.settling, 'file')} still being written, to be loaded when they are still."


def days_in_words(days: Sequence[str]) -> str:
    """Days, in order, in words."""
    return days[0] if len(days) == 1 else f"{len(days)} days, {span(days[0], days[-1])}"


def _count(things: Sized, name: str) -> str:
    return f"{len(things):,} {name}{'' if len(things) == 1 else 's'}"
