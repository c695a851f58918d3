"""What lies in landing, for commands that only look.

Does not belong here: how it is found (`core/bronze/survey.py`), how it is shown.
"""

from __future__ import annotations

from project_etl.catalog import datasets_of, source_names
from project_etl.core.bronze.survey import Survey, survey
from project_etl.settings import Settings


def survey_of(settings: Settings) -> Survey:
    """The files that are read with some settings today, and all else that lies there."""
    off = [name for name in source_names() if name not in settings.sources]
    days = settings.start_date, settings.last_day()
    return survey(
        settings.landing_root,
        datasets_of(settings.sources),
        off,
        *days,
        end=settings.end_date,
        zone=settings.reporting_timezone,
    )
