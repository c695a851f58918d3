"""The page on today."""

from __future__ import annotations
from project_etl.dashboard.asked import Asked


def show(asked: Asked) -> None:
    """Draw the page."""
