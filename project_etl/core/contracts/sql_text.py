"""Values and conditions on days as SQL text, safely quoted: the one place where text becomes a SQL literal.

Does not belong here: conditions of rules (`checks.py`).
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

# What Spark, delta-rs or both read otherwise than it is written.
SPECIAL = ("'", "\\", "${")


def sql_list(values: Collection[str]) -> str:
    """Values as a SQL list of text literals for Spark and delta-rs: `'a', 'b'`."""
    return ", ".join(sql_text(value) for value in sorted(values))


def sql_text(value: str) -> str:
    """A value as a SQL literal for Spark and delta-rs, which do not escape alike: special text goes as its bytes."""
    return f"CAST(X'{value.encode().hex()}' AS STRING)" if any(sign in value for sign in SPECIAL) else f"'{value}'"


def spark_text(value: str) -> str:
    """A value as a SQL literal for Spark alone, which people can read whatever it holds."""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    # Spark replaces ${name} in SQL by a setting before it parses; an escaped brace keeps the text as it is.
    return "'" + escaped.replace("${", "$\\u007b") + "'"


def is_day(column: str, days: Collection[str], of: str | None = None) -> str:
    """The condition that a date column (of the table `of`) is one of `days` (ISO dates): a range without a gap as such.

    A range of 300 days as one comparison is planned in a hundredth of the time that a list of 300 takes.
    """
    if not days:
        return "false"
    name = f"{of}.`{column}`" if of else f"`{column}`"
    first, last = min(days), max(days)
    if len(set(days)) == (date.fromisoformat(last) - date.fromisoformat(first)).days + 1:
        # No BETWEEN: Delta cannot resolve it in a replaceWhere.
        return f"{name} >= DATE'{first}' AND {name} <= DATE'{last}'"
    listed = ", ".join(f"DATE'{day}'" for day in sorted(set(days)))
    return f"{name} IN ({listed})"
