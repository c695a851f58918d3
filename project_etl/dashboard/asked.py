"""What every page is asked for: whose tables, which days, and how money and hours are meant."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from project_etl.core.views import Views
from project_etl.settings import Settings


@dataclass(frozen=True)
class Asked:
    """What a page is to show.

    Attributes:
        views: the tables of the lake.
        settings: the settings of the lake.
        first: the first day.
        last: the last day.
    """

    views: Views
    settings: Settings
    first: date
    last: date

    @property
    def currency(self) -> str:
        """The currency of all money, but where a table names another one."""
        return self.settings.reporting_currency

    @property
    def length(self) -> int:
        """How many days they are."""
        return (self.last - self.first).days + 1

    @property
    def program(self) -> str:
        """The command line of the lake's environment, as a sentence names it."""
        return self.settings.program

    @property
    def zone(self) -> str:
        """The time zone of days and hours."""
        return self.settings.reporting_timezone

    @property
    def days(self) -> str:
        """The days in words."""
        return str(self.first) if self.first == self.last else f"{self.first} to {self.last}"
