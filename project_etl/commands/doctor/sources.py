"""What `doctor` looks at of sources that are pulled: each answers, and has what is pulled of it."""

from __future__ import annotations

from collections.abc import Iterator

from project_etl.catalog import pulled, pulled_datasets, puller_of
from project_etl.commands.doctor.machine import Finding, Level
from project_etl.core.model.days import some_of
from project_etl.core.model.pull import PullError
from project_etl.settings import Settings, SettingsError

SHOWN = 10


def sources(settings: Settings) -> Iterator[Finding]:
    """Each source that is on and pulled: a finding."""
    try:
        names = pulled(settings)
    except SettingsError as error:
        yield Finding("sources", Level.FAIL, str(error), "correct the setting")
        return
    for name, (pull, _) in names.items():
        try:
            with puller_of(settings, name) as puller:
                seen = [puller.looked_at(dataset.name) for dataset in pulled_datasets(settings, name)]
        except PullError as error:
            yield Finding(name, Level.FAIL, f"cannot be pulled: {error}", f"{pull.page} has all of pull.{name}")
            continue
        yield Finding(name, Level.OK, f"{puller.address} has {some_of(seen, SHOWN)}")
