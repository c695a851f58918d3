"""Source `hubspot`: contacts and deals of the CRM HubSpot, from its API.

A record is an object of the API, flat: its own fields and some of its properties, with the values as received. What is
archived is deleted.
"""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from project_etl.core.model.names import DELETED, READ_AT
from project_etl.core.model.records import PASSED_ON, Feed
from project_etl.core.model.source import Dataset, Person, Source
from project_etl.sources._hubspot_pull import VERSION, Kind, hubspot_pull

_OBJECT = {
    "id": "HubSpot's own number of the object.",
    "createdAt": "When it was made.",
    "updatedAt": "When it was changed last.",
    "archived": "Whether it is archived.",
    "archivedAt": "When it was archived.",
    DELETED: "Whether it counts as deleted: it is archived, or gone.",
    READ_AT: "When it was read, where comparing everything found it.",
}
CONTACTS = Dataset(
    "hubspot",
    "contacts",
    {
        **_OBJECT,
        "email": "E-mail address.",
        "firstname": "Given name.",
        "lastname": "Family name.",
        "phone": "Telephone number.",
        "company": "Company.",
        "lifecyclestage": "How far the contact has come, such as lead or customer.",
        "hs_lead_status": "How far sales have come with the contact.",
    },
    # The number of a contact is no customer's.
    person=Person(None, "email", is_about=True),
)
DEALS = Dataset(
    "hubspot",
    "deals",
    {
        **_OBJECT,
        "contact": "The contact that it is made with; of several, the one with the smallest number.",
        "contacts": "All contacts that it is made with, by number, with `;` between them.",
        "dealname": "What it is called.",
        "pipeline": "Pipeline that it goes through.",
        "dealstage": "Stage that it is in.",
        "hs_is_closed": "Whether it is won or lost.",
        "hs_is_closed_won": "Whether it is won.",
        "amount": "What it is worth.",
        "deal_currency_code": "Currency of the amount.",
        "closedate": "When it was won or lost; of an open one, when it is expected to be.",
    },
)
# A dataset's other columns are properties of its objects.
_OF_OBJECTS = {*_OBJECT, "contact", "contacts"}


def _kind(dataset: Dataset, path: str, changed: str) -> Kind:
    properties = tuple(name for name in dataset.columns if name not in _OF_OBJECTS)
    return Kind(path, changed, f"crm.objects.{dataset.name}.read", properties, "contacts" in dataset.columns)


KINDS = {
    CONTACTS.name: _kind(CONTACTS, "contacts", "lastmodifieddate"),
    # By the number of their kind, as in the vendor's own description.
    DEALS.name: _kind(DEALS, "0-3", "hs_lastmodifieddate"),
}


def contacts(rows: DataFrame) -> DataFrame:
    """Each object is a contact."""
    return rows.select(
        F.col("id").alias("contact_id"),
        F.col("firstname").alias("first_name"),
        F.col("lastname").alias("last_name"),
        "email",
        F.col("lifecyclestage").alias("lifecycle_stage"),
        F.col("createdAt").alias("created_at"),
        F.coalesce(*VERSION).alias("updated_at"),
        DELETED,
        *PASSED_ON,
    )


def deals(rows: DataFrame) -> DataFrame:
    """Each object is a deal."""
    return rows.select(
        F.col("id").alias("deal_id"),
        F.col("dealname").alias("name"),
        "pipeline",
        F.col("dealstage").alias("stage"),
        F.col("hs_is_closed").alias("is_closed"),
        "amount",
        F.col("deal_currency_code").alias("currency"),
        F.col("contact").alias("contact_id"),
        F.col("createdAt").alias("created_at"),
        F.col("closedate").alias("closed_at"),
        F.coalesce(*VERSION).alias("updated_at"),
        DELETED,
        *PASSED_ON,
    )


SOURCE = Source(
    datasets=(CONTACTS, DEALS),
    feeds={
        "crm_contacts": Feed(CONTACTS.bronze, tuple(CONTACTS.columns), contacts),
        "crm_deals": Feed(DEALS.bronze, tuple(DEALS.columns), deals),
    },
    pull=hubspot_pull(KINDS),
)
