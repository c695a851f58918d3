"""What a single setting may be: its type, the check of its value, and the words for what is expected.

Nothing is read here, and no setting is named: names, defaults and reading are in `settings.py`.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator
from pydantic_core import PydanticCustomError

from project_etl import sources
from project_etl.core.model.modules import module_names
from project_etl.core.transforms.iso import CURRENCIES

EngineName = Literal["auto", "embedded", "spark", "connect", "cluster"]
SOURCES = module_names(sources)


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


def name_list(value: object) -> object:
    """Take a list, or a text with commas (as environment variables give it)."""
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


# The kind of an error whose value is not shown.
SECRET = "secret"
# Keys of Spark and Hadoop whose values are secrets; those that name a file or a class of ours are none.
SECRET_KEYS = r"(secret|password|token|access\.key|account\.key[^.]*)([.][^.]+)*$(?<!file)(?<!path)"


def spark_conf(value: object) -> object:
    """Take a mapping, or its JSON text, as pairs, which cannot change; values are written as Spark does (`true`)."""
    if isinstance(value, tuple):
        return value
    try:
        value = json.loads(value or "{}") if isinstance(value, str) else value
    except json.JSONDecodeError:
        value = None
    if not isinstance(value, Mapping):
        # pydantic turns a ValueError into a message, and lets a TypeError through.
        raise ValueError('expected a mapping of Spark keys, as JSON: {"spark.sql.ansi.enabled": "true"}')  # noqa: TRY004
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


# An optional setting that a file gives can be taken back by an empty variable.
empty_is_none = BeforeValidator(lambda value: None if value == "" else value)
StartDate = Annotated[dt.date, BeforeValidator(iso_date)]
Sources = Annotated[tuple[str, ...], BeforeValidator(source_list)]
Address = Annotated[str, _matches(r"[^@\s]+@[^@\s]+", "an e-mail address")]
Addresses = Annotated[tuple[Address, ...], BeforeValidator(name_list)]
TimeOfDay = Annotated[str, _matches(r"([01]\d|2[0-3]):[0-5]\d", "a time of day in UTC as HH:MM, such as 09:00")]
SparkConf = Annotated[tuple[tuple[str, str], ...], BeforeValidator(spark_conf)]
Folder = Annotated[str, _matches(r"(?![a-z][a-z0-9+.-]+:).+", "a folder on this machine")]
Place = Annotated[
    str, _matches(r"[a-z][a-z0-9+.-]*://.+|(?![a-z][a-z0-9+.-]+:).+", "a folder or a URL such as s3a://bucket/folder")
]
Currency = Annotated[str, _matches("|".join(CURRENCIES), "an ISO 4217 code in capital letters, such as EUR")]
Remote = Annotated[str, _matches(r"sc://[^/\s]+.*", "the URL of a Spark Connect server, sc://host:port")]
Memory = Annotated[str, _matches(r"[1-9]\d*[kmgt]", "a size such as 2g or 512m")]
Master = Annotated[
    str,
    _matches(
        r"local(\[(\*|[1-9]\d*)(,\d+)?\])?|spark://.+|yarn|k8s://.+",
        "a Spark master: local[*], local[4], spark://host:port, yarn or k8s://…",
    ),
]
