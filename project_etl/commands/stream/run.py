"""`project-etl stream`: what a stream says while it is pulled, on the screen and in Dagster."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

import dagster as dg
from rich.console import Console
from rich.markup import escape

from project_etl.catalog import pulled, pulled_datasets, puller_of, streamed
from project_etl.commands.shared.environment import dagster_instance, lake_without_spark
from project_etl.commands.shared.errors import UserError
from project_etl.core.extract.pull import Pulled, PullJob
from project_etl.core.extract.streaming import Stop, rounds, streaming
from project_etl.core.model.nearest import suggestion
from project_etl.core.model.pull import Pull
from project_etl.orchestration.factory import asset_key
from project_etl.orchestration.pulls import lines, metadata_of, verdicts
from project_etl.settings import Settings

STOPS = (signal.SIGINT, signal.SIGTERM)
# In Dagster a stream in which nothing happens is seen to be alive.
REPORTED_EVERY_SECONDS = 3_600


def run(console: Console, settings: Settings, source: str | None) -> None:
    """Pull a stream until a signal comes.

    Raises:
        UserError: no source that is on is a stream, or not the one that is named.
    """
    name = stream_named(settings, source)
    how, lake = streamed(settings)[name], lake_without_spark(settings)
    jobs = [PullJob(lake, settings.landing_root, dataset) for dataset in pulled_datasets(settings, name)]
    with dagster_instance(settings) as instance, streaming(lake.root, name) as is_alone, until_signal() as stop:
        if not is_alone:
            console.print(
                f"Another `project-etl stream` reads {name} on this machine. Both take turns; one of them is enough.",
                soft_wrap=True,
            )
        reports = _Reports(instance, how)
        console.print(f"Reads {name} until Ctrl+C. What lands is loaded by the sensors of {settings.program} dev.")
        for done in rounds(jobs, lambda: puller_of(settings, name, streams=True), stop):
            now = f"{datetime.now():%H:%M:%S}"
            if isinstance(done, Pulled):
                for line in lines(done):
                    console.print(f"{now} {escape(line)}", soft_wrap=True)
                reports.take(done)
            else:
                error, pause = done
                console.print(f"{now} {name} is not read: {escape(str(error))}.", soft_wrap=True)
                console.print(f"{now} Tries again in {pause:.0f} s.", soft_wrap=True)
    console.print("Stopped.")


def stream_named(settings: Settings, source: str | None) -> str:
    """The stream of that name, or the only one.

    Raises:
        UserError: there is none, or several and none is named.
    """
    known = list(streamed(settings))
    if not known:
        raise UserError(
            f"No source that is on is a stream: `sources` of the environment {settings.env} is "
            f"{', '.join(settings.sources)}. Add clickstream to `sources` in config/{settings.env}.yaml, and "
            "`pull: {clickstream: {brokers: HOST:PORT, topic: NAME}}`. docs/streams.md says more."
        )
    if source is None and len(known) > 1:
        raise UserError(f"Several sources are streams: say which one, {' or '.join(known)}.")
    if source is not None and source not in known:
        is_pulled = " It is pulled, and has an end: use `project-etl pull`." if source in pulled(settings) else ""
        raise UserError(f"There is no stream {source!r} that is on; {suggestion(source, known)}{is_pulled}")
    return source or known[0]


@contextmanager
def until_signal() -> Iterator[Stop]:
    """A wish to end that Ctrl+C or SIGTERM brings, for the length of a block."""
    stop = Stop()
    before = {number: signal.signal(number, lambda *_: stop.ask()) for number in STOPS}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@dataclass
class _Reports:
    """What Dagster is told of a stream: it is no run, and reports its asset and checks itself."""

    instance: dg.DagsterInstance
    how: Pull
    _said: dict[str, tuple[float, dict[str, bool]]] = field(default_factory=dict)

    def take(self, done: Pulled) -> None:
        """Report a round in which something landed or a check changed, and one an hour."""
        key, found = asset_key(done.dataset.landing), verdicts(done, self.how)
        passed = {check: is_fine for check, (is_fine, _) in found.items()}
        at, before = self._said.get(done.dataset.name, (0.0, {}))
        if not done.files and passed == before and time.monotonic() - at < REPORTED_EVERY_SECONDS:
            return
        self._said[done.dataset.name] = time.monotonic(), passed
        self.instance.report_runless_asset_event(dg.AssetMaterialization(key, metadata=metadata_of(done)))
        for check, (is_fine, said) in found.items():
            self.instance.report_runless_asset_event(
                dg.AssetCheckEvaluation(
                    asset_key=key,
                    check_name=check,
                    passed=is_fine,
                    metadata={},
                    severity=dg.AssetCheckSeverity.WARN,
                    description=said,
                )
            )
