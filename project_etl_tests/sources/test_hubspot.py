"""Objects of HubSpot as files: what becomes of them in Silver and Gold, and what follows when they change."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from project_etl.catalog import staleness_of
from project_etl.core.bronze import erasure, tombstones
from project_etl.core.bronze.tombstones import Tombstones, customer_hash, email_hash
from project_etl.core.engine.base import Engine
from project_etl.core.model.table import Table
from project_etl_tests.small_shop import SmallShop, made_of

D1, D2, D3 = DAYS = ("2025-01-10", "2025-01-11", "2025-01-12")
MADE = ("2025-01-09", D1)
SILVER = made_of("silver/crm_deals")
GOLD = made_of("gold/sales_pipeline")
SOURCES, NAMESPACES = ("shop", "hubspot"), {"shop": "", "hubspot": "hs-"}
OBJECT = {"createdAt": "2025-01-09T10:00:00.120Z", "updatedAt": f"{D1}T10:00:00Z", "archived": False}
CONTACT = {"id": "7", **OBJECT, "email": "ADA@example.org", "firstname": "ada", "lifecyclestage": "Lead"}
DEAL = {
    "id": "9",
    **OBJECT,
    "contact": "7",
    "contacts": "7;8",
    "dealstage": "sent",
    "amount": "12.5",
    "hs_is_closed": "false",
}
ARCHIVED = {"_deleted": True, "archived": True, "archivedAt": f"{D2}T09:00:00Z"}


class Crm(SmallShop):
    """A CRM beside a shop that has sent nothing."""

    def __init__(self, folder: Path, engine: Engine, only: Sequence[Table] = SILVER) -> None:
        super().__init__(folder, engine, SOURCES, NAMESPACES, only=only)

    def objects(self, dataset: str, day: str, *objects: dict[str, Any], name: str = "a.jsonl") -> None:
        """Land objects."""
        lines = "".join(f"{json.dumps(each)}\n" for each in objects)
        self.land(dataset, day, lines, name, source="hubspot")

    def load_all(self) -> None:
        """Materialize Bronze and Silver."""
        self.load(*DAYS)

    def compute(self) -> None:
        """Materialize Gold on the day of the deals and the one after it."""
        self.all_gold(*MADE)

    def pipeline(self) -> list[tuple[Any, ...]]:
        """The rows of the sales pipeline, by stage."""
        found = self.rows("gold/sales_pipeline", "created_date", "stage", "deals", "amount")
        return [(str(day), stage, deals, float(amount)) for day, stage, deals, amount in found]

    def stale(self) -> dict[str, set[str]]:
        """The stale tables of Gold, and their days."""
        days = [date.fromisoformat(day) for day in MADE]
        found = staleness_of(self.lake, self.settings, GOLD).everywhere(days)
        return {name: {str(day) for day in days} for name, days in found.items()}


@pytest.fixture
def crm(tmp_path: Path, engine: Engine) -> Crm:
    return Crm(tmp_path, engine)


def test_contacts_and_deals_reach_gold_and_what_changes_makes_it_stale(tmp_path: Path, engine: Engine) -> None:
    crm = Crm(tmp_path, engine, GOLD)
    crm.objects("contacts", D1, CONTACT)
    crm.objects("deals", D1, DEAL, {**DEAL, "id": "10"})
    crm.load_all()
    crm.compute()
    assert crm.rows("silver/crm_deals", "deal_id", "contact_id") == [("hs-10", "hs-7"), ("hs-9", "hs-7")]
    assert crm.pipeline() == [("2025-01-09", "sent", 2, 25.0)]
    won = {"dealstage": "won", "hs_is_closed": "true", "updatedAt": f"{D2}T10:00:00Z"}
    crm.objects("deals", D2, {**DEAL, **won}, {**DEAL, "id": "10", **ARCHIVED})
    crm.load_all()
    assert crm.stale() == {"gold/sales_pipeline": {MADE[0]}}
    crm.compute()
    assert crm.pipeline() == [("2025-01-09", "won", 1, 12.5)]


def test_an_archived_contact_is_none_until_it_is_back(crm: Crm) -> None:
    crm.objects("contacts", D1, CONTACT)
    crm.objects("contacts", D2, {**CONTACT, **ARCHIVED})
    crm.load_all()
    assert crm.rows("silver/crm_contacts", "contact_id") == []
    # With its old instant of change, as the recount finds it.
    crm.objects("contacts", D3, {**CONTACT, "_read_at": f"{D3}T01:45:00+00:00"})
    crm.load_all()
    assert crm.rows("silver/crm_contacts", "contact_id", "lifecycle_stage") == [("hs-7", "lead")]


def test_what_the_recount_finds_holds_from_then_on(crm: Crm) -> None:
    crm.objects("deals", D1, {**DEAL, "contact": "8"}, name="x_recount_2.jsonl")
    crm.objects("deals", D1, {**DEAL, "_read_at": f"{D1}T12:00:00+00:00"}, name="x_recount_1.jsonl")
    crm.load_all()
    assert crm.rows("silver/crm_deals", "contact_id") == [("hs-7",)]


def test_who_is_erased_leaves_the_crm_too_and_a_contact_with_the_number_of_a_customer_stays(crm: Crm) -> None:
    other = {**CONTACT, "id": "C1", "email": "grace@example.org"}
    crm.objects("contacts", D1, CONTACT, other)
    crm.objects("deals", D1, DEAL)
    crm.load_all()
    tombstones.write(
        crm.lake, Tombstones(frozenset({customer_hash("", "C1")}), frozenset({email_hash("ada@example.org")}))
    )
    for name in ("contacts", "deals"):
        job = crm.bronze_job(name)
        erasure.erase(job, job.redaction(tombstones.read(crm.lake)))
    crm.load_all()
    assert crm.rows("bronze/hubspot/contacts", "id") == [("C1",)]
    assert crm.rows("silver/crm_contacts", "contact_id") == [("hs-C1",)]
    assert crm.rows("silver/crm_deals", "deal_id") == [("hs-9",)]
