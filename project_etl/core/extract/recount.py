"""The recount: all that a source holds beside all that Bronze holds of it.

It finds what no look at recent changes can: what is gone, and what changed without being seen then. Does not belong
here: reading a source, and what lands of that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from project_etl.core.arrow import ArrowTable
from project_etl.core.model.names import DELETED
from project_etl.core.model.pull import Before
from project_etl.core.views import literal, quoted

# Newest last, where the instants say nothing.
_ARRIVAL = ("_landing_date", "_source_file", "_row_number")


@dataclass(frozen=True)
class Found:
    """What a recount found.

    Attributes:
        missed: keys of what Bronze does not have as it is.
        gone: keys whose newest record in Bronze is none of a deletion, and that the source does not have.
        back: how many keys are there again, with an instant before their deletion.
    """

    missed: Sequence[tuple[str, ...]]
    gone: Sequence[tuple[str, ...]]
    back: int

    def note(self, what: str, place: str, changed: str | None) -> str:
        """What is to be said of it; empty when there is nothing.

        Args:
            what: what the source holds, in the plural.
            place: what the source is.
            changed: its instant of change; where there is none, what was missed is what is new.
        """
        said = [
            (len(self.missed) if changed else 0, f"{what} had not been pulled, and are now"),
            (len(self.gone), f"{what} are gone from {place}, and count as deleted now"),
            (self.back, f"{what} were deleted and are there again with their old {changed}: they stay deleted"),
        ]
        return "; ".join(f"{number:,} {words}" for number, words in said if number)


@dataclass(frozen=True)
class Compared:
    """What is compared, by the names of Bronze's columns.

    Attributes:
        key: by what a row is known.
        changed: the source's instant of the last change, if it has one.
        seen: what some record in Bronze must say as the source does: instants, which do not come back.
        state: what the newest record in Bronze must say as the source does; None where the instants say enough.
        version: columns of Bronze with instants; the first that says one puts the records of a key in order.
    """

    key: Sequence[str]
    changed: str | None
    seen: Sequence[str]
    state: Sequence[str] | None
    version: Sequence[str]

    @property
    def there(self) -> list[str]:
        """The columns of the source that are looked at."""
        return list(dict.fromkeys([*self.key, *filter(None, [self.changed]), *self.seen, *(self.state or ())]))

    @property
    def here(self) -> list[str]:
        """The columns of Bronze that are looked at."""
        return list(dict.fromkeys([*self.key, *self.seen, *(self.state or ()), *self.version, DELETED, *_ARRIVAL]))

    def newest(self) -> str:
        """Makes `newest`: the newest record of each key in Bronze; a record without a whole key is none."""
        has_key = " AND ".join(f"{quoted(name)} IS NOT NULL" for name in self.key)
        instants = ", ".join(map(_instant, self.version))
        order = [f"coalesce({instants}) DESC NULLS LAST"] if instants else []
        order += [f"{name} DESC" for name in _ARRIVAL]
        place = f"row_number() OVER (PARTITION BY {_list(self.key)} ORDER BY {', '.join(order)})"
        return f"CREATE TEMP TABLE newest AS SELECT * FROM here WHERE {has_key} QUALIFY {place} = 1"

    def missed(self, until: datetime) -> str:
        """Finds what Bronze does not have, of what was changed before an instant."""
        where, found = "true", list[str]()
        if self.changed:
            where = f"coalesce({_instant(self.changed)} < {literal(until.isoformat())}::TIMESTAMPTZ, true)"
            found.append(self._missing(self.seen, "here", where))
        if self.state is not None:
            found.append(self._missing(self.state, "newest", where))
        return f"SELECT DISTINCT {_list(self.key)} FROM ({' UNION ALL '.join(found)}) ORDER BY ALL"

    def _missing(self, columns: Sequence[str], of: str, where: str) -> str:
        names = _list(list(dict.fromkeys([*self.key, *columns])))
        here = f"SELECT {names} FROM {of} WHERE NOT {_is_deletion()}"
        return f"SELECT {_list(self.key)} FROM (SELECT {names} FROM there WHERE {where} EXCEPT {here})"

    def gone(self) -> str:
        """Finds what the source does not have any more."""
        return f"""
            SELECT {_list(self.key)} FROM newest WHERE NOT {_is_deletion()}
            EXCEPT SELECT {_list(self.key)} FROM there ORDER BY ALL"""

    def back(self) -> str:
        """Finds what was deleted and is there, and stays deleted by its instants."""
        return f"""
            SELECT {_list(self.key)} FROM newest WHERE {_is_deletion()}
            INTERSECT SELECT {_list(self.key)} FROM there"""


def recount(there: ArrowTable, before: Before, compared: Compared, until: datetime) -> Found:
    """Compare what a source holds with Bronze.

    Args:
        there: what the source holds, as text, with the columns `compared.there`.
        before: what was pulled before; all of it is in Bronze.
        compared: what is compared.
        until: what was changed since is not looked at.
    """
    import duckdb

    here = before.loaded(tuple(compared.here))
    with duckdb.connect() as lake:
        lake.execute("SET TimeZone = 'UTC'")
        lake.register("there", there)
        lake.register("here", here)
        lake.execute(compared.newest())
        missed = lake.execute(compared.missed(until)).fetchall()
        gone = lake.execute(compared.gone()).fetchall()
        back = lake.execute(compared.back()).fetchall() if compared.state is None else []
    return Found(missed, gone, len(back))


def _instant(name: str) -> str:
    return f"try_cast({quoted(name)} AS TIMESTAMPTZ)"


def _is_deletion() -> str:
    return f"coalesce({quoted(DELETED)} = 'true', false)"


def _list(names: Sequence[str]) -> str:
    return ", ".join(map(quoted, names))
