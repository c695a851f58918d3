"""Pulling one dataset: what is due is read and lands, one slice after the other.

Does not belong here: connecting to a source and choosing slices (the source's `Puller`), commands and assets.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from project_etl.core.extract.before import PulledBefore
from project_etl.core.extract.land import Landed, land
from project_etl.core.lake import TableStore
from project_etl.core.model.pull import NotYet, Puller
from project_etl.core.model.source import Dataset


@dataclass(frozen=True)
class PullJob:
    """One pull of a dataset.

    Attributes:
        lake: the lake that the dataset is loaded into.
        landing_root: the landing root.
        dataset: the dataset.
        recount: whether all that the source holds is compared with Bronze.
    """

    lake: TableStore
    landing_root: str
    dataset: Dataset
    recount: bool = False


@dataclass(frozen=True)
class Pulled:
    """What came of a pull.

    Attributes:
        dataset: the dataset.
        landed: the slices that were read, in order.
        until: up to when the source has been read, in UTC; None where that is not known.
        waits: what the pull waits for, in words; empty for one that waits for nothing.
    """

    dataset: Dataset
    landed: tuple[Landed, ...]
    until: datetime | None
    waits: str = ""

    @property
    def records(self) -> int:
        """How many records have landed."""
        return sum(each.records for each in self.landed)

    @property
    def files(self) -> tuple[Landed, ...]:
        """The slices that became files."""
        return tuple(each for each in self.landed if each.path)

    @property
    def notes(self) -> tuple[str, ...]:
        """What is to be said of slices, in words."""
        return tuple(each.slice.note for each in self.landed if each.slice.note)


def pull(job: PullJob, puller: Puller) -> Pulled:
    """Read what is due of a dataset, each slice into its file.

    Raises:
        PullError: the source does not answer, or not as it should. What has landed by then stays.
    """
    with job.lake.lock(job.dataset.landing):
        before = PulledBefore(job.lake, job.landing_root, job.dataset)
        landed, waits = list[Landed](), ""
        try:
            for piece in puller.slices(job.dataset.name, before, recount=job.recount):
                landed.append(land(job.landing_root, job.dataset, piece, before.has_landed))
        except NotYet as error:
            waits = str(error)
        # A slice without records says that there is nothing up to its end.
        ends = [before.until, *(each.slice.until for each in landed)]
    return Pulled(job.dataset, tuple(landed), max(filter(None, ends), default=None), waits)
