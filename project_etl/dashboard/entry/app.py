"""What Streamlit runs: the navigation, and what every page has: its days, currency, time zone and last update.

`project-etl dashboard` starts it: settings come from the environment, `--allow-pii` from the command line.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from project_etl.core.lake import LakeError
from project_etl.core.model.modules import module_of
from project_etl.core.views import QueryError
from project_etl.dashboard import fresh, pages, spans
from project_etl.dashboard.asked import Asked
from project_etl.settings import load_settings


@dataclass(frozen=True)
class Page:
    """A page of the navigation.

    Attributes:
        title: its name.
        icon: one of Streamlit's.
        has_days: whether it shows the days that are chosen beside it.
    """

    title: str
    icon: str
    has_days: bool = True

    @property
    def path(self) -> str:
        """Its place below the dashboard's address, where the first page is."""
        return "" if self is PAGES[0] else self.title.lower()

    def show(self, asked: Asked) -> None:
        """Draw it; its module is loaded when the page is opened."""
        module_of(pages, self.title.lower()).show(asked)


PAGES = (
    Page("Today", ":material/today:", has_days=False),
    Page("Sales", ":material/payments:"),
    Page("Behaviour", ":material/ads_click:"),
    Page("Customers", ":material/group:"),
    Page("Quality", ":material/verified:"),
)


def main(arguments: list[str]) -> None:
    """Draw the page that is chosen."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--allow-pii", default="")
    allow_pii = tuple(filter(None, parser.parse_args(arguments).allow_pii.split(",")))
    settings = load_settings()
    st.set_page_config(page_title="Shop", page_icon=":material/storefront:", layout="wide")
    titled = {page.title: page for page in PAGES}
    chosen = st.navigation(
        [
            st.Page(_nothing_of(page), title=page.title, icon=page.icon, url_path=page.path, default=not page.path)
            for page in PAGES
        ]
    )
    page = titled[chosen.title]
    views = fresh.views_now(settings.lake_root, allow_pii, settings.reporting_timezone)
    first, last = spans.choose(views, settings) if page.has_days else (settings.last_day(), settings.last_day())
    # Streamlit keeps room for a toolbar, which is not there.
    st.html("<style>.stMainBlockContainer {padding-top: 2rem}</style>")
    st.title(page.title)
    asked = Asked(views, settings, first, last)
    st.caption(" · ".join(_facts(asked, has_days=page.has_days)))
    try:
        page.show(asked)
    except (QueryError, LakeError) as error:
        st.error(str(error))


def _facts(asked: Asked, *, has_days: bool) -> list[str]:
    """What the reader of every number must know."""
    facts = [f"{asked.days} ({asked.length:,} days)"] if has_days else []
    facts += [f"Money in {asked.currency}", f"Days and hours of {asked.zone}"]
    if at := fresh.updated_at(asked.views, asked.zone):
        facts.append(f"Gold updated {at:%Y-%m-%d %H:%M}")
    return facts


def _nothing_of(page: Page) -> Callable[[], None]:
    """A page draws itself after the navigation, which asks for a function of its own for each."""

    def nothing() -> None:
        """Nothing."""

    nothing.__name__ = page.title
    return nothing


if __name__ == "__main__":
    main(sys.argv[1:])
