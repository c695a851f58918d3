"""Slices of time: names say them exactly, and gaps between them are found."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from project_etl.core.extract.spans import START, Span, end_of, gaps, spans_of


def at(hour: int, microsecond: int = 0) -> datetime:
    return datetime(2025, 1, 2, hour, 0, 0, microsecond, UTC)


@pytest.mark.parametrize("span", [Span(START, at(1)), Span(at(1, 1), at(2, 999_999))])
def test_a_name_says_its_span(span: Span) -> None:
    name = span.name("abc")
    assert spans_of("abc", [name]) == [span]
    assert end_of(name) == span.end


def test_names_of_other_things_are_no_spans() -> None:
    name = Span(START, at(1)).name("abc")
    assert not spans_of(
        "abc", [name.replace("abc", "xyz"), "abc_recount_20250102T010000.000000Z", "orders", f"{name}x"]
    )


@pytest.mark.parametrize(
    ("name", "end"),
    [
        ("abc_recount_20250102T010000.000000Z", at(1)),
        ("abc_2025-01-01_2025-01-02", at(0)),
        ("orders", None),
        ("a_20250102", None),
    ],
)
def test_the_end_of_a_slice_is_read_off_its_name(name: str, end: datetime | None) -> None:
    assert end_of(name) == end


@pytest.mark.parametrize(
    ("spans", "missing"),
    [
        ([], []),
        ([(START, at(1)), (at(1), at(2))], []),
        ([(START, at(3)), (at(1), at(2)), (at(2), at(4))], []),
        ([(START, at(1)), (at(2), at(3)), (at(5), at(6))], [(at(1), at(2)), (at(3), at(5))]),
        ([(at(2), at(3))], [(START, at(2))]),
    ],
)
def test_gaps_are_what_no_span_covers(spans: list, missing: list) -> None:
    assert gaps(Span(*each) for each in reversed(spans)) == [Span(*each) for each in missing]
