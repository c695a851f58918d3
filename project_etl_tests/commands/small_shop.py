"""A few assets with checks, as the platform's are, for tests of what commands do with runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import dagster as dg

from project_etl.orchestration.jobs import EVERYTHING

DAYS = dg.DailyPartitionsDefinition(start_date="2025-01-01", end_date="2025-02-01")


class Counted(dg.IOManager):
    """Keeps nothing and tells counts, as the platform's IO manager does."""

    def handle_output(self, context: dg.OutputContext, obj: Any) -> None:
        context.add_output_metadata(obj)

    def load_input(self, context: dg.InputContext) -> None:
        raise AssertionError(f"{context.asset_key} is depended on without loading")


def asset_with_check(
    name: str, *, action: str = "warn", broken: int = 0, deps: tuple[str, ...] = (), error: Exception | None = None
) -> dg.AssetsDefinition:
    """An asset `layer/name` with one check `rule`; a broken `fail` rule stops it, and so does `error`."""
    key = dg.AssetKey(name.split("/"))
    severity = dg.AssetCheckSeverity.ERROR if action == "fail" else dg.AssetCheckSeverity.WARN

    @dg.asset(
        key=key,
        deps=[dg.AssetKey(dep.split("/")) for dep in deps],
        partitions_def=DAYS,
        backfill_policy=dg.BackfillPolicy.single_run(),
        io_manager_key="counted",
        check_specs=[dg.AssetCheckSpec("rule", asset=key)],
    )
    def compute(context) -> Iterator[dg.AssetCheckResult | dg.MaterializeResult]:
        if error is not None:
            raise error
        counts = dg.TableRecord({"action": action, "broken": broken})
        yield dg.AssetCheckResult(
            passed=not broken,
            severity=severity,
            metadata={"counts": dg.MetadataValue.table([counts])},
            asset_key=key,
            description=f"{broken:,} broke a | rule",
        )
        if broken and action == "fail":
            raise dg.Failure("nothing was published", allow_retries=False)
        days = len(context.partition_keys)
        yield dg.MaterializeResult(value={"read": 10 * days, "accepted": 9 * days, "quarantined": days})

    return compute


def definitions(*assets: dg.AssetsDefinition) -> dg.Definitions:
    job = dg.define_asset_job(EVERYTHING, dg.AssetSelection.all())
    return dg.Definitions(assets=assets, jobs=[job], resources={"counted": Counted()})
