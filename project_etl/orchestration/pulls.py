"""Pulled sources as Dagster assets: one a dataset, `landing/<source>/<dataset>`, in front of its Bronze table.

A step reads what is due into landing and ends; loading is what it is for any other file. Two schedules a source: one
pulls, the other compares everything once a night. Does not belong here: what is due and how it lands (`core/extract`).
"""

# No `from __future__ import annotations` here: Dagster wants to see the class of `context`, not its name.

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg

from project_etl.catalog import pulled, pulled_datasets, puller_of
from project_etl.core.extract.pull import Pulled, PullJob, pull
from project_etl.core.extract.streaming import is_streamed
from project_etl.core.model.days import some_of
from project_etl.core.model.pull import Pull, PullError
from project_etl.core.model.source import Dataset
from project_etl.orchestration.factory import Wiring, asset_key
from project_etl.orchestration.run_tags import LAKE_TAG, require_lake
from project_etl.settings import Settings

GROUP = "landing"
IS_FRESH, NO_GAPS, NOTHING_MISSED = "is_fresh", "no_gaps", "nothing_missed"
CHECKS = {
    IS_FRESH: "The source has been read, and has something to say, up to a time that is not long ago.",
    NO_GAPS: "No slice was missing between those that have landed, and none is lost; one that was missing has been "
    "pulled again.",
    NOTHING_MISSED: "The last comparison of everything found no row that the pulls had missed.",
}
SHOWN = 5
UNFINISHED = [dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED]


class PullConfig(dg.Config):
    """What a person may ask of a pull."""

    recount: bool = False
    """Whether all that the source holds is compared with Bronze, which finds deletions and rows that were missed."""


def pull_assets(wiring: Wiring) -> list[dg.AssetsDefinition]:
    """The assets of every dataset that is pulled."""
    settings = wiring.settings
    return [
        _asset(wiring, dataset, how)
        for source, (how, _) in pulled(settings).items()
        for dataset in pulled_datasets(settings, source)
    ]


def _asset(wiring: Wiring, dataset: Dataset, how: Pull) -> dg.AssetsDefinition:
    key, settings = asset_key(dataset.landing), wiring.settings

    @dg.asset(
        key=key,
        group_name=GROUP,
        description=f"Pulls what is new in {dataset.name} of the source {dataset.source} into files in landing.",
        kinds={"python", "json"},
        owners=list(dataset.owners),
        metadata={"dagster/uri": f"{settings.landing_root}/{dataset.source}/{dataset.name}"},
        # Dagster's command line takes a range of days only when every asset has it.
        backfill_policy=dg.BackfillPolicy.single_run(),
        freshness_policy=dg.FreshnessPolicy.time_window(fail_window=how.fresh),
        pool=dataset.landing.replace("/", "_"),
        check_specs=[dg.AssetCheckSpec(check, asset=key, description=said) for check, said in CHECKS.items()],
    )
    def compute(
        context: dg.AssetExecutionContext, config: PullConfig
    ) -> Iterator[dg.AssetCheckResult | dg.MaterializeResult[Any]]:
        require_lake(context.run, wiring.lake.root)
        job = PullJob(wiring.lake, settings.landing_root, dataset, config.recount)
        try:
            with puller_of(settings, dataset.source) as puller:
                done = pull(job, puller)
        except PullError as error:
            # The next pull takes what this one did not: trying again at once is the schedule's business.
            raise dg.Failure(f"{dataset.source} cannot be pulled: {error}.", allow_retries=False) from error
        for line in lines(done):
            context.log.info(line)
        yield dg.MaterializeResult(metadata=metadata_of(done))
        for check, (is_fine, said) in verdicts(done, how).items():
            yield dg.AssetCheckResult(
                asset_key=key,
                check_name=check,
                passed=is_fine,
                severity=dg.AssetCheckSeverity.WARN,
                description=said,
            )

    return compute


def lines(done: Pulled) -> Iterator[str]:
    """What came of a pull, for people."""
    name = f"{done.dataset.source}/{done.dataset.name}"
    for each in done.files:
        yield f"{name}: {each.records:,} records in {each.path}"
    if not done.files:
        yield f"{name}: nothing new"
    if done.waits:
        yield f"{name}: not compared yet, for {done.waits}"
    yield from (f"{name}: {note}" for note in done.notes)


def metadata_of(done: Pulled) -> dict[str, Any]:
    """What Dagster keeps of a pull."""
    return {
        "read": done.records,
        "published": done.records,
        "files": len(done.files),
        "bytes": sum(each.size_bytes for each in done.files),
        "paths": [each.path for each in done.files[:SHOWN]],
        "is_unchanged": not done.files,
        **({"read_until": dg.MetadataValue.timestamp(done.until)} if done.until else {}),
        **({"waits_for": done.waits} if done.waits else {}),
        **({"notes": "\n".join(done.notes)} if done.notes else {}),
    }


def verdicts(done: Pulled, how: Pull) -> dict[str, tuple[bool, str]]:
    """Check → whether it holds, and why in words."""
    gaps = [each.slice.note for each in done.landed if each.slice.gap or each.slice.lost]
    others = [note for note in done.notes if note not in gaps]
    is_fresh = done.until is not None and datetime.now(UTC) - done.until <= how.fresh
    ends = f"read until {done.until:%Y-%m-%d %H:%M} UTC" if done.until else "nothing has been read yet"
    return {
        IS_FRESH: (is_fresh, f"{ends}; expected within {_hours(how.fresh)}"),
        NO_GAPS: (not gaps, some_of(gaps, SHOWN) if gaps else "none"),
        NOTHING_MISSED: (not others, some_of(others, SHOWN) if others else "none that this run has seen"),
    }


def _hours(span: timedelta) -> str:
    return f"{span / timedelta(hours=1):.0f} hours"


def pull_schedules(settings: Settings, lake_root: str) -> list[dg.ScheduleDefinition]:
    """The schedules of every source that is pulled: `<source>_etl`, and `<source>_recount` where it has a use."""
    found: list[dg.ScheduleDefinition] = []
    for source, (how, options) in pulled(settings).items():
        names = [dataset.landing for dataset in pulled_datasets(settings, source)]
        said = f"Pulls what is new in {source}; the sensors load what has landed."
        found.append(_schedule(settings, source, f"{source}_etl", how.every, names, lake_root, said))
        if how.recounts(options):
            said = f"Compares all that {source} holds with Bronze: deletions, and rows that were missed."
            recount = _schedule(
                settings, source, f"{source}_recount", how.recounts(options), names, lake_root, said, recount=True
            )
            found.append(recount)
    return found


def _schedule(
    settings: Settings,
    source: str,
    name: str,
    cron: str,
    names: list[str],
    lake_root: str,
    said: str,
    *,
    recount: bool = False,
) -> dg.ScheduleDefinition:
    tags = {LAKE_TAG: lake_root}

    @dg.schedule(
        name=name,
        target=dg.AssetSelection.assets(*map(asset_key, names)),
        cron_schedule=cron,
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING if settings.automation else dg.DefaultScheduleStatus.STOPPED,
        description=said,
    )
    def schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        mine = dg.RunsFilter(tags={**tags, "dagster/schedule_name": name}, statuses=UNFINISHED)
        if runs := context.instance.get_run_ids(mine, limit=1):
            return dg.SkipReason(f"the run {runs[0]} of an earlier tick has not ended")
        if is_streamed(lake_root, source):
            return dg.SkipReason(f"`project-etl stream` reads {source} on this machine")
        return dg.RunRequest(tags=tags, run_config=recount_config(names) if recount else {})

    return schedule


def recount_config(names: list[str]) -> dict[str, Any]:
    """The configuration of a run in which some datasets (by their assets) are compared with Bronze."""
    return {"ops": {name.replace("/", "__"): {"config": {"recount": True}} for name in names}}
