"""Bronze rows on their way from files to the commit: in memory, or in a temporary file when there are many.

Bronze commits when all files of a batch have been judged. Does not belong here: what the rows say.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator

import pyarrow as pa

from project_etl.core.arrow import ArrowRecordBatch, ArrowRecordBatchReader, ArrowSchema

# Of compressed rows.
MEMORY_BYTES = 16 << 20


class Spool:
    """Takes batches of rows of a schema, and gives them back once, without those that were taken back."""

    def __init__(self, schema: ArrowSchema) -> None:
        """Begin without rows; `close` removes the temporary file."""
        self.schema = schema
        self._file = tempfile.SpooledTemporaryFile(max_size=MEMORY_BYTES)  # noqa: SIM115 - `close` closes it
        options = pa.ipc.IpcWriteOptions(compression="lz4")
        self._writer = pa.ipc.new_stream(self._file, schema, options=options)
        self._is_kept: list[bool] = []

    def mark(self) -> int:
        """Where the next rows begin, for `take_back`."""
        return len(self._is_kept)

    def add(self, batch: ArrowRecordBatch) -> None:
        """Take some rows."""
        self._writer.write_batch(batch)
        self._is_kept.append(True)

    def take_back(self, mark: int) -> None:
        """Forget the rows that were added since a mark."""
        self._is_kept[mark:] = [False] * (len(self._is_kept) - mark)

    def rows(self) -> ArrowRecordBatchReader:
        """All rows that are left; nothing can be added any more."""
        self._writer.close()
        self._file.seek(0)
        return pa.RecordBatchReader.from_batches(self.schema, self._read())

    def close(self) -> None:
        """Remove the rows."""
        self._file.close()

    def _read(self) -> Iterator[ArrowRecordBatch]:
        with pa.ipc.open_stream(self._file) as reader:
            for batch, is_kept in zip(reader, self._is_kept, strict=True):
                if is_kept:
                    yield batch
