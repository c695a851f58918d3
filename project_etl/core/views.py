"""SQL over the tables of a lake, for people: each table is a view of a DuckDB connection, read without an engine.

A view shows its table as it is when the first query asks for it, for the life of the connection. A query can only read,
and only tables. Does not belong here: what the platform computes (`core/engine`), what a command prints.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from project_etl.core.arrow import ArrowRecordBatch, ArrowRecordBatchReader, ArrowTable
from project_etl.core.lake import TableStore
from project_etl.core.lake.state import TableState
from project_etl.core.model.nearest import nearest

if TYPE_CHECKING:
    import duckdb

LAYERS = ("gold", "silver", "quarantine", "bronze")
# Their text is as it was received: it may hold personal data that nobody has declared.
AS_RECEIVED = ("quarantine", "bronze")
# Functions of which a query may read the rows.
TABLE_FUNCTIONS = ("generate_series", "range", "unnest")
PLACE_CHARS = 40
ALL_PII = "*"
"""Stands for all personal data, declared or not."""


class QueryError(ValueError):
    """A query cannot be answered; the message says why and what to do."""


@dataclass(frozen=True)
class Views:
    """The tables of a lake, as `gold.daily_aov`, `silver.orders`, `quarantine.orders` and `bronze.shop_orders`.

    A table is found without its layer, too: Gold's first, then Silver's.

    Attributes:
        lake: the lake.
        allow_pii: columns with personal data that views have; others are left out. `*` stands for all of them, and for
            the tables that hold text as received.
        zone: the time zone in which instants are shown and days begin.
    """

    lake: TableStore
    allow_pii: Collection[str] = ()
    zone: str = "UTC"
    _made: set[str] = field(default_factory=set[str], init=False, repr=False, compare=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False, compare=False)

    @cached_property
    def tables(self) -> Mapping[str, str]:
        """View → table, of all tables that there are."""
        return {view_of(name): name for layer in LAYERS for name in self.lake.names(layer)}

    def sql(self, query: str, parameters: Sequence[object] | Mapping[str, object] = ()) -> ArrowTable:
        """The answer to a query, as an Arrow table.

        Args:
            query: one SELECT in DuckDB's SQL.
            parameters: values of its `?` or `$name`.

        Raises:
            QueryError: the query is wrong, is not one SELECT, or asks for personal data that is not allowed.
        """
        return self.reader(query, parameters).read_all()

    def reader(self, query: str, parameters: Sequence[object] | Mapping[str, object] = ()) -> ArrowRecordBatchReader:
        """The answer to a query, in batches, each of which may raise, too; see `sql`."""
        import duckdb
        import pyarrow as pa

        # Threads of a server share the views, and each query has a connection of its own.
        with self._lock:
            names = _tables_in(self._connection, query)
            for name in names:
                self._make(name)
            connection = self._connection.cursor()
        try:
            rows = connection.sql(query, params=parameters or None).to_arrow_reader()
        except duckdb.Error as error:
            raise QueryError(self._explained(str(error), names)) from error
        return pa.RecordBatchReader.from_batches(rows.schema, self._batches(rows, names))

    def left_out(self, table: str) -> tuple[str, ...]:
        """The columns with personal data that the view of a table does not have."""
        if ALL_PII in self.allow_pii:
            return ()
        return tuple(name for name in personal(self.lake.state(table)) if name not in self.allow_pii)

    # --- inside -------------------------------------------------------------------------------------------------------

    @cached_property
    def _connection(self) -> duckdb.DuckDBPyConnection:
        import duckdb

        if not self.lake.is_local:
            raise QueryError(f"Only a lake on this machine can be asked; this one is at {self.lake.root}.")
        connection = duckdb.connect()
        for layer in LAYERS:
            connection.execute(f"CREATE SCHEMA {layer}")
        connection.execute("CREATE SCHEMA empty")
        connection.execute(f"SET GLOBAL TimeZone = {literal(self.zone)}")
        connection.execute(f"SET GLOBAL allowed_directories = [{literal(self.lake.path(''))}]")
        connection.execute("SET GLOBAL enable_external_access = false")
        connection.execute("SET GLOBAL lock_configuration = true")
        return connection

    def _batches(self, rows: ArrowRecordBatchReader, names: Sequence[str]) -> Iterator[ArrowRecordBatch]:
        try:
            yield from rows
        except OSError as error:
            # As which pyarrow passes on what DuckDB finds in a later batch.
            raise QueryError(self._explained(str(error), names)) from error

    def _meant(self, name: str) -> str | None:
        """The view that a query means by a name; None when that is no table's."""
        return next((each for each in (name, f"gold.{name}", f"silver.{name}") if each in self.tables), None)

    def _make(self, name: str) -> None:
        """Make the view that a query names, where there is such a table."""
        view = self._meant(name)
        if view is None or name in self._made:
            return
        layer, _, short = view.partition(".")
        if layer in AS_RECEIVED and ALL_PII not in self.allow_pii:
            raise QueryError(
                f"{view} holds text as it was received, which may be personal data. It is shown only with all personal "
                "data allowed: --allow-pii '*'."
            )
        if name != view:
            self._make(view)
            self._connection.execute(f"CREATE VIEW main.{quoted(short)} AS FROM {layer}.{quoted(short)}")
        else:
            state = self.lake.state(self.tables[view])
            hidden = self.left_out(state.name)
            columns = ", ".join(quoted(column) for column in state.arrow_schema.names if column not in hidden)
            rows = self._rows(state, view)
            self._connection.execute(f"CREATE VIEW {layer}.{quoted(short)} AS SELECT {columns} FROM ({rows})")
        self._made.add(name)

    def _rows(self, state: TableState, view: str) -> str:
        """SQL for all rows of a table."""
        # The empty table gives the columns where there are no files, or where none has a column that was added since.
        empty = f"empty.{quoted(view)}"
        self._connection.register("_empty", state.arrow_schema.empty_table())
        self._connection.execute(f"CREATE TABLE {empty} AS FROM _empty")
        self._connection.unregister("_empty")
        if state.is_empty:
            return f"FROM {empty}"
        # DuckDB reads the files: pyarrow cannot compare text with what a MERGE of delta-rs has written.
        files = ", ".join(literal(str(Path(state.path, unquote(file["path"])))) for file in state.files)
        options = "union_by_name = true"
        if state.partition_columns:
            kinds = ", ".join(f"{literal(column)}: {_kind(state, column)}" for column in state.partition_columns)
            options += f", hive_partitioning = true, hive_types = {{{kinds}}}"
        return f"FROM {empty} UNION ALL BY NAME FROM read_parquet([{files}], {options})"

    def _explained(self, message: str, names: Sequence[str]) -> str:
        """DuckDB's message, and what may be meant: a table with another name, a column that is left out."""
        for name in names:
            if self._meant(name) is None and f"name {name.rpartition('.')[2]} does not exist" in message.lower():
                return f"There is no table {name}; {self._suggested(name)}"
        said = [message.strip()]
        for view in {view: None for name in names if (view := self._meant(name))}:
            said += [
                f"{column} of {view} is personal data: allow it by its name, --allow-pii {column}."
                for column in self.left_out(self.tables[view])
                if f'"{column}"' in message
            ]
        return "\n".join(said)

    def _suggested(self, name: str) -> str:
        """Which table is meant by a name that is none's; all those of Gold and Silver where none is like it."""
        views = [view for view in self.tables if not view.startswith(AS_RECEIVED)]
        meant = nearest(name.replace(".", "/"), [self.tables[view] for view in views])
        return f"did you mean {view_of(meant)}?" if meant else f"there is {', '.join(views) or 'none'}."


def view_of(table: str) -> str:
    """The view of a table: `gold.daily_aov` of `gold/daily_aov`, `bronze.shop_orders` of `bronze/shop/orders`."""
    layer, _, name = table.partition("/")
    return f"{layer}.{name.replace('/', '_')}"


def day_column(state: TableState) -> str | None:
    """The column of a table's days: the first one of type date among those that it is looked up by; None without."""
    import pyarrow as pa

    looked_up = (state.delta.metadata().configuration.get("delta.dataSkippingStatsColumns") or "").split(",")
    names = [*looked_up, *state.partition_columns]
    return next((name for name in names if name and pa.types.is_date(state.arrow_schema.field(name).type)), None)


def personal(state: TableState) -> tuple[str, ...]:
    """The columns of a table that its contract marks as personal data (`pii`)."""
    return tuple(item["name"] for item in json.loads(state.schema_json)["fields"] if item["metadata"].get("pii"))


def _tables_in(connection: duckdb.DuckDBPyConnection, query: str) -> list[str]:
    """The tables that a query names, in small letters.

    Raises:
        QueryError: it is not one SELECT that can be parsed, or reads something else than tables.
    """
    ((text,),) = connection.execute("SELECT json_serialize_sql(?)", [query]).fetchall()
    parsed = json.loads(text)
    if parsed["error"]:
        if parsed["error_type"] != "parser":
            raise QueryError("A query is one SELECT, which changes nothing and is no PIVOT; this is another statement.")
        place = int(parsed.get("position") or 0)
        message = parsed["error_message"].rstrip("!.")
        # DuckDB counts bytes.
        rest = query.encode()[place:].decode(errors="ignore")
        raise QueryError(f"The query cannot be asked: {message}. It stops at: {rest[:PLACE_CHARS]}")
    if len(parsed["statements"]) != 1:
        raise QueryError(f"A query is one SELECT; found {len(parsed['statements'])} statements.")
    for function in _nodes(parsed, "TABLE_FUNCTION"):
        name = function["function"]["function_name"]
        if name not in TABLE_FUNCTIONS:
            # A query that reads files would see the personal data that views leave out.
            raise QueryError(
                f"A query reads the lake's tables; {name}() is none. There is {', '.join(TABLE_FUNCTIONS)}."
            )
    named = [(node["schema_name"], node["table_name"]) for node in _nodes(parsed, "BASE_TABLE")]
    if files := [name for _, name in named if "/" in name or "." in name]:
        raise QueryError(f"A query reads the lake's tables, such as gold.daily_aov; {files[0]!r} is none.")
    return sorted({".".join(filter(None, name)).lower() for name in named})


def _nodes(node: Any, kind: str) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - a parsed query as JSON values
    """All nodes of a kind in a parsed query."""
    if isinstance(node, dict):
        if node.get("type") == kind:
            yield node
        for value in node.values():
            yield from _nodes(value, kind)
    elif isinstance(node, list):
        for value in node:
            yield from _nodes(value, kind)


def _kind(state: TableState, column: str) -> str:
    """DuckDB's type of a column that partitions the files: a day or text."""
    kind = str(state.arrow_schema.field(column).type)
    return {"date32[day]": "DATE"}.get(kind, "VARCHAR")


def quoted(text: str) -> str:
    """A name of a table or column as SQL has it."""
    return '"' + text.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as DuckDB and SQLite have it in SQL, whatever it holds."""
    return "'" + text.replace("'", "''") + "'"
