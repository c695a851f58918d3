"""Settings that go together under one name in the file, such as `spark.master`.

Does not belong here: what a single setting may be (`setting_types.py`), reading (`settings.py`).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from project_etl import setting_types as kinds


class Frozen(BaseModel):
    """What all settings have in common: no unknown keys, and no change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class PriceBands(Frozen):
    """Limits of a product's price band: Low < `low` ≤ Medium < `high` ≤ High, in the product's own currency."""

    low: Decimal = Field(default=Decimal(50), gt=0)
    high: Decimal = Field(default=Decimal(200), gt=0)

    @model_validator(mode="after")
    def _in_order(self) -> PriceBands:
        if self.low >= self.high:
            raise ValueError("expected low to be below high")
        return self


class SparkSettings(Frozen):
    """Which Spark does the work, and with what beyond the engine's own configuration."""

    master: kinds.Master = "local[*]"
    remote: Annotated[kinds.Remote | None, kinds.empty_is_none] = None
    """Spark Connect server; where it is given, `master` and `driver_memory` are not used."""
    driver_memory: kinds.Memory = "2g"
    conf: kinds.SparkConf = ()
    """Pairs of a `spark.*` key and its value, over what the engine sets; `dict(conf)` for use."""

    @property
    def place(self) -> Literal["spark", "connect", "cluster"]:
        """Where Spark is, as the setting `engine` calls it."""
        if self.remote is not None:
            return "connect"
        return "spark" if self.master.startswith("local") else "cluster"


class AlertSettings(Frozen):
    """Where alerts go; nowhere, unless an address or a webhook is given."""

    email_to: kinds.Addresses = ()
    email_from: kinds.Address = "project-etl@localhost.localdomain"
    smtp_host: str = "localhost"
    smtp_port: int = Field(default=25, ge=1, le=65535)
    smtp_starttls: bool = False
    smtp_user: Annotated[str | None, kinds.empty_is_none] = None
    """None sends without logging in."""
    smtp_password: SecretStr | None = None
    webhook_url: SecretStr | None = None
    """Takes JSON by POST, as Slack's incoming webhooks do. The URL is a secret: whoever knows it may post."""
