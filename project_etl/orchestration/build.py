"""Building the Definitions from settings.

Belongs here: putting assets, jobs and resources together. Does not belong here: what any of them does.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import dagster as dg

from project_etl.catalog import datasets_of, exports, pull_names, tables, targets_of
from project_etl.orchestration.alerts.sensor import alerts_sensor
from project_etl.orchestration.daily_load import daily_load
from project_etl.orchestration.exports import GROUP as EXPORTS
from project_etl.orchestration.exports import export_asset
from project_etl.orchestration.factory import (
    IO_MANAGER_KEY,
    Wiring,
    bronze_asset,
    gold_asset,
    quarantine_spec,
    silver_asset,
)
from project_etl.orchestration.io_manager import DeltaIOManager
from project_etl.orchestration.jobs import DESCRIPTIONS, LAYERS, ONE_PROCESS, PROCESS_A_STEP
from project_etl.orchestration.maintenance import maintenance
from project_etl.orchestration.partitions import daily_partitions
from project_etl.orchestration.pulls import GROUP as PULLS
from project_etl.orchestration.pulls import pull_assets, pull_schedules
from project_etl.orchestration.resources import lake_of, spark_resource
from project_etl.orchestration.sensors.changed_days import Gold, changed_days_sensor
from project_etl.orchestration.sensors.new_files import Loads, new_files_sensor
from project_etl.orchestration.synth_stream import synth_stream
from project_etl.settings import Settings


def build_defs(settings: Settings, *, resources: Mapping[str, Any] | None = None) -> dg.Definitions:
    """Build all assets, checks and jobs for one set of settings.

    Args:
        settings: the settings.
        resources: replacements for `spark` (a `LazyPySparkResource`), for tests.
    """
    # Features that are used on purpose while Dagster calls them beta: a note for each asset would bury what a run says.
    for category in (dg.BetaWarning, dg.PreviewWarning):
        warnings.filterwarnings("ignore", category=category)
    spark = (resources or {}).get("spark") or spark_resource(settings)
    lake = lake_of(settings, spark)
    wiring = Wiring(settings, lake, daily_partitions(settings))
    declared = tables()
    assets, of_pulls = pull_assets(wiring), pull_names(settings)
    assets += [
        bronze_asset(wiring, dataset, deps=(dataset.landing,) if dataset.landing in of_pulls else ())
        for dataset in datasets_of(settings.sources)
    ]
    assets += [silver_asset(wiring, table) for table in declared if table.layer == "silver"]
    assets += [gold_asset(wiring, table, declared) for table in declared if table.layer == "gold"]
    assets += [export_asset(wiring, target, exports(), declared) for target in targets_of(settings)]
    # A history whose sister keeps the same records out has no quarantine of its own.
    kept_out = [quarantine_spec(wiring, table) for table in declared if table.layer == "silver" and not table.sister]
    # Groups that are empty where nothing of theirs is on.
    may_be_empty = {EXPORTS: settings.exports, PULLS: of_pulls}
    loads, gold = Loads(settings, lake, declared), Gold(settings, lake, declared)
    return dg.Definitions(
        assets=[*assets, *kept_out],
        jobs=[
            dg.define_asset_job(
                name,
                dg.AssetSelection.groups(layer) if layer else dg.AssetSelection.all(),
                description=DESCRIPTIONS[name],
            )
            for name, layer in LAYERS.items()
            if may_be_empty.get(layer, True)
        ],
        sensors=[
            new_files_sensor(loads),
            changed_days_sensor(gold),
            alerts_sensor(settings, lake, declared),
        ],
        schedules=[
            daily_load(loads, gold),
            maintenance(settings, lake, declared),
            *pull_schedules(settings, lake.root),
            *([synth_stream(settings.synth_url)] if settings.synth_url else []),
        ],
        resources={"spark": spark, IO_MANAGER_KEY: DeltaIOManager(lake)},
        executor=PROCESS_A_STEP if settings.spark.place == "connect" else ONE_PROCESS,
    )
