"""The platform's own definitions over a landing and a lake in a temporary folder, and running them in this process.

Belongs here: what several tests of the wiring use. Does not belong here: expectations.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster_pyspark import LazyPySparkResource

from project_etl.core.model.table import Table
from project_etl.orchestration import build
from project_etl.orchestration.build import build_defs
from project_etl.orchestration.failures import failures_of
from project_etl.setting_types import Sources
from project_etl.settings import Settings, load_settings


def settings_of(folder: Path, sources: Sources = ("shop",)) -> Settings:
    """Settings whose landing and lake are where a `SmallShop` of the same folder has them."""
    return Settings(
        env="test",
        root=folder,
        landing_root=str(folder / "landing"),
        lake_root=str(folder / "lake"),
        sources=sources,
        # With one source there is nothing to tell apart.
        namespaces=(("shop", ""), ("online_retail", "or-")) if len(sources) > 1 else (),
        start_date=date(2025, 1, 1),
        settle_seconds=0,
        engine=load_settings().engine,
    )


def definitions_of(folder: Path, sources: Sources = ("shop",), only: Sequence[Table] = ()) -> dg.Definitions:
    """The platform's definitions, of all tables or only some.

    Spark is the session that already runs in this process, or none until it is used.
    """
    with pytest.MonkeyPatch.context() as patch:
        if only:
            patch.setattr(build, "tables", lambda: tuple(only))
        return build_defs(settings_of(folder, sources), resources={"spark": LazyPySparkResource(spark_config={})})


@dataclass(frozen=True)
class Done:
    """What a run told Dagster."""

    result: dg.ExecuteInProcessResult

    @property
    def succeeded(self) -> bool:
        """Whether every step succeeded."""
        return self.result.success

    @property
    def materialized(self) -> dict[str, set[str | None]]:
        """Table → the partitions that were recorded; None stands for a table without partitions.

        Quarantine is left out, which is recorded when it has changed.
        """
        found: dict[str, set[str | None]] = {}
        for event in self.materializations:
            if event.asset_key.path[0] == "quarantine":
                continue
            found.setdefault(_name(event.asset_key), set()).add(event.partition)
        return found

    @property
    def checks(self) -> dict[tuple[str, str], dg.AssetCheckEvaluation]:
        """Table and rule → verdict."""
        return {
            (_name(found.asset_key), found.check_name): found for found in self.result.get_asset_check_evaluations()
        }

    @property
    def failures(self) -> dict[str, str]:
        """Table → why its step failed."""
        return failures_of(self.result.all_events)

    @property
    def failure(self) -> str:
        """Why the one step that failed did."""
        (why,) = self.failures.values()
        return why

    def metadata(self, table: str, day: str | None = None) -> dict[str, Any]:
        """Metadata of a table's materialization of that day."""
        (event,) = [e for e in self.materializations if _name(e.asset_key) == table and e.partition == day]
        return {name: value.value for name, value in event.metadata.items()}

    @property
    def materializations(self) -> Sequence[dg.AssetMaterialization]:
        """What was recorded of tables and days."""
        events = self.result.get_asset_materialization_events()
        return [event.step_materialization_data.materialization for event in events]


def run(defs: dg.Definitions, first: str, last: str | None = None, instance: dg.DagsterInstance | None = None) -> Done:
    """Materialize every asset for a day, or for the days from `first` to `last`, as one run of the implicit job."""
    days = {"dagster/partition": first}
    if last:
        days = {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}
    job = defs.resolve_implicit_global_asset_job_def()
    return Done(job.execute_in_process(tags=days, instance=instance, raise_on_error=False))


def _name(key: dg.AssetKey) -> str:
    return "/".join(key.path)
