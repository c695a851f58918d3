"""Order items: one row per published item of any order, with its amounts in order and reporting currency.

Here is decided what revenue is: items of orders with a revenue status. The category is that of the product at the
order's time (its earliest version for an older order), so that a product that moves today does not rewrite last year.
An amount is converted with the rate of the order's day, or of the newest earlier day that has one (`fx_carried`). An
order without any rate is published with empty amounts in the reporting currency.
"""

from __future__ import annotations

import pandera.pyspark as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from project_etl.core.contracts import FAIL, WARN, on_fail, sql_rule
from project_etl.core.model.table import Conserves, ReplaceDays, Table, same_day, whole
from project_etl.core.transforms.asof import as_of
from project_etl.core.transforms.money import Amount, Rate, convert, with_rates

REVENUE_STATUSES = ("PAID", "SHIPPED", "DELIVERED", "COMPLETED", "PARTIALLY_REFUNDED")
UNKNOWN_CATEGORY = "Unknown"
# A rate that is carried further is worth a look.
MOST_DAYS_CARRIED = 7


class FactOrderItems(pa.DataFrameModel):
    """One published order item."""

    order_date: T.DateType = pa.Field(description="Business day of the order.", metadata=on_fail(FAIL))
    order_item_id: T.StringType = pa.Field(description="Line number given by the shop.", metadata=on_fail(FAIL))
    order_id: T.StringType = pa.Field(description="Order the item belongs to.", metadata=on_fail(FAIL))
    order_ts: T.TimestampType = pa.Field(description="Instant of the order (UTC).", metadata=on_fail(FAIL))
    product_id: T.StringType = pa.Field(description="Product sold.", metadata=on_fail(FAIL))
    customer_id: T.StringType = pa.Field(nullable=True, description="Customer; empty for guests.")
    status: T.StringType = pa.Field(description="Status of the order.", metadata=on_fail(FAIL))
    is_revenue: T.BooleanType = pa.Field(
        description=f"Whether the item counts as revenue: status {', '.join(REVENUE_STATUSES)}.", metadata=on_fail(FAIL)
    )
    category: T.StringType = pa.Field(
        description="Category of the product at the order's time.", metadata=on_fail(FAIL)
    )
    quantity: T.IntegerType = pa.Field(gt=0, description="Pieces.", metadata=on_fail(FAIL))
    currency: T.StringType = pa.Field(description="Currency of the order (ISO 4217).", metadata=on_fail(FAIL))
    unit_price: Amount = pa.Field(gt=0, description="Price of a piece, order currency.", metadata=on_fail(FAIL))
    gross_amount: Amount = pa.Field(ge=0, description="quantity × unit_price, order currency.", metadata=on_fail(FAIL))
    discount: Amount = pa.Field(ge=0, description="Discount on the line, order currency.", metadata=on_fail(FAIL))
    net_amount: Amount = pa.Field(ge=0, description="gross_amount − discount, order currency.", metadata=on_fail(FAIL))
    reporting_currency: T.StringType = pa.Field(
        description="Currency of the *_reporting amounts (ISO 4217).", metadata=on_fail(FAIL)
    )
    fx_rate: Rate = pa.Field(
        nullable=True, gt=0, description="Reporting currency per unit of currency.", metadata=on_fail(FAIL)
    )
    fx_rate_date: T.DateType = pa.Field(
        nullable=True, description="Day the rate is from; empty where none is needed or known."
    )
    fx_carried: T.BooleanType = pa.Field(
        description="Whether the rate is from a day before the order's.", metadata=on_fail(FAIL)
    )
    gross_amount_reporting: Amount = pa.Field(
        nullable=True, ge=0, description="gross_amount × fx_rate.", metadata=on_fail(FAIL)
    )
    discount_reporting: Amount = pa.Field(
        nullable=True, ge=0, description="discount × fx_rate.", metadata=on_fail(FAIL)
    )
    net_amount_reporting: Amount = pa.Field(
        nullable=True, ge=0, description="net_amount × fx_rate.", metadata=on_fail(FAIL)
    )
    discount_applied: T.BooleanType = pa.Field(description="Whether there was a discount.", metadata=on_fail(FAIL))


TABLE = Table(
    name="gold/fact_order_items",
    contract=FactOrderItems,
    keys=("order_date", "order_id", "order_item_id"),
    inputs={
        "order_items": same_day("silver/order_items"),
        "orders": same_day("silver/orders"),
        "products_history": whole("silver/products_history"),
        "fx_rates": whole("silver/fx_rates"),
    },
    rules=(
        sql_rule(
            "net_is_gross_less_discount",
            "net_amount = gross_amount - discount",
            action=FAIL,
            description="net_amount must be gross_amount less discount",
        ),
        sql_rule(
            "fx_rate_known",
            "NOT is_revenue OR fx_rate IS NOT NULL",
            action=WARN,
            max_share=0,
            column="currency",
            description="the currency of a revenue order must have a rate into the reporting currency on the order's "
            "day or before it, given, inverse or through a third currency; add it to fx_rates",
        ),
        sql_rule(
            "fx_rate_is_older",
            f"order_date <= date_add(fx_rate_date, {MOST_DAYS_CARRIED})",
            action=WARN,
            column="fx_rate_date",
            description=f"the rate must be from the order's day or the {MOST_DAYS_CARRIED} days before it",
        ),
        sql_rule(
            "reporting_amounts_fit",
            "fx_rate IS NULL OR (gross_amount_reporting IS NOT NULL AND discount_reporting IS NOT NULL"
            " AND net_amount_reporting IS NOT NULL)",
            action=FAIL,
            column="fx_rate",
            description="an amount in the reporting currency must fit in DECIMAL(18,4); look at the rate",
        ),
    ),
    conserves=(Conserves("order_items"), Conserves("order_items", "net_amount")),
    write=ReplaceDays("order_date"),
)


def transform(
    order_items: DataFrame,
    orders: DataFrame,
    products_history: DataFrame,
    fx_rates: DataFrame,
    *,
    reporting_currency: str,
) -> DataFrame:
    """Join each item to its order, its product's category then, and its day's rate.

    Args:
        order_items: `silver/order_items` of the days.
        orders: `silver/orders` of the same days; an item without its order breaks `order_ts_not_null`.
        products_history: all of `silver/products_history`.
        fx_rates: all of `silver/fx_rates`.
        reporting_currency: ISO 4217 code.

    Returns:
        As many rows as `order_items`, as the contract says.
    """
    headers = with_rates(
        orders.select("order_id", "order_date", "order_ts", "customer_id", "status", "currency"),
        fx_rates,
        into=reporting_currency,
        day="order_date",
    )
    items = order_items.select(
        "order_item_id", "order_id", "order_date", "product_id",
        "quantity", "unit_price", "gross_amount", "discount", "net_amount",
    )  # fmt: skip
    # A left join, so that an item without its order stops its day instead of leaving it unseen.
    sold = items.join(headers, on=["order_id", "order_date"], how="left")
    sold = as_of(sold, products_history, key="product_id", at="order_ts", columns={"category": "category"})
    return sold.select(
        "order_date",
        "order_item_id",
        "order_id",
        "order_ts",
        "product_id",
        "customer_id",
        "status",
        F.col("status").isin(*REVENUE_STATUSES).alias("is_revenue"),
        F.coalesce("category", F.lit(UNKNOWN_CATEGORY)).alias("category"),
        "quantity",
        "currency",
        "unit_price",
        "gross_amount",
        "discount",
        "net_amount",
        F.lit(reporting_currency).alias("reporting_currency"),
        "fx_rate",
        "fx_rate_date",
        F.coalesce(F.col("fx_rate_date") < F.col("order_date"), F.lit(False)).alias("fx_carried"),
        convert("gross_amount", "fx_rate").alias("gross_amount_reporting"),
        convert("discount", "fx_rate").alias("discount_reporting"),
        convert("net_amount", "fx_rate").alias("net_amount_reporting"),
        (F.col("discount") > 0).alias("discount_applied"),
    )
