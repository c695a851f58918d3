"""What a user says of a database, in `pull.<source>` of a file in `config/`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from project_etl.core.extract.secret import Reference, is_reference
from project_etl.core.model.pull import PullOptions

if TYPE_CHECKING:
    from sqlalchemy import URL


def _without_password(url: str) -> str:
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    if is_reference(url):
        return url
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise ValueError(
            "expected a URL as SQLAlchemy reads it, such as postgresql+psycopg://shop@db.example.org/shop"
        ) from None
    if passwords_in(parsed):
        raise ValueError("it holds a password: name the password's place in `password`, as env:NAME or file:PATH")
    return url


def passwords_in(url: URL) -> tuple[str, ...]:
    """The passwords that a URL holds; some drivers take one behind the question mark too."""
    found = (url.password, url.query.get("password"))
    return tuple(each for each in found if isinstance(each, str) and each)


class TableOptions(PullOptions):
    """How one dataset stands in the database; what is left out is as the source says."""

    table: str | None = None
    """Name of the table or view, with its schema where it needs one; the dataset's name where none is given."""
    changed: str | None = None
    """Column with the instant at which a row was changed last, in UTC or with an offset. An empty one: there is none,
    and the whole table is compared at each pull."""
    key: tuple[str, ...] = ()
    """Columns of the database by which a row is known."""
    columns: Mapping[str, str] = Field(default_factory=dict)
    """Column of the dataset → column of the database, where they differ."""


class SqlOptions(PullOptions):
    """A database. Secrets are named by where they are: `env:NAME` or `file:PATH`."""

    url: Annotated[str, AfterValidator(_without_password)]
    """Where it is, as SQLAlchemy reads it, without a password; or where the whole URL is kept."""
    password: Reference | None = None
    """Where the password is kept."""
    lag_seconds: float = Field(default=60, ge=0, allow_inf_nan=False)
    """What was changed within the last so many seconds is left to the next pull: transactions may be open."""
    overlap_seconds: float = Field(default=600, ge=0, allow_inf_nan=False)
    """How far a pull looks back behind the end of the one before: no less than transactions take."""
    recount: Literal["nightly", "never"] = "nightly"
    """Whether all keys are compared every night: that finds deletions, and what was committed later than expected."""
    tables: Mapping[str, TableOptions] = Field(default_factory=dict)
    """Dataset → how it stands in the database."""
    without: tuple[str, ...] = ()
    """Datasets that the database does not have."""

    @model_validator(mode="after")
    def _has_one_password(self) -> SqlOptions:
        if self.password and is_reference(self.url):
            raise ValueError("url is kept elsewhere as a whole, and `password` is given too: leave one of them out")
        return self
