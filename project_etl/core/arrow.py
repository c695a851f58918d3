"""Names for what pyarrow gives no types."""

from __future__ import annotations

from typing import Any

ArrowTable = Any
ArrowSchema = Any
ArrowDataset = Any
ArrowRecordBatch = Any
ArrowRecordBatchReader = Any
