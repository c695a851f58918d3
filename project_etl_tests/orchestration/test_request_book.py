"""The book of a sensor: one run at a time, pauses, halves, and what has failed too often."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from dataclasses import replace
from datetime import date

import dagster as dg
import pytest

from project_etl.orchestration.request_book import (
    MOST_ATTEMPTS,
    REQUEST_TAG,
    Book,
    Outcome,
    Request,
)
from project_etl.orchestration.requested_runs import RETRY_SECONDS, outcomes

ONE = Request(("bronze/orders",), "2025-01-01", "2025-01-05", "new", "a")
TWO = Request(("bronze/orders",), "2025-02-01", "2025-02-01", "new", "b")


def always(outcome: Outcome):
    return lambda _: outcome


def days_of(requests: Iterable[Request]) -> list[tuple[str, str]]:
    return [(request.first, request.last) for request in requests]


def test_one_run_at_a_time() -> None:
    book = Book(waiting=(ONE, TWO)).asked(0, in_order=False)
    assert (book.open, book.waiting) == (replace(ONE, opening="0/1"), (TWO,))
    assert book.settled(always(Outcome.UNDERWAY), 0, in_order=False) == book
    assert book.asked(0, in_order=False) == book
    done = book.settled(always(Outcome.DONE), 0, in_order=False).asked(0, in_order=False)
    assert (done.open, done.waiting) == (replace(TWO, opening="0/2"), ())
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


def test_a_bad_day_is_alone_within_hours_and_tried_again_until_it_is_mended() -> None:
    year = Request(("bronze/orders",), "2025-01-01", "2025-12-31", "new", "a")
    bad, book, now = date(2025, 3, 9), Book(waiting=(year,)), 0.0
    loaded: set[date] = set()

    def live(until: float, *, is_mended: bool) -> None:
        nonlocal book, now
        while now < until:
            book = book.asked(now, in_order=False)
            if book.open:
                fails = bad in book.open.days and not is_mended
                loaded.update(() if fails else book.open.days)
                book = book.settled(always(Outcome.FAILED if fails else Outcome.DONE), now, in_order=False)
            now += 30

    live(2 * 3600, is_mended=False)
    assert year.days - loaded == {bad}
    assert (book.waiting, days_of(book.aside)) == ((), [("2025-03-09", "2025-03-09")])
    tries = book.aside[0].attempt
    live(24 * 3600, is_mended=False)
    assert book.aside[0].attempt - tries in (3, 4)
    live(31 * 3600, is_mended=True)
    assert (loaded, book) == (year.days, Book(opened=book.opened))


def test_an_outage_loses_no_day() -> None:
    book, now = Book(waiting=(ONE, TWO)), 0.0
    loaded: set[date] = set()
    while now < 12 * 3600:
        book = book.asked(now, in_order=False)
        if book.open:
            is_down = now < 4 * 3600
            loaded.update(() if is_down else book.open.days)
            book = book.settled(always(Outcome.FAILED if is_down else Outcome.DONE), now, in_order=False)
        now += 30
    assert (loaded, book) == (ONE.days | TWO.days, Book(opened=book.opened))


def test_tables_that_there_are_no_more_are_not_asked_for() -> None:
    both = Request(("bronze/orders", "bronze/gone"), "2025-01-01", "2025-01-05", "new", "a")
    gone = Request(("bronze/gone",), "2025-01-01", "2025-01-05", "new", "a")
    book = Book(waiting=(gone, both), open=both, aside=(gone, both)).only(["bronze/orders"])
    assert book == Book(waiting=(ONE,), open=both, aside=(ONE,))


def test_what_lands_faster_than_it_is_loaded_makes_one_run_for_days_that_adjoin() -> None:
    def of(first: str, last: str, table: str, attempt: int = 1) -> Request:
        return Request((table,), f"2025-01-{first}", f"2025-01-{last}", f"new {table}", table, attempt)

    failed, far = of("02", "03", "bronze/orders", attempt=2), of("20", "21", "bronze/orders")
    news = (of("05", "06", "a"), far, of("01", "04", "b"), failed, of("02", "02", "a"), of("07", "07", "a"))
    book = Book(waiting=news).merged()
    tried, near, other = book.waiting
    assert (tried, other) == (failed, far), "what has been tried, and what is for other days, is left alone"
    assert days_of([near]) == [("2025-01-01", "2025-01-07")]
    assert (set(near.tables), near.why) == ({"a", "b"}, "new b; new a")
    # A tick that died asks for the same; with other news, it is another request.
    assert Book(waiting=news).merged() == book == book.merged()
    assert Book(waiting=news[:4]).merged().waiting[1].key != near.key


def key_of(book: Book) -> str:
    opened = book.asked(0, in_order=False).open
    assert opened is not None
    return opened.key


def test_a_key_is_that_of_what_a_book_asks_for_at_its_place() -> None:
    book = Book(waiting=(ONE,), begun=1)
    assert key_of(book) == key_of(replace(book, waiting=(replace(ONE, why="in other words"),))), "of a tick that died"
    others = [
        replace(book, waiting=(TWO,)),
        replace(book, waiting=(replace(ONE, content="b"),)),
        replace(book, begun=2),
    ]
    assert len({key_of(book), *map(key_of, others)}) == 1 + len(others)
    asked = book.asked(0, in_order=True)
    failed = asked.settled(always(Outcome.FAILED), -1000, in_order=True)
    # What was loaded and is there again: a correction that is taken back.
    again = replace(asked.settled(always(Outcome.DONE), 0, in_order=True), waiting=(ONE,))
    assert key_of(book) not in {key_of(failed), key_of(again)}


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
        cancelled = instance.create_run_for_job(job, tags={REQUEST_TAG: "key"})
        instance.report_run_canceling(cancelled)
        assert outcomes(instance, now + 1)("key") is Outcome.UNDERWAY, "it still works"
        instance.report_run_canceled(cancelled)
        assert outcomes(instance, now + 1)("key") is Outcome.FAILED, "it is asked for again"


def test_a_book_survives_being_a_cursor() -> None:
    book = Book(waiting=(ONE,), open=TWO, aside=(TWO,), begun=3.5, opened=7)
    assert Book.from_json(json.loads(json.dumps(book.to_json()))) == book


def test_what_people_read_fits_a_tag() -> None:
    long = Request(TWO.tables, TWO.first, TWO.last, "new in landing: " + "x" * 500, "c")
    assert len(long.run_request("/lake").tags["project_etl/why"]) <= 250
