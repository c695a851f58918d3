"""What Streamlit runs: the navigation, and what every page has: its days, currency, time zone and last update.

`project-etl dashboard` starts it: settings come from the environment, `--allow-pii` from the command line.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

import streamlit as st

from project_etl.core.lake import LakeError, TableStore
from project_etl.core.views import QueryError, Views
from project_etl.dashboard import spans
from project_etl.dashboard.asked import Asked
from project_etl.dashboard.pages import behaviour, customers, quality, sales, today
from project_etl.settings import Settings, load_settings


@dataclass(frozen=True)
class Page:
    """A page of the navigation.

    Attributes:
        title: its name.
        icon: one of Streamlit's.
        show: draws it.
        has_days: whether it shows the days that are chosen beside it.
    """

    title: str
    icon: str
    show: Callable[[Asked], None]
    has_days: bool = True

    @property
    def path(self) -> str:
        """Its place below the dashboard's address."""
        return self.title.lower()


PAGES = (
    Page("Today", ":material/today:", today.show, has_days=False),
    Page("Sales", ":material/payments:", sales.show),
    Page("Behaviour", ":material/ads_click:", behaviour.show),
    Page("Customers", ":material/group:", customers.show),
    Page("Quality", ":material/verified:", quality.show),
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
        [st.Page(_nothing_of(page), title=page.title, icon=page.icon, url_path=page.path) for page in PAGES]
    )
    page = titled[chosen.title]
    views = views_now(settings.lake_root, allow_pii, settings.reporting_timezone)
    first, last = spans.choose(views, settings) if page.has_days else (settings.last_day(), settings.last_day())
    st.title(page.title)
    asked = Asked(views, settings, first, last)
    st.caption(" · ".join(_facts(asked, has_days=page.has_days)))
    try:
        page.show(asked)
    except (QueryError, LakeError) as error:
        st.error(str(error))


def views_now(lake_root: str, allow_pii: tuple[str, ...], zone: str) -> Views:
    """The tables of a lake as they are now: the same views as long as no table has moved on."""
    lake = _lake(lake_root)
    names = [name for layer in ("gold", "silver", "quarantine", "bronze") for name in lake.names(layer)]
    return _views(lake_root, allow_pii, zone, tuple((name, lake.version(name)) for name in names))


@st.cache_resource(show_spinner=False)
def _lake(lake_root: str) -> TableStore:
    return TableStore(lake_root)


@st.cache_resource(max_entries=2, show_spinner=False)
def _views(
    lake_root: str, allow_pii: tuple[str, ...], zone: str, versions: tuple[tuple[str, int | None], ...]
) -> Views:  # noqa: ARG001 - new ones, new views
    return Views(_lake(lake_root), allow_pii, zone)


def _facts(asked: Asked, *, has_days: bool) -> list[str]:
    """What the reader of every number must know."""
    facts = [f"{asked.days} ({asked.length:,} days)"] if has_days else []
    facts += [f"Money in {asked.currency}", f"Days and hours of {asked.zone}"]
    if at := updated_at(asked.views, asked.zone):
        facts.append(f"Gold updated {at:%Y-%m-%d %H:%M}")
    return facts


def updated_at(views: Views, zone: str) -> datetime | None:
    """When a Gold table was last written; None when there is none."""
    lake = views.lake
    newest = max((lake.state(name).made_by.timestamp for name in lake.names("gold")), default=None)
    return None if newest is None else datetime.fromtimestamp(newest / 1000, ZoneInfo(zone))


def _nothing_of(page: Page) -> Callable[[], None]:
    """A page draws itself after the navigation, which asks for a function of its own for each."""

    def nothing() -> None:
        """Nothing."""

    nothing.__name__ = page.path
    return nothing


if __name__ == "__main__":
    main(sys.argv[1:])
