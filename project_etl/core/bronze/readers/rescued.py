"""What does not fit the declared columns: the `_rescued_data` text, and the shape that both readers give records.

Does not belong here: how a record is recognized (`csv_records.py`, `json_records.py`).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from project_etl.core.bronze.visible import visible
from project_etl.core.model.names import MALFORMED_KEY, RECORD_KEY

# A file that uses these names for its own data could pass a good record off as a malformed one.
RESERVED_KEYS = frozenset((MALFORMED_KEY, RECORD_KEY))

# A record of more characters is malformed: what a reader holds in memory must not depend on where a line ends.
MAX_RECORD_CHARS = 4 << 20

# How the rescued text of a malformed record begins, and of no other.
MALFORMED_START = f'{{"{MALFORMED_KEY}":'

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class Rows:
    """Some records of a file, in their order, as columns.

    Attributes:
        columns: the values of each declared column, as received; None is NULL.
        rescued: the `_rescued_data` of each record.
        malformed: how many of the records are malformed.
        absent: declared columns that the file does not have, as far as it has been read.
    """

    columns: Sequence[Sequence[str | None]]
    rescued: Sequence[str | None]
    malformed: int
    absent: Collection[str]


def rescued_values(values: dict[str, str]) -> str:
    """Return the rescued text of values in columns that nobody declared."""
    return _encode(values)


def malformed(problem: str, record: str) -> str:
    """Return the rescued text of a record that cannot be parsed.

    Args:
        problem: what was found, and what was expected.
        record: the record as received; its line end is left off, and so is what exceeds MAX_RECORD_CHARS.
    """
    raw = record.removesuffix("\n").removesuffix("\r")
    return _encode({MALFORMED_KEY: visible(problem), RECORD_KEY: raw[:MAX_RECORD_CHARS]})


def is_malformed(rescued: str) -> bool:
    """Return whether a rescued text is that of a record that cannot be parsed."""
    return rescued.startswith(MALFORMED_START)


def too_long() -> str:
    """Return what is wrong with a record that is longer than MAX_RECORD_CHARS."""
    return f"more than {MAX_RECORD_CHARS:,} characters, of which the first are kept; expected at most that many"
