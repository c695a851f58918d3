"""Of which columns, units and rows an export consists, in the lake as it is pinned.

A *bookmark* says what a unit was made from: the export's version, Delta's identity of the tables, and the newest
version of them that changed rows of the unit. Does not belong here: what a target holds (`push.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from project_etl.core.arrow import ArrowRecordBatch, ArrowRecordBatchReader, ArrowSchema
from project_etl.core.digest import digest
from project_etl.core.export.base import Export, ExportedTable, ExportError
from project_etl.core.lake import WHOLE, TableStore
from project_etl.core.lake.state import on_days
from project_etl.core.model.table import ReplaceDays, Table
from project_etl.core.views import QueryError, Views, personal

# Changes when rows are written in another way, and everything has to be exported again.
FORMAT = 1
# Rows are read in pieces that stay small in memory, also where rows are wide.
BATCH_ROWS = 16_384


@dataclass(frozen=True)
class Exported:
    """An export of one lake, as one kind of target takes it.

    Attributes:
        lake: the lake, with the tables that it reads pinned.
        export: what leaves.
        declared: the Gold table; None where a query makes the rows.
        by_day: whether the target holds days.
    """

    lake: TableStore
    export: Export
    declared: Table | None
    by_day: bool

    @property
    def name(self) -> str:
        """Its name in the target."""
        return self.export.name

    @property
    def missing(self) -> tuple[str, ...]:
        """The tables that it reads and that are not there yet."""
        return tuple(name for name in self.export.inputs if not self.lake.exists(name))

    @cached_property
    def table(self) -> ExportedTable:
        """What the target sees of it."""
        if self.declared is None:
            return ExportedTable(self.name, self._ask(f"FROM ({self.export.query}) LIMIT 0").schema)
        columns = {*self._schema.names}
        keys = self.declared.keys if columns.issuperset(self.declared.keys) else ()
        return ExportedTable(self.name, self._schema, keys, self.day)

    @property
    def day(self) -> str | None:
        """The column by whose days the target holds it; None when it holds the whole."""
        write = self.declared.write if self.declared and self.by_day else None
        return write.day if isinstance(write, ReplaceDays) else None

    @cached_property
    def version(self) -> str:
        """Changes when what leaves of the same rows changes."""
        export = self.export
        hidden = [self._hidden(name) for name in export.inputs]
        columns = [(each.name, str(each.type)) for each in self._schema] if self.declared else []
        keys = self.declared.keys if self.declared else ()
        return digest(
            FORMAT, export.table, export.query, export.reads, sorted(export.ids.items()), hidden, columns, keys
        )

    @cached_property
    def bookmarks(self) -> Mapping[str, str]:
        """Unit → what it is to be made from; a day without rows has none."""
        if self.day is None:
            made_from = [(self.lake.state(name).table_id, self.lake.data_version(name)) for name in self.export.inputs]
            return {WHOLE: self._bookmark(made_from)}
        state = self.lake.state(self.export.table)
        return {
            day: self._bookmark([(state.table_id, state.journal.changed_on([day]))]) for day in sorted(self._by_day)
        }

    def rows(self, units: Collection[str]) -> ArrowRecordBatchReader:
        """All rows of some units, in batches."""
        if self.declared is None:
            return self._ask(self.export.query)
        import pyarrow as pa

        stored = [name for name in self._schema.names if name not in self.export.ids]
        batches = (
            self.lake.state(self.export.table)
            .dataset()
            .scanner(
                columns=stored,
                filter=None if self.day is None else on_days(self.day, units),
                batch_size=BATCH_ROWS,
                batch_readahead=2,
                fragment_readahead=1,
            )
            .to_reader()
        )
        schema = pa.schema([self._schema.field(name) for name in self._schema.names])
        return pa.RecordBatchReader.from_batches(schema, self._with_ids(batches, schema))

    def counts(self) -> Mapping[str, int]:
        """Unit → rows that the target must have, counted in the lake."""
        if self.declared is None:
            ((rows,),) = self._ask(f"SELECT count(*) FROM ({self.export.query})").read_all().to_pydict().values()
            return {WHOLE: rows}
        return {WHOLE: self.lake.state(self.export.table).row_count} if self.day is None else self._by_day

    # --- inside -------------------------------------------------------------------------------------------------------

    @cached_property
    def _by_day(self) -> Mapping[str, int]:
        """Day → rows in the lake."""
        return self.lake.state(self.export.table).rows_of_each_day(self.day) if self.day else {}

    @cached_property
    def _schema(self) -> ArrowSchema:
        """The columns of a table that leave, and those with ids behind their arrays."""
        import pyarrow as pa

        stored = self.lake.state(self.export.table).arrow_schema
        fields = [each for each in stored if each.name not in self._hidden(self.export.table)]
        for name, of in self.export.ids.items():
            array, _, key = of.partition(".")
            at = next((at for at, each in enumerate(fields) if each.name == array), None)
            if at is None or key not in {each.name for each in _struct_of(fields[at].type)}:
                raise ExportError(
                    f"Export {self.name}: {name} is to have the ids of {of!r}, but {self.export.table} has no array "
                    f"{array} of structs with a field {key}. Correct its `ids`."
                )
            fields.insert(at + 1, pa.field(name, pa.string(), metadata={"comment": f"{key} of {array}, with commas."}))
        return pa.schema(fields)

    def _hidden(self, table: str) -> list[str]:
        """The columns with personal data of a table that do not leave."""
        return [name for name in personal(self.lake.state(table)) if name not in self.export.allow_pii]

    def _bookmark(self, made_from: object) -> str:
        # The version can be told from it: with another one nothing of the table may stay.
        return f"{self.version}-{digest(made_from)}"

    def _with_ids(self, batches: ArrowRecordBatchReader, schema: ArrowSchema) -> Iterator[ArrowRecordBatch]:
        import pyarrow as pa

        for batch in batches:
            columns = dict(zip(batch.schema.names, batch.columns, strict=True))
            for name, of in self.export.ids.items():
                array, _, key = of.partition(".")
                listed = columns[array].to_pylist()
                texts = [None if each is None else ",".join(str(item[key]) for item in each) for each in listed]
                columns[name] = pa.array(texts, pa.string())
            arrays = [columns[each.name].cast(each.type) for each in schema]
            yield pa.RecordBatch.from_arrays(arrays, schema=schema)

    @cached_property
    def _views(self) -> Views:
        return Views(self.lake, self.export.allow_pii)

    def _ask(self, query: str) -> ArrowRecordBatchReader:
        try:
            return self._views.reader(query)
        except QueryError as error:
            raise ExportError(f"The query of export {self.name} cannot be answered: {error}") from error


def version_of(bookmark: str) -> str:
    """The version of the export that a bookmark was made with."""
    return bookmark.partition("-")[0]


def _struct_of(kind: Any) -> list[Any]:  # noqa: ANN401 - a type of pyarrow
    """The fields of the structs in an array; none when it is something else."""
    import pyarrow as pa

    if pa.types.is_list(kind) and pa.types.is_struct(kind.value_type):
        return list(kind.value_type)
    return []
