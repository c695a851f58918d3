"""Time zones: the business day and hour of an instant, and the instant that a local time of a source means.

Belongs here: what depends on a zone. Does not belong here: which column is an instant (`RECORDS` of each Silver table),
reading one that names its offset (`casts.py`).

The engines' own functions do the arithmetic: all of them read a local time that does not exist with the offset before
the gap, and one that exists twice as the earlier instant.
"""

from __future__ import annotations

from datetime import timedelta

from pyspark.sql import Column
from pyspark.sql import functions as F

from project_etl.core.transforms.casts import to_utc

NO_ZONE = "UTC"
"""The zone in which nothing has to be computed."""

SKIPPED, DOUBLED = 1, 2
"""A local time that the clocks skipped, and one that they showed twice."""

# A local time of a year that may be one of business. An engine writes such a year with four digits.
_NAIVE = r"^(?:1[89]|[2-8][0-9])[0-9]{2}-[0-9]{2}-[0-9]{2}(?:[ Tt][0-9:.]+)?\z"
# Farther from a change of clocks than any local time that it skips or shows twice, as if local time were UTC.
_AWAY = timedelta(hours=26) // timedelta(microseconds=1)


def business_day(instant: Column, zone: str) -> Column:
    """The day of an instant by the clocks of a zone.

    Args:
        instant: a timestamp.
        zone: IANA name of the zone.
    """
    return F.to_date(_shown(instant, zone))


def business_hour(instant: Column, zone: str) -> Column:
    """The hour (0 to 23) of an instant by the clocks of a zone; an hour that they show twice is one.

    Args:
        instant: a timestamp.
        zone: IANA name of the zone.
    """
    return F.hour(_shown(instant, zone))


def in_utc(name: str, zone: str) -> Column:
    """The text of an instant, in UTC where it is a local time of a zone; a text that names its offset stays.

    Args:
        name: column with the text, cleaned.
        zone: IANA name of the zone of local times.
    """
    at = F.to_utc_timestamp(to_utc(name), zone)
    is_local = F.col(name).rlike(_NAIVE) & at.isNotNull()
    return F.when(is_local, F.concat(at.cast("string"), F.lit("Z"))).otherwise(F.col(name))


def oddity(name: str, zone: str) -> Column:
    """`SKIPPED` or `DOUBLED` for the text of a local time of a zone that is so; 0 for any other text, or null.

    Args:
        name: column with the text, cleaned.
        zone: IANA name of the zone of local times.
    """

    def of(local: Column) -> Column:
        before, after = _offset(local - F.lit(_AWAY), zone), _offset(local + F.lit(_AWAY), zone)
        is_before, is_after = (_offset(local - offset, zone) == offset for offset in (before, after))
        return (
            F.when(~is_before & ~is_after, F.lit(SKIPPED))
            .when(is_before & is_after & (before != after), F.lit(DOUBLED))
            .otherwise(F.lit(0))
        )

    # As the argument of a function, the local time is read once.
    found = F.element_at(F.transform(F.array(F.unix_micros(to_utc(name))), of), 1)
    return F.when(F.col(name).rlike(_NAIVE), found).otherwise(F.lit(0))


def _shown(instant: Column, zone: str) -> Column:
    """What the clocks of a zone show at an instant, as if it were UTC."""
    return instant if zone == NO_ZONE else F.from_utc_timestamp(instant, zone)


def _offset(at: Column, zone: str) -> Column:
    """The offset of a zone from UTC at an instant; both in microseconds."""
    return F.unix_micros(_shown(F.timestamp_micros(at), zone)) - at
