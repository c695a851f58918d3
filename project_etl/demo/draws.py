"""Seeded chance that comes out the same on every machine: streams of draws, traits of an id, weighted picks.

Only three sources are used, because their results are promised never to change: `random.Random.random()`, whole-number
arithmetic, and single IEEE operations. `exp`, `log` and `gauss` are not among them; curves are tables of whole numbers.
What the shop sells and to whom belongs in `vocabulary`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import TypeVar

Value = TypeVar("Value")

_MASK = (1 << 64) - 1

# A lognormal curve (sigma 0.75) around 1, in thousandths, at 33 evenly spaced quantiles from 1.5 % to 98.5 %.
_LOGNORMAL_THOUSANDTHS = (
    196, 281, 341, 392, 439, 484, 527, 571, 614, 657, 701, 747, 793, 842, 892, 945, 1000,
    1059, 1121, 1188, 1261, 1339, 1426, 1522, 1630, 1753, 1896, 2067, 2277, 2551, 2934, 3558, 5091,
)  # fmt: skip


def stream(seed: int, *names: str | int) -> Random:
    """Return the stream of draws of one place, such as `stream(7, "orders", 12)`, apart from every other place's."""
    return Random("/".join(str(part) for part in (seed, *names)))


def below(rnd: Callable[[], float], bound: int) -> int:
    """Draw a whole number in `0 <= n < bound`."""
    return int(rnd() * bound)


def take(pool: list[Value], rnd: Callable[[], float]) -> Value:
    """Remove one value from a pool, which loses its order."""
    place = below(rnd, len(pool))
    pool[place], pool[-1] = pool[-1], pool[place]
    return pool.pop()


def of_class(remainder: int, first: int, last: int, rnd: Callable[[], float]) -> int:
    """Draw a position in `first <= p < last` whose remainder by 3 is given; there must be three positions at least."""
    start = first + (remainder - first) % 3
    return start + 3 * below(rnd, (last - start + 2) // 3)


def weighted(weights: Sequence[tuple[Value, int]]) -> tuple[Value, ...]:
    """Return every value as often as its weight says, so that one uniform index is a weighted pick."""
    return tuple(value for value, weight in weights for _ in range(weight))


def trait(seed: int, kind: int, index: int) -> int:
    """Return 64 bits that belong to the `index`-th thing of a kind for good, without storing anything (splitmix64).

    Names, cities and prices of customers and products are read from these bits, so a later version of a customer
    repeats what the first one said.
    """
    mixed = (index * 0x9E3779B97F4A7C15 + seed * 0xD1B54A32D192ED03 + kind * 0x8CB92BA72F3D8DD7 + 1) & _MASK
    mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _MASK
    return mixed ^ (mixed >> 31)


def lognormal_thousandths(bits: int) -> int:
    """Return a factor around 1000 that is lognormally spread over at least 16 random bits: many low, few high."""
    steps = len(_LOGNORMAL_THOUSANDTHS) - 1
    place = (bits & 0xFFFF) * steps
    low, part = place >> 16, place & 0xFFFF
    left, right = _LOGNORMAL_THOUSANDTHS[low], _LOGNORMAL_THOUSANDTHS[low + 1]
    return left + ((right - left) * part >> 16)


def money(cents: int) -> str:
    """Write an amount in cents as decimal text with two places: `-1205` is `-12.05`."""
    sign = "-" if cents < 0 else ""
    return f"{sign}{abs(cents) // 100}.{abs(cents) % 100:02d}"


def cents(text: str) -> int:
    """Read an amount that `money` wrote."""
    return int(text.replace(".", ""))
