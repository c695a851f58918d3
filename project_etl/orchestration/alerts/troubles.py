"""What is broken, given how runs ended, and the message about it.

What is broken is a table that failed for some days (a tripped `fail` rule is one reason, a process that died another)
and has not worked for each of them since, a check with severity ERROR that failed beside its table, or a table that is
overdue. Does not belong here: asking Dagster (`alerts.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from project_etl.core.model.days import each_day, some_of, span, stretches
from project_etl.orchestration.alerts.channels import Message
from project_etl.orchestration.metadata import UNTOUCHED

RUN = "run"
"""What a run that died before its first table stands for."""
LATE = "late "
MOST_STRETCHES = 5


@dataclass(frozen=True)
class Trouble:
    """Why something is broken.

    Attributes:
        why: in words.
        days: for which days it is; none where it has no days.
        run_id: the run that said so last; empty where none did.
    """

    why: str
    days: frozenset[date] = frozenset()
    run_id: str = ""

    def to_json(self) -> list[Any]:
        """The trouble as JSON values; days as stretches, for a backfill that fails has many."""
        found = stretches(self.days, len(self.days)) if self.days else []
        return [self.why, [[first.isoformat(), last.isoformat()] for first, last in found], self.run_id]

    @staticmethod
    def from_json(value: Sequence[Any]) -> Trouble:
        """The trouble that `to_json` wrote."""
        # A cursor of an earlier version names no run.
        why, found, *run_id = value
        spans = ([date.fromisoformat(day) for day in stretch] for stretch in found)
        return Trouble(why, frozenset(day for first, last in spans for day in each_day(first, last)), *run_id)


@dataclass(frozen=True)
class Ended:
    """What an ended run says of tables.

    Attributes:
        run_id: the run.
        days: the days that it was for.
        worked: tables that were materialized, and checks (`layer/name check name`) that hold.
        failed: table, check, or `RUN` → why not.
        held: failed table → the days that it holds back, where it failed for no other day of the run.
    """

    run_id: str
    days: frozenset[date]
    worked: frozenset[str]
    failed: Mapping[str, str]
    held: Mapping[str, frozenset[date]] = field(default_factory=dict[str, frozenset[date]])


def broken(
    before: Mapping[str, Trouble],
    ended: Iterable[Ended],
    overdue: Mapping[str, Trouble],
    snapshots: Collection[str] = (),
) -> dict[str, Trouble]:
    """What is broken now, given what was broken before and what happened since.

    A table works again when it has worked for each day for which it failed. Snapshots have no days, whatever the days
    of the run that makes them.
    """
    now = {name: trouble for name, trouble in before.items() if not name.startswith(LATE)}
    for run in ended:
        for name in now.keys() & run.worked:
            now[name] = replace(now[name], days=now[name].days - run.days)
            if not now[name].days:
                del now[name]
        for name, why in run.failed.items():
            earlier = now[name].days if name in now else frozenset[date]()
            days = (earlier - run.days) | run.held.get(name, run.days)
            days = frozenset[date]() if table_of(name) in snapshots else days
            now[name] = Trouble(why, days, run.run_id)
    return now | dict(overdue)


def table_of(name: str) -> str:
    """The table that something broken is about: a check names it first."""
    return name.partition(" ")[0]


def message_of(
    before: Mapping[str, Trouble], now: Mapping[str, Trouble], env: str, ui_url: str | None = None
) -> Message | None:
    """One message about what broke and what works again; None when neither happened.

    Args:
        before: what was broken.
        now: what is broken now.
        env: the environment.
        ui_url: where the Dagster UI is; with it, each failure links to its run.
    """
    new = {name: trouble for name, trouble in now.items() if name not in before}
    gone = [name for name in before if name not in now]
    if not new and not gone:
        return None
    counts = [f"{len(found)} {word}" for found, word in ((new, "broken"), (gone, "working again")) if found]
    lines = [f"{_failed(name, trouble)}{_link(trouble, ui_url)}" for name, trouble in sorted(new.items())]
    lines += [f"{_subject(name)} works again." for name in sorted(gone)]
    if still := sorted(now.keys() & before.keys()):
        lines.append(f"Still broken: {', '.join(map(_subject, still))}.")
    return Message(f"project_etl {env}: {', '.join(counts)}", "\n".join(lines))


def _subject(name: str) -> str:
    """What is broken, in words."""
    if name == RUN:
        return "A run"
    table, is_check, check = name.removeprefix(LATE).partition(" check ")
    return f"{table}, check {check}," if is_check else table


def _failed(name: str, trouble: Trouble) -> str:
    if name.startswith(LATE):
        return f"{_subject(name)} is overdue: {trouble.why}"
    # Its rows are spoken of once.
    reason = trouble.why.removeprefix(UNTOUCHED)
    kept = " and keeps its old contents" if reason != trouble.why else ""
    found = stretches(trouble.days, len(trouble.days)) if trouble.days else []
    days = f" for {some_of([span(*stretch) for stretch in found], MOST_STRETCHES)}" if found else ""
    return f"{_subject(name)} failed{days}{kept}: {reason}"


def _link(trouble: Trouble, ui_url: str | None) -> str:
    if not trouble.run_id:
        return ""
    return f" {ui_url.rstrip('/')}/runs/{trouble.run_id}" if ui_url else f" (run {trouble.run_id[:8]})"
