"""The journal of a table: what was computed from what, as the notes of its commits say.

Belongs here: adding up notes, and keeping the sum where the log's clean-up does not reach it. Does not belong here:
what follows from it (`core/silver/plan.py`, `staleness`).

A log grows with every commit, and Delta deletes its entries after a year. So the journal up to some version is stored
in a small file beside the log, `_journal/<version>.json.gz`, and a reader adds the notes of the commits since then.
The file is a pure function of the log: who dies before it is written, or writes it twice, does no harm. When it is
lost, the journal is read from the log again. When the log has been cleaned as well, `is_complete` is false: a day that
the journal does not know may have been computed all the same.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from fsspec import AbstractFileSystem
from fsspec.core import url_to_fs

from project_etl.core.lake.log import Commit

# The unit of a table that is computed as a whole; all others are days.
WHOLE = "all"
# So many commits may be read from the log beside the stored journal, and none that is older.
MOST_COMMITS = 20
MOST_SECONDS = 30 * 24 * 3600
# Of what is stored: an older file is for who still looks at an older version.
KEPT_FILES = 2
SHAPE = 1
# What is stored as it is.
PLAIN = ("version", "timestamp", "oldest", "anywhere", "by_day", "filed", "is_complete", "checked")


@dataclass(frozen=True)
class Held:
    """Why a unit was held back.

    Attributes:
        made_from: what it was computed from, in short.
        rules: name of each `fail` rule that it breaks → records that break it.
    """

    made_from: str
    rules: Mapping[str, int]

    def to_json(self) -> dict[str, Any]:
        """As a note tells it."""
        return {"from": self.made_from, "rules": dict(self.rules)}

    def __str__(self) -> str:
        """The rules, for a person."""
        return ", ".join(f"{name} {broken:,}" for name, broken in self.rules.items())


@dataclass(frozen=True)
class Entry:
    """A commit that computed something.

    Attributes:
        version: Delta version that it made.
        timestamp: milliseconds since the epoch.
        note: what it says of itself.
    """

    version: int
    timestamp: int
    note: Mapping[str, Any]

    @property
    def days(self) -> Mapping[str, str]:
        """Unit that it computed → what the unit was made from, in short."""
        return self.note.get("days") or {}

    @property
    def held(self) -> Mapping[str, Held]:
        """Unit that it held back → why."""
        found: Mapping[str, Any] = self.note.get("held") or {}
        return {unit: Held(value["from"], value["rules"]) for unit, value in found.items()}


@dataclass(frozen=True)
class Journal:
    """What the commits of a table up to a version say.

    Attributes:
        version: the version; -1 before the first commit.
        timestamp: when that version was made, in milliseconds since the epoch.
        oldest: the oldest version of which it is known what it changed.
        anywhere: the newest version that may have changed any row.
        by_day: day → newest version that changed rows of it, where that is later than `anywhere`.
        units: unit → the newest commit that computed it.
        last: the newest commit with a note of the platform's own; None when there is none.
        filed: the newest version whose note names files; -1 when none does.
        checked: input → the version up to which all units that are not doubted are known to be right; for inputs that
            are read as of an instant.
        doubted: units that were found to be stale and have not been computed since.
        held: unit that breaks a `fail` rule → the newest commit that held it back; absent once it has been published.
        is_complete: whether a unit that is not in `units` has never been computed.
    """

    version: int = -1
    timestamp: int = 0
    oldest: int = 0
    anywhere: int = -1
    by_day: Mapping[str, int] = field(default_factory=dict[str, int])
    units: Mapping[str, Entry] = field(default_factory=dict[str, Entry])
    last: Entry | None = None
    filed: int = -1
    is_complete: bool = True
    checked: Mapping[str, int] = field(default_factory=dict[str, int])
    doubted: frozenset[str] = frozenset()
    held: Mapping[str, Entry] = field(default_factory=dict[str, Entry])

    # --- what it says -------------------------------------------------------------------------------------------------

    @property
    def data_version(self) -> int:
        """The newest version that changed rows; equal numbers mean equal rows."""
        return max(self.by_day.values(), default=self.anywhere)

    def changed_on(self, days: Iterable[str]) -> int:
        """The newest version that changed rows of some days."""
        return max((self.by_day.get(day, self.anywhere) for day in days), default=self.anywhere)

    def fingerprint(self, unit: str) -> str | None:
        """What a unit was computed from when it last was; None when the journal does not say."""
        entry = self.units.get(unit)
        return entry.days[unit] if entry else None

    def note(self, unit: str) -> Mapping[str, Any]:
        """The note of the newest commit that computed a unit; empty when there is none."""
        entry = self.units.get(unit)
        return entry.note if entry else {}

    def last_note(self, key: str) -> Any:  # noqa: ANN401 - a JSON value
        """One value of the newest note; None when that does not have it."""
        return self.last.note.get(key) if self.last else None

    # --- how it grows -------------------------------------------------------------------------------------------------

    def after(self, table: str, commits: Sequence[Commit]) -> Journal:
        """The journal with later commits of its table, the newest first."""
        if not commits:
            return self
        by_day, units, last = dict(self.by_day), dict(self.units), self.last
        checked, doubted, held = self.checked, {*self.doubted}, dict(self.held)
        anywhere, is_complete, oldest, filed = self.anywhere, self.is_complete, self.oldest, self.filed
        if commits[-1].version != self.version + 1:
            # What the log has forgotten may have changed and computed anything.
            by_day, units, last, is_complete = {}, {}, None, False
            checked, doubted, held = {}, set[str](), {}
            anywhere = oldest = commits[-1].version
        for commit in reversed(commits):
            if commit.may_change_rows:
                touched: Sequence[str] | None = commit.note.get("touched")
                if touched is None:
                    anywhere, by_day = commit.version, {}
                else:
                    by_day |= dict.fromkeys(touched, commit.version)
            if commit.note.get("files"):
                filed = commit.version
            if commit.note.get("table") == table:
                last = Entry(commit.version, commit.timestamp, commit.note)
                units |= dict.fromkeys(last.days, last)
                held = {unit: entry for unit, entry in held.items() if unit not in last.days}
                held |= dict.fromkeys(last.held, last)
                checked = commit.note.get("checked", checked)
                doubted = (doubted | {*commit.note.get("doubted", ())}) - last.days.keys()
                is_complete = is_complete or bool(commit.note.get("is_all"))
        newest = commits[0]
        return Journal(
            newest.version,
            newest.timestamp,
            oldest,
            max(anywhere, oldest),
            by_day,
            units,
            last,
            filed,
            is_complete,
            checked,
            frozenset(doubted),
            held,
        )

    def without_samples(self) -> Journal:
        """The journal whose notes show no records, for nobody may read those any more."""
        notes = {entry.version: entry for entry in [*self.units.values(), *self.held.values()]}
        if self.last:
            notes[self.last.version] = self.last
        bare = {version: replace(entry, note=_without_samples(entry.note)) for version, entry in notes.items()}
        return replace(
            self,
            units={unit: bare[entry.version] for unit, entry in self.units.items()},
            held={unit: bare[entry.version] for unit, entry in self.held.items()},
            last=bare[self.last.version] if self.last else None,
        )

    # --- how it is stored ---------------------------------------------------------------------------------------------

    def to_json(self) -> dict[str, Any]:
        """The journal as JSON values; notes without what no unit needs any more."""
        entries = [*self.units.values(), *self.held.values(), *filter(None, [self.last])]
        kept = {entry.version: entry for entry in entries}
        wanted: dict[int, set[str]] = {version: set() for version in kept}
        for unit, entry in [*self.units.items(), *self.held.items()]:
            wanted[entry.version].add(unit)
        return {
            "shape": SHAPE,
            **{name: getattr(self, name) for name in PLAIN},
            "doubted": sorted(self.doubted),
            "units": {unit: entry.version for unit, entry in self.units.items()},
            "held": {unit: entry.version for unit, entry in self.held.items()},
            "last": self.last.version if self.last else None,
            "notes": [
                [version, entry.timestamp, _trimmed(entry.note, wanted[version])]
                for version, entry in sorted(kept.items())
            ],
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Journal:
        """The journal that `to_json` wrote."""
        notes = {version: Entry(version, timestamp, note) for version, timestamp, note in value["notes"]}
        return cls(
            **{name: value[name] for name in PLAIN},
            doubted=frozenset(value["doubted"]),
            units={unit: notes[version] for unit, version in value["units"].items()},
            # A journal of an earlier version has none.
            held={unit: notes[version] for unit, version in value.get("held", {}).items()},
            last=None if value["last"] is None else notes[value["last"]],
        )


def _trimmed(note: Mapping[str, Any], units: set[str]) -> dict[str, Any]:
    """A note without the files that it names, and with its counts of some units alone."""

    def of_units(values: Mapping[str, Any]) -> dict[str, Any]:
        return {unit: value for unit, value in values.items() if unit in units}

    kept = {key: value for key, value in note.items() if key != "files"}
    for key in ("days", "held"):
        if key in kept:
            kept[key] = of_units(kept[key] or {})
    if report := kept.get("report"):
        rules = [rule | {"by_day": of_units(rule["by_day"])} for rule in report.get("rules", [])]
        kept["report"] = report | {"days": of_units(report.get("days", {})), "rules": rules}
    return kept


def _without_samples(note: Mapping[str, Any]) -> dict[str, Any]:
    """A note without the files that it names, of which it may show records, and without samples of rules."""
    kept = {key: value for key, value in note.items() if key != "files"}
    if report := kept.get("report"):
        kept["report"] = report | {"rules": [rule | {"samples": []} for rule in report.get("rules", [])]}
    return kept


class JournalFiles:
    """The stored journals of a table."""

    def __init__(self, path: str, table_id: str) -> None:
        """Nothing is read yet.

        Args:
            path: the table's folder or URL.
            table_id: Delta's identity of the table; a journal of another table that was there before says nothing.
        """
        self._path = path
        self._table_id = table_id

    def newest(self, version: int) -> Journal | None:
        """The stored journal that is the newest up to a version; None when there is none that can be read."""
        fs, folder = self._folder()
        for name in reversed(self._names(fs, folder)):
            if _version_of(name) > version:
                continue
            try:
                content: bytes = fs.cat_file(f"{folder}/{name}")  # type: ignore[assignment]
                value = json.loads(gzip.decompress(content))
                if value["shape"] == SHAPE and value["table_id"] == self._table_id:
                    return Journal.from_json(value)
            except (OSError, EOFError, ValueError, KeyError, TypeError, AttributeError, zlib.error):
                # Somebody has just tidied it up, or it was damaged: the log says the same.
                continue
        return None

    def store(self, journal: Journal) -> None:
        """Store a journal, and remove those that nobody needs."""
        fs, folder = self._folder()
        fs.makedirs(folder, exist_ok=True)
        value = journal.to_json() | {"table_id": self._table_id}
        # It is read whole or not at all.
        content = gzip.compress(json.dumps(value, separators=(",", ":")).encode(), mtime=0)
        name = f"{folder}/{journal.version:020}.json.gz"
        fs.pipe_file(f"{name}.new", content)
        fs.mv(f"{name}.new", name)
        names = self._names(fs, folder)
        # One with a higher number is of a log that was put back from a copy.
        older = [old for old in names if _version_of(old) < journal.version]
        for old in {*names} - {*older[1 - KEPT_FILES :], f"{journal.version:020}.json.gz"}:
            fs.rm_file(f"{folder}/{old}")

    def store_alone(self, journal: Journal) -> None:
        """Store a journal, and remove all others, those that a crash left half-written too."""
        self.store(journal)
        fs, folder = self._folder()
        for path in fs.ls(folder, detail=False):
            if not path.endswith(f"/{journal.version:020}.json.gz"):
                fs.rm_file(path)

    def _folder(self) -> tuple[AbstractFileSystem, str]:
        return url_to_fs(f"{self._path}/_journal", use_listings_cache=False)

    @staticmethod
    def _names(fs: AbstractFileSystem, folder: str) -> list[str]:
        try:
            found = fs.ls(folder, detail=False)
        except FileNotFoundError:
            return []
        return sorted(name for path in found if (name := path.rpartition("/")[2]).endswith(".json.gz"))


def _version_of(name: str) -> int:
    return int(name.split(".")[0])
