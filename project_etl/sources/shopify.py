"""Source `shopify`: what the buttons "Export" of Shopify's admin pages deliver, mapped to the records of Silver.

Belongs here: what the three exports say. Does not belong here: rules
(`silver/`), the columns of the exports (`_shopify_files.py`), and what the exports of all shop systems have in common
(`_order_exports.py`).

- An order is called by its `Name`, such as `#1001`. Its first row says what the order is. Each of its rows has a line.
- Status: `Financial Status` refunded is REFUNDED. An order that was cancelled, voided or has expired is CANCELLED, one
  that was refunded in part is PARTIALLY_REFUNDED. Any other is SHIPPED once it is fulfilled, paid or not, and else PAID
  or PLACED. A word that is not known here stays as it is, and breaks Silver's rule.
- Revenue of a line is quantity × price less its discount. `Subtotal` says what all lines cost after discounts, before
  shipping; with taxes where prices include taxes. What it is less than the lines' prices is the discount of the order.
  `Discount Amount` is not, for it also counts discounts on shipping; it is taken where there is no `Subtotal`. What
  `Lineitem discount` does not explain is spread over the lines, exactly. `order_total` is the `Subtotal`.
- A line is the same in every export by its order, number, name and price. A change of its price makes it another one.
- `Refunded Amount` above 0 is one refund, as of the newest instant that the order names: Shopify says no other. It
  holds taxes and shipping too, so that a full refund may be more than the lines were.
- A customer is called by the e-mail address in small letters, for orders name no other id. Who has none is in Bronze
  alone. An order without an address is one of a guest.
- A product is a variant, called by its SKU, or by a stand-in made of its name ("Shirt - Blue / M"). Two variants with
  one SKU are one product. Product lists name no currency.
- An order whose newest instant is taken back, such as one whose fulfilment was undone, stays as it was before.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from project_etl.core.model.names import RESCUED
from project_etl.core.model.records import PASSED_ON, Feed
from project_etl.core.model.source import Source
from project_etl.core.transforms.casts import looked_up, to_decimal, to_int
from project_etl.core.transforms.money import AMOUNT
from project_etl.core.transforms.text import Kind, clean
from project_etl.sources._order_exports import (
    LISTED,
    SOLD,
    categories_of,
    country_of,
    item_id,
    of_newest_exports,
    phone_of,
    product_id,
    refunds_of,
    share_of,
    tags_of,
    total_of_order,
    with_orders,
)
from project_etl.sources._shopify_files import CUSTOMERS, ORDERS, PRODUCTS

# The first says when an order was placed; all say when it changed.
INSTANTS = ("Created at", "Paid at", "Fulfilled at", "Cancelled at")
_SAID = (
    *INSTANTS,
    *("Email", "Financial Status", "Fulfillment Status", "Currency", "Subtotal", "Discount Amount", "Refunded Amount"),
    *("Shipping Country", "Billing Country"),
)
_LINE = ("Lineitem quantity", "Lineitem name", "Lineitem price", "Lineitem sku")

_BY_PAYMENT = {
    "refunded": "REFUNDED",
    "voided": "CANCELLED",
    "expired": "CANCELLED",
    "partially_refunded": "PARTIALLY_REFUNDED",
    "paid": "PAID",
    "partially_paid": "PLACED",
    "authorized": "PLACED",
    "pending": "PLACED",
}
_UNSENT, _SENT = ("unfulfilled", "partial", "restocked"), "fulfilled"
_LISTED = {"active": "true", "draft": "false", "archived": "false", "unlisted": "false"}
# What Shopify calls the only variant of a product that has no options.
_NO_VARIANT = "Default Title"


def orders(lines: DataFrame) -> DataFrame:
    """Each export of an order is a version of it."""
    exported = _exported(lines).where(F.col("_order").isNotNull() & (F.col("_line") == 1))
    return exported.withColumns(country_of("Shipping Country", "Billing Country")).select(
        F.col("_order").alias("order_id"),
        F.lower("Email").alias("customer_id"),
        F.col("Created at").alias("order_ts"),
        _status().alias("status"),
        F.col("Currency").alias("currency"),
        F.col("Subtotal").alias("order_total"),
        F.col("_country").alias("country"),
        F.col("_changed").alias("updated_at"),
        *PASSED_ON,
    )


def order_items(lines: DataFrame) -> DataFrame:
    """Each line of the newest export of an order is an item; its share of the order's discount is in `discount`."""
    quantity, name, price, sku = _LINE
    cleaned = {column: clean(F.col(column), Kind.NUMBER) for column in (quantity, price, "Lineitem discount")}
    named = {name: clean(F.col(name), Kind.NAME), sku: clean(F.col(sku), Kind.KEY)}
    rows = of_newest_exports(_exported(lines)).withColumns({**cleaned, **named})
    rows = _with_discounts(rows.withColumn("_item", item_id(sku, name, price)))
    has_item = F.coalesce(*[F.col(column) for column in _LINE]).isNotNull() | F.col("_order").isNull()
    return rows.where(has_item).select(
        F.col("_item").alias("order_item_id"),
        F.col("_order").alias("order_id"),
        product_id(F.col(sku), F.col(name)).alias("product_id"),
        F.col(quantity).alias("quantity"),
        F.col(price).alias("unit_price"),
        F.col("_discount").cast("string").alias("discount"),
        F.col("_changed").alias("updated_at"),
        *PASSED_ON,
    )


def refunds(lines: DataFrame) -> DataFrame:
    """An order whose newest export names a refunded amount has one refund."""
    return refunds_of(_exported(lines), "Refunded Amount")


def sold_products(lines: DataFrame) -> DataFrame:
    """A line with a name and a positive price tells of its product, for products that no list has."""
    _, name, price, sku = _LINE
    rows = _exported(lines).withColumn(price, clean(F.col(price), Kind.NUMBER))
    return rows.where((F.trim(name) != "") & (to_decimal(price) > 0)).select(
        product_id(F.col(sku), F.col(name)).alias("product_id"),
        F.col(name).alias("name"),
        F.col(price).alias("price"),
        F.col("Currency").alias("currency"),
        F.lit(SOLD).alias("updated_at"),
        *PASSED_ON,
    )


def listed_products(rows: DataFrame) -> DataFrame:
    """Each variant is a product; its first row says for all variants what the product is."""
    of_product = Window.partitionBy("_source_file", "Handle").orderBy("_row_number")
    whole = of_product.rowsBetween(Window.unboundedPreceding, Window.unboundedFollowing)
    said = {
        name: F.first(clean(F.col(name), Kind.LABEL), ignorenulls=True).over(whole)
        for name in ("Product Category", "Type", "Tags", "Status")
    }
    title = {"Title": F.first(clean(F.col("Title"), Kind.NAME), ignorenulls=True).over(whole)}
    own = {name: clean(F.col(name), Kind.NAME) for name in ("Option1 Value", "Option2 Value", "Option3 Value")}
    own["Variant Price"] = clean(F.col("Variant Price"), Kind.NUMBER)
    rows = rows.withColumns({**said, **title, **own})
    options = F.concat_ws(" / ", "Option1 Value", "Option2 Value", "Option3 Value")
    name = F.when(options.isin("", _NO_VARIANT), F.col("Title")).otherwise(
        F.concat(F.col("Title"), F.lit(" - "), options)
    )
    category, finest = categories_of(F.col("Product Category"))
    # A row that is only a picture has neither; one that could not be read has no handle.
    is_variant = F.coalesce("Variant Price", "Option1 Value", clean(F.col("Variant SKU"), Kind.KEY)).isNotNull()
    status = F.lower("Status")
    return rows.where(is_variant | F.col("Handle").isNull()).select(
        product_id(F.col("Variant SKU"), name).alias("product_id"),
        name.alias("name"),
        F.coalesce("Type", category).alias("category"),
        finest.alias("subcategory"),
        F.col("Variant Price").alias("price"),
        F.coalesce(looked_up(status, _LISTED), status).alias("active"),
        tags_of(F.col("Tags")).alias("tags"),
        F.lit(LISTED).alias("updated_at"),
        *PASSED_ON,
    )


def customers(rows: DataFrame) -> DataFrame:
    """Each customer with an e-mail address is one."""
    email = F.lower(clean(F.col("Email"), Kind.CODE))
    phones = [clean(phone_of(F.col(name)), Kind.NUMBER) for name in ("Phone", "Default Address Phone")]
    is_malformed = F.col(RESCUED).isNotNull() & F.col("Customer ID").isNull()
    rows = rows.withColumns({"_email": email, **country_of("Default Address Country Code")})
    return rows.where(F.col("_email").isNotNull() | is_malformed).select(
        F.col("_email").alias("customer_id"),
        F.col("First Name").alias("first_name"),
        F.col("Last Name").alias("last_name"),
        F.col("_email").alias("email"),
        F.coalesce(*phones).alias("phone"),
        F.col("_country").alias("country"),
        F.col("Default Address City").alias("city"),
        F.lit(LISTED).alias("updated_at"),
        *PASSED_ON,
    )


def _exported(lines: DataFrame) -> DataFrame:
    return with_orders(lines, "Name", _SAID, INSTANTS)


def _status() -> Column:
    """Where an order stands; the word that is not known here, where there is one."""
    paid, sent = F.lower("Financial Status"), F.coalesce(F.lower("Fulfillment Status"), F.lit(_UNSENT[0]))
    by_payment = looked_up(paid, _BY_PAYMENT)
    return (
        F.when(by_payment.isNull(), paid)
        .when(~sent.isin(*_UNSENT, _SENT), sent)
        .when(by_payment == "REFUNDED", by_payment)
        .when(F.col("Cancelled at").isNotNull(), F.lit("CANCELLED"))
        .when(by_payment.isin("CANCELLED", "PARTIALLY_REFUNDED"), by_payment)
        .when(sent == _SENT, F.lit("SHIPPED"))
        .otherwise(by_payment)
    )


def _with_discounts(rows: DataFrame) -> DataFrame:
    """Add `_discount`: what the line says of itself, and its share of what the order says beyond all its lines."""
    quantity, _, price, _ = _LINE
    none = F.lit(0).cast(AMOUNT)
    gross = F.greatest((to_int(quantity) * to_decimal(price)).try_cast(AMOUNT), none)
    rows = rows.withColumn("_gross", F.coalesce(gross, none))
    told = F.greatest(F.coalesce(to_decimal("Lineitem discount"), none), none)
    rows = rows.withColumn("_told", F.least(told, F.col("_gross")))
    rows = rows.withColumn("_net", F.col("_gross") - F.col("_told"))
    net = total_of_order("_net")
    # All that was taken off the lines, less what they say themselves.
    further = F.coalesce(
        net - to_decimal("Subtotal"), to_decimal("Discount Amount") - total_of_order("_told"), none
    ).try_cast(AMOUNT)
    rows = rows.withColumn("_further", F.least(F.greatest(further, none), net))
    return rows.withColumn("_discount", (F.col("_told") + share_of("_further", "_net")).try_cast(AMOUNT))


SOURCE = Source(
    datasets=(ORDERS, CUSTOMERS, PRODUCTS),
    feeds={
        "customers": Feed(CUSTOMERS.bronze, tuple(CUSTOMERS.columns), customers),
        "products": Feed(PRODUCTS.bronze, tuple(PRODUCTS.columns), listed_products),
        "orders": Feed(ORDERS.bronze, tuple(ORDERS.columns), orders),
        "order_items": Feed(ORDERS.bronze, tuple(ORDERS.columns), order_items, gather="Name"),
        "refunds": Feed(ORDERS.bronze, tuple(ORDERS.columns), refunds, gather="Name"),
    },
    also={"products": Feed(ORDERS.bronze, tuple(ORDERS.columns), sold_products)},
)
