"""Names for what pyarrow gives no types."""

from __future__ import annotations

from typing import Any

ArrowSchema = Any
ArrowRecordBatch = Any
ArrowRecordBatchReader = Any
