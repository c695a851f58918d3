"""What a single setting may be: its type, the check of its value, and the words for what is expected.

Nothing is read here, and no setting is named: names, defaults and reading are in `settings.py`.
"""

from __future__ import annotations

import datetime as dt
import json
import re
import zoneinfo
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal, cast

from pydantic import AfterValidator, BeforeValidator, InstanceOf, ValidationError
from pydantic_core import PydanticCustomError

from project_etl import sources
from project_etl.core.export.base import TARGETS
from project_etl.core.extract.secret import is_reference
from project_etl.core.model.modules import module_names, module_of
from project_etl.core.model.nearest import nearest
from project_etl.core.model.pull import PullOptions
from project_etl.core.transforms.iso import CURRENCIES
from project_etl.core.transforms.words import NOTHING

EngineName = Literal["auto", "embedded", "spark", "connect", "cluster"]
SOURCES = module_names(sources)
WORDS_FOR_NOTHING = NOTHING
# Those of silver/events, which is not loaded for them.
EVENT_TYPES = ("view", "add_to_cart", "purchase")
TRACKER_WORDS = (("page_view", "view"), ("view_item", "view"))


# Kinds of records that are known by days and codes, which mean the same everywhere.
NATURAL = frozenset({"fx_rates"})


def iso_date(value: object) -> object:
    """Take a date only as YYYY-MM-DD: pydantic alone would read the number 20250101 as seconds since 1970."""
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return value
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
        return dt.date.fromisoformat(value)
    raise ValueError("expected a date as YYYY-MM-DD, such as 2025-01-01")


def source_list(value: object) -> object:
    """Take a list, or a text with commas (as environment variables give it)."""
    if isinstance(value, str):
        value = [part.strip() for part in value.split(",") if part.strip()]
    if not isinstance(value, (list, tuple)) or not value:
        raise ValueError(f"expected one or more of {', '.join(SOURCES)}")
    if unknown := [str(name) for name in value if name not in SOURCES]:
        raise ValueError(f"expected one or more of {', '.join(SOURCES)}, found {', '.join(unknown)}")
    repeated = sorted({str(name) for name in value if value.count(name) > 1})
    if repeated:
        raise ValueError(f"expected each source once, found {', '.join(repeated)} more than once")
    return tuple(value)


def target_list(value: object) -> object:
    """Take a list, or a text with commas, of targets of exports; none is a choice, too."""
    names = name_list(value)
    if not isinstance(names, list | tuple):
        raise ValueError(f"expected any of {', '.join(TARGETS)}")  # noqa: TRY004 - as in `_mapping`
    if unknown := [str(name) for name in names if name not in TARGETS]:
        meant = _meant(unknown[0], TARGETS)
        raise ValueError(f"expected any of {', '.join(TARGETS)}, found {', '.join(unknown)}{meant}")
    return tuple(dict.fromkeys(names))


def name_list(value: object) -> object:
    """Take a list, or a text with commas (as environment variables give it)."""
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def _mapping(value: object, expected: str) -> Mapping[Any, Any]:
    """A mapping, or the one whose JSON text is given."""
    try:
        value = json.loads(value or "{}") if isinstance(value, str) else value
    except json.JSONDecodeError:
        value = None
    if not isinstance(value, Mapping):
        # pydantic turns a ValueError into a message, and lets a TypeError through.
        raise ValueError(f"expected {expected}")  # noqa: TRY004
    return cast("Mapping[Any, Any]", value)


def namespace_list(value: object) -> object:
    """Take a mapping of sources to prefixes, or its JSON text, as pairs, which cannot change."""
    if isinstance(value, tuple):
        return value
    value = _mapping(value, 'a prefix for each source, as JSON: {"shop": "", "online_retail": "or-"}')
    if unknown := [str(name) for name in value if name not in SOURCES]:
        raise ValueError(f"expected sources, of which there is {', '.join(SOURCES)}; found {', '.join(unknown)}")
    for name, prefix in value.items():
        if not re.fullmatch(NAMESPACE, str(prefix)):
            raise ValueError(
                f"expected of the prefix of {name} letters and digits, then one of - _ . : (such as or-), or nothing; "
                f"found {str(prefix)!r}"
            )
    return tuple((str(name), str(prefix)) for name, prefix in value.items())


def time_zone(value: object) -> str:
    """Take the name of a time zone as IANA writes it."""
    names = zoneinfo.available_timezones() - NO_ZONES
    if not isinstance(value, str) or value not in names:
        raise ValueError(f"expected a time zone by its IANA name, such as Europe/Berlin{_meant(value, names)}")
    return value


def _meant(value: object, known: Iterable[str]) -> str:
    """The end of a message that names the known value that is meant; empty when none is like it."""
    meant = nearest(str(value), known)
    return f"; did you mean {meant}?" if meant else ""


def zone_list(value: object) -> object:
    """Take a mapping of sources to time zones, or its JSON text, as pairs, which cannot change."""
    if isinstance(value, tuple):
        return value
    value = _mapping(value, 'a time zone for each source, as JSON: {"shop": "Europe/Berlin"}')
    for name, zone in value.items():
        if name not in SOURCES:
            known = ", ".join(SOURCES)
            raise ValueError(f"expected sources, of which there is {known}; found {name}{_meant(name, SOURCES)}")
        try:
            time_zone(zone)
        except ValueError as error:
            raise ValueError(f"the time zone of {name} is {zone!r}: {error}") from error
    return tuple((str(name), str(zone)) for name, zone in value.items())


def check_namespaces(names: Sequence[str], namespaces: Iterable[tuple[str, str]]) -> None:
    """Ask of sources that feed one kind of records whether their ids mean the same things.

    Raises:
        ValueError: of one of them nothing is said, or one holds ids of a source of which nothing is said.
    """
    given = dict(namespaces)
    _check_owners(names, given)
    if len(names) == 1 or all(name in given for name in names):
        return
    records = {name: frozenset(module_of(sources, name).SOURCE.feeds) - NATURAL for name in names}
    for name in names:
        others = [each for each in names if each != name and records[each] & records[name]]
        if others and name not in given:
            line = ", ".join(f'{each}: "{given.get(each, _proposed(each, names))}"' for each in names)
            raise ValueError(
                f"order 1001 of {name} would be taken for order 1001 of {others[0]}, for namespaces has no {name}. "
                f"Add `namespaces: {{{line}}}`, or give both the same prefix if their ids mean the same"
            )


def _check_owners(names: Sequence[str], given: Mapping[str, str]) -> None:
    """Ask of a source that holds ids of another one which prefix these have, where there are several."""
    for name in names if len(names) > 1 else ():
        for dataset in module_of(sources, name).SOURCE.datasets:
            for column, owner in dataset.ids_of.items():
                if owner not in names and owner not in given:
                    raise ValueError(
                        f"{column} of {name} holds ids of {owner}, which is not on: say in `namespaces` which prefix "
                        f'those have, `{owner}: ""` or that of the source that they are of, or turn {owner} on'
                    )


def _proposed(source: str, names: Sequence[str]) -> str:
    """A prefix for a source: none for the first one, so that what is there keeps its ids."""
    return "" if source == names[0] else "".join(word[0] for word in source.split("_")) + "-"


def pull_list(value: object) -> object:
    """Take a mapping of sources that are pulled to their settings, or its JSON text, as pairs, which cannot change."""
    if isinstance(value, tuple):
        return value
    found: list[tuple[str, PullOptions]] = []
    for name, given in _mapping(value, 'settings for each source that is pulled: {"oltp": {"url": "…"}}').items():
        if name not in SOURCES:
            known = ", ".join(SOURCES)
            raise ValueError(f"expected sources, of which there is {known}; found {name}{_meant(name, SOURCES)}")
        pull = module_of(sources, name).SOURCE.pull
        if pull is None:
            raise ValueError(f"{name} is not pulled: somebody brings its files, so it has no settings here")
        try:
            found.append((str(name), pull.options.model_validate(given or {})))
        except ValidationError as error:
            # What was found may be a secret in the wrong place.
            why = "; ".join(_unshown(f"pull.{name}", each) for each in error.errors(include_url=False))
            raise PydanticCustomError(SECRET, "{why}", {"why": why}) from error
    return tuple(found)


def _unshown(path: str, problem: Mapping[str, Any]) -> str:
    """What is wrong with a setting of a source, without its value."""
    where = ".".join([path, *map(str, problem["loc"])])
    known = {"missing": "it is not set", "extra_forbidden": "there is no such setting"}
    return f"{where}: {known.get(problem['type'], problem['msg'].removeprefix('Value error, '))}"


def word_list(value: object) -> object:
    """Take a list, or a text with commas, of words in whatever letters."""
    words = name_list(value)
    if not isinstance(words, list | tuple) or not words:
        raise ValueError("expected one word or more: ['null', '-']")
    if wrong := [word for word in words if not isinstance(word, str) or not word.strip()]:
        raise ValueError(f"expected words, in quotes where YAML reads something else ('null'); found {wrong[0]!r}")
    return tuple(word.strip().lower() for word in words)


def event_type_list(value: object) -> object:
    """Take a mapping of a tracker's words, in whatever letters, to types of events, or its JSON text, as pairs."""
    if isinstance(value, tuple):
        return value
    value = _mapping(value, 'words and the type of event that each means, as JSON: {"page_view": "view"}')
    types = ", ".join(EVENT_TYPES)
    found: dict[str, str] = {}
    for key, meant in value.items():
        word = str(key).strip().lower()
        if meant not in EVENT_TYPES:
            raise ValueError(f"expected of {key} one of {types}; found {meant!r}{_meant(meant, EVENT_TYPES)}")
        if word in EVENT_TYPES and word != meant:
            raise ValueError(f"expected words beside {types}, which mean themselves; found {key}: {meant}")
        if found.setdefault(word, str(meant)) != meant:
            raise ValueError(f"expected one meaning of {word}; found {found[word]} and {meant}")
    return tuple(sorted(found.items()))


# The sign at its end keeps one prefix from being the beginning of another.
NAMESPACE = "([A-Za-z0-9]+[-_.:])?"
# Files beside those of zones: they say something else on another machine, or nothing.
NO_ZONES = {"localtime", "Factory"}
# The kind of an error whose value is not shown.
SECRET = "secret"
# Keys of Spark and Hadoop whose values are secrets; those that name a file or a class of ours are none.
SECRET_KEYS = r"(secret|password|token|access\.key|account\.key[^.]*)([.][^.]+)*$(?<!file)(?<!path)"


def spark_conf(value: object) -> object:
    """Take a mapping, or its JSON text, as pairs, which cannot change; values are written as Spark does (`true`)."""
    if isinstance(value, tuple):
        return value
    value = _mapping(value, 'a mapping of Spark keys, as JSON: {"spark.sql.ansi.enabled": "true"}')
    own = {"spark.master", "spark.remote", "spark.driver.memory"} & set(value)
    if own:
        raise ValueError(f"{', '.join(sorted(own))} has a setting of its own: spark.master, remote, driver_memory")
    wrong = [str(key) for key in value if not str(key).startswith("spark.")]
    if wrong:
        raise ValueError(f"expected keys that start with spark., found {', '.join(wrong)}")
    if secret := [key for key in map(str, value) if re.search(SECRET_KEYS, key, re.IGNORECASE)]:
        raise PydanticCustomError(
            SECRET,
            "{keys}: a secret does not belong here, for it would be seen in the list of processes. "
            "Let Spark take it from its own place, such as the variables AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
            "or the file that spark.hadoop.hadoop.security.credential.provider.path names",
            {"keys": ", ".join(secret)},
        )
    return tuple((key, json.dumps(each) if isinstance(each, bool) else str(each)) for key, each in value.items())


def _matches(pattern: str, expected: str) -> AfterValidator:
    """Make a check of a whole text, with a message that people understand."""

    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise ValueError(f"expected {expected}")
        return value

    return AfterValidator(check)


def database_url(value: str) -> str:
    """Take a database's URL without a password, or a reference to one."""
    if is_reference(value):
        return value
    # Not shown: it may hold a secret.
    if re.search(r"://[^@]*:.*@|[?&]password=", value):
        raise PydanticCustomError(
            SECRET, "it holds a password: keep the whole URL elsewhere, and give env:NAME or file:PATH", {}
        )
    if not re.fullmatch(r"[a-z][a-z0-9]*(\+[a-z0-9]+)?://\S+", value):
        raise PydanticCustomError(
            SECRET, "expected a URL such as postgresql+psycopg://shop@localhost/shop, env:NAME or file:PATH", {}
        )
    return value


# An optional setting that a file gives can be taken back by an empty variable.
empty_is_none = BeforeValidator(lambda value: None if value == "" else value)
StartDate = Annotated[dt.date, BeforeValidator(iso_date)]
Sources = Annotated[tuple[str, ...], BeforeValidator(source_list)]
Exports = Annotated[tuple[str, ...], BeforeValidator(target_list)]
Namespaces = Annotated[tuple[tuple[str, str], ...], BeforeValidator(namespace_list)]
ShopDatabase = Annotated[str, AfterValidator(database_url)]
Pulls = Annotated[tuple[tuple[str, InstanceOf[PullOptions]], ...], BeforeValidator(pull_list)]
TimeZone = Annotated[str, BeforeValidator(time_zone)]
SourceZones = Annotated[tuple[tuple[str, str], ...], BeforeValidator(zone_list)]
EventTypes = Annotated[tuple[tuple[str, str], ...], BeforeValidator(event_type_list)]
Words = Annotated[tuple[str, ...], BeforeValidator(word_list)]
Address = Annotated[str, _matches(r"[^@\s]+@[^@\s]+", "an e-mail address")]
Addresses = Annotated[tuple[Address, ...], BeforeValidator(name_list)]
TimeOfDay = Annotated[str, _matches(r"([01]\d|2[0-3]):[0-5]\d", "a time of day as HH:MM, such as 09:00")]
SparkConf = Annotated[tuple[tuple[str, str], ...], BeforeValidator(spark_conf)]
Folder = Annotated[str, _matches(r"(?![a-z][a-z0-9+.-]+:).+", "a folder on this machine")]
Place = Annotated[
    str, _matches(r"[a-z][a-z0-9+.-]*://.+|(?![a-z][a-z0-9+.-]+:).+", "a folder or a URL such as s3a://bucket/folder")
]
Currency = Annotated[str, _matches("|".join(CURRENCIES), "an ISO 4217 code in capital letters, such as EUR")]
WebAddress = Annotated[str, _matches(r"https?://[^\s]+", "a web address such as http://localhost:3000")]
Remote = Annotated[str, _matches(r"sc://[^/\s]+.*", "the URL of a Spark Connect server, sc://host:port")]
Memory = Annotated[str, _matches(r"[1-9]\d*[kmgt]", "a size such as 2g or 512m")]
Master = Annotated[
    str,
    _matches(
        r"local(\[(\*|[1-9]\d*)(,\d+)?\])?|spark://.+|yarn|k8s://.+",
        "a Spark master: local[*], local[4], spark://host:port, yarn or k8s://…",
    ),
]
