"""Pulling on and on: rounds, sources that go away, and the end."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from project_etl.catalog import puller_of
from project_etl.core.extract import streaming as code
from project_etl.core.extract.pull import Pulled
from project_etl.core.extract.streaming import Stop, is_streamed, rounds, streaming
from project_etl.core.model.pull import Before, Puller, PullError, Record, Slice
from project_etl_tests.core.extract.given import FileShop


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FileShop:
    monkeypatch.setattr(code, "FIRST_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(code, "LONGEST_PAUSE_SECONDS", 0.04)
    monkeypatch.setattr(code, "GIVE_WAY_SECONDS", 0)
    return FileShop(tmp_path)


def test_each_round_takes_what_has_come_since(shop: FileShop) -> None:
    stop = Stop()
    seen = list[int]()
    for number, done in enumerate(rounds([shop.job()], lambda: puller_of(shop.shop.settings, "oltp"), stop), start=1):
        assert isinstance(done, Pulled)
        seen.append(done.records)
        shop.add(number)
        if number == 3:
            stop.ask()
    assert seen == [0, 1, 1]
    assert shop.ids() == [[1], [2]]


def test_a_source_that_is_away_is_tried_again_after_growing_pauses(shop: FileShop) -> None:
    stop, pauses = Stop(), list[float]()
    tries = iter(range(5))

    @contextmanager
    def connect() -> Generator[Puller]:
        if next(tries) < 4:
            raise PullError("the broker is away")
        with puller_of(shop.shop.settings, "oltp") as puller:
            yield puller

    shop.add(1)
    for done in rounds([shop.job()], connect, stop):
        if isinstance(done, Pulled):
            assert done.records == 1
            break
        error, pause = done
        assert str(error) == "the broker is away"
        pauses.append(pause)
    assert pauses == [0.01, 0.02, 0.04, 0.04]


class Waits:
    """A source of which a slice comes at once, whose records take a moment, and then nothing for a long time."""

    address = "nowhere"

    def slices(self, dataset: str, before: Before, *, recount: bool) -> Iterator[Slice]:
        assert (dataset, before.names, recount) == ("orders", (), False)
        yield Slice("one", datetime.now(UTC), self.records)
        time.sleep(60)

    def records(self) -> Iterator[Record]:
        yield {"order_id": 1}
        time.sleep(0.3)
        yield {"order_id": 2}

    def looked_at(self, dataset: str) -> str:
        return dataset


# While the slice is written, and while the next one is waited for.
@pytest.mark.parametrize("after", [0.1, 0.6])
def test_a_signal_ends_it_when_the_slice_in_hand_has_landed(shop: FileShop, after: float) -> None:
    stop = Stop()

    @contextmanager
    def connect() -> Generator[Puller]:
        yield Waits()

    before = signal.signal(signal.SIGTERM, lambda *_: stop.ask())
    begun = time.monotonic()
    threading.Timer(after, os.kill, (os.getpid(), signal.SIGTERM)).start()
    try:
        (done,) = rounds([shop.job()], connect, stop)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert time.monotonic() - begun < 10
    assert isinstance(done, Pulled)
    assert done.records == 2
    assert shop.ids() == [[1, 2]]


def test_a_pause_ends_with_a_signal(shop: FileShop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(code, "FIRST_PAUSE_SECONDS", 60)
    stop = Stop()

    @contextmanager
    def connect() -> Generator[Puller]:
        raise PullError("away")
        yield Waits()

    before = signal.signal(signal.SIGTERM, lambda *_: stop.ask())
    threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGTERM)).start()
    try:
        assert [str(done[0]) for done in rounds([shop.job()], connect, stop) if isinstance(done, tuple)] == ["away"]
    finally:
        signal.signal(signal.SIGTERM, before)


def test_who_streams_is_seen_by_others(tmp_path: Path) -> None:
    lake = str(tmp_path / "lake")
    assert not is_streamed(lake, "clicks")
    with streaming(lake, "clicks") as first, streaming(lake, "clicks") as second, streaming(lake, "others") as other:
        assert (first, second, other) == (True, False, True)
        assert is_streamed(lake, "clicks")
    assert not is_streamed(lake, "clicks")
    # An object store has no locks, and nobody asks it.
    with streaming("memory://lake", "clicks") as first, streaming("memory://lake", "clicks") as second:
        assert first
        assert second
