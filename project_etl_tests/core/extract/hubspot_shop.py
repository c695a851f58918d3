"""A CRM on loopback and what is pulled of it. Does not belong here: what the API does (`hubspot_server.py`)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from project_etl.catalog import pulled_datasets, puller_of
from project_etl.core.engine.base import Engine
from project_etl.core.extract.pull import Pulled, PullJob, pull
from project_etl_tests.core.extract.hubspot_server import HubSpot
from project_etl_tests.small_shop import SmallShop, made_of

VARIABLE = "HUBSPOT_TOKEN"


class HubspotShop(SmallShop):
    """A shop that has nothing but a CRM."""

    def __init__(self, folder: Path, crm: HubSpot, engine: Engine | None = None, **options: Any) -> None:
        given = {"token": f"env:{VARIABLE}", "url": crm.url, "lag_seconds": 0, "overlap_seconds": 0, **options}
        only = made_of("silver/crm_deals", "silver/crm_contacts")
        self.crm = crm
        super().__init__(folder, engine, ("hubspot",), only=only, pull={"hubspot": given})

    def pull(self, dataset: str = "contacts", *, recount: bool = False, seconds: float = 60) -> Pulled:
        """Let time pass, and pull a dataset."""
        self.crm.wait(seconds)
        (found,) = (each for each in pulled_datasets(self.settings, "hubspot") if each.name == dataset)
        with puller_of(self.settings, "hubspot") as puller:
            return pull(PullJob(self.lake, str(self.landing), found, recount), puller)

    def load_bronze(self, dataset: str = "contacts") -> None:
        """Load what has landed."""
        self.bronze(dataset, *sorted({path.parent.name for path in self.files(dataset)}))

    def files(self, dataset: str = "contacts") -> list[Path]:
        """The files in landing, in the order in which they came."""
        return sorted(self.landing.glob(f"hubspot/{dataset}/*/*"), key=lambda path: path.name.rpartition("_")[2])

    def landed(self, dataset: str = "contacts") -> list[list[dict[str, Any]]]:
        """The records of each file."""
        return [[json.loads(line) for line in path.read_text().splitlines()] for path in self.files(dataset)]

    def numbers(self, dataset: str = "contacts") -> list[list[str]]:
        """The numbers of the objects in each file."""
        return [[record["id"] for record in records] for records in self.landed(dataset)]
