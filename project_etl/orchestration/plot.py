"""A small plot of a table's main measure by day, as it stands on the asset's page.

Belongs here: summing the measure by day, without an engine, and drawing it. Does not belong here: which column it is
(`Table.measure`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from urllib.parse import quote

import dagster as dg

from project_etl.core.lake.state import TableState

MOST_DAYS = 90
# Of the picture, in pixels.
WIDTH, HEIGHT = 450, 80
COLOUR = "#4f43dd"
# Signs of SVG that may stand in the URL of a picture in Markdown.
PLAIN = "/:='"

Number = int | float | Decimal


def plot(state: TableState, schema: dg.TableSchema, day: str, measure: str) -> dg.MarkdownMetadataValue | None:
    """The last days that a table holds as a picture, and what it shows in words; None of a table without rows.

    Dagster shows Markdown of less than 1,000 characters in its place, and more only after a click. So the picture has
    few points, and is not in base64, which would be a third longer.

    Args:
        state: the table.
        schema: its columns.
        day: its day column.
        measure: its column of numbers, of which a day's rows are summed.
    """
    sums = sums_by_day(state, day, measure)
    if not sums:
        return None
    meaning = next(column.description for column in schema.columns if column.name == measure)
    first, newest = min(sums), max(sums)
    lowest, highest = (each(sums, key=lambda day: sums[day]) for each in (min, max))
    return dg.MetadataValue.md(
        f"**{measure}** by day: {meaning}\n\n"
        f"![{measure} by day](data:image/svg+xml,{quote(_svg(sums), safe=PLAIN)})\n\n"
        f"{first} to {newest}; lowest {sums[lowest]:,} on {lowest}, highest {sums[highest]:,} on {highest}"
    )


def sums_by_day(state: TableState, day: str, measure: str) -> dict[date, Number]:
    """The sum of a measure on each of the last days that a table holds; days without rows or a value are absent."""
    import pyarrow.compute as pc

    bounds = state.bounds(day)
    if not bounds:
        return {}
    is_recent = pc.field(day) > bounds[1] - timedelta(days=MOST_DAYS)
    sums = state.rows([day, measure], is_recent).group_by(day).aggregate([(measure, "sum")]).to_pylist()
    return {row[day]: row[f"{measure}_sum"] for row in sums if row[f"{measure}_sum"] is not None}


def _svg(sums: Mapping[date, Number]) -> str:
    """A bar for each day, from zero; a day without a sum has none."""
    low, high = min(0.0, *map(float, sums.values())), max(0.0, *map(float, sums.values()))
    first, newest = min(sums), max(sums)
    days = [first + timedelta(days=number) for number in range((newest - first).days + 1)]

    def top(value: float) -> int:
        return round(HEIGHT * (high - value) / (high - low or 1))

    bars = "".join(f"V{top(float(sums.get(day, 0)))}h1" for day in days)
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{WIDTH}' height='{HEIGHT}' "
        f"viewBox='0 0 {len(days)} {HEIGHT}' preserveAspectRatio='none'>"
        f"<path fill='{COLOUR}' d='M0 {top(0)}{bars}V{top(0)}'/></svg>"
    )
