"""The file table `bronze/_files`: one row for each file that a Bronze table has ever seen.

Belongs here: reading and writing it. Does not belong here: which files are loaded (`core/bronze/plan.py`).

It is right at every moment, also after a crash (P6):

- Bronze and the file table are two tables, so a run can die between their commits. Bronze commits first.
- A Bronze commit names, in its note, the new row of every file that it concerns. The note and Bronze's rows become
  visible together.
- A reader takes the stored rows, and puts the rows of later notes on top. So it sees what Bronze holds, whether or not
  somebody has stored those rows.
- A writer first does the same under the table's lock. So rows are stored in the order of Bronze's commits.
- A row says up to which version of Bronze it is right. The first file of a note tells whether the note is stored.
- A batch that leaves Bronze's rows alone stores its file rows in one commit of its own.

So the file table may lag behind Bronze, and never leads. Notes older than the last stored row are not needed: Delta may
forget them.

Each of its commits also says from which landing root the lake is loaded; the last one counts. It is said before the
first row of Bronze is visible.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any, NamedTuple

from pyspark.sql import types as T

from project_etl.core.arrow import ArrowTable
from project_etl.core.bronze.landing_root import LandingRoot, OtherLanding
from project_etl.core.contracts.sql_text import is_day, sql_list, sql_text
from project_etl.core.lake import Append, Commit, ReplaceWhere, TableStore
from project_etl.core.lake.state import on_days

FILES = "bronze/_files"
# The first and the last day that there can be.
ALWAYS = (date.min.isoformat(), date.max.isoformat())


class Status(StrEnum):
    """What became of a file."""

    LOADED = "loaded"
    COPY = "copy"
    EMPTY = "empty"
    UNREADABLE = "unreadable"
    DENIED = "denied"
    LOST = "lost"


def _says(comment: str) -> dict[str, str]:
    return {"comment": comment}


@dataclass(frozen=True)
class FileRow:
    """What is known of a file. Rows that differ in times and runs alone are equal."""

    dataset: str = field(metadata=_says("Bronze table that the file belongs to."))
    path: str = field(metadata=_says("Landing path of the file, relative to the landing root."))
    landing_date: date = field(metadata=_says("Landing day."))
    version: str | None = field(metadata=_says("ETag or hash of the bytes. None when nobody could read them."))
    size_bytes: int = field(metadata=_says("Size of the file."))
    modified_at: datetime = field(metadata=_says("When the file was last written, as its file system says."))
    status: Status = field(metadata=_says("loaded, or why not: copy, empty, unreadable, denied, lost."))
    first_seen: datetime = field(compare=False, metadata=_says("When the file was first seen."))
    last_seen: datetime = field(compare=False, metadata=_says("When its bytes were looked at and this row changed."))
    run_id: str = field(compare=False, metadata=_says("Run that wrote this row."))
    records: int = field(default=0, metadata=_says("Records in the file. A copy's are in Bronze under its holder."))
    malformed: int = field(default=0, metadata=_says("Records that could not be parsed."))
    malformed_sample: str | None = field(default=None, metadata=_says("What is wrong with the first of them."))
    erased: int = field(
        default=0, metadata=_says("Records that erasures removed or emptied; what they removed is in no other count.")
    )
    rescued: int = field(default=0, metadata=_says("Records with values that fit no declared column."))
    rescued_sample: str | None = field(default=None, metadata=_says("Those values of the first of them, as JSON."))
    absent: str | None = field(default=None, metadata=_says("Declared columns that the file does not have."))
    rule: str | None = field(default=None, metadata=_says("Rule that keeps the file out of Bronze."))
    detail: str | None = field(default=None, metadata=_says("What was found, and what was expected."))
    holder: str | None = field(default=None, metadata=_says("For a copy: the loaded file that has the same bytes."))
    bronze_id: str = field(default="", compare=False, metadata=_says("Delta's identity of the Bronze table."))
    bronze_version: int = field(
        default=-1, compare=False, metadata=_says("Version of the Bronze table up to which this row is right.")
    )

    @property
    def day(self) -> str:
        """The landing day as ISO text."""
        return self.landing_date.isoformat()

    @property
    def content(self) -> str:
        """What its records say, in short: other bytes say something else, and so does what an erasure has left."""
        return f"{self.version or ''}/{self.erased}" if self.erased else self.version or ""

    @property
    def month(self) -> str:
        """The landing month, by which the table's files are kept apart."""
        return self.day[:7]

    def to_note(self) -> dict[str, Any]:
        """The row as plain JSON values, for the note of a commit."""
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        said = {item.name: values[item.name] for item in fields(self) if values[item.name] != item.default}
        return {name: value.isoformat() if isinstance(value, date) else value for name, value in said.items()}

    @classmethod
    def from_note(cls, note: Mapping[str, Any]) -> FileRow:
        """The row that `to_note` wrote."""
        instants = {name: datetime.fromisoformat(note[name]) for name in ("modified_at", "first_seen", "last_seen")}
        return cls.of({**note, **instants, "landing_date": date.fromisoformat(note["landing_date"])})

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> FileRow:
        """The row with these values; the status as text."""
        # Rows from before there were erasures count none.
        typed: dict[str, Any] = {**values, "status": Status(values["status"]), "erased": values.get("erased") or 0}
        return cls(**typed)


class Seen(NamedTuple):
    """How a file looked when its row was written, for who asks whether it is new."""

    version: str | None
    size_bytes: int
    modified_at: datetime
    status: str
    last_seen: datetime


_KINDS = {"int": T.LongType(), "date": T.DateType(), "datetime": T.TimestampType()}
_FIELDS = [item.name for item in fields(FileRow)]
SCHEMA = T.StructType(
    [
        T.StructField(item.name, _KINDS.get(str(item.type), T.StringType()), True, {**item.metadata})
        for item in fields(FileRow)
    ]
).add("month", T.StringType(), True, _says("Landing month."))


def files(lake: TableStore, bronze: Collection[str], days: Collection[str]) -> dict[str, FileRow]:
    """What is known of the files of some Bronze tables, as Bronze is now or at its pin.

    Where Bronze is pinned, the file table must have been pinned before it: it may lag behind Bronze, and never lead.

    Args:
        lake: the lake.
        bronze: the Bronze tables.
        days: landing days to look at.

    Returns:
        Landing path → row, in order.
    """
    tables = [name for name in bronze if lake.exists(name)]
    if not days or not tables:
        return {}
    stored = (FileRow.of(row) for row in _stored(lake, tables, days, _FIELDS).to_pylist())
    rows = [*stored, *(row for name in tables for row in _noted(lake, name))]
    return dict(sorted({row.path: row for row in rows if row.day in days}.items()))


def seen(lake: TableStore, bronze: Collection[str], days: Collection[str]) -> dict[str, Seen]:
    """How the files of some Bronze tables looked when their rows were stored; `files` without all else, for years.

    A file of a run that died before it stored its rows counts as one that nobody has seen: the next run stores them.

    Args:
        lake: the lake.
        bronze: the Bronze tables.
        days: landing days to look at; others between them may come along.

    Returns:
        Landing path → how the file looked.
    """
    tables = [name for name in bronze if lake.exists(name)]
    if not days or not tables:
        return {}
    rows = _stored(lake, tables, days, ["path", *Seen._fields])
    columns = (rows[name].to_pylist() for name in Seen._fields)
    return dict(zip(rows["path"].to_pylist(), map(Seen, *columns), strict=True))


def records_by_day(lake: TableStore, bronze: str) -> dict[str, int]:
    """Landing day → records of the files that a Bronze table has loaded, of all days, as it is now or at its pin."""
    columns = ("path", "landing_date", "status", "records")
    stored = _stored(lake, [bronze], ALWAYS, columns)
    noted = [{name: getattr(row, name) for name in columns} for row in _noted(lake, bronze)]
    rows = {row["path"]: row for row in (*stored.to_pylist(), *noted)}
    records: dict[str, int] = {}
    for row in rows.values():
        if row["status"] == Status.LOADED:
            day = row["landing_date"].isoformat()
            records[day] = records.get(day, 0) + row["records"]
    return records


def versions(lake: TableStore, bronze: str) -> dict[str, str | None]:
    """Every file that a Bronze table has ever seen, by its landing path, and its content version."""
    stored = _stored(lake, [bronze], ALWAYS, ("path", "version"))
    noted = {row.path: row.version for row in _noted(lake, bronze)}
    return dict(zip(stored["path"].to_pylist(), stored["version"].to_pylist(), strict=True)) | noted


def is_behind(lake: TableStore, bronze: str) -> bool:
    """Whether Bronze's notes name rows that the file table does not hold yet."""
    return bool(_noted(lake, bronze))


def landing_refusal(lake: TableStore, landing: LandingRoot) -> str:
    """Why the lake may not be loaded from a landing root; empty when it may, as one that was never loaded."""
    return landing.refusal(lake.journal(FILES).last_note("landing"))


def require_landing(lake: TableStore, landing: LandingRoot) -> None:
    """Refuse to load the lake from another landing root than before.

    Raises:
        OtherLanding: it was loaded from another one; the message says what to do.
    """
    if why := landing_refusal(lake, landing):
        raise OtherLanding(why)


def remembers(lake: TableStore, landing: LandingRoot) -> bool:
    """Whether the lake already says that it is loaded from a landing root, as that is called now."""
    return lake.journal(FILES).last_note("landing") == landing.note()


def write(lake: TableStore, bronze: str, landing: LandingRoot, rows: Iterable[FileRow] = ()) -> None:
    """Store what Bronze's notes name and is not stored yet, and then some more rows, in one commit.

    The caller holds the lock of the Bronze table.

    Raises:
        OtherLanding: the lake was loaded from another landing root.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    lake = replace(lake, pins={})
    with lake.lock(FILES):
        lake.create(
            FILES,
            SCHEMA,
            partition_by="month",
            description="Every file that a Bronze table has ever seen.",
            statistics=("dataset", "path", "landing_date"),
        )
        # Another process may have been the first to load this lake.
        require_landing(lake, landing)
        state, found = lake.state(bronze), {row.path: row for row in _noted(lake, bronze)}
        found |= {row.path: replace(row, bronze_id=state.table_id, bronze_version=state.version) for row in rows}
        if not found and remembers(lake, landing):
            return
        files = lake.state(FILES)
        # Of whole months, each load of a stream would write again what landed since the month began.
        days = sorted({row.day for row in found.values()})
        before = files.rows(where=on_days("landing_date", days), among=("dataset", [bronze]))
        # Rows of a Bronze table that was removed and made anew say nothing of this one.
        is_replaced = pc.field("path").isin(pa.array(found, pa.string()))
        is_kept = (pc.field("bronze_id") == state.table_id) & ~is_replaced
        new = [asdict(row) | {"month": row.month} for row in found.values()]
        after = pa.concat_tables([before.filter(is_kept), pa.Table.from_pylist(new, schema=files.arrow_schema)])
        months = sorted({row.month for row in found.values()})
        these = f"month IN ({sql_list(months)}) AND {is_day('landing_date', days)}"
        change = ReplaceWhere(f"{these} AND dataset = {sql_text(bronze)}")
        note = {"table": FILES, "days": {bronze: f"{state.table_id}/{state.version}"}, "landing": landing.note()}
        lake.commit(FILES, change if before.num_rows else Append(), after, note)


def _stored(lake: TableStore, bronze: Iterable[str], days: Collection[str], columns: Sequence[str]) -> ArrowTable:
    """The rows that are stored, of these Bronze tables and not of earlier ones of their names, and of days between."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not lake.exists(FILES):
        return pa.table({name: [] for name in columns})
    same_tables = ("bronze_id", [lake.state(name).table_id for name in bronze])
    day, first, last = pc.field("landing_date"), date.fromisoformat(min(days)), date.fromisoformat(max(days))
    state = lake.state(FILES)
    # A table of an earlier version lacks columns until it is written again.
    there = [name for name in columns if name in state.arrow_schema.names]
    return state.rows(there, where=(day >= first) & (day <= last), among=same_tables)


def _noted(lake: TableStore, bronze: str) -> list[FileRow]:
    """The rows that Bronze's notes name and that are not stored yet, the oldest first."""
    state, stored = lake.state(bronze), _stored_until(lake, bronze)
    if state.journal.filed <= stored:
        return []
    commits = reversed(state.commits_since(stored))
    return [row for commit in commits for row in _rows_of(commit, state.table_id)]


def _rows_of(commit: Commit, bronze_id: str) -> list[FileRow]:
    rows = (FileRow.from_note(row) for row in commit.note.get("files", ()))
    return [replace(row, bronze_id=bronze_id, bronze_version=commit.version) for row in rows]


def _stored_until(lake: TableStore, bronze: str) -> int:
    """The newest version of a Bronze table whose files are stored; -1 when none are."""
    if not lake.exists(FILES):
        return -1
    table_id = lake.state(bronze).table_id
    if known := lake.journal(FILES).fingerprint(bronze):
        of_table, _, version = known.rpartition("/")
        return int(version) if of_table == table_id else -1
    # The file table's own log was cleaned up, and its journal is lost.
    rows = lake.state(FILES).rows(["bronze_version"], among=("bronze_id", [table_id]))
    return max(rows["bronze_version"].to_pylist(), default=-1)
