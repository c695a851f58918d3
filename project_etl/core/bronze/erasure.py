"""Erasing customers from a Bronze table: which rows name them, and the commit without them.

Belongs here: what Bronze holds already. Does not belong here: what is left of a record (`redaction.py`), files that are
read from then on (`stage.py`), everything that is made of Bronze.

A file's rows are rewritten whole. Its row in the file table counts what is left, and says how many records were erased,
so that Silver judges its landing day again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace

import pyarrow.compute as pc

from project_etl.core.arrow import ArrowRecordBatch
from project_etl.core.bronze import file_table
from project_etl.core.bronze.file_table import FileRow, Status
from project_etl.core.bronze.plan import BronzeJob, Look
from project_etl.core.bronze.redaction import Redaction
from project_etl.core.bronze.report import bronze_report
from project_etl.core.bronze.spool import Spool
from project_etl.core.bronze.stage import counted
from project_etl.core.contracts.sql_text import is_day, sql_list
from project_etl.core.lake import ReplaceWhere
from project_etl.core.lake.state import on_days
from project_etl.core.model.names import RESCUED
from project_etl.core.model.staged import note_of
from project_etl.core.transforms.text import clean_code, clean_key

FILE = "_source_file"


@dataclass(frozen=True)
class Found:
    """Records of a Bronze table that name an erased customer.

    Attributes:
        removed: how many leave.
        emptied: how many lose an id, or what did not fit.
        files: landing paths of the files that hold them, in order.
    """

    removed: int
    emptied: int
    files: tuple[str, ...]

    @property
    def days(self) -> tuple[str, ...]:
        """The landing days of these files, in order."""
        return tuple(sorted({path.split("/")[2] for path in self.files}))


def find(job: BronzeJob, redaction: Redaction) -> Found:
    """Look for records in all of a Bronze table, which must exist; nothing is written."""
    removed, emptied, files = 0, 0, set[str]()
    person = redaction.person
    named = [name for name in (person.column, person.email, *person.details) if name] if person else []
    for batch in _batches(job, [*dict.fromkeys(named), RESCUED, FILE]):
        # File by file only where something is found.
        if not redaction.redact(batch).erased:
            continue
        for path in batch.column(FILE).unique().to_pylist():
            left = redaction.redact(batch.filter(pc.field(FILE) == path))
            removed, emptied = removed + left.removed, emptied + left.emptied
            files |= {path} if left.erased else set()
    return Found(removed, emptied, tuple(sorted(files)))


def addresses(job: BronzeJob, redaction: Redaction) -> set[str]:
    """The e-mail addresses of the customers whose ids are erased, cleaned and in small letters."""
    return {address for key, address in _addressed(job, redaction) if redaction.is_customer(key)}


def shared(job: BronzeJob, redaction: Redaction, own: Collection[str]) -> set[str]:
    """Those of some addresses that another customer has too."""
    return {address for key, address in _addressed(job, redaction) if address in own and not redaction.is_customer(key)}


def _addressed(job: BronzeJob, redaction: Redaction) -> Iterator[tuple[str, str]]:
    """The id of each record that has one and a cleaned address, with that."""
    person = redaction.person
    if person is None or person.column is None or person.email is None:
        return
    for batch in _batches(job, [person.column, person.email]):
        for key, text in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            address = clean_code(text, redaction.nothing)
            if address and clean_key(key, redaction.nothing) not in (None, *person.nobody):
                yield key, address.lower()


def erase(job: BronzeJob, redaction: Redaction) -> Found:
    """Rewrite the rows of a Bronze table, which must exist, without what is erased, under its lock and in one commit.

    Returns:
        What was found and is gone now.
    """
    table = job.dataset.bronze
    with job.lake.lock(table):
        found = find(job, redaction)
        if found.files:
            job = replace(job, lake=job.lake.pinned([table]))
            with closing(Spool(job.lake.state(table).arrow_schema)) as spool:
                known = file_table.files(job.lake, [table], found.days)
                rows = _with_copies(known, dict(_rewritten(job, redaction, found, known, spool)))
                told = {**known, **rows}.values()
                report = bronze_report(found.days, Look((), (), ()), told, {}, {}, 0)
                days, files = dict.fromkeys(found.days, ""), [row.to_note() for row in rows.values()]
                note = note_of(job.run, table, report, days=days, files=files)
                where = f"{is_day('_landing_date', found.days)} AND {FILE} IN ({sql_list(found.files)})"
                job.lake.commit(table, ReplaceWhere(where), spool.rows(), note)
        # Its history is purged next, and the names of files with it.
        file_table.write(job.lake, table, job.landing)
    return found


def _rewritten(
    job: BronzeJob, redaction: Redaction, found: Found, known: Mapping[str, FileRow], spool: Spool
) -> Iterator[tuple[str, FileRow]]:
    """Put what is left of each file into the spool; the path and new row of each, as far as the file table knows it."""
    for path in found.files:
        row = known.get(path)
        bare = row and replace(row, run_id=job.run.run_id, records=0, malformed=0, rescued=0)
        bare = bare and replace(bare, malformed_sample=None, rescued_sample=None)
        for batch in _batches(job, spool.schema.names, path):
            left = redaction.redact(batch)
            spool.add(left.rows.cast(spool.schema))
            bare = bare and counted(replace(bare, erased=bare.erased + left.erased), left.rows)
        if row and bare:
            yield path, replace(bare, absent=row.absent)


def _with_copies(known: Mapping[str, FileRow], rows: dict[str, FileRow]) -> dict[str, FileRow]:
    """The new rows, and those of the files that have the same bytes on the same landing day."""
    counts = ("records", "malformed", "malformed_sample", "rescued", "rescued_sample", "erased", "run_id")
    copies = {
        path: replace(row, **{name: getattr(rows[row.holder], name) for name in counts})
        for path, row in known.items()
        if row.status is Status.COPY and row.holder in rows
    }
    return rows | copies


def _batches(job: BronzeJob, columns: list[str], path: str | None = None) -> Iterator[ArrowRecordBatch]:
    """Rows of a Bronze table, or of one of its files."""
    where = on_days("_landing_date", [path.split("/")[2]]) if path else None
    for batch in job.lake.state(job.dataset.bronze).dataset().to_batches(columns=columns, filter=where):
        yield batch if path is None else batch.filter(pc.field(FILE) == path)
