"""What differs between databases: text as the server prints it, what its clock shows, and which one it is.

A database that is not named here is read by its driver's values (`texts.py`) and known by its address.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlalchemy.engine import URL
    from sqlalchemy.engine.interfaces import DBAPIConnection

# Kinds of PostgreSQL that psycopg would read into Python's, which have no infinity, year 0, or text of JSON.
_AS_TEXT = (
    *("date", "time", "timetz", "timestamp", "timestamptz", "interval"),
    *("numeric", "float4", "float8", "json", "jsonb", "uuid", "inet", "cidr"),
)


def _nothing(_: URL) -> dict[str, Any]:
    return {}


@dataclass(frozen=True)
class Database:
    """One kind of database.

    Attributes:
        identity: asks for a text that no other database has; the first statement that is answered counts, and where
            none is, the address does.
        now: asks for the server's clock, in seconds since the epoch; where it is empty, this machine's clock counts.
        settings: statements for each connection.
        prepare: what each connection of the driver is told before.
        arguments: what the driver is told when it connects.
        has_offsets: whether an instant that is compared with a column may have an offset.
    """

    identity: tuple[str, ...]
    now: str
    settings: tuple[str, ...] = ()
    prepare: Callable[[DBAPIConnection], None] = lambda _: None
    arguments: Callable[[URL], dict[str, Any]] = field(default=_nothing)
    has_offsets: bool = False


def _texts_of_psycopg(connection: DBAPIConnection) -> None:
    if not hasattr(connection, "adapters"):
        return  # An older driver, which has none.
    from psycopg.types.string import TextLoader

    for kind in _AS_TEXT:
        connection.adapters.register_loader(kind, TextLoader)  # pyright: ignore[reportAttributeAccessIssue]


def _postgresql_arguments(url: URL) -> dict[str, Any]:
    return {"connect_timeout": 10, "application_name": "project_etl"} if url.get_driver_name() == "psycopg" else {}


def _mysql_arguments(url: URL) -> dict[str, Any]:
    if url.get_driver_name() != "pymysql":
        return {}
    from pymysql.converters import conversions

    # Without what reads each kind of value, all come as the server prints them, 0000-00-00 included.
    writers = {kind: convert for kind, convert in conversions.items() if not isinstance(kind, int)}
    return {"conv": writers, "connect_timeout": 10, "read_timeout": 3600}


_POSTGRESQL = Database(
    identity=(
        "SELECT system_identifier::text || '/' || d.oid::text FROM pg_control_system(), pg_database AS d "
        "WHERE d.datname = current_database()",
    ),
    now="SELECT extract(epoch FROM clock_timestamp())",
    settings=(
        "SET TIME ZONE 'UTC'",
        "SET DateStyle = 'ISO, YMD'",
        "SET IntervalStyle = 'iso_8601'",
        "SET default_transaction_read_only = on",
    ),
    prepare=_texts_of_psycopg,
    arguments=_postgresql_arguments,
    has_offsets=True,
)
_MYSQL = Database(
    identity=(
        "SELECT concat(@@server_uuid, '/', database())",  # MySQL
        "SELECT concat(@@server_uid, '/', database())",  # MariaDB
        "SELECT concat(@@hostname, '/', @@port, '/', database())",
    ),
    now="SELECT unix_timestamp(now(6))",
    settings=("SET time_zone = '+00:00'", "SET SESSION TRANSACTION READ ONLY"),
    arguments=_mysql_arguments,
)
DATABASES = {
    "postgresql": _POSTGRESQL,
    "mysql": _MYSQL,
    "mariadb": _MYSQL,
    "mssql": Database(
        identity=("SELECT CONCAT(@@SERVERNAME, '/', DB_NAME())",),
        now="SELECT DATEDIFF_BIG(microsecond, '1970-01-01', SYSUTCDATETIME()) / 1000000.0",
    ),
    "snowflake": Database(
        identity=("SELECT CURRENT_ACCOUNT() || '/' || CURRENT_DATABASE()",),
        now="SELECT DATE_PART(epoch_microsecond, CURRENT_TIMESTAMP()) / 1000000",
        arguments=lambda _: {"session_parameters": {"TIMEZONE": "UTC"}, "login_timeout": 60},
        has_offsets=True,
    ),
    "redshift": Database(
        identity=("SELECT current_namespace || '/' || current_database()", "SELECT current_database()"),
        now="SELECT extract(epoch FROM getdate())",
        settings=("SET timezone TO 'UTC'",),
        has_offsets=True,
    ),
}
OTHER = Database(identity=(), now="")
