"""Values as SQL text, safely quoted.

Belongs here: literals for conditions that Delta needs as text. Does not belong here: conditions of rules (`checks.py`).
"""

from __future__ import annotations

from collections.abc import Collection


def sql_list(values: Collection[str]) -> str:
    """Values as a SQL list of text literals, safely quoted: `'a', 'b'`."""
    return ", ".join(sql_text(value) for value in sorted(values))


def sql_text(value: str) -> str:
    """A value as a SQL text literal."""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
