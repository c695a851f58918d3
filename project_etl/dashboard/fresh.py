"""The tables of a lake as they are at this moment, for pages that people leave open."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import streamlit as st

from project_etl.core.lake import TableStore
from project_etl.core.views import LAYERS, Views
from project_etl.dashboard.asked import Asked


def views_now(lake_root: str, allow_pii: tuple[str, ...], zone: str) -> Views:
    """The tables of a lake as they are now: the same views as before, as long as no table has moved on."""
    lake = _lake(lake_root)
    names = [name for layer in LAYERS for name in lake.names(layer)]
    return _views(lake_root, allow_pii, zone, tuple((name, lake.version(name)) for name in names))


def renewed(asked: Asked) -> Asked:
    """The same question, of the tables as they are now."""
    views = views_now(asked.settings.lake_root, tuple(asked.views.allow_pii), asked.zone)
    return replace(asked, views=views)


def updated_at(views: Views, zone: str) -> datetime | None:
    """When a Gold table was last written, by the clocks of the zone; None when there is none."""
    lake = views.lake
    newest = max((lake.state(name).made_by.timestamp for name in lake.names("gold")), default=None)
    return None if newest is None else datetime.fromtimestamp(newest / 1000, ZoneInfo(zone))


@st.cache_resource(show_spinner=False)
def _lake(lake_root: str) -> TableStore:
    return TableStore(lake_root)


@st.cache_resource(max_entries=2, show_spinner=False)
def _views(
    lake_root: str,
    allow_pii: tuple[str, ...],
    zone: str,
    versions: tuple[tuple[str, int | None], ...],  # noqa: ARG001 - others are asked of other views
) -> Views:
    return Views(_lake(lake_root), allow_pii, zone)
