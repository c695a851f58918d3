"""The settings: one YAML file per environment, overridden by environment variables, read once into frozen objects.

The only reader of `config/` and of the environment. Here belongs what an operator may choose; what a table means is in
its own module, and the `spark.*` keys that Spark needs for speed are in `core/engine`. Importing this reads nothing.
"""

from __future__ import annotations

import datetime as dt
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import yaml
from pydantic import BaseModel, Field, ValidationError, model_validator

from project_etl import setting_types as kinds
from project_etl.core.model.nearest import nearest
from project_etl.setting_groups import AlertSettings, Frozen, PriceBands, SparkSettings

PREFIX = "PROJECT_ETL_"
DEFAULT_ENV = "local"
NOT_IN_LAKE_ROOT = "%?#[]|^\\"
# Variables with our prefix that are no settings of the platform, and what they are for.
OTHER_VARIABLES = {
    "PROJECT_ETL_ENV": "the name of the file in config/",
    "PROJECT_ETL_CONFIG_DIR": "the folder of the config files",
    "PROJECT_ETL_REALDATA": "the landing folder that the real-data test reads",
    "PROJECT_ETL_METER": "the file that says what each table of a run took (core/meter.py)",
}

Key = tuple[str, ...]  # a setting by its path: ("spark", "master")


class SettingsError(ValueError):
    """A setting is missing, unknown or wrong; the message names it, its value, what is allowed and where it is from."""


class Settings(Frozen):
    """All settings of one environment. Folders are absolute; URLs are as given."""

    env: str
    root: Path
    """The folder that relative paths start from: the one that holds the config folder, so the repository."""
    landing_root: kinds.Place = "data/landing"
    lake_root: kinds.Place = "data/lake"
    landing_moved_from: Annotated[kinds.Place | None, kinds.empty_is_none] = None
    """The landing root from which the lake was loaded before you moved it: the next load accepts the new one, and the
    lake remembers that. None refuses to load a lake from another landing root than before."""
    exports: kinds.Exports = ()
    """Where tables of Gold are exported to: any of csv, sqlite, duckdb. What leaves is in `project_etl/exports`."""
    export_root: kinds.Folder = "data/exports"
    """The folder of the exported files. Each lake needs one of its own."""
    sources: kinds.Sources = ("shop",)
    pull: kinds.Pulls = ()
    """Source that is pulled and its settings, which its module declares; secrets are named by where they are kept."""
    namespaces: kinds.Namespaces = ()
    """Source and what is put before its ids, so that order 1001 of one is not order 1001 of another. Sources with the
    same prefix mean the same things: their records are versions of one."""
    synth_url: Annotated[kinds.ShopDatabase | None, kinds.empty_is_none] = None
    """The database in which the schedule `synth_stream` keeps a made-up shop alive, for trying pulls out: a URL without
    a password, or where the URL is kept (`env:NAME`, `file:PATH`). None: there is no such schedule."""
    words_for_nothing: kinds.Words = kinds.WORDS_FOR_NOTHING
    """What stands for no value in ids, codes, numbers and instants, in whatever letters."""
    start_date: kinds.StartDate = dt.date(2025, 1, 1)
    """The first daily partition; landing days and business days before it do not exist for the platform."""
    end_date: Annotated[kinds.StartDate | None, kinds.empty_is_none] = None
    """The last daily partition, for data that end; None means that every day until today has one."""
    reporting_currency: kinds.Currency = "EUR"
    reporting_timezone: kinds.TimeZone = "UTC"
    """The time zone of business days and hours, and so of the daily partitions: what today is, and the future."""
    source_timezones: kinds.SourceZones = ()
    """Source and the time zone of its instants that name no offset; UTC where a source is not named."""
    event_types: kinds.EventTypes = kinds.TRACKER_WORDS
    """A word of a tracker, in whatever letters, and the type of event that it means: view, add_to_cart or purchase.
    These three always mean themselves."""
    settle_seconds: float = Field(default=5, ge=0, allow_inf_nan=False)
    automation: bool = False
    """Whether sensors and schedules run from the start; in the Dagster UI each can be turned on and off."""
    tick_seconds: int = Field(default=10, ge=1)
    """How often sensors look."""
    freshness_deadline: Annotated[kinds.TimeOfDay | None, kinds.empty_is_none] = None
    """The time of day (in `reporting_timezone`) by which yesterday's Gold must be there; None expects nothing."""
    vacuum_hours: float = Field(default=168, ge=24, allow_inf_nan=False)
    """How long maintenance leaves files that no newest version needs: readers of older versions need them."""
    log_days: int = Field(default=90, ge=1)
    """How long the events of a run are kept; materializations and check results are kept for good."""
    ui_url: Annotated[kinds.WebAddress | None, kinds.empty_is_none] = None
    """Where the Dagster UI is, for links in messages; None sends none."""
    alerts: AlertSettings = AlertSettings()
    price_bands: PriceBands = PriceBands()
    engine: kinds.EngineName = "auto"
    """What computes. `embedded` is Sail in this process, `spark` a JVM of this machine, `connect` the server of
    `spark.remote`, `cluster` the one of `spark.master`. `auto` takes what `spark.*` and `lake_root` ask for: where both
    are of this machine, `embedded`, and `spark` for a table that reads more than `engine_max_bytes`."""
    engine_max_bytes: int = Field(default=256 * 1024**2, ge=0)
    """With `engine: auto`, how many bytes of files (as Parquet) a table may read and still be computed embedded: that
    takes up to 30 times as much memory (docs/performance.md)."""
    spark: SparkSettings = SparkSettings()
    dagster_home: Annotated[kinds.Folder | None, kinds.empty_is_none] = None
    """Where Dagster keeps the runs of this environment; None means where `DAGSTER_HOME` says, else `root`."""
    jars_dir: kinds.Folder = ".jars"
    java_home: Annotated[kinds.Folder | None, kinds.empty_is_none] = None
    """None means that no Java was found by the set-up nor by JAVA_HOME; Spark then looks on PATH itself."""

    @model_validator(mode="after")
    def _have_namespaces(self) -> Settings:
        kinds.check_namespaces(self.sources, self.namespaces)
        return self

    @model_validator(mode="after")
    def _fit_each_other(self) -> Settings:
        if self.end_date is not None and self.end_date < self.start_date:
            raise ValueError(f"end_date is {self.end_date}: expected {self.start_date} (start_date) or later")
        if self.engine == "embedded" and not self.has_local_lake:
            raise ValueError(f"the embedded engine needs a lake on this machine; lake_root is {self.lake_root}")
        if self.engine in ("spark", "connect", "cluster") and self.engine != self.spark.place:
            raise ValueError(
                f"engine is {self.engine}, but spark.remote is {self.spark.remote} and spark.master is "
                f"{self.spark.master}, which is engine {self.spark.place}: set that, or correct spark.*"
            )
        return self

    def last_day(self, now: float | None = None) -> dt.date:
        """The last daily partition there is: today, or `end_date` once that has passed.

        Args:
            now: an instant in seconds since the epoch; None is this one.
        """
        today = self.clock(now).date()
        return min(today, self.end_date or today)

    def clock(self, now: float | None = None) -> dt.datetime:
        """What the clocks of the reporting time zone show; its date is today.

        Args:
            now: an instant in seconds since the epoch; None is this one.
        """
        return dt.datetime.fromtimestamp(time.time() if now is None else now, ZoneInfo(self.reporting_timezone))

    @property
    def program(self) -> str:
        """The command line of this environment, as a sentence names it."""
        return "project-etl" if self.env == DEFAULT_ENV else f"project-etl --env {self.env}"

    @property
    def has_local_lake(self) -> bool:
        """Whether the lake is a folder of this machine."""
        return "://" not in self.lake_root or self.lake_root.startswith("file:")

    @property
    def is_embedded(self) -> bool:
        """Whether tables that are not too large are computed in this process, without a JVM."""
        if self.engine == "auto":
            return self.has_local_lake and self.spark.place == "spark" and can_embed()
        return self.engine == "embedded"


# Only the environment may give these.
SECRETS = (("alerts", "smtp_password"), ("alerts", "webhook_url"))
# Set by load_settings, never by a file or a variable of that name.
_GIVEN = ("env", "root")


def can_embed() -> bool:
    """Whether the embedded engine is installed."""
    return find_spec("pysail") is not None


def load_settings(env: Mapping[str, str] = os.environ, config_dir: Path | None = None) -> Settings:
    """Read the settings of the environment that `PROJECT_ETL_ENV` names (`local` by default).

    Args:
        env: The environment variables; those named `PROJECT_ETL_<NAME>` override the file, a nested name with two
            underscores (`PROJECT_ETL_SPARK__MASTER`).
        config_dir: The folder of the files; by default `PROJECT_ETL_CONFIG_DIR`, else `config` beside the package,
            else `config` in the working directory.

    Raises:
        SettingsError: The file is not there or not readable, or a setting is unknown or wrong.
    """
    folder = (config_dir or _config_dir(env)).absolute()
    root = folder.parent
    path = _config_file(folder, env.get(f"{PREFIX}ENV") or DEFAULT_ENV)
    values = _read_file(path)
    variables = _overrides(env)
    for key, variable in variables.items():
        _put(values, key, env[variable], f"{path}, and the environment variable {variable}")
    try:
        settings = Settings.model_validate({**values, "env": path.stem, "root": root})
    except ValidationError as error:
        raise SettingsError(_explain(error, path, variables)) from error
    lake_root = _resolve(settings.lake_root, root)
    if settings.has_local_lake and (signs := sorted({*lake_root} & {*NOT_IN_LAKE_ROOT})):
        raise SettingsError(
            f"lake_root is {lake_root}: found {' '.join(signs)} in the folder's name, which the library that writes "
            f"Delta tables cannot read again. Expected none of {' '.join(NOT_IN_LAKE_ROOT)}: name another one ({path})."
        )
    return settings.model_copy(
        update={
            "landing_root": _resolve(settings.landing_root, root),
            "lake_root": lake_root,
            "export_root": _resolve(settings.export_root, root),
            "landing_moved_from": _resolve(settings.landing_moved_from, root) if settings.landing_moved_from else None,
            "dagster_home": _resolve(settings.dagster_home, root) if settings.dagster_home else None,
            "jars_dir": _resolve(settings.jars_dir, root),
            "java_home": _resolve(settings.java_home, root) if settings.java_home else _find_java(root, env),
        }
    )


def variable_names() -> dict[str, Key]:
    """List the environment variables that override a setting, each with the path of the setting."""
    return {PREFIX + "__".join(key).upper(): key for key in _keys(Settings) if key[0] not in _GIVEN}


def _keys(model: type[BaseModel], above: Key = ()) -> Iterator[Key]:
    for name, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from _keys(inner, (*above, name))
        else:
            yield (*above, name)


def _config_dir(env: Mapping[str, str]) -> Path:
    given = env.get(f"{PREFIX}CONFIG_DIR")
    if given:
        return Path(given).expanduser()
    beside_package = Path(__file__).resolve().parent.parent / "config"
    return beside_package if beside_package.is_dir() else Path.cwd() / "config"


def _config_file(folder: Path, name: str) -> Path:
    there = sorted(path.stem for path in folder.glob("*.yaml"))
    if name not in there:
        meant = nearest(name, there)
        hint = f"; did you mean {meant}?" if meant else "."
        raise SettingsError(
            f"{PREFIX}ENV is {name!r}, but {folder} has no {name}.yaml; there: {', '.join(there) or 'nothing'}{hint} "
            f"Set {PREFIX}ENV to one of them, or {PREFIX}CONFIG_DIR to the folder that has it."
        )
    return folder / f"{name}.yaml"


class _StrictLoader(yaml.SafeLoader):
    """YAML where a key that is given twice is an error, and not a silent choice of the last one."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                raise yaml.MarkedYAMLError(problem=f"the key {key.value!r} is there twice", problem_mark=key.start_mark)
            seen.add(str(key.value))
        return super().construct_mapping(node, deep)


def _read_file(path: Path) -> dict[str, Any]:
    """Read one file; a key without a value counts as left out, so that it has its default."""
    try:
        values = yaml.load(path.read_text(encoding="utf-8"), Loader=_StrictLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise SettingsError(f"{path}{where}: not readable as YAML: {error.problem}.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: not readable as YAML: {error}.") from error
    values = {} if values is None else values
    if not isinstance(values, dict):
        raise SettingsError(f"{path}: found {values!r}, expected settings as `key: value`.")
    for name in _GIVEN:
        if name in values:
            raise SettingsError(f"{path}: unknown setting {name!r}; the file's own name says which environment it is.")
    for *above, name in SECRETS:
        if isinstance(values.get(above[0]), Mapping) and values[above[0]].get(name) is not None:
            variable = f"{PREFIX}{'__'.join((*above, name)).upper()}"
            raise SettingsError(
                f"{path}, key {'.'.join((*above, name))}: a secret does not belong here; set {variable}."
            )
    return _without_nulls(values)


def _without_nulls(values: Mapping[Any, Any]) -> dict[str, Any]:
    return {
        str(key): _without_nulls(value) if isinstance(value, dict) else value
        for key, value in values.items()
        if value is not None
    }


def _overrides(env: Mapping[str, str]) -> dict[Key, str]:
    """Find the variables that override a setting; one with our prefix that does not is taken for a slip."""
    known = variable_names()
    found: dict[Key, str] = {}
    for variable in sorted(name for name in env if name.startswith(PREFIX) and name not in OTHER_VARIABLES):
        if variable not in known:
            hint = _nearest(variable, [*known, *OTHER_VARIABLES])
            raise SettingsError(f"unknown environment variable {variable}; {hint}. Unset it or correct its name.")
        found[known[variable]] = variable
    return found


def _put(values: dict[str, Any], key: Key, text: str, where: str) -> None:
    for name in key[:-1]:
        values = values.setdefault(name, {})
        if not isinstance(values, dict):
            raise SettingsError(f"{name} is {values!r}, expected settings as `key: value` ({where}).")
    values[key[-1]] = text


def _explain(error: ValidationError, path: Path, variables: Mapping[Key, str]) -> str:
    """Say for each wrong setting what was found, what was expected, and where it stands."""
    return "\n".join(_explain_one(each, path, variables) for each in error.errors(include_url=False))


def _explain_one(problem: Mapping[str, Any], path: Path, variables: Mapping[Key, str]) -> str:
    key = tuple(str(part) for part in problem["loc"])
    name = ".".join(key)
    if problem["type"] == "extra_forbidden":
        siblings = [each[len(key) - 1] for each in variable_names().values() if each[: len(key) - 1] == key[:-1]]
        return f"{path}: unknown setting {name!r}; {_nearest(key[-1], siblings)}."
    message = problem["msg"].removeprefix("Value error, ")
    if not key:
        return f"{path}: {message}."
    set_by = [variable for each, variable in variables.items() if each == key[: len(each)] or key == each[: len(key)]]
    where = f"environment variable {', '.join(set_by)}" if set_by else f"{path}, key {name}"
    found = "***" if problem["type"] == kinds.SECRET else repr(problem["input"])
    return f"{name} is {found}: {message} ({where})."


def _nearest(name: str, allowed: Iterable[str]) -> str:
    names = sorted(set(allowed))
    meant = nearest(name, names)
    return f"did you mean {meant}" if meant else f"there is {', '.join(names)}"


def _resolve(place: str, root: Path) -> str:
    """Make a folder absolute; a URL stays as it is."""
    return place.rstrip("/") if "://" in place else str((root / Path(place).expanduser()).resolve())


def _find_java(root: Path, env: Mapping[str, str]) -> str | None:
    """Take the Java that the set-up recorded (it looked at JAVA_HOME first), else JAVA_HOME."""
    record = root / ".java_home"
    recorded = record.read_text(encoding="utf-8").strip() if record.is_file() else ""
    return recorded if recorded and Path(recorded).is_dir() else env.get("JAVA_HOME") or None
