"""What a history says differently after a change, against a reading of it instant by instant."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from project_etl.core.staleness.versions import changed_spans, net_changes

START = datetime(2025, 1, 1, tzinfo=UTC)


def at(hour: int) -> datetime:
    return START + timedelta(hours=hour)


def versions(*pairs: tuple[int, str]):
    return [(at(hour), (said,)) for hour, said in pairs]


def test_a_new_version_speaks_from_its_instant_on():
    assert changed_spans(versions((0, "a")), versions((0, "a"), (5, "b"))) == [(at(5), None)]


def test_a_new_version_that_says_the_same_changes_nothing():
    assert changed_spans(versions((0, "a")), versions((0, "a"), (5, "a"))) == []


def test_a_late_version_speaks_until_the_next_one():
    before, now = versions((0, "a"), (9, "c")), versions((0, "a"), (4, "b"), (9, "c"))
    assert changed_spans(before, now) == [(at(4), at(9))]


def test_an_earlier_first_version_also_speaks_for_all_time_before():
    assert changed_spans(versions((5, "b")), versions((2, "a"), (5, "b"))) == [(None, at(5))]


def test_the_first_and_the_last_version_of_a_thing_speak_for_all_time():
    assert changed_spans([], versions((5, "a"))) == [(None, None)]
    assert changed_spans(versions((5, "a")), []) == [(None, None)]


def test_two_changes_that_touch_are_one_span_and_two_that_do_not_are_two():
    before = versions((0, "a"), (2, "b"), (4, "c"), (6, "d"))
    assert changed_spans(before, versions((0, "a"), (2, "x"), (4, "y"), (6, "d"))) == [(at(2), at(6))]
    assert changed_spans(before, versions((0, "x"), (2, "b"), (4, "y"), (6, "d"))) == [(None, at(2)), (at(4), at(6))]


HISTORIES = st.dictionaries(st.integers(0, 12), st.sampled_from("ab"), max_size=5).map(
    lambda drawn: versions(*drawn.items())
)


def answer(history, instant):
    begun = [said for start, said in sorted(history) if start <= instant]
    return begun[-1] if begun else sorted(history)[0][1] if history else None


@given(before=HISTORIES, now=HISTORIES)
def test_an_instant_is_in_a_span_exactly_when_its_answer_changed(before, now):
    spans = changed_spans(before, now)
    for half_hour in range(-2, 28):
        instant = START + timedelta(minutes=30 * half_hour)
        is_in = any((since is None or since <= instant) and (to is None or instant < to) for since, to in spans)
        assert is_in == (answer(before, instant) != answer(now, instant)), instant


def test_a_feed_comes_to_what_is_gone_and_what_came():
    feed = [
        ("update_postimage", ("updated", "u3")),
        ("update_preimage", ("updated", "u2")),
        ("update_postimage", ("updated", "u2")),
        ("update_preimage", ("updated", "u1")),
        ("insert", ("new", "n")),
        ("delete", ("gone", "g")),
        ("insert", ("passing", "p")),
        ("delete", ("passing", "p")),
        ("update_preimage", ("same", "s")),
        ("update_postimage", ("same", "s")),
    ]
    assert net_changes(feed) == ({("updated", "u1"), ("gone", "g")}, {("updated", "u3"), ("new", "n")})


def test_many_versions_take_little_time():
    before = versions(*((hour, str(hour % 7)) for hour in range(20_000)))
    started = time.process_time()
    assert changed_spans(before, [*before, (at(20_000), ("new",))]) == [(at(20_000), None)]
    assert time.process_time() - started < 3
