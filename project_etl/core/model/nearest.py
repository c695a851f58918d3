"""Which of some names is meant by one that is not among them."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

# How like a known name another must be to be taken for a slip, from 0 to 1.
NEAR = 0.6


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that is most likely meant; None when none is like it.

    Case, dashes and blanks do not count. The last part of a name with slashes is compared, too: `daily_aov` is as near
    to `gold/daily_aov` as can be.
    """
    whole = {_plain(each): each for each in sorted(known, reverse=True)}
    parts = {each.rpartition("/")[2]: whole[each] for each in whole if "/" in each}
    plain = _plain(name)
    for asked, names in ((plain, whole), (plain.rpartition("/")[2], parts)):
        if close := get_close_matches(asked, sorted(names), 1, NEAR):
            return names[close[0]]
    return None


def _plain(name: str) -> str:
    return "_".join(name.lower().replace("-", " ").replace("_", " ").split())
