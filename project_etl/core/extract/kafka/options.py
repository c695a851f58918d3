"""What a user says of a topic, in `pull.<source>` of a file in `config/`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, Field

from project_etl.core.extract.secret import Reference
from project_etl.core.model.pull import PullOptions

# What a pull relies on.
OWN = {
    "enable.auto.commit": False,
    "enable.auto.offset.store": False,
    "enable.partition.eof": True,
    # An offset that is not there any more is said, and not passed over.
    "auto.offset.reset": "error",
    "isolation.level": "read_committed",
}
_SECRET = re.compile(r"password|secret|\.key\.pem|token")
Setting = str | bool | int | float


def _address(text: str) -> str:
    if not re.fullmatch(r"[^\s/@,]+:\d+(,[^\s/@,]+:\d+)*", text):
        raise ValueError("expected HOST:PORT, or several with commas between them")
    return text


_Settings = TypeVar("_Settings", bound=Mapping[str, Any])


def _not_ours(given: _Settings) -> _Settings:
    for name in given:
        if name in OWN or name == "bootstrap.servers":
            raise ValueError(f"{name} is what a pull relies on: leave it out; `brokers` says where they are")
    return given


def _config(given: Mapping[str, Setting]) -> Mapping[str, Setting]:
    for name in given:
        if _SECRET.search(name):
            raise ValueError(f"{name} is a secret: name its place in `secrets`, as env:NAME or file:PATH")
    return given


class KafkaOptions(PullOptions):
    """A topic."""

    brokers: Annotated[str, AfterValidator(_address)]
    """Some brokers of the cluster, `HOST:PORT` with commas between them."""
    topic: str = "clickstream"
    """The topic."""
    seconds: float = Field(default=30, ge=1, le=3600)
    """How long `project-etl stream` collects messages before they become files."""
    megabytes: float = Field(default=8, gt=0, le=256)
    """Size of the messages of a partition at which they become a file at once."""
    spark: bool = False
    """Whether Spark reads the topic, which takes rates that one process cannot read; not for `project-etl stream`."""
    config: Annotated[Mapping[str, Setting], AfterValidator(_not_ours), AfterValidator(_config)] = Field(
        default_factory=dict
    )
    """Further settings of the client, as librdkafka calls them, such as `security.protocol`."""
    secrets: Annotated[Mapping[str, Reference], AfterValidator(_not_ours)] = Field(default_factory=dict)
    """Those of them that are secret, such as `sasl.password`, by where they are kept: `env:NAME` or `file:PATH`."""
