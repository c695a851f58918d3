"""What a source is that is pulled: it reads slices, and each becomes one file in landing.

Belongs here: what a source's module declares of that. Does not belong here: what was pulled before and how a slice
lands (`core/extract`), any particular source (`sources/`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict

from project_etl.core.arrow import ArrowTable
from project_etl.core.engine.base import Engine

# Values as JSON has them: the source's own text, or null, true, false, a whole number, a list or an object.
Values = Mapping[str, Any]
# A text is a line of JSON that is finished; an empty one is no record.
Record = Values | str


class PullError(Exception):
    """A source cannot be pulled; the message says what was found and what to do, and holds no secret."""


class NotYet(PullError):  # noqa: N818 - it is no error, and says what is waited for
    """Nothing can be pulled before something else has happened; the next pull tries again."""


class PullOptions(BaseModel):
    """The settings of a pulled source; those of one source extend it. They hold secrets by reference only."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


@dataclass(frozen=True)
class Slice:
    """What is read from a source at once.

    Attributes:
        name: what it was read from and which part; the same slice has the same name. The name of its file.
        until: its upper end, an instant in UTC; its day is the landing day.
        records: reads it.
        note: what is to be said of it, in words; empty for an ordinary one.
        gap: whether it closes a gap between slices that have landed.
        lost: whether it tells what is lost for good, instead of holding it.
        always: whether it makes a file even where its bytes have landed, or hold no record: nothing but its name says
            that it was read.
    """

    name: str
    until: datetime
    records: Callable[[], Iterator[Record]]
    note: str = ""
    gap: bool = False
    lost: bool = False
    always: bool = False


class Before(Protocol):
    """What was pulled before, of one dataset."""

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all slices that have landed."""
        ...

    @property
    def waiting(self) -> tuple[str, ...]:
        """Those that are not in Bronze yet."""
        ...

    @property
    def engine(self) -> Engine | None:
        """What computes, for a source that is read by it."""
        ...

    @property
    def folder(self) -> str:
        """The dataset's folder in landing, as a path or a URL."""
        ...

    def loaded(self, columns: tuple[str, ...]) -> ArrowTable:
        """Some columns of all that is in Bronze, as text."""
        ...


class Puller(Protocol):
    """A source that answers."""

    @property
    def address(self) -> str:
        """Where it is, for people, without a secret."""
        ...

    def slices(self, dataset: str, before: Before, *, recount: bool) -> Iterator[Slice]:
        """The slices of a dataset that are due; each is asked for when the one before it has landed.

        One that turns out to hold no record says that there is none up to its end.

        Args:
            dataset: its name.
            before: what was pulled before.
            recount: whether all that the source holds is compared with Bronze.

        Raises:
            PullError: the source does not answer, or not as it should.
        """
        ...

    def looked_at(self, dataset: str) -> str:
        """What is seen of a dataset, in words, for who asks whether all is well.

        Raises:
            PullError: it cannot be pulled.
        """
        ...


@dataclass(frozen=True)
class Pull:
    """How a source is pulled.

    Attributes:
        options: the settings of the source.
        connect: options and the first day that is wanted → the source, for the length of a block.
        left_out: options → names of datasets that are not pulled.
        every: when it is pulled, as cron writes it.
        recounts: options → when all is compared, as cron writes it; empty where it never is.
        fresh: how long ago the end of what was read may be before somebody should look.
        stream: as `connect`, for a source that can be read without an end: its pullers wait until slices are worth a
            file.
    """

    options: type[PullOptions]
    connect: Callable[[Any, date], AbstractContextManager[Puller]]
    every: str
    fresh: timedelta
    left_out: Callable[[Any], tuple[str, ...]] = lambda _: ()
    recounts: Callable[[Any], str] = lambda _: ""
    stream: Callable[[Any, date], AbstractContextManager[Puller]] | None = None
