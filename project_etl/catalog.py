"""What there is: the Silver and Gold tables and the sources, one module each, found by looking.

Belongs here: finding them, and what follows from both. Does not belong here: anything Dagster, so that commands which
only look start without it.
"""

from __future__ import annotations

from collections.abc import Collection, Generator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from project_etl import exports as exported_tables
from project_etl import gold, silver, sources
from project_etl.core.bronze import file_table
from project_etl.core.bronze.landing_root import LandingRoot
from project_etl.core.bronze.plan import BronzeJob
from project_etl.core.export import Export, Target
from project_etl.core.export import base as export_base
from project_etl.core.export.push import exported, is_stale, target_of
from project_etl.core.lake import TableStore
from project_etl.core.model.modules import module_names, module_of, modules_of
from project_etl.core.model.pull import Pull, Puller, PullOptions
from project_etl.core.model.records import Feed
from project_etl.core.model.source import Dataset, Source
from project_etl.core.model.staged import Run
from project_etl.core.model.table import Table, from_module, with_sisters
from project_etl.core.silver.plan import Behind, SilverJob, behind
from project_etl.core.staleness import Staleness
from project_etl.settings import Settings, SettingsError

# The kind of records that a CRM has.
CRM = "crm_contacts"


def tables() -> tuple[Table, ...]:
    """Every Silver and Gold table: one module each."""
    return with_sisters([from_module(module) for package in (silver, gold) for module in modules_of(package)])


def table_names(names: Collection[str]) -> tuple[str, ...]:
    """Every table that is materialized with those sources on, in the order of the layers."""
    found = [dataset.bronze for dataset in datasets_of(names)]
    return (*found, *(table.name for layer in ("silver", "gold") for table in tables() if table.layer == layer))


def exports() -> tuple[Export, ...]:
    """What leaves the lake: one module each."""
    return tuple(export_base.from_module(module) for module in modules_of(exported_tables))


def asset_names(settings: Settings) -> tuple[str, ...]:
    """All that a run may make: what is pulled, every table, and every target that is on."""
    return (*pull_names(settings), *table_names(settings.sources), *export_names(settings))


def pull_names(settings: Settings) -> tuple[str, ...]:
    """The assets of the datasets that are pulled."""
    return tuple(dataset.landing for name in pulled(settings) for dataset in pulled_datasets(settings, name))


def pulled(settings: Settings) -> dict[str, tuple[Pull, PullOptions]]:
    """The sources that are on and pulled, each with its settings.

    Raises:
        SettingsError: one has settings that it cannot be pulled without, and they are not given.
    """
    given, found = dict(settings.pull), dict[str, tuple[Pull, PullOptions]]()
    for name in settings.sources:
        pull = source_named(name).pull
        if pull is None:
            continue
        try:
            found[name] = pull, given[name] if name in given else pull.options()
        except ValidationError as error:
            needed = ", ".join(f"{each['loc'][0]}: …" for each in error.errors())
            raise SettingsError(
                f"The source {name} is on, and nothing says where it is pulled from. Add "
                f"`pull: {{{name}: {{{needed}}}}}` to config/{settings.env}.yaml, or take {name} out of `sources`."
            ) from error
    return found


def pulled_datasets(settings: Settings, source: str) -> tuple[Dataset, ...]:
    """The datasets of a pulled source that are pulled."""
    pull, options = pulled(settings)[source]
    left_out = pull.left_out(options)
    return tuple(dataset for dataset in source_named(source).datasets if dataset.name not in left_out)


@contextmanager
def puller_of(settings: Settings, source: str, *, streams: bool = False) -> Generator[Puller]:
    """A source that is pulled, for the length of a block.

    Args:
        settings: the settings.
        source: its name.
        streams: whether its pulls wait for what comes; only one of `streamed` can.

    Raises:
        PullError: it cannot be pulled as its settings say.
    """
    pull, options = pulled(settings)[source]
    connect = pull.stream if streams else pull.connect
    assert connect is not None, source
    with connect(options, settings.start_date) as puller:
        yield puller


def streamed(settings: Settings) -> dict[str, Pull]:
    """The pulled sources that can be read without an end."""
    return {name: pull for name, (pull, _) in pulled(settings).items() if pull.stream}


def export_names(settings: Settings) -> tuple[str, ...]:
    """The assets of the targets that are on."""
    return tuple(f"export/{name}" for name in settings.exports)


def targets_of(settings: Settings) -> tuple[Target, ...]:
    """The targets that are on."""
    return tuple(target_of(name, settings.export_root) for name in settings.exports)


def stale_exports(
    lake: TableStore, settings: Settings, of: Sequence[Table], stale: Collection[str] = ()
) -> tuple[str, ...]:
    """The assets of those targets that are not what they would be once some stale tables are computed.

    Args:
        lake: the lake.
        settings: the settings.
        of: all tables.
        stale: Gold tables that are stale.
    """
    found: list[str] = []
    declared = exports() if settings.exports else ()
    for target in targets_of(settings):
        taken = [each for each in declared if target.name in each.to]
        follows = any(name in stale for each in taken for name in each.inputs)
        if follows or is_stale(exported(lake, taken, of, target), target):
            found.append(f"export/{target.name}")
    return tuple(found)


def source_names() -> tuple[str, ...]:
    """The name of every source; none is loaded."""
    return module_names(sources)


def source_named(name: str) -> Source:
    """The source of that name: a module that has a `SOURCE`. No other source is loaded.

    Raises:
        ModuleNotFoundError: there is none; settings only let known names through.
    """
    return module_of(sources, name).SOURCE


def feeds_of(table: Table, settings: Settings) -> tuple[Feed, ...]:
    """The feeds of a Silver table's records from those sources that are on; none for a Gold table."""
    if table.records is None:
        return ()
    kind, nothing = table.records.name, settings.words_for_nothing
    prefixes, zones = dict(settings.namespaces), dict(settings.source_timezones)
    named = {name: source_named(name) for name in settings.sources}
    feeding = [name for name, source in named.items() if kind in source.feeds]
    is_natural = table.records.are_natural(table.keys)
    return tuple(
        replace(
            feeds[kind],
            prefix=prefixes.get(name, ""),
            prefixes={column: prefixes.get(of, "") for column, of in feeds[kind].ids_of.items()},
            nothing=nothing,
            zone=zones.get(name, ""),
            precedence=feeding.index(name) if is_natural else 0,
        )
        for name in sorted(feeding)
        for feeds in (named[name].feeds, named[name].also)
        if kind in feeds
    )


def datasets_of(names: Collection[str]) -> tuple[Dataset, ...]:
    """Every dataset of those sources that are on."""
    return tuple(dataset for name in names for dataset in source_named(name).datasets)


def parameters_of(settings: Settings) -> dict[str, Any]:
    """The settings that transforms may take as keyword arguments."""
    bands = settings.price_bands
    return {
        "reporting_currency": settings.reporting_currency,
        "reporting_timezone": settings.reporting_timezone,
        "price_low": bands.low,
        "price_high": bands.high,
        "start_date": settings.start_date,
        "event_types": settings.event_types,
        "has_crm": any(CRM in source_named(name).feeds for name in settings.sources),
    }


def staleness_of(lake: TableStore, settings: Settings, of: Collection[Table]) -> Staleness:
    """Which of some tables and their days are stale, by some settings."""
    by_name = {table.name: table for table in of}
    return Staleness(lake, by_name, parameters_of(settings), settings.reporting_timezone)


def bronze_job(lake: TableStore, dataset: Dataset, settings: Settings, days: tuple[str, ...], run: Run) -> BronzeJob:
    """What materializes a Bronze table for some landing days."""
    moved_from = settings.landing_moved_from
    customer = dataset.person.column if dataset.person else None
    customers_of = dataset.source if customer is None else dataset.ids_of.get(customer, dataset.source)
    prefix, nothing = dict(settings.namespaces).get(customers_of, ""), settings.words_for_nothing
    landing, seconds = settings.landing_root, settings.settle_seconds
    return BronzeJob(lake, dataset, landing, days, run, seconds, moved_from, prefix, nothing)


def landing_refusal(lake: TableStore, settings: Settings) -> str:
    """Why the lake may not be loaded from the landing root of some settings; empty when it may."""
    landing = LandingRoot(settings.lake_root, settings.landing_root, settings.landing_moved_from)
    return file_table.landing_refusal(lake, landing)


def silver_job(lake: TableStore, table: Table, settings: Settings, days: tuple[str, ...], run: Run) -> SilverJob:
    """What materializes a Silver table for some landing days, from those sources that are on."""
    return SilverJob(
        lake, table, feeds_of(table, settings), days, run, settings.start_date, settings.reporting_timezone
    )


def silver_behind(lake: TableStore, of: Collection[Table], settings: Settings) -> dict[str, Behind]:
    """What each of some Silver tables has not taken in, be it nothing."""
    run = Run("looking", parameters=parameters_of(settings))
    return {table.name: behind(silver_job(lake, table, settings, (), run)) for table in of}
