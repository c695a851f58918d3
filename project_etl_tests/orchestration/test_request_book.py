"""The book of a sensor: one run at a time, pauses, halves, and what has failed too often."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable

import dagster as dg
import pytest

from project_etl.orchestration.request_book import (
    MOST_ATTEMPTS,
    REQUEST_TAG,
    RETRY_SECONDS,
    Book,
    Outcome,
    Request,
    outcomes,
)

ONE = Request(("bronze/orders",), "2025-01-01", "2025-01-05", "new", "a")
TWO = Request(("bronze/orders",), "2025-02-01", "2025-02-01", "new", "b")


def always(outcome: Outcome):
    return lambda _: outcome


def days_of(requests: Iterable[Request]) -> list[tuple[str, str]]:
    return [(request.first, request.last) for request in requests]


def test_one_run_at_a_time() -> None:
    book = Book(waiting=(ONE, TWO)).asked(0, in_order=False)
    assert (book.open, book.waiting) == (ONE, (TWO,))
    assert book.settled(always(Outcome.UNDERWAY), 0, in_order=False) == book
    assert book.asked(0, in_order=False) == book
    done = book.settled(always(Outcome.DONE), 0, in_order=False).asked(0, in_order=False)
    assert (done.open, done.waiting) == (TWO, ())
    assert done.settled(always(Outcome.DONE), 0, in_order=False).is_idle


def test_a_failed_request_pauses_comes_last_and_in_halves() -> None:
    book = Book(waiting=(TWO,), open=ONE).settled(always(Outcome.FAILED), 1000, in_order=False)
    assert days_of(book.waiting) == [
        ("2025-02-01", "2025-02-01"),
        ("2025-01-01", "2025-01-03"),
        ("2025-01-04", "2025-01-05"),
    ]
    assert [request.not_before for request in book.waiting] == [0, 1060, 1060]
    after = book.asked(1000, in_order=False).settled(always(Outcome.DONE), 1001, in_order=False)
    assert after.asked(1001, in_order=False).open is None
    again = after.asked(1060, in_order=False).open
    assert again is not None
    assert again.attempt == 2


def test_where_the_order_matters_later_requests_wait_for_a_retry() -> None:
    book = Book(waiting=(TWO,), open=ONE).settled(always(Outcome.FAILED), 1000, in_order=True)
    assert days_of(book.waiting) == days_of([ONE, TWO])
    assert book.asked(1000, in_order=True).open is None


@pytest.mark.parametrize("in_order", [False, True])
def test_what_fails_each_time_is_set_aside_and_the_rest_goes_on_or_with_it(in_order: bool) -> None:
    book, now, tries = Book(waiting=(TWO, ONE)), 0.0, 0
    while not book.is_idle:
        book = book.asked(now, in_order=in_order)
        tries += book.open is not None and book.open.content == "b"
        assert tries < 20
        look = always(Outcome.FAILED if book.open and book.open.content == "b" else Outcome.DONE)
        book = book.settled(look, now, in_order=in_order)
        now += 10_000
    assert tries == MOST_ATTEMPTS
    assert [request.content for request in book.aside] == (["b", "a"] if in_order else ["b"])


def test_a_retry_that_dagster_promised_is_waited_for_but_not_for_ever() -> None:
    @dg.op
    def work() -> None: ...

    @dg.job
    def job() -> None:
        work()

    with dg.DagsterInstance.ephemeral() as instance:
        now = time.time()
        assert outcomes(instance, now)("key") is Outcome.FAILED, "its run is not there"
        first = instance.create_run_for_job(job, tags={REQUEST_TAG: "key", "dagster/will_retry": "true"})
        assert outcomes(instance, now + 2 * RETRY_SECONDS)("key") is Outcome.UNDERWAY, "it has not ended"
        instance.report_run_failed(first, message="the run worker vanished")
        assert outcomes(instance, now + 1)("key") is Outcome.UNDERWAY
        assert outcomes(instance, now + 2 * RETRY_SECONDS)("key") is Outcome.FAILED
        again = instance.create_run_for_job(job, tags={REQUEST_TAG: "key"})
        assert outcomes(instance, now + 2 * RETRY_SECONDS)("key") is Outcome.UNDERWAY
        instance.report_run_failed(again)
        assert outcomes(instance, now + 1)("key") is Outcome.FAILED, "no other retry was promised"


def test_keys_tell_attempts_and_contents_apart_and_nothing_else() -> None:
    book = Book(open=TWO).settled(always(Outcome.FAILED), 0, in_order=False)
    again = Request(TWO.tables, TWO.first, TWO.last, "in other words", TWO.content)
    assert again.key == TWO.key
    assert len({ONE.key, TWO.key, book.waiting[0].key}) == 3


def test_a_book_survives_being_a_cursor() -> None:
    book = Book(waiting=(ONE,), open=TWO, aside=(TWO,))
    assert Book.from_json(json.loads(json.dumps(book.to_json()))) == book


def test_what_people_read_fits_a_tag() -> None:
    long = Request(TWO.tables, TWO.first, TWO.last, "new in landing: " + "x" * 500, "c")
    assert len(long.run_request("/lake").tags["project_etl/why"]) <= 250
