"""A source that is a database: which of its rows are due.

A pull takes the rows that were changed since the last one, bounded by the server's clock. Transactions commit later
than the instants in their rows: what was changed within `lag_seconds` is left to the next pull, and each looks back
over `overlap_seconds`. What took longer is found by the recount (`recount.py`). Silver drops what comes twice.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from project_etl.core.extract.spans import Span, due, spans_of, stamp
from project_etl.core.extract.sql.options import SqlOptions, TableOptions
from project_etl.core.extract.sql.reader import Reader, TableOf, open_database
from project_etl.core.extract.sql.recount import records_of, recount_of
from project_etl.core.model.pull import Before, NotYet, Pull, PullError, Record, Slice
from project_etl.core.model.source import Dataset


@dataclass(frozen=True)
class Known:
    """How a dataset stands in a database where the user says nothing else.

    Attributes:
        dataset: the dataset; its table has its name.
        key: its columns by which a record is known.
        version: its column by which Silver finds the newest record.
        changed: its column with the instant of the last change; None where it has none.
    """

    dataset: Dataset
    key: tuple[str, ...]
    version: str
    changed: str | None

    def table(self, options: TableOptions) -> TableOf:
        """The table, with what the user says of it."""
        columns = options.columns
        changed = options.changed
        if changed is None and self.changed is not None:
            changed = columns.get(self.changed, self.changed)
        return TableOf(
            dataset=self.dataset.name,
            name=options.table or self.dataset.name,
            key=options.key or tuple(columns.get(name, name) for name in self.key),
            changed=changed or None,
            version=self.version,
            names={column: name for name, column in columns.items()},
        )


def sql_pull(source: str, known: Mapping[str, Known]) -> Pull:
    """How a source that is a database is pulled.

    Args:
        source: its name.
        known: name of a dataset → how it stands in the database.
    """
    return Pull(
        options=SqlOptions,
        connect=_connect(source, known),
        left_out=lambda options: options.without,
        every="*/10 * * * *",
        recounts=lambda options: "15 1 * * *" if options.recount == "nightly" else "",
        fresh=timedelta(days=1),
    )


def _connect(
    source: str, known: Mapping[str, Known]
) -> Callable[[SqlOptions, date], AbstractContextManager[SqlPuller]]:
    @contextmanager
    def connect(options: SqlOptions, _: date) -> Generator[SqlPuller]:
        path = f"pull.{source}"
        for name in (*options.tables, *options.without):
            if name not in known:
                raise PullError(f"{path} names the dataset {name}, and there is {', '.join(known)}: correct it")
        tables = {name: each.table(options.tables.get(name, TableOptions())) for name, each in known.items()}
        with open_database(options, path) as reader:
            yield SqlPuller(reader, options, tables, {name: each.dataset for name, each in known.items()}, path)

    return connect


@dataclass(frozen=True)
class SqlPuller:
    """A database that is pulled.

    Attributes:
        reader: the database.
        options: what the user says of it.
        tables: dataset → its table.
        datasets: dataset → what Bronze declares of it.
        path: the settings of the source, for messages.
    """

    reader: Reader
    options: SqlOptions
    tables: Mapping[str, TableOf]
    datasets: Mapping[str, Dataset]
    path: str

    def slices(self, dataset: str, before: Before, *, recount: bool) -> Iterator[Slice]:
        """The slices that are due: gaps first, then what is new; or what the recount finds."""
        table = self.tables[dataset]
        # First, for whether the database answers at all.
        until = self.reader.now() - timedelta(seconds=self.options.lag_seconds)
        columns = self._columns(table)
        of = self.reader.identity_of(table)
        spans = spans_of(of, before.names)
        if table.changed is None or (recount and spans):
            until = max(span.end for span in spans) if table.changed else until
            yield from self._recounted(table, columns, before, of, until)
            return

        def records(span: Span) -> Iterator[Record]:
            return self.reader.changed_within(table, span)

        yield from due(of, spans, until, timedelta(seconds=self.options.overlap_seconds), records)

    def looked_at(self, dataset: str) -> str:
        """Which table it is, with how many columns."""
        table = self.tables[dataset]
        self.reader.now()
        return f"{table.name} ({len(self._columns(table))} columns)"

    @property
    def address(self) -> str:
        """Where the database is, without user and password."""
        return self.reader.address

    def _columns(self, table: TableOf) -> tuple[str, ...]:
        """The columns of a table, which has those that a pull needs."""
        try:
            there = self.reader.columns(table)
        except PullError as error:
            raise PullError(
                f"{error}. Set {self.path}.tables.{table.dataset}.table to the table or view that holds "
                f"{table.dataset}, or add {table.dataset} to {self.path}.without"
            ) from error
        needed = [*table.key, *([table.changed] if table.changed else [])]
        if absent := [name for name in needed if name not in there]:
            raise PullError(
                f"{table.name} has no column {', '.join(absent)}; it has {', '.join(there)}. "
                f"Name the right ones in {self.path}.tables.{table.dataset}: key, changed, columns"
            )
        return there

    def _recounted(
        self, table: TableOf, columns: tuple[str, ...], before: Before, of: str, until: datetime
    ) -> Iterator[Slice]:
        if before.waiting:
            raise NotYet(f"{before.waiting[-1]} is not in Bronze yet, and all is compared with Bronze")
        declared = self.datasets[table.dataset].columns
        landed = [name for name in map(table.landed, columns) if name in declared]
        found = recount_of(self.reader, table, before, landed, until)
        at = self.reader.now()
        yield Slice(
            f"{of}_recount_{stamp(at)}",
            at,
            lambda: records_of(found, self.reader, table, until, at),
            found.note("rows", "the database", table.changed),
        )
