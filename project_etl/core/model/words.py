"""Lists and days in words, for people. Does not belong here: what is said with them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date


def some_of(items: Sequence[str], most: int) -> str:
    """The first of some things, and how many more there are: `a, b and 3 more`."""
    more = f" and {len(items) - most} more" if len(items) > most else ""
    return ", ".join(items[:most]) + more


def span(first: date | str, last: date | str) -> str:
    """A day, or the first and the last of several: `2025-01-02 to 2025-01-05`."""
    return str(first) if first == last else f"{first} to {last}"
