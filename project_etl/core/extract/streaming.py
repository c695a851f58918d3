"""Pulling on and on, until somebody stops it.

Does not belong here: what a pull is (`pull.py`), what is said of it (`commands/stream`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from project_etl.core.extract.pull import Pulled, PullJob, pull
from project_etl.core.lake import TableStore
from project_etl.core.model.pull import Before, Puller, PullError, Slice

# After a round somebody else who waits for the lock gets it: `project-etl pull`.
GIVE_WAY_SECONDS = 0.2
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 60.0


class Stopped(Exception):  # noqa: N818 - it is no error
    """Somebody wants the stream to end, while it waits for what comes."""


@dataclass
class Stop:
    """Whether a stream is to end.

    Attributes:
        is_asked: whether somebody wants it to end.
    """

    is_asked: bool = False
    _is_waiting: bool = False

    def ask(self) -> None:
        """Have the stream end; a slice that is being written is finished. Called by a signal, in the main thread.

        Raises:
            Stopped: into the block in which the stream waits.
        """
        self.is_asked = True
        if self._is_waiting:
            self._is_waiting = False
            raise Stopped

    @contextmanager
    def waiting(self) -> Generator[None]:
        """A block that ends when the stream is to end: nothing is lost by it."""
        try:
            self._is_waiting = True
            yield
        except Stopped:
            pass
        finally:
            self._is_waiting = False


@dataclass(frozen=True)
class _UntilStopped:
    """A source that has no more slices once the stream is to end."""

    puller: Puller
    stop: Stop

    @property
    def address(self) -> str:
        return self.puller.address

    def slices(self, dataset: str, before: Before, *, recount: bool) -> Iterator[Slice]:
        found = self.puller.slices(dataset, before, recount=recount)
        piece = None
        while not self.stop.is_asked:
            with self.stop.waiting():
                piece = next(found, None)
            # What was read and has not landed is read again.
            if piece is None or self.stop.is_asked:
                return
            yield piece

    def looked_at(self, dataset: str) -> str:
        return self.puller.looked_at(dataset)


def rounds(
    jobs: list[PullJob], connect: Callable[[], AbstractContextManager[Puller]], stop: Stop
) -> Iterator[Pulled | tuple[PullError, float]]:
    """Pull datasets of one source on and on: what came of each pull, or why there was none and how long it pauses.

    A source that does not answer is tried again for ever, after pauses that grow to a minute.

    Args:
        jobs: a pull of each dataset.
        connect: the source, for the length of a block.
        stop: when it ends.
    """
    pause = FIRST_PAUSE_SECONDS
    while not stop.is_asked:
        try:
            with connect() as puller:
                while not stop.is_asked:
                    for job in jobs:
                        yield pull(job, _UntilStopped(puller, stop))
                        pause = FIRST_PAUSE_SECONDS
                    time.sleep(GIVE_WAY_SECONDS)
        except PullError as error:
            yield error, pause
            with stop.waiting():
                time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)


def _file_of(lake_root: str, source: str) -> Path | None:
    lake = TableStore(lake_root)
    return Path(lake.path(".locks")) / f"stream.{source}.lock" if lake.is_local else None


@contextmanager
def streaming(lake_root: str, source: str) -> Generator[bool]:
    """Say for the length of a block that a source is read on and on; whether nobody else on this machine does.

    For a lake in an object store nobody knows, and it is taken to be so.
    """
    file = _file_of(lake_root, source)
    if file is None:
        yield True
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(file)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        yield False
        return
    try:
        yield True
    finally:
        lock.release()


def is_streamed(lake_root: str, source: str) -> bool:
    """Whether somebody on this machine reads a source on and on."""
    with streaming(lake_root, source) as is_alone:
        return not is_alone
