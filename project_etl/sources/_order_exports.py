"""What exports of shop systems have in common: a row for each line of an order, and orders that are exported again.

Belongs here: what the sources `shopify` and `woocommerce` both do. Does not belong here: columns of either.

- An export names an order in each of its lines, and may say only in one of them what the order is.
- An order that is exported again says all of itself again. Lines count from the newest export alone, so that a line
  that was taken off an order is gone. The newest names the newest instant; then the landing day and the file decide.
- Lists of products and customers name no instant. So they hold for all time, and the newest list wins. What orders tell
  of products comes before every list, and so counts only for products that no list has.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F
from pyspark.sql import types as T
from pyspark.sql.window import WindowSpec

from project_etl.core.model.records import PASSED_ON
from project_etl.core.transforms.casts import to_decimal, to_utc
from project_etl.core.transforms.exact import quotient
from project_etl.core.transforms.iso import COUNTRIES, UNKNOWN_COUNTRY
from project_etl.core.transforms.json_text import json_array
from project_etl.core.transforms.money import AMOUNT
from project_etl.core.transforms.text import Kind, clean

# Versions of a product or customer, in their order. No time zone makes the first one a day of the century before.
SOLD, LISTED = "1900-01-02T00:00:00Z", "1900-01-03T00:00:00Z"

# Amounts of an order: with fewer digits than `AMOUNT`, so that a product of two of them is exact.
_ORDER_AMOUNT, _PRODUCT = T.DecimalType(15, 4), T.DecimalType(31, 8)
_ID_DIGITS, _STAND_IN_DIGITS = 32, 16


def with_orders(lines: DataFrame, order: str, said: Sequence[str], instants: Sequence[str]) -> DataFrame:
    """Give each line what its export says of the order.

    Args:
        lines: Bronze rows.
        order: column with the order's id, in every line.
        said: columns that are of the order; each becomes the first value that a line of the order has, cleaned.
        instants: those of them that say when the order changed; the first one says when it was placed.

    Returns:
        The lines with `_order` (the cleaned id; a line without one stays), `_line` (place among the order's lines, from
        1), `_at` (the newest instant) and `_changed` (its text).
    """
    key = clean(F.col(order), Kind.KEY)
    lines = lines.withColumns({"_order": key, **{name: clean(F.col(name), Kind.CODE) for name in said}})
    whole = _of_export().rowsBetween(Window.unboundedPreceding, Window.unboundedFollowing)
    lines = lines.withColumns({name: F.first(name, ignorenulls=True).over(whole) for name in said})
    at = reduce(F.greatest, map(to_utc, instants))
    lines = lines.withColumns({"_line": F.row_number().over(_of_export()), "_at": at})
    texts = [F.when(to_utc(name) == F.col("_at"), F.col(name)) for name in instants]
    return lines.withColumn("_changed", F.coalesce(*texts, F.col(instants[0])))


def of_newest_exports(lines: DataFrame) -> DataFrame:
    """The lines of `with_orders` that are of the newest export of their order, and those without an order's id."""
    place = F.struct(F.col("_at").isNotNull().alias("is_dated"), "_at", "_landing_date", "_source_file")
    newest = F.max(place).over(Window.partitionBy("_order")).getField("_source_file")
    lines = lines.withColumn("_newest", newest)
    return lines.where(F.col("_order").isNull() | (F.col("_newest") == F.col("_source_file")))


def refunds_of(lines: DataFrame, amount: str) -> DataFrame:
    """A refund for each order of `with_orders` whose newest export says that something was paid back.

    It is as of the newest instant that the order names: exports say no other.

    Args:
        lines: the lines.
        amount: column with what was paid back in all.
    """
    orders = of_newest_exports(lines).where(F.col("_order").isNotNull() & (F.col("_line") == 1))
    is_nothing = F.coalesce(to_decimal(amount) == F.lit(0).cast(AMOUNT), F.lit(False))
    return orders.where(F.col(amount).isNotNull() & ~is_nothing).select(
        F.concat("_order", F.lit("-refund")).alias("refund_id"),
        F.col("_order").alias("order_id"),
        F.col(amount).alias("amount"),
        F.col("_changed").alias("refunded_at"),
        F.col("_changed").alias("updated_at"),
        *PASSED_ON,
    )


def item_id(*said: str) -> Column:
    """An id of a line of `with_orders` that is the same in each export of the order.

    Equal lines are told apart by their order in the file.

    Args:
        said: columns with what the line says of its product.
    """
    number = F.row_number().over(Window.partitionBy("_order", "_source_file", *said).orderBy("_row_number"))
    texts = [F.coalesce(F.concat(F.lit("="), F.col(name)), F.lit("-")) for name in ("_order", *said)]
    return F.sha2(F.concat_ws("\x1f", *texts, number.cast("string")), 256).substr(1, _ID_DIGITS)


def total_of_order(amount: str) -> Column:
    """The sum of an amount over the lines of an order in `with_orders`, without the lines that have none."""
    whole = _of_export().rowsBetween(Window.unboundedPreceding, Window.unboundedFollowing)
    return F.sum(amount).over(whole).try_cast(_ORDER_AMOUNT)


def share_of(amount: str, by: str) -> Column:
    """A line's share of an amount of its order, in proportion to its own; all shares add up to the amount exactly.

    A share is the difference of two shares of all lines so far, each rounded once. So it is never more than the line's
    own amount, if the whole is not more than theirs.

    Args:
        amount: column with the amount of the order.
        by: column with the line's own amount, never null.

    Returns:
        `AMOUNT`; 0 when the lines have nothing, null when something does not fit.
    """
    until = F.sum(by).over(_of_export().rowsBetween(Window.unboundedPreceding, Window.currentRow))
    whole = total_of_order(by)

    def upto(sum_: Column) -> Column:
        part = F.col(amount).try_cast(_ORDER_AMOUNT) * sum_.try_cast(_ORDER_AMOUNT)
        return quotient(part.try_cast(_PRODUCT), whole, _PRODUCT, AMOUNT)

    share = (upto(until) - upto(until - F.col(by))).try_cast(AMOUNT)
    return F.when(whole == F.lit(0).cast(_ORDER_AMOUNT), F.lit(0).cast(AMOUNT)).otherwise(share)


def product_id(sku: Column, name: Column) -> Column:
    """The article number, else a stand-in that is made of the name; null without both."""
    digest = F.sha2(clean(name, Kind.NAME), 256).substr(1, _STAND_IN_DIGITS)
    return F.coalesce(clean(sku, Kind.KEY), F.concat(F.lit("name-"), digest))


def country_of(*columns: str) -> dict[str, Column]:
    """`_country`, the code in the first column that says anything, and `_unmapped`, which names what is no code."""
    said = F.upper(F.coalesce(*[clean(F.col(name), Kind.COUNTRY) for name in columns]))
    is_code = said.isin(*COUNTRIES)
    unknown = F.concat(F.lit("Country '"), said, F.lit("'"))
    return {
        "_country": F.when(said.isNotNull(), F.when(is_code, said).otherwise(F.lit(UNKNOWN_COUNTRY))),
        "_unmapped": F.when(said.isNotNull() & ~is_code, unknown),
    }


def phone_of(column: Column) -> Column:
    """A phone number without the apostrophe that keeps a spreadsheet from taking it for a formula."""
    return F.regexp_replace(column, "^'", "")


def categories_of(path: Column) -> tuple[Column, Column]:
    """The first category of a path such as `Clothing > Shirts`, and the finest where it has more than one."""
    categories = F.split(path, " > ")
    return F.element_at(categories, 1), F.when(F.size(categories) > 1, F.element_at(categories, -1))


def tags_of(column: Column) -> Column:
    """Tags with commas between them as a JSON array; null for none."""
    tags = F.transform(F.split(column, ","), lambda tag: F.trim(tag))
    return F.when(F.trim(column) != "", json_array(tags))


def _of_export() -> WindowSpec:
    """The lines of an order in one file, in their order."""
    return Window.partitionBy("_order", "_source_file").orderBy("_row_number")
