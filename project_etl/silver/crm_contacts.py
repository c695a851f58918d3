"""Silver CRM contacts: one row per contact of the CRM, the newest valid version wins.

A contact is a customer of the shop where both have the same e-mail address (`gold/customer_360.py`).
"""

from __future__ import annotations

import pandera.pyspark as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from project_etl.core.contracts import WARN, on_fail
from project_etl.core.model.records import RECORD, Records, code, instant, key, name
from project_etl.core.model.table import Merge, Table
from project_etl.core.transforms.casts import cleaned, person_columns, to_utc
from project_etl.silver.customers import EMAIL, PII


class CrmContacts(pa.DataFrameModel):
    """A contact as of the newest version."""

    contact_id: T.StringType = pa.Field(description="Number given by the CRM.")
    first_name: T.StringType = pa.Field(nullable=True, metadata=PII, description="Given name.")
    last_name: T.StringType = pa.Field(nullable=True, metadata=PII, description="Family name.")
    full_name: T.StringType = pa.Field(nullable=True, metadata=PII, description="Given and family name.")
    email: T.StringType = pa.Field(
        str_matches=EMAIL,
        # Sales people type what they hear, and often have a telephone number alone.
        metadata=on_fail(WARN, null=on_fail(WARN, max_share=0.5)) | PII,
        description="E-mail address, lower case.",
    )
    lifecycle_stage: T.StringType = pa.Field(nullable=True, description="How far the contact has come, lower case.")
    created_at: T.TimestampType = pa.Field(nullable=True, description="When the contact was made (UTC).")
    updated_at: T.TimestampType = pa.Field(
        description="When the CRM last changed the contact, or was seen to have (UTC)."
    )


RECORDS = Records(
    "crm_contacts",
    {
        "contact_id": key("Number of the contact."),
        "first_name": name("Given name."),
        "last_name": name("Family name."),
        "email": code("E-mail address."),
        "lifecycle_stage": code("How far the contact has come, such as lead or customer."),
        "created_at": instant("When the contact was made."),
        "updated_at": instant("When the CRM last changed the record."),
    },
    of_shop=False,
)

TABLE = Table(
    name="silver/crm_contacts",
    contract=CrmContacts,
    keys=("contact_id",),
    records=RECORDS,
    write=Merge(newest_by="updated_at"),
)


def transform(crm_contacts: DataFrame) -> DataFrame:
    """Clean names and e-mail addresses as those of customers are."""
    return crm_contacts.select(
        "contact_id",
        *(column.alias(name) for name, column in person_columns().items()),
        F.lower(cleaned("lifecycle_stage")).alias("lifecycle_stage"),
        to_utc("created_at").alias("created_at"),
        to_utc("updated_at").alias("updated_at"),
        RECORD,
    )
