"""Which days a page shows."""

from __future__ import annotations

from datetime import date

import pytest

from project_etl.dashboard import spans

FIRST, NEWEST, TODAY = date(2024, 12, 1), date(2025, 3, 1), date(2025, 3, 2)


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        (spans.NEWEST_7, date(2025, 2, 23), NEWEST),
        (spans.NEWEST_30, date(2025, 1, 31), NEWEST),
        # There is nothing before the first day.
        (spans.NEWEST_90, date(2024, 12, 2), NEWEST),
        (spans.THIS_MONTH, date(2025, 3, 1), TODAY),
        (spans.LAST_MONTH, date(2025, 2, 1), date(2025, 2, 28)),
        (spans.THIS_YEAR, date(2025, 1, 1), TODAY),
        (spans.LAST_YEAR, date(2024, 1, 1), date(2024, 12, 31)),
        (spans.ALL, FIRST, TODAY),
    ],
)
def test_days_of_a_name(name: str, first: date, last: date) -> None:
    assert spans.days_of(name, first=FIRST, newest=NEWEST, today=TODAY) == (first, last)


def test_the_newest_days_do_not_begin_before_the_first_day() -> None:
    early = date(2024, 12, 5)
    assert spans.days_of(spans.NEWEST_30, first=FIRST, newest=early, today=early) == (FIRST, early)
