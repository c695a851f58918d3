"""Silver customers: one row per customer, the newest valid version wins."""

from __future__ import annotations

import pandera.pyspark as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from project_etl.core.contracts import WARN, on_fail
from project_etl.core.model.records import RECORD, Records, code, country, day, instant, key, label, name, number
from project_etl.core.model.table import Merge, Table
from project_etl.core.transforms.casts import cleaned, person_columns, to_date, to_utc
from project_etl.core.transforms.iso import COUNTRIES

# An address to which mail could be delivered: letters of any script, and every sign that needs no quotes.
EMAIL = r'^[^@\s.,;:<>()"][^@\s,;:<>()"]*@([^@\s.,;:<>()"]+\.)+[^@\s.,;:<>()"]{2,}$'
PII = {"pii": True}


class Customers(pa.DataFrameModel):
    """A customer as of the newest version."""

    customer_id: T.StringType = pa.Field(description="Customer number given by the shop.")
    first_name: T.StringType = pa.Field(nullable=True, metadata=PII, description="Given name.")
    last_name: T.StringType = pa.Field(nullable=True, metadata=PII, description="Family name.")
    full_name: T.StringType = pa.Field(nullable=True, metadata=PII, description="Given and family name.")
    email: T.StringType = pa.Field(
        str_matches=EMAIL,
        # Some customers give none.
        metadata=on_fail(null=on_fail(WARN, max_share=0.1)) | PII,
        description="E-mail address, lower case.",
    )
    phone: T.StringType = pa.Field(nullable=True, metadata=PII, description="Telephone number as given.")
    country: T.StringType = pa.Field(nullable=True, isin=COUNTRIES, description="Home country, ISO 3166 alpha-2.")
    city: T.StringType = pa.Field(nullable=True, description="Home city.")
    signup_date: T.DateType = pa.Field(nullable=True, description="Day on which the customer signed up.")
    updated_at: T.TimestampType = pa.Field(description="When the shop last changed the customer (UTC).")


RECORDS = Records(
    "customers",
    {
        "customer_id": key("Customer number."),
        "first_name": name("Given name."),
        "last_name": name("Family name."),
        "email": code("E-mail address."),
        "phone": number("Telephone number."),
        "country": country("Home country."),
        "city": label("Home city."),
        "signup_date": day("Day on which the customer signed up."),
        "updated_at": instant("When the shop last changed the record."),
    },
)

TABLE = Table(
    name="silver/customers",
    contract=Customers,
    keys=("customer_id",),
    records=RECORDS,
    write=Merge(newest_by="updated_at"),
)


def transform(customers: DataFrame) -> DataFrame:
    """Clean names, e-mail addresses and countries."""
    return customers.select(
        "customer_id",
        *(column.alias(name) for name, column in person_columns().items()),
        cleaned("phone").alias("phone"),
        F.upper(cleaned("country")).alias("country"),
        cleaned("city").alias("city"),
        to_date("signup_date").alias("signup_date"),
        to_utc("updated_at").alias("updated_at"),
        RECORD,
    )
