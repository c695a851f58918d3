"""How numbers, money, shares, days and tables look, and what a page says that has nothing to show.

Does not belong here: figures (`charts.py`), what is asked (`queries/`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import streamlit as st

from project_etl.core.export.csv_files import FORMULA
from project_etl.core.views import view_of
from project_etl.dashboard.asked import Asked

if TYPE_CHECKING:
    import pandas as pd

Number = float | Decimal
Titled = tuple[str, Callable[[str], Any]]
"""A column's title, and how its values look."""

NONE = "–"
UNCHANGED = "±0.0%"


# --- single values ----------------------------------------------------------------------------------------------------


def number(value: Number | None, places: int = 0) -> str:
    """`20,020`, or a dash where there is none."""
    return NONE if value is None else f"{value:,.{places}f}"


def money(value: Number | None, currency: str) -> str:
    """`3,740.94 EUR`, or a dash where there is none."""
    return NONE if value is None else f"{value:,.2f} {currency}"


def share(value: Number | None) -> str:
    """`36.0%`, or a dash where there is none."""
    return NONE if value is None else f"{value:.1%}"


def growth(now: Number | None, before: Number | None) -> str | None:
    """`+7.8%`: by which share a number has grown; None where there was none before."""
    grown = f"{float(now) / float(before) - 1:+.1%}" if now is not None and before else None
    return UNCHANGED if grown in ("+0.0%", "-0.0%") else grown


def compared(place: Any, title: str, text: str, grown: str | None, told: str | None = None, against: str = "") -> None:  # noqa: ANN401
    """Show a number with its growth.

    Args:
        place: where, as one of Streamlit's columns.
        title: what the number is, with its unit.
        text: the number.
        grown: what `growth` says.
        told: what the question mark beside the title says.
        against: what the growth is against.
    """
    has_changed = grown not in (None, UNCHANGED)
    place.metric(
        title,
        text,
        grown,
        delta_color="normal" if has_changed else "off",
        delta_arrow="auto" if has_changed else "off",
        delta_description=against if grown and against else None,
        help=told,
        border=True,
    )


def duration(seconds: Number | None) -> str:
    """`5:38 min`, or a dash where there is none."""
    if seconds is None:
        return NONE
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes:,}:{rest:02} min"


def plain(text: str) -> str:
    """Text that came from files, for a sentence: it makes no link, no picture and no colour, whatever it says."""
    return re.sub(r"([\\`\[\]<>:$*_~#])", r"\\\1", text)


# --- columns of tables ------------------------------------------------------------------------------------------------


def count_column(title: str) -> Any:  # noqa: ANN401 - Streamlit's own
    """Whole numbers."""
    return st.column_config.NumberColumn(title, format="%,d")


def decimal_column(title: str) -> Any:  # noqa: ANN401
    """Money and averages."""
    return st.column_config.NumberColumn(title, format="%,.2f")


def share_column(title: str) -> Any:  # noqa: ANN401
    """Shares and rates."""
    return st.column_config.NumberColumn(title, format="percent")


def bar_column(title: str) -> Any:  # noqa: ANN401
    """Shares as bars."""
    return st.column_config.ProgressColumn(title, format="percent", min_value=0.0, max_value=1.0)


def text_column(title: str) -> Any:  # noqa: ANN401
    """Names, codes and whatever else is shown as it is."""
    return st.column_config.Column(title)


def day_column(title: str) -> Any:  # noqa: ANN401
    """Days."""
    return st.column_config.DateColumn(title, format="YYYY-MM-DD")


def instant_column(title: str) -> Any:  # noqa: ANN401
    """Instants, by the clocks of their zone."""
    return st.column_config.DatetimeColumn(title, format="YYYY-MM-DD HH:mm:ss")


def clock_column(title: str) -> Any:  # noqa: ANN401
    """Instants of one day, by the clocks of their zone."""
    return st.column_config.DatetimeColumn(title, format="HH:mm:ss")


def table(frame: pd.DataFrame, name: str, columns: Mapping[str, Titled]) -> None:
    """Show a table, and a button that downloads it as CSV.

    Args:
        frame: the rows.
        name: the name of the file, which no other table of the page has.
        columns: the columns that are shown, in order; the file has the same ones, by their own names.
    """
    rows = frame[[*columns]]
    looks = {column: look(title) for column, (title, look) in columns.items()}
    st.dataframe(
        rows,
        hide_index=True,
        width="stretch",
        column_config=looks,
        height="content" if len(rows) < 12 else 420,
        placeholder=NONE,
    )
    # A spreadsheet takes a cell that begins so for a formula, also one that somebody else has written.
    safe = rows.replace(FORMULA, r"'\1", regex=True)
    st.download_button("Download CSV", safe.to_csv(index=False), f"{name}.csv", "text/csv", key=f"download_{name}")


# --- nothing to show --------------------------------------------------------------------------------------------------


def there_are(asked: Asked, *tables: str) -> bool:
    """Whether tables have been computed."""
    return all(view_of(table) in asked.views.tables for table in tables)


def is_there(asked: Asked, *tables: str) -> bool:
    """Whether tables have been computed; says which are missing, and what to do, where they have not."""
    missing = [table for table in tables if not there_are(asked, table)]
    if missing:
        are = "is" if len(missing) == 1 else "are"
        st.info(
            f"Nothing to show yet: {', '.join(missing)} {are} not computed. `{asked.program} status` names the days "
            f"that have landed; `{asked.program} run --days FIRST..LAST` computes them."
        )
    return not missing


def nothing_in(asked: Asked, what: str, table: str, day: str) -> None:
    """Say that the days hold nothing, and which days hold something.

    Args:
        asked: what the page is asked for.
        what: what there is none of, such as `session`.
        table: the table that was asked.
        day: its day column.
    """
    query = f"SELECT min({day}) AS first, max({day}) AS last FROM {view_of(table)}"
    (found,) = asked.views.sql(query).to_pylist()
    if found["first"] is None:
        st.info(f"No {what} yet: {table} has no rows. Rows come with the next records that land and are computed.")
    else:
        st.info(f"No {what} from {asked.days}. Choose days from {found['first']} to {found['last']}: these have some.")
