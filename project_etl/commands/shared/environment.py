"""What commands start from: the settings of an environment, Dagster's instance, and the lake without Spark."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from project_etl.core.lake import TableStore
from project_etl.settings import PREFIX, Settings, load_settings

if TYPE_CHECKING:
    import dagster as dg

# Dagster's own variable: the folder of its memory of runs.
DAGSTER_HOME = "DAGSTER_HOME"
DAGSTER_FILE = "dagster.yaml"


def settings_of(env: str | None = None, overrides: Mapping[str, str] | None = None) -> Settings:
    """Load the settings of an environment.

    Args:
        env: name of the file in `config/`; None means what `PROJECT_ETL_ENV` says.
        overrides: setting (as in `PROJECT_ETL_<NAME>`, without the prefix) → value, over the file and the environment.

    Raises:
        SettingsError: a setting is wrong.
    """
    chosen = {f"{PREFIX}ENV": env} if env else {}
    values = {f"{PREFIX}{name}": value for name, value in (overrides or {}).items()}
    return load_settings({**os.environ, **chosen, **values})


def dagster_home(settings: Settings) -> Path:
    """The folder in which Dagster keeps runs: the environment's own, else `DAGSTER_HOME`, else the repository."""
    return Path(settings.dagster_home or os.environ.get(DAGSTER_HOME) or settings.root).expanduser()


def dagster_instance(settings: Settings) -> dg.DagsterInstance:
    """Open Dagster's memory of runs; used as a context manager."""
    return instance_in(prepared_home(settings))


def prepared_home(settings: Settings) -> Path:
    """The folder in which Dagster keeps runs, made where it is missing; an environment's own has `dagster.yaml` too."""
    home = dagster_home(settings)
    home.mkdir(parents=True, exist_ok=True)
    file, common = home / DAGSTER_FILE, settings.root.resolve() / DAGSTER_FILE
    if settings.dagster_home and common.is_file() and not file.is_file():
        # A link, so that what is changed in the repository's file holds for every environment; a relative one, so that
        # the repository may be moved. Another command may make it at the same time.
        file.unlink(missing_ok=True)
        with suppress(FileExistsError):
            file.symlink_to(os.path.relpath(common, home))
    return home


def instance_in(home: Path) -> dg.DagsterInstance:
    """Open Dagster's memory in a folder, which from now on is `DAGSTER_HOME`, since dagster.yaml names it so."""
    import dagster as dg

    os.environ[DAGSTER_HOME] = str(home)
    return dg.DagsterInstance.from_config(str(home))


def lake_without_spark(settings: Settings) -> TableStore:
    """The lake for looking only: it has no engine."""
    return TableStore(settings.lake_root)
