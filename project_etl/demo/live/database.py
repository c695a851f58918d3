"""Reaching the database, and saying without a secret why it cannot be reached."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from project_etl.demo.live.errors import LiveError
from project_etl.demo.live.tables import MADE_BY, METADATA

EXAMPLE = "postgresql+psycopg://shop@localhost/shop or mysql+pymysql://shop@localhost/shop"
CONNECT_SECONDS = 10
# The instant at which a statement runs. That of its transaction may be long ago: it waits for others.
_NOW = {"postgresql": "SELECT clock_timestamp()", "mysql": "SELECT utc_timestamp(6)"}
_KINDS = {"postgresql": "postgresql", "mysql": "mysql", "mariadb": "mysql"}


class Database:
    """A database of the shop.

    Attributes:
        address: Where it is, without user and password.
        kind: postgresql or mysql; MariaDB is the latter.
        has_password: Whether the URL holds a password.
    """

    def __init__(self, url: str) -> None:
        """Take in a SQLAlchemy URL, without connecting.

        Raises:
            LiveError: It is none, or names a database or a driver that is not known here.
        """
        try:
            parsed = sa.make_url(url)
        except ArgumentError:
            # Its text may hold a password.
            raise LiveError(f"the URL is not one that SQLAlchemy reads; expected such as {EXAMPLE}") from None
        kind = _KINDS.get(parsed.get_backend_name())
        if kind is None:
            raise LiveError(f"the URL begins with {parsed.drivername}; expected such as {EXAMPLE}")
        self.kind = kind
        self.address = sa.URL.create(
            parsed.drivername, host=parsed.host, port=parsed.port, database=parsed.database
        ).render_as_string()
        # psycopg takes one from either place.
        passwords = (parsed.password, parsed.query.get("password"))
        self._hidden = [text for text in passwords if isinstance(text, str) and text]
        self.has_password = bool(self._hidden)
        try:
            # Each interval has a connection of its own: an idle one is cut by firewalls.
            self._engine = sa.create_engine(
                parsed, poolclass=sa.NullPool, connect_args={"connect_timeout": CONNECT_SECONDS}
            )
        except (ImportError, NoSuchModuleError):
            raise LiveError(
                f"the driver of {parsed.drivername} is not installed; expected such as {EXAMPLE}, "
                "which come with `pip install 'project_etl[sql]'`"
            ) from None

    @contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        """A connection whose changes are seen all at once at the end of the block, or never.

        Raises:
            LiveError: The database cannot be reached, or refuses.
        """
        try:
            with self._engine.begin() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise LiveError(self._words(error)) from None

    def create_tables(self) -> None:
        """Create the tables that are not there yet.

        Raises:
            LiveError: A table of such a name is there, and was not made here.
        """
        with self.transaction() as connection:
            inspector = sa.inspect(connection)
            there = set(inspector.get_table_names())
            strange = [
                name
                for name in METADATA.tables
                if name in there and inspector.get_table_comment(name)["text"] != MADE_BY
            ]
            if strange:
                raise LiveError(
                    f"{self.address} has tables that were not made here ({', '.join(strange)}). Their rows would be "
                    "changed and deleted: choose an empty database"
                )
            METADATA.create_all(connection)

    def now(self, connection: sa.Connection) -> datetime:
        """What the database's clock shows, in UTC."""
        now: Any = connection.execute(sa.text(_NOW[self.kind])).scalar_one()
        return now.astimezone(UTC) if now.tzinfo else now.replace(tzinfo=UTC)

    def _words(self, error: SQLAlchemyError) -> str:
        """The first line of what the driver says; its other lines repeat the statement and its values."""
        said = str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
        for text in self._hidden:
            said = said.replace(text, "***")
        return f"{self.address} says: {said}"
