"""Names that people type: which of those that there are is meant, and what a pattern selects."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from project_etl.commands.shared.errors import UserError


def nearest(name: str, names: Iterable[str]) -> str:
    """Say which name is meant: `did you mean gold/daily_aov?`, or all that there are where none is like it.

    `daily_aov` is as near to `gold/daily_aov` as can be: the last part of a name is compared too.
    """
    whole = sorted({*names})
    parts = {each.rpartition("/")[2]: each for each in whole}
    close = difflib.get_close_matches(name, whole, n=1, cutoff=0.75)
    close = close or [parts[each] for each in difflib.get_close_matches(name.rpartition("/")[2], parts, n=1)]
    return f"did you mean {close[0]}?" if close else f"there is {', '.join(whole)}."


def selected(patterns: str, names: Sequence[str]) -> list[str]:
    """The names that patterns with commas select, such as `gold/*, silver/orders`, in the order of `names`.

    Raises:
        UserError: a pattern selects nothing.
    """
    asked = [pattern.strip() for pattern in patterns.split(",") if pattern.strip()]
    for pattern in asked:
        if not any(fnmatchcase(name, pattern) for name in names):
            raise UserError(f"There is no table {pattern!r}; {nearest(pattern, names)}")
    if not asked:
        raise UserError(f"No table is named; {nearest('', names)}")
    return [name for name in names if any(fnmatchcase(name, pattern) for pattern in asked)]
