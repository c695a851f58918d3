"""Figures: titled axes with units, one palette that colour-blind people can tell apart, nothing that says nothing.

Does not belong here: what is asked (`queries/`), where a figure stands on a page (`pages/`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

# Okabe and Ito's colours, black as grey and yellow last, for either may vanish in the background.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#999999", "#F0E442")
MARGIN = {"l": 8, "r": 8, "t": 8, "b": 8}
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def lines(
    frame: pd.DataFrame, x: str, y: Mapping[str, str], x_title: str, y_title: str, y_format: str = ","
) -> go.Figure:
    """A line for each of some columns; points too, where days are few.

    Args:
        frame: the rows.
        x: the column along the axis.
        y: column → name of its line.
        x_title: what `x` is.
        y_title: what the lines are, with their unit.
        y_format: how values are shown, as d3 says it.
    """
    import plotly.graph_objects as go

    mode = "lines+markers" if len(frame) < 32 else "lines"
    figure = go.Figure([go.Scatter(x=frame[x], y=frame[column], name=name, mode=mode) for column, name in y.items()])
    return _laid_out(figure, x_title, y_title, y_format)


def bars(
    frame: pd.DataFrame,
    x: str,
    y: Mapping[str, str],
    x_title: str,
    y_title: str,
    y_format: str = ",",
    line: tuple[str, str] | None = None,
) -> go.Figure:
    """Standing bars, those of several columns on top of each other; see `lines`.

    Args:
        frame: the rows.
        x: the column along the axis.
        y: column → name of its bars.
        x_title: what `x` is.
        y_title: what the bars are, with their unit.
        y_format: how values are shown, as d3 says it.
        line: a column that is drawn as a line to compare with, and its name.
    """
    import plotly.graph_objects as go

    figure = go.Figure([go.Bar(x=frame[x], y=frame[column], name=name) for column, name in y.items()])
    if line:
        column, name = line
        figure.add_scatter(x=frame[x], y=frame[column], name=name, mode="lines", line={"color": COLOURS[1], "width": 2})
    figure.update_layout(barmode="stack")
    return _laid_out(figure, x_title, y_title, y_format)


def lying_bars(frame: pd.DataFrame, names: str, values: str, names_title: str, values_title: str) -> go.Figure:
    """Lying bars, which leave room for long names; the first row is on top."""
    import plotly.graph_objects as go

    bar = go.Bar(y=frame[names], x=frame[values], orientation="h", texttemplate="%{x:,}", marker={"color": COLOURS[0]})
    figure = go.Figure(bar)
    figure.update_layout(height=80 + 30 * len(frame), margin=MARGIN)
    figure.update_xaxes(title=values_title, tickformat=",")
    figure.update_yaxes(title=names_title, autorange="reversed")
    return figure


def funnel(steps: Sequence[str], values: Sequence[int], unit: str) -> go.Figure:
    """How many come to each step, with each step's share of the first one."""
    import plotly.graph_objects as go

    figure = go.Figure(
        go.Funnel(
            y=[*steps],
            x=[*values],
            texttemplate="%{value:,} (%{percentInitial:.1%})",
            marker={"color": COLOURS[0]},
            connector={"visible": False},
            hovertemplate=f"%{{y}}: %{{x:,}} {unit}<extra></extra>",
        )
    )
    figure.update_layout(height=300, margin=MARGIN)
    return figure


def heat_map(
    cells: pd.DataFrame,
    titles: tuple[str, str, str],
    cell_format: str,
    colours: str = "Blues",
    scale: tuple[float, float] | None = None,
) -> go.Figure:
    """A value for each pair of a row and a column.

    Args:
        cells: the values; its index names the rows, its columns the columns.
        titles: what the columns, the rows and the values are, with units.
        cell_format: how a value is shown, as d3 says it.
        colours: Plotly's name of the colours.
        scale: the values of the first and of the last colour; those of the cells when left out.
    """
    import plotly.graph_objects as go

    of_columns, of_rows, of_values = titles
    lowest, highest = scale or (None, None)
    figure = go.Figure(
        go.Heatmap(
            x=[*cells.columns],
            y=[*cells.index],
            z=cells.to_numpy(),
            colorscale=colours,
            zmin=lowest,
            zmax=highest,
            xgap=1,
            ygap=1,
            hovertemplate=f"%{{y}}, %{{x}}: %{{z:{cell_format}}}<extra>{of_values}</extra>",
            colorbar={"title": {"text": of_values, "side": "right"}, "tickformat": cell_format, "thickness": 12},
        )
    )
    figure.update_layout(height=100 + 28 * len(cells), margin=MARGIN)
    # Names that look like numbers are names.
    kind = "category" if isinstance(cells.columns[0], str) else None
    figure.update_xaxes(title=of_columns, showgrid=False, type=kind)
    figure.update_yaxes(title=of_rows, autorange="reversed", showgrid=False)
    return figure


def _laid_out(figure: go.Figure, x_title: str, y_title: str, y_format: str) -> go.Figure:
    figure.update_layout(
        colorway=COLOURS,
        height=300,
        margin=MARGIN,
        hovermode="x unified",
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "traceorder": "normal"},
        showlegend=len(figure.data) > 1,  # pyright: ignore[reportArgumentType]
    )
    figure.update_xaxes(title=x_title)
    figure.update_yaxes(title=y_title, tickformat=y_format, rangemode="tozero")
    return figure
