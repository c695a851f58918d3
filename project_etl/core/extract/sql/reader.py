"""Reading a database: few kinds of queries, and their rows as records, streamed.

Belongs here: all that speaks SQL. Does not belong here: which rows are due (`source.py`, `recount.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from project_etl.core.digest import digest
from project_etl.core.extract.secret import is_reference, secret
from project_etl.core.extract.spans import START, Span
from project_etl.core.extract.sql.databases import DATABASES, OTHER, Database
from project_etl.core.extract.sql.options import SqlOptions, passwords_in
from project_etl.core.extract.sql.texts import as_landed
from project_etl.core.model.pull import PullError, Values

if TYPE_CHECKING:
    from sqlalchemy import URL, ColumnElement, Connection, Engine, Select
    from sqlalchemy.engine.interfaces import DBAPIConnection

# Rows that are fetched at once, and keys that are asked for at once.
FETCHED, ASKED = 5000, 200


@dataclass(frozen=True)
class TableOf:
    """A table of the database that is a dataset.

    Attributes:
        dataset: the dataset's name.
        name: the table's name, with its schema where it has one.
        key: its columns by which a row is known.
        changed: its column with the instant of the last change; None where there is none.
        version: the dataset's column by which Silver finds the newest record.
        names: column of the table → column of the dataset, where they differ.
    """

    dataset: str
    name: str
    key: tuple[str, ...]
    changed: str | None
    version: str
    names: Mapping[str, str] = field(default_factory=dict)

    def landed(self, column: str) -> str:
        """How a column of the table is called where it lands."""
        return self.names.get(column, column)

    def column_of(self, name: str) -> str:
        """The column of the table that lands by that name."""
        return next((column for column, landed in self.names.items() if landed == name), name)


@dataclass(frozen=True)
class Reader:
    """An open database.

    Attributes:
        engine: SQLAlchemy's engine.
        database: what is special about databases of its kind.
        address: where it is, without user and password.
        hidden: texts that no message may show.
    """

    engine: Engine
    database: Database
    address: str
    hidden: tuple[str, ...] = ()

    def identity(self) -> str:
        """A text that no other database has."""
        for statement in self.database.identity:
            try:
                return str(self._one(statement))
            except PullError:
                # It does not know the statement, or may not say. If it has gone, this fails too.
                self.now()
        return self.address

    def identity_of(self, table: TableOf) -> str:
        """A short name of a table that no other table of any database has, and that is the same at each pull."""
        return digest(self.identity(), table.name)

    def now(self) -> datetime:
        """What the server's clock shows."""
        if not self.database.now:
            return datetime.now(UTC)
        seconds = Decimal(str(self._one(self.database.now)))
        return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=int(seconds * 1_000_000))

    def columns(self, table: TableOf) -> tuple[str, ...]:
        """The names of a table's columns.

        Raises:
            PullError: it cannot be read.
        """
        import sqlalchemy as sa

        with self._connection() as connection:
            return tuple(connection.execute(_select(table).where(sa.false())).keys())

    def changed_within(self, table: TableOf, span: Span) -> Iterator[Values]:
        """The rows that were changed within a span; from the beginning on, also those without an instant."""
        import sqlalchemy as sa

        assert table.changed is not None
        changed: ColumnElement[Any] = sa.column(table.changed)
        is_before = changed < self._instant(span.end)
        is_in = sa.or_(is_before, changed.is_(None)) if span.begin == START else None
        where = is_in if is_in is not None else sa.and_(changed >= self._instant(span.begin), is_before)
        yield from self._records(table, _select(table).where(where))

    def parts(self, table: TableOf, columns: Sequence[str]) -> Iterator[list[tuple[Any, ...]]]:
        """Some columns of all rows, many rows at once, with values as they land."""
        with self._connection() as connection:
            for rows in _streamed(connection, _select(table, columns)):
                yield [tuple(map(as_landed, row)) for row in rows]

    def with_keys(self, table: TableOf, keys: Sequence[Sequence[str]]) -> Iterator[Values]:
        """The rows with some keys, each a text a column of the key."""
        import sqlalchemy as sa

        for start in range(0, len(keys), ASKED):
            asked = [
                sa.and_(*(sa.column(name) == _plain(value) for name, value in zip(table.key, key, strict=True)))
                for key in keys[start : start + ASKED]
            ]
            yield from self._records(table, _select(table).where(sa.or_(*asked)))

    def _records(self, table: TableOf, query: Select[Any]) -> Iterator[Values]:
        with self._connection() as connection:
            names: list[str] = []
            for rows in _streamed(connection, query, names):
                landed = [table.landed(name) for name in names]
                for row in rows:
                    yield dict(zip(landed, map(as_landed, row), strict=True))

    def _one(self, statement: str) -> object:
        import sqlalchemy as sa

        with self._connection() as connection:
            return connection.execute(sa.text(statement)).scalar()

    @contextmanager
    def _connection(self) -> Generator[Connection]:
        from sqlalchemy.exc import SQLAlchemyError

        try:
            with self.engine.connect() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise PullError(self._words(error)) from None

    def _words(self, error: Exception) -> str:
        """The first line of what the driver says; its other lines repeat the query."""
        said = str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
        for each in self.hidden:
            said = said.replace(each, "***")
        return f"{self.address} says: {said}"

    def _instant(self, instant: datetime) -> ColumnElement[Any]:
        return _plain(instant if self.database.has_offsets else instant.replace(tzinfo=None))


@contextmanager
def open_database(options: SqlOptions, path: str) -> Generator[Reader]:
    """A database, for the length of a block. Nothing is asked before the first query.

    Args:
        options: what the user says of it.
        path: the settings of the source, for messages.

    Raises:
        PullError: the extra is not installed, a secret is not there, or the URL is none.
    """
    try:
        import sqlalchemy as sa
        from sqlalchemy import event
        from sqlalchemy.exc import NoSuchModuleError
    except ImportError as error:
        raise PullError("it needs the extra `sql`: pip install 'project_etl[sql]'") from error
    url = _url(options, path)
    database = DATABASES.get(url.get_backend_name(), OTHER)
    try:
        engine = sa.create_engine(url, connect_args=database.arguments(url), pool_pre_ping=False)
    except (ImportError, NoSuchModuleError) as error:
        raise PullError(
            f"{path}.url names {url.drivername}, whose driver is not installed ({error}); docs/databases.md names the "
            "extras that bring drivers"
        ) from None
    event.listen(engine, "connect", _prepared(database))
    try:
        yield Reader(engine, database, _address(url), passwords_in(url))
    finally:
        engine.dispose()


def _url(options: SqlOptions, path: str) -> URL:
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        url = make_url(secret(options.url) if is_reference(options.url) else options.url)
    except ArgumentError:
        raise PullError(f"what {path}.url names ({options.url}) is no URL as SQLAlchemy reads it") from None
    return url.set(password=secret(options.password)) if options.password else url


def _address(url: URL) -> str:
    port = f":{url.port}" if url.port else ""
    return f"{url.get_backend_name()}://{url.host or ''}{port}/{url.database or ''}"


def _prepared(database: Database) -> Callable[[DBAPIConnection, object], None]:
    def prepare(connection: DBAPIConnection, _: object) -> None:
        database.prepare(connection)
        cursor = connection.cursor()
        for statement in database.settings:
            cursor.execute(statement)
        cursor.close()
        # What is set in a transaction that is rolled back is forgotten.
        connection.commit()

    return prepare


def _select(table: TableOf, columns: Sequence[str] = ()) -> Select[Any]:
    import sqlalchemy as sa

    schema, _, name = table.name.rpartition(".")
    wanted = [sa.column(each) for each in columns] or [sa.literal_column("*")]
    return sa.select(*wanted).select_from(sa.table(name, schema=schema or None))


def _plain(value: object) -> ColumnElement[Any]:
    """A value whose kind the database finds out by what it is compared with."""
    import sqlalchemy as sa

    return sa.literal(value, sa.types.NULLTYPE)


def _streamed(connection: Connection, query: Select[Any], names: list[str] | None = None) -> Iterator[Sequence[Any]]:
    """The rows of a query, many at once; `names` is given those of its columns."""
    result = connection.execution_options(stream_results=True, yield_per=FETCHED).execute(query)
    if names is not None:
        names += result.keys()
    yield from result.partitions(FETCHED)
