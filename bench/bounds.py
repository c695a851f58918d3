"""The bounds that the platform's figures are held against.

Not here: the figures (`report.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.landing import AGAIN, COLD, DAY, NOTHING, ONLINE_RETAIL, SHOP, Data
from bench.scenarios import PLATFORM, Run
from project_etl.catalog import table_names

LAYERS = ("bronze", "silver", "gold")
# Records of a cold load that is large enough for its bounds, and for those of one more day after it.
FULL = {ONLINE_RETAIL: 500_000, SHOP: 165_000}

# For 24 tables, and a little for each later one.
NOTHING_SECONDS = 5 + 0.03 * (len(table_names((SHOP,))) - 24)

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Bound:
    """One bound.

    Attributes:
        source: the source it is for; None for any.
        scenario: the scenario.
        what: what is held against it, with its unit.
        most: the largest allowed figure.
        figure: takes it from the scenario's row of figures and its row of layers.
    """

    source: str | None
    scenario: str
    what: str
    most: float
    figure: Callable[[Row, Row], float]


BOUNDS = (
    Bound(None, NOTHING, "nothing new: wall, s", NOTHING_SECONDS, lambda row, _: row["wall_seconds"]),
    Bound(ONLINE_RETAIL, DAY, "one more day: wall, s", 15, lambda row, _: row["wall_seconds"]),
    Bound(
        ONLINE_RETAIL, COLD, "cold full load: wall, × Polars", 10, lambda row, _: row["times_polars"]["wall_seconds"]
    ),
    Bound(ONLINE_RETAIL, COLD, "cold full load: CPU of Bronze, s", 10, lambda _, row: row["cpu_seconds"]["bronze"]),
    Bound(ONLINE_RETAIL, COLD, "cold full load: CPU of Silver, s", 45, lambda _, row: row["cpu_seconds"]["silver"]),
    Bound(ONLINE_RETAIL, COLD, "cold full load: CPU of Gold, s", 20, lambda _, row: row["cpu_seconds"]["gold"]),
    Bound(SHOP, COLD, "cold full load: wall, s", 45, lambda row, _: row["wall_seconds"]),
    Bound(SHOP, COLD, "cold full load: peak memory, MB", 2000, lambda row, _: row["peak_mb"]),
)


def verdicts(data: Data, figures: Sequence[Row], layers: Sequence[Row], runs: Sequence[Run]) -> list[dict[str, str]]:
    """Each bound of the scenarios that ran, with what was found; a cold load that is too small passes nothing."""
    by_scenario = [{row["scenario"]: row for row in rows if row["side"] == PLATFORM} for rows in (figures, layers)]
    is_full = data.rows[COLD] >= FULL[data.source]
    found: list[dict[str, str]] = []
    for bound in BOUNDS:
        if bound.source in (None, data.source) and bound.scenario in by_scenario[0]:
            value = bound.figure(*(rows[bound.scenario] for rows in by_scenario))
            is_small = not is_full and bound.scenario != NOTHING
            found.append(_verdict(bound.what, f"{value:,.2f}", f"≤ {bound.most:,.3g}", value <= bound.most, is_small))
    for scenario, name in ((NOTHING, "nothing new"), (AGAIN, "nothing new, all days")):
        if mine := [run for run in runs if run.scenario == scenario]:
            started = sum(run.usage.has_jvm or _queries(run) > 0 for run in mine)
            moved = ", ".join(sorted({table for run in mine for table in run.commits})) or "none"
            found.append(_verdict(f"{name}: runs that started an engine", str(started), "0", started == 0))
            found.append(_verdict(f"{name}: tables that got a commit", moved, "none", moved == "none"))
    return found


def _queries(run: Run) -> float:
    return sum(counts.get("queries", 0) for counts in run.metered.values())


def _verdict(what: str, found: str, bound: str, is_met: bool, is_small: bool = False) -> dict[str, str]:
    verdict = "too little data" if is_small else "pass" if is_met else "**miss**"
    return {"what": what, "found": found, "bound": bound, "verdict": verdict}
