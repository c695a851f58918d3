"""Source `online_retail`: order lines of a British gift shop, one CSV a day, mapped to the records of Silver.

Belongs here: what the source delivers and what each of its columns means to us. Does not belong here: rules
(`silver/`).

Every line is an order item; orders, customers and products are read off the lines. An invoice number that starts with
`C` is a return. Source: D. Chen, Online Retail, UCI Machine Learning Repository, 2015.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from project_etl.core.model.names import RESCUED
from project_etl.core.model.records import ARRIVAL_ORDER, LINEAGE_NAMES, PASSED_ON, Feed
from project_etl.core.model.source import Dataset, Person, Source
from project_etl.core.transforms.casts import looked_up, to_decimal, to_utc
from project_etl.core.transforms.iso import UNKNOWN_COUNTRY
from project_etl.core.transforms.patterns import BLANK
from project_etl.core.transforms.text import Kind, clean
from project_etl.sources._country_names import COUNTRY_CODES

CURRENCY = "GBP"

LINES = Dataset(
    "online_retail",
    "online_retail",
    {
        "InvoiceNo": "Invoice number; `C…` is a cancellation.",
        "StockCode": "Product number.",
        "Description": "Product name.",
        "Quantity": "Pieces; negative on cancellations.",
        "InvoiceDate": "When the invoice was made.",
        "UnitPrice": "Price of one piece in pounds.",
        "CustomerID": "Customer number; empty for a guest.",
        "Country": "Name of the customer's country.",
    },
    person=Person("CustomerID"),
)
COLUMNS = tuple(LINES.columns)


def order_items(lines: DataFrame) -> DataFrame:
    """Every line is an item; the eight columns as text are its identity, so that exact repeats are one item."""
    identity = F.concat_ws("\x1f", *[F.coalesce(F.concat(F.lit("="), F.col(name)), F.lit("-")) for name in COLUMNS])
    positive = F.regexp_replace("Quantity", rf"^{BLANK}*-", "")
    is_return = _is_return(clean(F.col("InvoiceNo"), Kind.KEY))
    return lines.select(
        F.sha2(identity, 256).substr(1, 32).alias("order_item_id"),
        F.col("InvoiceNo").alias("order_id"),
        F.col("StockCode").alias("product_id"),
        F.when(is_return, positive).otherwise(F.col("Quantity")).alias("quantity"),
        F.col("UnitPrice").alias("unit_price"),
        F.col("InvoiceDate").alias("updated_at"),
        *PASSED_ON,
    )


def orders(lines: DataFrame) -> DataFrame:
    """An invoice is an order: as of its earliest line, with the customer of the earliest line that names one."""
    instant = to_utc("InvoiceDate")
    place = F.struct(instant.isNull().alias("is_undated"), instant.alias("at"), *ARRIVAL_ORDER)
    keys = {name: clean(F.col(name), Kind.KEY) for name in ("InvoiceNo", "CustomerID")}
    lines = lines.withColumns({**keys, "_place": place, **_country()}).dropna(subset=["InvoiceNo"])
    of_customer = F.when(F.col("CustomerID").isNotNull(), F.col("_place"))
    first = ("InvoiceDate", "_country", "_unmapped", RESCUED, *LINEAGE_NAMES)
    earliest = F.min_by(F.struct(*first), "_place").alias("first")
    invoices = lines.groupBy("InvoiceNo").agg(
        earliest,
        F.min_by("CustomerID", of_customer).alias("customer_id"),
        F.sort_array(F.collect_set("_source_file")).alias("files"),
    )
    return invoices.select(
        F.col("InvoiceNo").alias("order_id"),
        "customer_id",
        F.col("first.InvoiceDate").alias("order_ts"),
        F.when(_is_return(F.col("InvoiceNo")), "RETURNED").otherwise("COMPLETED").alias("status"),
        F.lit(CURRENCY).alias("currency"),
        F.col("first._country").alias("country"),
        F.col("first.InvoiceDate").alias("updated_at"),
        *[F.col(f"first.{name}").alias(name) for name in PASSED_ON if name != "_source_files"],
        F.col("files").alias("_source_files"),
    )


def customers(lines: DataFrame) -> DataFrame:
    """A line that names a customer is a version of that customer."""
    # The shop's export appends `.0` to the numbers.
    customer = clean(F.col("CustomerID"), Kind.KEY)
    named = lines.withColumns({"customer_id": customer, **_country()}).dropna(subset=["customer_id"])
    return named.select(
        "customer_id", F.col("_country").alias("country"), F.col("InvoiceDate").alias("updated_at"), *PASSED_ON
    )


def products(lines: DataFrame) -> DataFrame:
    """A line with a description and a positive price is a version of its product."""
    described = lines.where((F.trim("Description") != "") & (to_decimal("UnitPrice") > 0))
    return described.select(
        F.col("StockCode").alias("product_id"),
        F.col("Description").alias("name"),
        F.col("UnitPrice").alias("price"),
        F.lit(CURRENCY).alias("currency"),
        F.col("InvoiceDate").alias("updated_at"),
        *PASSED_ON,
    )


def _is_return(invoice_no: Column) -> Column:
    return invoice_no.startswith("C")


def _country() -> dict[str, Column]:
    """`_country` as ISO code, and `_unmapped`, which names a country that the table does not know."""
    name = F.when(F.trim("Country") != "", F.trim("Country"))
    code = looked_up(name, COUNTRY_CODES)
    unknown = F.concat(F.lit("Country '"), name, F.lit("'"))
    return {
        "_country": F.when(name.isNotNull(), F.coalesce(code, F.lit(UNKNOWN_COUNTRY))),
        "_unmapped": F.when(name.isNotNull() & code.isNull(), unknown),
    }


SOURCE = Source(
    datasets=(LINES,),
    feeds={
        "customers": Feed(LINES.bronze, COLUMNS, customers),
        "products": Feed(LINES.bronze, COLUMNS, products),
        "orders": Feed(LINES.bronze, COLUMNS, orders, gather="InvoiceNo"),
        "order_items": Feed(LINES.bronze, COLUMNS, order_items),
    },
)
