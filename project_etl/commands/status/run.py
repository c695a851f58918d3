"""`project-etl status`: is everything that landed in Gold, what waits, and what is not read. Reads without Spark.

What is wrong is said last, for there people look first. Does not belong here: finding it out (`standing.py`), why
something failed (the Dagster UI, `gate`), single quarantined rows (`quarantine`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sized
from datetime import UTC, datetime

from rich.console import Console
from rich.text import Text

from project_etl.commands.shared.console import grid, print_json
from project_etl.core.bronze.landing_root import shown
from project_etl.core.model.days import days_in_words, some_of
from project_etl.settings import Settings
from project_etl.standing.standing import RECENT_DAYS, Standing, find

SHOWN = 5
MOST_UNREAD = 20
GOOD, NOTE, WRONG = "green", "yellow", "red"


def run(console: Console, settings: Settings, *, as_json: bool = False) -> bool:
    """Show how the platform stands; False when files wait or are not read, or a table is behind, held back or late."""
    standing = find(settings, datetime.now(UTC))
    if as_json:
        print_json(console, standing.to_json())
        return standing.is_fine
    if not standing.is_empty:
        _show_tables(console, standing)
        _show_quarantine(console, standing)
    words = _Words(console, standing, settings)
    words.say_what_is_fine()
    words.say_what_is_wrong()
    return standing.is_fine


class _Words:
    """The sentences below the tables."""

    def __init__(self, console: Console, standing: Standing, settings: Settings) -> None:
        self._console, self._standing, self._settings = console, standing, settings
        self._landing = shown(settings.landing_root)
        self._run = f"{settings.program} run --days"

    def say_what_is_fine(self) -> None:
        """What is as it should be, and what is no fault."""
        found, landing = self._standing, self._standing.landing
        if landing.is_loaded and not landing.settling and landing.files:
            kept_out = f" ({landing.kept_out:,} kept out whole)" if landing.kept_out else ""
            are = "the 1 file in {} is" if landing.files == 1 else f"all {landing.files:,} files in {{}} are"
            self._say(("Nothing waits", GOOD), f": {are.format(self._landing)} loaded{kept_out}.")
        if not (found.is_empty or found.refusal or found.silver_behind or found.gold_behind or found.held):
            self._say(("Up to date", GOOD), ": Silver and Gold are computed from all that is loaded.")
        if not self._settings.freshness_deadline:
            file = f"config/{self._settings.env}.yaml"
            self._say(f"Freshness is not checked: set `freshness_deadline` in {file} to be told when a day is late.")
        elif found.due and not found.overdue:
            self._say(("Fresh", GOOD), f": every daily Gold table has been computed for {found.due}.")
        if found.validation and not found.validation.errors:
            self._say(("Star schema", GOOD), f": {found.validation.in_words()}.")
        self._say_outside()
        if landing.settling:
            seconds = f"{self._settings.settle_seconds:g} s"
            said = f": {_count(landing.settling, 'file')}, to be loaded after {seconds} without a change: "
            self._say(("Still being written", NOTE), said, some_of(landing.settling, SHOWN))

    def say_what_is_wrong(self) -> None:
        """What somebody has to do something about."""
        found = self._standing
        if found.refusal:
            self._say(("Not to be loaded", WRONG), f": {found.refusal}")
        self._say_unread()
        self._say_waiting()
        for table, late in found.silver_behind.items():
            days = sorted(late.days)
            what = f"has not judged {some_of(days, SHOWN)}" if days else "has not seen what it refers to"
            self._say(
                ("Silver behind Bronze", WRONG),
                f": {table} {what}. Judge it: {self._command(days or [self._any_day])}.",
            )
        self._say_gold_behind()
        if found.exports_behind and not found.is_empty:
            push = self._command([self._any_day], "export/*")
            said = f": {', '.join(found.exports_behind)}. Bring them up to date: {push}."
            self._say(("Exports behind Gold", WRONG), said)
        for table, days in found.held.items():
            told = [f"{day} ({why})" for day, why in days.items()]
            self._say(("Held back", WRONG), f" by {table}: {some_of(told, SHOWN)}")
        if found.validation and found.validation.errors:
            self._say(("Star schema", WRONG), f": {found.validation.in_words()}. `project-etl validate` says where.")
        if found.overdue:
            self._say(("Overdue", WRONG), f": {', '.join(found.overdue)} have not been computed for {found.due}.")

    def _say_waiting(self) -> None:
        landing = self._standing.landing
        waiting = [path for paths in (*landing.waiting.values(), *landing.changed.values()) for path in paths]
        if not waiting:
            if self._standing.is_empty and not landing.files:
                place = f"{self._landing}/{self._settings.sources[0]}/<dataset>/<YYYY-MM-DD>/"
                self._say(f"Nothing has been loaded yet: put files into {place}, or try `project-etl demo`.")
            elif self._standing.is_empty:
                self._say("Nothing has been loaded yet.")
            return
        load = f"Load them: {self._command(path.split('/')[2] for path in waiting)}."
        if self._standing.is_empty:
            files = "1 file waits" if len(waiting) == 1 else f"{len(waiting):,} files wait"
            said = f": {files} in {self._landing}. {load}"
            self._say(("Nothing has been loaded yet", WRONG), said)
            return
        for kind, tables in (("new", landing.waiting), ("changed since a run looked", landing.changed)):
            for table, paths in tables.items():
                said = f" for {table}, {_count(paths, 'file')} {kind}: {some_of(paths, SHOWN)}"
                self._say(("Waiting", WRONG), said)
        self._say(load)

    def _say_unread(self) -> None:
        unread = self._standing.landing.unread
        if unread:
            self._say(("Not read", WRONG), f": {_count(unread, 'thing')} in {self._landing}.")
        for item in unread[:MOST_UNREAD]:
            self._say(f"  {item.in_words()}")
        if len(unread) > MOST_UNREAD:
            self._say(f"  and {len(unread) - MOST_UNREAD:,} more")

    def _say_gold_behind(self) -> None:
        behind = self._standing.gold_behind
        if not behind:
            return
        days = sorted({day for stale in behind.values() for day in stale})
        which = f", {days_in_words(days)}" if days else ""
        compute = f"Compute {'it' if len(behind) == 1 else 'them'}: {self._command(days or [self._any_day], 'gold/*')}."
        self._say(("Gold behind Silver", WRONG), f": {_count(behind, 'table')}{which}. {compute}")
        for table, stale in behind.items():
            self._say(f"  {table}: {days_in_words(stale) if stale else 'the whole table'}")

    def _say_outside(self) -> None:
        first, last = self._settings.start_date, self._settings.last_day()
        after = f"end_date ({last})" if last == self._settings.end_date else "today"
        for table, rows in self._standing.outside.items():
            early = [day for day in sorted(rows) if day < first.isoformat()]
            late = [day for day in sorted(rows) if day not in early]
            if early:
                which = f"{_rows(rows, early)} of {table} before start_date ({first}): {some_of(early, SHOWN)}. "
                advice = "Move start_date back in the settings, or correct the dates."
                self._say(("In no Gold day", NOTE), f": {which}{advice}")
            if late:
                which = f"{_rows(rows, late)} of {table} after {after}: {some_of(late, SHOWN)}."
                self._say(("In no Gold day yet", NOTE), f": {which}")

    @property
    def _any_day(self) -> str:
        return self._standing.recent_to.isoformat()

    def _command(self, days: Iterable[str], select: str = "") -> str:
        """The command that makes some days."""
        asked = sorted(set(days))
        which = asked[0] if asked[0] == asked[-1] else f"{asked[0]}..{asked[-1]}"
        selected = f" --select '{select}'" if select else ""
        return f"`{self._run} {which}{selected}`"

    def _say(self, *parts: str | tuple[str, str]) -> None:
        """Print a line as it is: names of files may look like markup."""
        self._console.print(Text.assemble(*parts), soft_wrap=True)


def _count(things: Sized, name: str) -> str:
    return f"{len(things):,} {name}{'' if len(things) == 1 else 's'}"


def _rows(by_day: Mapping[str, int], days: Iterable[str]) -> str:
    number = sum(by_day[day] for day in days)
    return f"{number:,} row{'' if number == 1 else 's'}"


def _show_tables(console: Console, standing: Standing) -> None:
    columns = ("table", "latest day with rows", "its quality score", "last commit (UTC)")
    shown = grid("Tables", *columns, right=["its quality score"])
    for state in standing.tables:
        at = f"{state.at:%Y-%m-%d %H:%M}" if state.at else "[red]never[/]"
        shown.add_row(state.table, state.latest or "", _percent(state.quality), at)
    console.print(shown)


def _percent(score: float | None) -> str:
    return "" if score is None else f"{score:.2%}"


def _show_quarantine(console: Console, standing: Standing) -> None:
    if not any(rows for rows, _ in standing.quarantine.values()):
        return
    recent = f"landed in the {RECENT_DAYS} days to {standing.recent_to}"
    shown = grid("Quarantine", "table", "rows", recent, right=("rows", recent))
    for name, (rows, of_last_days) in standing.quarantine.items():
        shown.add_row(name, f"{rows:,}", f"{of_last_days:,}")
    console.print(shown)
