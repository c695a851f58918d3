"""The sensors of real definitions, ticked and obeyed in this process: what the daemon does, without its pauses.

Belongs here: evaluating sensors with the cursors that they leave, and running what they ask for. Does not belong here:
expectations.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import dagster as dg

from project_etl.core.model.table import Table
from project_etl.setting_types import Sources
from project_etl_tests.orchestration.given import Done, definitions_of

SENSORS = ("new_files", "changed_days")


@dataclass(frozen=True)
class Ran:
    """A run that a sensor asked for."""

    sensor: str
    request: dg.RunRequest
    done: Done

    @property
    def days(self) -> tuple[str, str]:
        """First and last day of the run."""
        tags = self.request.tags
        return tags["dagster/asset_partition_range_start"], tags["dagster/asset_partition_range_end"]

    @property
    def tables(self) -> set[str]:
        """The tables asked for."""
        return {"/".join(key.path) for key in self.request.asset_selection or ()}


@dataclass
class Autopilot:
    """The sensors of a landing and a lake, and Dagster's memory of their runs."""

    defs: dg.Definitions
    instance: dg.DagsterInstance
    cursors: dict[str, str | None] = field(default_factory=dict[str, str | None])
    keys: set[str | None] = field(default_factory=set[str | None])

    def tick(self, sensor: str) -> dg.SensorResult:
        """Evaluate a sensor once; its cursor moves on."""
        context = dg.build_sensor_context(self.instance, cursor=self.cursors.get(sensor), definitions=self.defs)
        result = self.defs.get_repository_def().get_sensor_def(sensor)(context)
        assert isinstance(result, dg.SensorResult)
        self.cursors[sensor] = result.cursor
        return result

    def why_nothing(self, sensor: str) -> str:
        """Tick once more; the reason for which nothing is asked for."""
        result = self.tick(sensor)
        assert not result.run_requests
        assert isinstance(result.skip_reason, dg.SkipReason)
        return result.skip_reason.skip_message or ""

    def obey(self, sensor: str, request: dg.RunRequest) -> Ran:
        """Run what a sensor asked for."""
        assert request.run_key not in self.keys, "Dagster makes no second run of a key"
        self.keys.add(request.run_key)
        job = self.defs.resolve_implicit_global_asset_job_def()
        result = job.execute_in_process(
            asset_selection=list(request.asset_selection or ()),
            tags=dict(request.tags),
            instance=self.instance,
            raise_on_error=False,
        )
        return Ran(sensor, request, Done(result))

    def until_quiet(self, sensors: Sequence[str] = SENSORS) -> list[Ran]:
        """Tick and obey until no sensor asks for anything more."""
        ran: list[Ran] = []
        while True:
            asked = [(sensor, request) for sensor in sensors for request in self.tick(sensor).run_requests or ()]
            if not asked:
                return ran
            ran += [self.obey(sensor, request) for sensor, request in asked]
            assert len(ran) < 100, "the sensors never come to rest"


@contextmanager
def autopilot(folder: Path, sources: Sources = ("shop",), only: Sequence[Table] = ()) -> Iterator[Autopilot]:
    """An autopilot over the landing and lake of a folder, as a `SmallShop` of the same tables has them."""
    with dg.DagsterInstance.ephemeral() as instance:
        yield Autopilot(definitions_of(folder, sources, only), instance)
