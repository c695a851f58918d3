"""What a sensor asks for next: what is wanted, less what is under way, with pauses where it failed before.

A sensor keeps no book. Each tick finds anew what is out of date, and Dagster's own records say what has been tried:

- Days that adjoin are asked for together. One run at a time; a run of others for the same days and tables is waited
  for.
- A range that failed is asked for again after a minute. One that failed twice is asked for in halves, so that a day
  that cannot succeed ends up alone, and holds up no other.
- A single day is asked for again after 1, 2, 4 and 8 minutes, and then four times a day. With what changes on that day,
  or with other code or settings, it is as new.
- When four different ranges failed one after the other and no table has changed, it is not for one day's sake (a full
  disk, a lost network): the next run waits for a quarter of an hour.
- What a run succeeded in, and is wanted all the same with nothing changed, is not asked for again for as long.

Does not belong here: what is out of date (`new_files.py`, `changed_days.py`), asking Dagster (`runs.py`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from math import inf

import dagster as dg

from project_etl.core.digest import digest
from project_etl.core.model.days import Stretch, some_of, span, stretches
from project_etl.core.staleness import MOST_STRETCHES
from project_etl.orchestration.partitions import RANGE_END, RANGE_START
from project_etl.orchestration.run_tags import ASKER_TAG, CODE_TAG, CONTENT_TAG, LAKE_TAG, MAX_TAG, STATE_TAG, WHY_TAG
from project_etl.orchestration.sensors.runs import Run, failures, recent, under_way

FIRST_PAUSE_SECONDS = 60
LONGEST_PAUSE_SECONDS = 960
# A day that failed so often on its own waits for long.
MOST_TRIES = 5
LONG_PAUSE_SECONDS = 6 * 3600
# A range that failed so often is asked for in halves.
TRIES_OF_A_RANGE = 2
# So many different ranges that failed one after the other are an outage.
OUTAGE = 4
SHOWN = 5


@dataclass(frozen=True)
class Wanted:
    """What is out of date on a day.

    Attributes:
        tables: tables `layer/name` to materialize.
        why: what made them so, in words: `kind: what`, or a kind alone.
        content: digest of what is to be read for it, beside the tables of the lake.
        follows: whether nothing is out of date on it until an earlier day has been computed.
    """

    tables: frozenset[str]
    why: tuple[str, ...]
    content: str = ""
    follows: bool = False


@dataclass(frozen=True)
class Request:
    """A run that may be asked for.

    Attributes:
        days: first and last day.
        tables: the tables, in order.
        why: what it is for, in words.
        content: digest of what it is to bring up to date.
        tries: how often it failed as it is.
        not_before: seconds since the epoch before which it is not asked for.
    """

    days: Stretch
    tables: tuple[str, ...]
    why: str
    content: str
    tries: int = 0
    not_before: float = 0

    def __str__(self) -> str:
        """Days and tables, for a person."""
        return f"{span(*self.days)} of {len(self.tables)} tables"


@dataclass(frozen=True)
class Asker:
    """A sensor or schedule, with what it asks for.

    Attributes:
        name: its name.
        lake: the root of its lake.
        code: digest of code and settings of the tables.
    """

    name: str
    lake: str
    code: str

    @property
    def tags(self) -> dict[str, str]:
        """The tags of runs that say something about what it asks for now."""
        return {ASKER_TAG: self.name, LAKE_TAG: self.lake, CODE_TAG: self.code}


@dataclass(frozen=True)
class Past:
    """What Dagster knows when a sensor looks.

    Attributes:
        flying: the runs that are under way, whoever asked for them.
        recent: the sensor's newest runs, the newest first.
        failures: those of the last days that failed, the newest first.
    """

    flying: Sequence[Run] = ()
    recent: Sequence[Run] = ()
    failures: Sequence[Run] = ()

    @classmethod
    def of(cls, instance: dg.DagsterInstance, asker: Asker, now: float) -> Past:
        """What Dagster knows at an instant (seconds since the epoch)."""
        tags = asker.tags
        return cls(under_way(instance, now), recent(instance, tags, now), failures(instance, tags, now))


@dataclass(frozen=True)
class Goal:
    """What a sensor wants to be up to date.

    Attributes:
        days: day → what is out of date on it.
        state: digest of the tables as they are; equal digests mean that no table has changed.
        changed_at: of some days, when what is wanted on them last changed, in seconds since the epoch; days of which
            that is not known are absent.
    """

    days: Mapping[date, Wanted]
    state: str
    changed_at: Callable[[Collection[date]], Mapping[date, float]] = field(default=lambda _: {})


def own_run(past: Past, asker: Asker) -> str:
    """Which run of the sensor's own is waited for, in words; empty when none is."""
    for run in past.flying:
        if run.asker == asker.name and run.days:
            return f"waits for run {run.run_id[:8]} for {span(*run.days)}"
    return ""


def answer(asker: Asker, goal: Goal, past: Past, now: float) -> dg.RunRequest | str:
    """The next run to ask for, or in words why none is.

    Args:
        asker: the sensor.
        goal: what is wanted; at least one day.
        past: what Dagster knows.
        now: seconds since the epoch.
    """
    if waits := own_run(past, asker):
        return waits
    found = requests(goal, past.failures)
    waiting: list[tuple[float, str]] = []
    # What is held up holds up no other.
    for request in found:
        until, why = _held_up(request, goal, past)
        if until <= now:
            return _run_request(asker, request, goal, past, now)
        waiting.append((until, why))
    until, why = min(waiting)
    return f"waits {why}" if until == inf else f"waits until {_at(until)} {why}"


def requests(goal: Goal, failed: Sequence[Run]) -> list[Request]:
    """The runs that would bring up to date what is wanted, in order of their days; those that failed come last.

    Args:
        goal: what is wanted.
        failed: the runs that failed.
    """
    tried = {day: runs for day in goal.days if (runs := [run for run in failed if run.covers(day)])}
    changed_at = goal.changed_at(tried) if tried else {}
    groups: dict[tuple[Stretch, int, float], list[date]] = defaultdict(list)
    fresh: list[date] = []
    follow: list[date] = []
    for day, wanted in sorted(goal.days.items()):
        # What began before the last change says nothing of what is there now.
        counts = [run for run in tried.get(day, ()) if run.begun >= changed_at.get(day, 0.0)]
        if wanted.follows:
            follow.append(day)
        elif counts:
            groups[_next_try(day, counts)].append(day)
        else:
            fresh.append(day)
    if not groups:
        # It comes with what it follows; where that fails, there is nothing to compute yet.
        fresh = sorted([*fresh, *follow])
    # A gap may be closed over days that are up to date, not over one that fails.
    most = len(fresh) if groups else MOST_STRETCHES
    found = [_request(goal, stretch) for stretch in stretches(fresh, most)] if fresh else []
    for (_, tries, not_before), days in groups.items():
        found.append(_request(goal, (days[0], days[-1]), tries, not_before))
    return sorted(found, key=lambda request: (request.tries, request.days))


def _next_try(day: date, tried: Sequence[Run]) -> tuple[Stretch, int, float]:
    """The range with which a day is asked for again, how often that one failed, and when it may be asked for."""
    ranges = [run.days for run in tried if run.days]
    first, last = smallest = min(ranges, key=lambda days: (days[1] - days[0], days))
    tries = ranges.count(smallest)
    if first < last and tries >= TRIES_OF_A_RANGE:
        middle = first + (last - first) // 2
        return ((first, middle) if day <= middle else (middle + timedelta(days=1), last)), 0, 0
    pause = LONG_PAUSE_SECONDS if tries >= MOST_TRIES else FIRST_PAUSE_SECONDS * 2 ** (tries - 1)
    return smallest, tries, max(run.ended or 0 for run in tried if run.days == smallest) + pause


def _request(goal: Goal, days: Stretch, tries: int = 0, not_before: float = 0) -> Request:
    within = [(day, wanted) for day, wanted in sorted(goal.days.items()) if days[0] <= day <= days[1]]
    tables = tuple(sorted({name for _, wanted in within for name in wanted.tables}))
    why = _joined(text for _, wanted in within for text in wanted.why)
    content = digest(days, tables, [(day, wanted.content) for day, wanted in within])
    return Request(days, tables, why, content, tries, not_before)


def _joined(reasons: Iterable[str]) -> str:
    """Reasons `kind: what`, or a kind alone, as one text that names each kind once."""
    kinds: dict[str, list[str]] = {}
    for reason in dict.fromkeys(reasons):
        kind, _, what = reason.partition(": ")
        kinds.setdefault(kind, []).append(what)
    return "; ".join(f"{kind}: {some_of(what, SHOWN)}" if any(what) else kind for kind, what in kinds.items())


def _held_up(request: Request, goal: Goal, past: Past) -> tuple[float, str]:
    """Until when (seconds since the epoch) a request is not asked for, and why in words; 0 when nothing holds it up.

    Of a run that is under way nobody knows when it ends.
    """
    for run in past.flying:
        if run.makes_any(request.tables) and run.days and _overlap(run.days, request.days):
            return inf, f"for run {run.run_id[:8]} for {span(*run.days)}, which makes some of {request}"
    reasons = [(request.not_before, f"to try again {request} (failed {request.tries} times)")]
    failed: dict[Stretch | None, None] = {}
    for run in past.recent:
        if run.state != goal.state:
            break
        if not run.is_success:
            failed[run.days] = None
        elif run.content == request.content:
            until, which = (run.ended or 0) + LONGEST_PAUSE_SECONDS, run.run_id[:8]
            reasons.append((until, f"to ask for {request}: run {which} succeeded, and all is as it was before it"))
    if len(failed) >= OUTAGE:
        until = (past.recent[0].ended or 0) + LONGEST_PAUSE_SECONDS
        reasons.append((until, f"to ask for {request}: the last {len(failed)} different runs failed"))
    return max(reasons)


def _run_request(asker: Asker, request: Request, goal: Goal, past: Past, now: float) -> dg.RunRequest:
    first, last = request.days
    # A tick that dies before Dagster has made the run asks with the same key; after it, the run is under way. Dagster
    # makes no second run for a key, ever: long after the newest run it is another one each day.
    after = past.recent[0].run_id if past.recent else datetime.fromtimestamp(now, UTC).date()
    return dg.RunRequest(
        run_key=digest(asker.tags, request.content, goal.state, after),
        asset_selection=[dg.AssetKey(table.split("/")) for table in request.tables],
        tags={
            **asker.tags,
            RANGE_START: first.isoformat(),
            RANGE_END: last.isoformat(),
            STATE_TAG: goal.state,
            CONTENT_TAG: request.content,
            WHY_TAG: request.why if len(request.why) <= MAX_TAG else f"{request.why[: MAX_TAG - 1]}…",
        },
    )


def _overlap(one: Stretch, other: Stretch) -> bool:
    return one[0] <= other[1] and other[0] <= one[1]


def _at(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"
