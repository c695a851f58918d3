"""What a generated landing holds: the books per dataset and the place of every planted record.

The manifest is what tests balance the platform's own counts against. It knows nothing of how records are made.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

from project_etl.demo.kind_table import kinds_of
from project_etl.demo.kinds import Kind, Outcome

MANIFEST_NAME = "_shop_manifest.json"
# Longer lists are cut; their counts never are.
LISTED_PER_KIND = 5_000

# A place that `indent` spread over five lines; on one line a person can read the list.
_SPREAD_PLACE = re.compile(r'\[\s+("[^"\n]*"),\s+(\d+|null),\s+("[^"\n]*")\s+\]')
# One of two records of the key counts as superseded, whichever it is.
_SUPERSEDING = frozenset((Outcome.SUPERSEDES, Outcome.SUPERSEDED, Outcome.DELETES, Outcome.RESTORES))


class ManifestError(ValueError):
    """A manifest file that cannot be used; the message names the file and what to do."""


class Planted(NamedTuple):
    """Where one planted record stands.

    Attributes:
        file: Path relative to the landing root, such as `shop/orders/2025-01-15/orders.csv`. It can be of another
            dataset, where a rule of one is broken by a record of the other.
        row: Number of the record in its file, 1 for the first after the header; None for a whole file or a day.
        key: The record's key as written; empty where the key itself is missing.
    """

    file: str
    row: int | None
    key: str


@dataclass
class KindBooks:
    """How much of one kind was planted, and where."""

    column: str | None
    outcome: Outcome
    meaning: str
    count: int = 0
    planted: list[Planted] = field(default_factory=list)

    def add(self, place: Planted) -> None:
        """Count one more, and list it while the list is short enough."""
        self.count += 1
        if len(self.planted) < LISTED_PER_KIND:
            self.planted.append(place)


@dataclass
class FileBooks:
    """One landing file; `state` is `loaded`, `repeated` (another file's bytes) or `unreadable`."""

    path: str
    records: int
    state: str = "loaded"


@dataclass
class DatasetBooks:
    """The books of one dataset, over the files that can be loaded: `records` is the sum of the four that follow it.

    Attributes:
        records: Records in loaded files, malformed ones included, headers not.
        published: Distinct keys with a valid record, be it a deletion.
        deduplicated: Records that repeat a loaded one.
        superseded: Valid records that are not the newest of their key.
        quarantined: Records that break a quarantine rule for good, and malformed ones.
        clean: Records that no kind names.
        files: Every file of the dataset, loaded or not.
        kinds: Kind of dirt by name.
    """

    records: int = 0
    published: int = 0
    deduplicated: int = 0
    superseded: int = 0
    quarantined: int = 0
    clean: int = 0
    files: list[FileBooks] = field(default_factory=list)
    kinds: dict[str, KindBooks] = field(default_factory=dict)

    @property
    def versions(self) -> int:
        """Distinct pairs of key and time among the valid records."""
        return self.published + self.superseded

    @property
    def rows(self) -> int:
        """Rows of the Silver table: keys whose newest valid record is no deletion."""
        return self.published - self._counted(Outcome.DELETES) + self._counted(Outcome.RESTORES)

    @property
    def history_rows(self) -> int:
        """Rows of the history table: versions that are no deletions."""
        return self.versions - self._counted(Outcome.DELETES)

    def add_clean_record(self) -> None:
        """Enter one record of a loaded file that shows no dirt."""
        self.records += 1
        self.clean += 1
        self.published += 1

    def add_record(self, place: Planted, kinds: Collection[str]) -> None:
        """Enter one record of a loaded file under the kinds of dirt that it shows, at least one."""
        self.records += 1
        outcomes: set[Outcome] = set()
        for name in kinds:
            kind = self.kinds[name]
            kind.add(place)
            outcomes.add(kind.outcome)
        if Outcome.QUARANTINED in outcomes:
            self.quarantined += 1
        elif Outcome.DEDUPLICATED in outcomes:
            self.deduplicated += 1
        elif outcomes & _SUPERSEDING:
            self.superseded += 1
        else:
            self.published += 1

    def _counted(self, outcome: Outcome) -> int:
        return sum(kind.count for kind in self.kinds.values() if kind.outcome is outcome)


Books = Mapping[str, DatasetBooks]


@dataclass
class Manifest:
    """A generated landing of the source `shop`: the arguments it was made with, and its books per dataset."""

    start: date
    days: int
    scale: float
    seed: int
    datasets: dict[str, DatasetBooks]

    @classmethod
    def blank(cls, start: date, days: int, scale: float, seed: int, datasets: Collection[str]) -> Manifest:
        """Return a manifest with every kind of the datasets at zero."""
        return cls(start, days, scale, seed, {name: DatasetBooks(kinds=_blank_kinds(name)) for name in datasets})

    @property
    def records(self) -> int:
        """Records in all loaded files of all datasets."""
        return sum(books.records for books in self.datasets.values())

    def save(self, landing: Path) -> Path:
        """Write the manifest beside the sources, where landing passes over it for its `_`, and return its path."""
        path = landing / MANIFEST_NAME
        arguments = {"start": self.start.isoformat(), "days": self.days, "scale": self.scale, "seed": self.seed}
        # One dataset after the other, for the places of a large shop are many.
        with path.open("w", encoding="utf-8", newline="\n") as file:
            file.write(json.dumps(arguments, indent=1).removesuffix("\n}") + ',\n "datasets": {')
            for number, (name, books) in enumerate(self.datasets.items()):
                text = json.dumps({name: asdict(books)}, ensure_ascii=False, indent=1)
                inner = _SPREAD_PLACE.sub(r"[\1, \2, \3]", text).removeprefix("{").removesuffix("\n}")
                file.write(f"{',' if number else ''}{inner}".replace("\n", "\n "))
            file.write("\n }\n}\n")
        return path

    @classmethod
    def load(cls, landing: Path) -> Manifest:
        """Read the manifest of a landing folder.

        Args:
            landing: The landing root that was given to `generate`, or the manifest file itself.

        Raises:
            FileNotFoundError: There is no manifest; the landing was not generated.
            ManifestError: The file is not a manifest that this version wrote.
        """
        path = landing / MANIFEST_NAME if landing.is_dir() else landing
        try:
            told = json.loads(path.read_text(encoding="utf-8"))
            datasets = {name: _read_books(books) for name, books in told["datasets"].items()}
            return cls(date.fromisoformat(told["start"]), told["days"], told["scale"], told["seed"], datasets)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ManifestError(
                f"{path}: not a manifest of the shop generator ({type(error).__name__}: {error}); generate again"
            ) from error


def _blank_kinds(dataset: str) -> dict[str, KindBooks]:
    return {kind.name: _blank_kind(kind) for kind in kinds_of(dataset)}


def _blank_kind(kind: Kind) -> KindBooks:
    return KindBooks(kind.column, kind.outcome, kind.meaning)


def _read_books(told: dict[str, Any]) -> DatasetBooks:
    files = [FileBooks(**file) for file in told.pop("files")]
    kinds = {name: _read_kind(kind) for name, kind in told.pop("kinds").items()}
    return DatasetBooks(**told, files=files, kinds=kinds)


def _read_kind(told: dict[str, Any]) -> KindBooks:
    places = [Planted(*place) for place in told.pop("planted")]
    return KindBooks(**told | {"outcome": Outcome(told["outcome"]), "planted": places})
