"""Loading Bronze: files become rows of text, once, and a replaced file's old rows go.

Belongs here: reading a batch's files, judging them as a whole, and the commit; no engine takes part. Does not belong
here: deciding what to load (`plan.py`), reading formats (`readers`), types and rules of records (`silver/`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from project_etl.core.arrow import ArrowRecordBatch
from project_etl.core.bronze import file_table, tombstones
from project_etl.core.bronze.file_table import FileRow, Status
from project_etl.core.bronze.landing_store import LandingFile, content_version, is_unchanged, new_digest, open_bytes
from project_etl.core.bronze.plan import BronzeJob, Look, Moves, is_as_known, look, moves, with_holders
from project_etl.core.bronze.readers.records import ROW_NUMBER_COLUMN, absent_columns, read_batches
from project_etl.core.bronze.readers.rescued import is_malformed
from project_etl.core.bronze.report import bronze_report
from project_etl.core.bronze.spool import Spool
from project_etl.core.bronze.unreadable import (
    FILE_ACCESSIBLE,
    FILE_HAS_RECORDS,
    FILE_STABLE,
    NOTHING_LOST,
    UnreadableFile,
)
from project_etl.core.bronze.visible import visible
from project_etl.core.contracts.report import Report
from project_etl.core.contracts.sql_text import is_day, sql_list
from project_etl.core.lake import Append, Commit, ReplaceWhere
from project_etl.core.lake.state import on_days
from project_etl.core.model.names import DELETED, LOST_ENDING, LOST_KEY, MALFORMED_KEY, MAY_BE_ABSENT, RESCUED
from project_etl.core.model.staged import Staged, note_of

# A file of more bytes is read twice: to hash it, and to parse it.
READ_ONCE_BYTES = 64 << 20
SAMPLE_CHARS = 500
# What tells of a loss is shorter.
LOSS_BYTES = 1 << 16
# A file system may give two writes the same time. A file that was read so soon after it was written is read again.
SAME_TIME = timedelta(seconds=2)


def stage_bronze(job: BronzeJob, landing: Look | None = None) -> Staged:
    """Read the asked days' new files and judge them.

    Args:
        job: the materialization; its table is locked.
        landing: what `look` has found; None looks now.

    Raises:
        OtherLanding: the lake was loaded from another landing root.
    """
    landing = landing or look(job)
    table = job.dataset.bronze
    description = f"Text of {job.dataset.source}/{job.dataset.name} files, as received."
    job.lake.create(
        table,
        job.dataset.schema,
        partition_by="_landing_date",
        description=description,
        # Of no column that says anything of a person: what is erased would live on in the log.
        statistics=[name for name in ("_source_file", DELETED) if name in job.dataset.schema.names],
    )
    lake = job.lake.pinned([table])
    job = replace(job, lake=lake)
    known = file_table.files(lake, [table], job.days)
    with ExitStack() as kept:
        spool = Spool(lake.state(table).arrow_schema)
        kept.callback(spool.close)
        batch = _Reading(job, known, spool)
        batch.read(landing.files)
        changed = [row for path, row in batch.rows.items() if row != known.get(path)]
        todo = moves(known, batch.rows)
        report = bronze_report(job.days, landing, batch.rows.values(), batch.denied, batch.unstable, len(todo.drop))
        is_said = file_table.remembers(lake, job.landing) or not batch.rows
        if not changed and not file_table.is_behind(lake, table) and is_said:
            return Staged(table, report, lake)
        files: dict[str, list[str]] = {}
        for path in todo.load:
            files.setdefault(batch.rows[path].day, []).append(path)
        return Staged(
            table,
            report,
            lake,
            commit=lambda: _commit(job, todo, changed, spool, report),
            files=files,
            kept=kept.pop_all(),
        )


class _Reading:
    """Reads the files of a batch into a spool.

    Attributes:
        rows: landing path → what is known of the file with this batch, for the asked days.
        denied: files that may not be read now, with why.
        unstable: files that changed or vanished while they were read, with what was seen; they are taken next time.
    """

    def __init__(self, job: BronzeJob, known: Mapping[str, FileRow], spool: Spool) -> None:
        self.rows, self.denied, self.unstable = dict(known), dict[str, str](), dict[str, str]()
        self._job, self._spool, self._columns = job, spool, tuple(job.dataset.columns)
        # Read under the table's lock: an erasure that comes later finds what is loaded now.
        self._redaction = job.redaction(tombstones.read(job.lake))
        # Landing day and version → what bytes say that are known.
        self._by_bytes = {(row.day, row.version): row for row in known.values() if row.status is not Status.DENIED}

    def read(self, files: Iterable[LandingFile]) -> None:
        """Read those of some files that are not known as they are."""
        # In the order of their names, for of files with equal bytes the first one is loaded.
        for file in sorted(files):
            row = self.rows.get(file.path)
            if row is None or row.status is Status.DENIED or not is_as_known(row, file) or _may_be_rewritten(row):
                self._take(file, row)
        self.rows = with_holders(self.rows)

    def _take(self, file: LandingFile, known: FileRow | None) -> None:
        seen = datetime.now(UTC)
        row = FileRow(
            dataset=self._job.dataset.bronze,
            path=file.path,
            landing_date=date.fromisoformat(file.day),
            version=None,
            size_bytes=file.size,
            modified_at=file.modified_at,
            status=Status.DENIED,
            first_seen=known.first_seen if known else seen,
            last_seen=seen,
            run_id=self._job.run.run_id,
        )
        mark = self._spool.mark()
        try:
            row = self._read(file, row)
            _check_unchanged(self._job.landing_root, file)
        except FileNotFoundError:
            # It left landing between listing and looking: as if it had never been there.
            return
        except PermissionError as error:
            why = f"{error.strerror or error}: let the platform's user read it"
            self.denied[file.path] = why
            # What is known of its bytes stays.
            self.rows[file.path] = known or replace(row, rule=FILE_ACCESSIBLE, detail=why)
            return
        except UnreadableFile as error:
            self._spool.take_back(mark)
            self.unstable[file.path] = error.detail
            return
        self.rows[file.path] = row
        self._by_bytes[row.day, row.version] = row

    def _read(self, file: LandingFile, row: FileRow) -> FileRow:
        """The row of a file that may be read.

        Raises:
            UnreadableFile: it changed while it was read.
        """
        version, content = _version(self._job.landing_root, file)
        if twin := self._by_bytes.get((file.day, version)):
            own = {"path": row.path, "size_bytes": row.size_bytes, "modified_at": row.modified_at}
            times = {"first_seen": row.first_seen, "last_seen": row.last_seen, "run_id": row.run_id}
            return replace(twin, **own, **times)
        if file.name.endswith(LOST_ENDING) and (loss := self._loss(file, content)):
            return replace(row, version=version, status=Status.LOST, rule=NOTHING_LOST, detail=loss)
        mark = self._spool.mark()
        try:
            row = self._parse(replace(row, version=version, status=Status.LOADED), content)
        except UnreadableFile as error:
            if error.rule == FILE_STABLE:
                raise
            self._spool.take_back(mark)
            bad = {"status": Status.UNREADABLE, "rule": error.rule, "detail": error.detail}
            return replace(row, version=version, **bad)
        if row.records or row.erased:
            return row
        return replace(row, status=Status.EMPTY, rule=FILE_HAS_RECORDS, detail="has a header and no records")

    def _loss(self, file: LandingFile, content: bytes | None) -> str:
        """What a file says is lost; nothing if it is one of records, which is only called so."""
        if content is None:
            with open_bytes(self._job.landing_root, file.path) as stream:
                content = stream.read(LOSS_BYTES)
        try:
            return visible(json.loads(content)[LOST_KEY])
        except (ValueError, KeyError, TypeError):
            return ""

    def _parse(self, row: FileRow, content: bytes | None) -> FileRow:
        """Put the file's records into the spool and count them.

        Raises:
            UnreadableFile: the file cannot be read as a whole; some of its records are in the spool.
        """
        expected = row.version if content is None else None
        for batch in read_batches(
            self._job.landing_root, row.path, self._columns, expect_version=expected, content=content
        ):
            left = self._redaction.redact(batch)
            row = counted(replace(row, erased=row.erased + left.erased), left.rows)
            self._spool.add(self._with_lineage(row, left.rows))
        return row

    def _with_lineage(self, row: FileRow, batch: ArrowRecordBatch) -> ArrowRecordBatch:
        schema, rows = self._spool.schema, batch.num_rows
        values = {
            "_source_file": row.path,
            "_source_version": row.version,
            "_ingested_at": self._job.run.started_at,
            "_landing_date": row.landing_date,
        }
        lineage = {name: pa.repeat(pa.scalar(value, schema.field(name).type), rows) for name, value in values.items()}
        text = {name: batch.column(name) for name in (*self._columns, RESCUED, ROW_NUMBER_COLUMN)}
        return pa.RecordBatch.from_arrays([(text | lineage)[name] for name in schema.names], schema=schema)


def _check_unchanged(root: str, file: LandingFile) -> None:
    """Refuse a file that somebody has written since it was listed; a store with ETags has done so while it was read."""
    if file.etag is None and not is_unchanged(root, file):
        raise UnreadableFile(file.path, FILE_STABLE, "changed or vanished while it was read; load it again")


def _may_be_rewritten(row: FileRow) -> bool:
    """Whether the file may have other bytes though its size and time are those that were seen."""
    return row.modified_at > row.last_seen - SAME_TIME


def _version(root: str, file: LandingFile) -> tuple[str, bytes | None]:
    """The content version of a file, and its bytes if they had to be read and are few."""
    if file.etag is not None or file.size > READ_ONCE_BYTES:
        return content_version(root, file), None
    with open_bytes(root, file.path) as stream:
        content = stream.read(file.size + 1)
    digest = new_digest()
    digest.update(content)
    return digest.hexdigest(), content


def counted(row: FileRow, batch: ArrowRecordBatch) -> FileRow:
    """The row with some more of its file's records."""
    row = replace(row, records=row.records + batch.num_rows, absent=_absent(batch))
    rescued: list[str] = batch.column(RESCUED).drop_null().to_pylist()
    malformed = [text for text in rescued if is_malformed(text)]
    others = [text for text in rescued if not is_malformed(text)]
    if malformed and row.malformed_sample is None:
        row = replace(row, malformed_sample=json.loads(malformed[0])[MALFORMED_KEY][:SAMPLE_CHARS])
    if others and row.rescued_sample is None:
        row = replace(row, rescued_sample=visible(others[0][:SAMPLE_CHARS]))
    return replace(row, malformed=row.malformed + len(malformed), rescued=row.rescued + len(others))


def _absent(batch: ArrowRecordBatch) -> str | None:
    """The columns that the file lacks so far; whether something is gone, most files do not say."""
    return ", ".join(name for name in absent_columns(batch) if name not in MAY_BE_ABSENT) or None


def _commit(job: BronzeJob, todo: Moves, changed: list[FileRow], spool: Spool, report: Report) -> Commit | None:
    """Commit the rows with a note that names the files; then bring the file table up to date."""
    table = job.dataset.bronze
    if not todo.paths:
        file_table.write(job.lake, table, job.landing, changed)
        return None
    if not file_table.remembers(job.lake, job.landing):
        file_table.write(job.lake, table, job.landing)
    for old, new in todo.rename.items():
        _respool(job, old, new, spool)
    days = dict.fromkeys(job.days, "")
    note = note_of(job.run, table, report, days=days, files=[row.to_note() for row in changed])
    held = job.lake.state(table).partition_rows("_landing_date")
    # A file's rows are replaced, so that a file that is read twice does no harm.
    where = ReplaceWhere(f"{is_day('_landing_date', todo.days)} AND _source_file IN ({sql_list(todo.paths)})")
    commit = job.lake.commit(table, where if held.keys() & {*todo.days} else Append(), spool.rows(), note)
    file_table.write(job.lake, table, job.landing)
    return commit


def _respool(job: BronzeJob, old: str, new: str, spool: Spool) -> None:
    """Put the rows of a file into the spool under the name of another one of its day."""
    schema = spool.schema
    column = schema.get_field_index("_source_file")
    dataset = job.lake.state(job.dataset.bronze).dataset()
    for batch in dataset.to_batches(columns=schema.names, filter=on_days("_landing_date", [new.split("/")[2]])):
        rows = batch.filter(pc.field("_source_file") == old)
        if rows.num_rows:
            named = rows.set_column(column, schema.field(column), pa.repeat(pa.scalar(new, pa.string()), rows.num_rows))
            spool.add(named.cast(schema))
