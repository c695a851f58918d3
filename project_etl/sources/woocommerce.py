"""Source `woocommerce`: what shops of WooCommerce export, mapped to the records of Silver.

Belongs here: what the three exports say. Does not belong here: rules (`silver/`), the columns of the exports and which
extension makes them (`_woocommerce_files.py`), and what the exports of all shop systems have in common
(`_order_exports.py`).

- An order is called by its `order_id`; each of its rows has a line and says all of the order.
- Status: pending and on-hold are PLACED, processing is PAID, completed is COMPLETED, cancelled and failed are
  CANCELLED, refunded is REFUNDED. One that is PAID or COMPLETED and was paid back in part is PARTIALLY_REFUNDED. A word
  that is not known here stays as it is, and breaks Silver's rule.
- Revenue of a line is its `item_total`: after discounts, without taxes. The price of a piece is `item_subtotal` divided
  by the pieces, with four places. Where they do not divide evenly and there is no discount, a line may be half a unit
  of the fourth place a piece away from its total.
- `order_total` is that of the shop without taxes, shipping and fees, which are no lines.
- `refunded_total` above 0 is one refund, as of the order's date: this export names no other. It holds taxes and
  shipping too.
- A customer is called by the customer number. 0 is a guest, and no customer.
- A product is called by its SKU, else by `id-` and its own number, else by a stand-in made of its name. A variation has
  the categories and tags of the product that it is a variation of. Product lists name no currency.
- Times are those of the clocks of the shop: name its zone in `source_timezones`.
- Every version of an order has the same date, so that the export of the latest landing day wins.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from project_etl.core.model.records import PASSED_ON, Feed
from project_etl.core.model.source import Source
from project_etl.core.transforms.casts import looked_up, to_decimal, to_int
from project_etl.core.transforms.exact import quotient
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
    tags_of,
    with_orders,
)
from project_etl.sources._woocommerce_files import CUSTOMERS, ORDERS, PRODUCTS

_SAID = (
    *("date", "status", "order_total", "tax_total", "shipping_total", "fee_total", "refunded_total"),
    *("order_currency", "customer_id", "shipping_country", "billing_country"),
)
_STATUS = {
    "pending": "PLACED",
    "on-hold": "PLACED",
    "processing": "PAID",
    "completed": "COMPLETED",
    "cancelled": "CANCELLED",
    "failed": "CANCELLED",
    "refunded": "REFUNDED",
}
_PUBLISHED = {"1": "true", "0": "false", "-1": "false", "2": "false"}
# What stands for no product and no customer.
_NONE = "0"
# A shop writes prices with its own decimal point, and nothing between thousands.
_DECIMAL_COMMA = r"^([0-9]+),([0-9]+)\z"


def orders(lines: DataFrame) -> DataFrame:
    """Each export of an order is a version of it."""
    exported = _exported(lines).where(F.col("_order").isNotNull() & (F.col("_line") == 1))
    none = F.lit(0).cast(AMOUNT)
    beside = [F.coalesce(to_decimal(name), none) for name in ("tax_total", "shipping_total", "fee_total")]
    goods = (to_decimal("order_total") - beside[0] - beside[1] - beside[2]).try_cast(AMOUNT)
    return exported.withColumns(country_of("shipping_country", "billing_country")).select(
        F.col("_order").alias("order_id"),
        _number("customer_id").alias("customer_id"),
        F.col("date").alias("order_ts"),
        _status().alias("status"),
        F.col("order_currency").alias("currency"),
        F.coalesce(goods.cast("string"), F.col("order_total")).alias("order_total"),
        F.col("_country").alias("country"),
        F.col("_changed").alias("updated_at"),
        *PASSED_ON,
    )


def order_items(lines: DataFrame) -> DataFrame:
    """Each line of the newest export of an order is an item."""
    cleaned = {name: clean(F.col(name), Kind.NUMBER) for name in ("item_quantity", "item_subtotal", "item_total")}
    named = {"item_sku": clean(F.col("item_sku"), Kind.KEY), "item_name": clean(F.col("item_name"), Kind.NAME)}
    rows = of_newest_exports(_exported(lines)).withColumns({**cleaned, **named})
    none, total = F.lit(0).cast(AMOUNT), to_decimal("item_total")
    # Who changes an order by hand may make a line dearer than it was.
    before = F.greatest(F.coalesce(to_decimal("item_subtotal"), total), total)
    price = quotient(before, to_int("item_quantity"), AMOUNT, AMOUNT)
    rows = rows.withColumns({"_price": price, "_id": item_id("item_sku", "item_name")})
    gross = (to_int("item_quantity") * F.col("_price")).try_cast(AMOUNT)
    discount = F.when(before > total, F.greatest(gross - total, none)).otherwise(none).try_cast(AMOUNT)
    return rows.select(
        F.coalesce(clean(F.col("item_id"), Kind.KEY), F.col("_id")).alias("order_item_id"),
        F.col("_order").alias("order_id"),
        _product("item_sku", "item_product_id", "item_name").alias("product_id"),
        F.col("item_quantity").alias("quantity"),
        F.coalesce(F.col("_price").cast("string"), F.col("item_subtotal")).alias("unit_price"),
        # A total that is no number breaks the rule of a number.
        F.when(total.isNull(), F.col("item_total")).otherwise(discount.cast("string")).alias("discount"),
        F.col("_changed").alias("updated_at"),
        *PASSED_ON,
    )


def refunds(lines: DataFrame) -> DataFrame:
    """An order whose newest export names a refunded amount has one refund."""
    return refunds_of(_exported(lines), "refunded_total")


def sold_products(lines: DataFrame) -> DataFrame:
    """A line with a name tells of its product, for products that no list has."""
    rows = _exported(lines)
    return rows.where((F.trim("item_name") != "") & F.col("_order").isNotNull()).select(
        _product("item_sku", "item_product_id", "item_name").alias("product_id"),
        F.col("item_name").alias("name"),
        F.lit(SOLD).alias("updated_at"),
        *PASSED_ON,
    )


def listed_products(rows: DataFrame) -> DataFrame:
    """Each row of the list is a product."""
    own = F.coalesce(clean(F.col("SKU"), Kind.KEY), F.concat(F.lit("id:"), clean(F.col("ID"), Kind.KEY)))
    rows = rows.withColumn("_family", F.coalesce(clean(F.col("Parent"), Kind.KEY), own))
    of_family = Window.partitionBy("_source_file", "_family").orderBy("_row_number")
    whole = of_family.rowsBetween(Window.unboundedPreceding, Window.unboundedFollowing)
    said = {name: clean(F.col(name), Kind.LABEL) for name in ("Categories", "Tags")}
    rows = rows.withColumns(said)
    rows = rows.withColumns({name: F.coalesce(name, F.first(name, ignorenulls=True).over(whole)) for name in said})
    category, finest = categories_of(F.element_at(F.split("Categories", ","), 1))
    published = clean(phone_of(F.col("Published")), Kind.CODE)
    price = F.regexp_replace(clean(F.col("Regular price"), Kind.NUMBER), _DECIMAL_COMMA, "$1.$2")
    return rows.select(
        _product("SKU", "ID", "Name").alias("product_id"),
        F.col("Name").alias("name"),
        category.alias("category"),
        finest.alias("subcategory"),
        price.alias("price"),
        F.coalesce(looked_up(published, _PUBLISHED), published).alias("active"),
        tags_of(F.col("Tags")).alias("tags"),
        F.lit(LISTED).alias("updated_at"),
        *PASSED_ON,
    )


def customers(rows: DataFrame) -> DataFrame:
    """Each customer with a number is one; guests are none."""
    is_guest = F.coalesce(clean(F.col("customer_id"), Kind.KEY) == _NONE, F.lit(False))

    def said(*columns: str) -> Column:
        return F.coalesce(*[clean(F.col(name), Kind.NAME) for name in columns])

    return (
        rows.where(~is_guest)
        .withColumns(country_of("billing_country", "shipping_country"))
        .select(
            "customer_id",
            said("first_name", "billing_first_name").alias("first_name"),
            said("last_name", "billing_last_name").alias("last_name"),
            said("email", "billing_email").alias("email"),
            phone_of(F.col("billing_phone")).alias("phone"),
            F.col("_country").alias("country"),
            said("billing_city", "shipping_city").alias("city"),
            clean(F.col("date_registered"), Kind.INSTANT).substr(1, 10).alias("signup_date"),
            F.lit(LISTED).alias("updated_at"),
            *PASSED_ON,
        )
    )


def _exported(lines: DataFrame) -> DataFrame:
    return with_orders(lines, "order_id", _SAID, ("date",))


def _status() -> Column:
    """Where an order stands; the word that is not known here, where there is one."""
    word = F.regexp_replace(F.lower("status"), "^wc-", "")
    status = F.coalesce(looked_up(word, _STATUS), word)
    is_paid_back = F.coalesce(to_decimal("refunded_total") > F.lit(0).cast(AMOUNT), F.lit(False))
    return F.when(status.isin("PAID", "COMPLETED") & is_paid_back, "PARTIALLY_REFUNDED").otherwise(status)


def _number(column: str) -> Column:
    """A number of the shop's own; null where it stands for nothing."""
    key = clean(F.col(column), Kind.KEY)
    return F.when(key != _NONE, key)


def _product(sku: str, number: str, name: str) -> Column:
    own = F.concat(F.lit("id-"), _number(number))
    return product_id(F.coalesce(clean(F.col(sku), Kind.KEY), own), F.col(name))


SOURCE = Source(
    datasets=(ORDERS, CUSTOMERS, PRODUCTS),
    feeds={
        "customers": Feed(CUSTOMERS.bronze, tuple(CUSTOMERS.columns), customers),
        "products": Feed(PRODUCTS.bronze, tuple(PRODUCTS.columns), listed_products),
        "orders": Feed(ORDERS.bronze, tuple(ORDERS.columns), orders),
        "order_items": Feed(ORDERS.bronze, tuple(ORDERS.columns), order_items, gather="order_id"),
        "refunds": Feed(ORDERS.bronze, tuple(ORDERS.columns), refunds, gather="order_id"),
    },
    also={"products": Feed(ORDERS.bronze, tuple(ORDERS.columns), sold_products)},
)
