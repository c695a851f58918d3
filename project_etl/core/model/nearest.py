"""Which of some names is meant by one that is not among them."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

# How like a known name another must be to be taken for a slip, from 0 to 1: as a whole, for all tables of a layer begin
# alike, or in its last part.
NEAR_AS_A_WHOLE = 0.75
NEAR = 0.6


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that is most likely meant; None when none is like it.

    Case, dashes and blanks do not count. Of names with slashes the last part is compared, too: `daily_aov` is as near
    to `gold/daily_aov` as can be.
    """
    whole = {_plain(each): each for each in sorted(known, reverse=True)}
    parts = {each.rpartition("/")[2]: whole[each] for each in whole}
    plain = _plain(name)
    for asked, names, near in ((plain, whole, NEAR_AS_A_WHOLE), (plain.rpartition("/")[2], parts, NEAR)):
        if close := get_close_matches(asked, sorted(names), 1, near):
            return names[close[0]]
    return None


def suggestion(name: str, known: Iterable[str]) -> str:
    """Say which name is meant: `did you mean gold/daily_aov?`, or all that there are where none is like it."""
    there = sorted({*known})
    meant = nearest(name, there)
    return f"did you mean {meant}?" if meant else f"there is {', '.join(there) or 'none'}."


def _plain(name: str) -> str:
    return "_".join(name.lower().replace("-", " ").replace("_", " ").split())
