"""The whole work in Polars; Delta tables are read and written with delta-rs.

    python -m bench.peers.peer_polars --landing DIR --lake DIR [--from DAY --to DAY] [--partition-gold]

From the landing files of the chosen days it makes bronze/online_retail, silver/order_items, orders, products and
customers, quarantine/order_items, and the ten Gold tables. The first run of a lake loads everything; a later run adds
its landing days. Silver is then rewritten for the order dates that get new items, lines that only missed a parent are
judged again, and Gold is replaced for the changed days and the days that they reach.

It leaves out what a plain script would: a corrected file (same path, new bytes) needs a new lake; a file that a later
run gets again lands in Bronze twice and collapses in Silver; an invoice lies within one day.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
from deltalake import write_deltalake
from polars import col

from bench.peers.common import HEADER, ISO2, MAX_QUANTITY, MAX_UNIT_PRICE, UNKNOWN, Landed, command_line, landed_files
from project_etl.core.meter import measured

MONEY = pl.Decimal(18, 4)
PARENT_RULES = ["order_exists", "product_exists"]
PRODUCT = {"product_id": pl.String, "name": pl.String, "price": MONEY, "updated_at": pl.Datetime}
CUSTOMER = {"customer_id": pl.String, "country": pl.String, "updated_at": pl.Datetime}
ORDER = {
    **dict.fromkeys(("order_id", "customer_id", "country"), pl.String),
    "order_ts": pl.Datetime,
    "order_date": pl.Date,
    **dict.fromkeys(("status", "currency"), pl.String),
}
ITEM = {
    **dict.fromkeys(("order_item_id", "order_id", "product_id"), pl.String),
    "quantity": pl.Int64,
    **dict.fromkeys(("unit_price", "discount", "gross_amount", "net_amount"), MONEY),
    "order_date": pl.Date,
}
REFUSED = {**dict.fromkeys(HEADER, pl.String), "broken": pl.List(pl.String)}


class Lake:
    """The Delta tables under one folder."""

    def __init__(self, root: Path) -> None:
        """Open; nothing is read yet."""
        self.root = root

    def read(self, table: str, schema: dict[str, pl.DataType], days: set[date] | None = None) -> pl.DataFrame:
        """A table, or its empty shape where it is not there; `days` prunes by order_date."""
        path = self.root / table
        if days == set() or not (path / "_delta_log").exists():
            return pl.DataFrame(schema=schema)
        scan = pl.scan_delta(str(path))
        return (
            (scan if days is None else scan.filter(col("order_date").is_in(sorted(days))))
            .select(list(schema))
            .collect()
        )

    def write(
        self,
        df: pl.DataFrame,
        table: str,
        days: set[date] | None = None,
        partition: str = "",
        column: str = "order_date",
    ) -> None:
        """Replace a table, or only its rows of `days`."""
        path = self.root / table
        predicate = None
        if days is not None and (path / "_delta_log").exists():
            if not days:
                return
            literals = ", ".join(f"'{day}'" for day in sorted(days))
            predicate = f"{column} in ({literals})"
        write_deltalake(str(path), df, mode="overwrite", partition_by=partition or None, predicate=predicate)


def load_bronze(lake: Lake, files: list[Landed]) -> pl.DataFrame:
    """Land the lines as text with their lineage."""
    frames = []
    for columns in dict.fromkeys(f.columns for f in files):
        same = [str(f.path) for f in files if f.columns == columns]
        frames.append(pl.scan_csv(same, schema=dict.fromkeys(columns, pl.String), include_file_paths="_source_file"))
    source = pl.LazyFrame(
        [(str(f.path), f.version, date.fromisoformat(f.day)) for f in files],
        ["_source_file", "_source_version", "_landing_date"],
        orient="row",
    )
    bronze = (
        pl.concat([frame.select(*HEADER, "_source_file") for frame in frames])
        .with_columns(
            _row_number=pl.int_range(1, pl.len() + 1).over("_source_file"), _ingested_at=pl.lit(datetime.now(UTC))
        )
        .join(source, on="_source_file", how="left")
        .collect()
    )
    lake.write(
        bronze, "bronze/online_retail", {date.fromisoformat(f.day) for f in files}, "_landing_date", "_landing_date"
    )
    return bronze


def typed(raw: pl.DataFrame) -> pl.DataFrame:
    """The eight text columns beside their typed values; order_item_id is a hash of the text."""
    text = raw.select(pl.concat_str([col(c).fill_null("") for c in HEADER], separator="\x1f")).to_series()
    units = col("Quantity").cast(pl.Int64, strict=False)
    return raw.select(
        *HEADER,
        order_item_id=pl.Series([hashlib.md5(line.encode()).hexdigest() for line in text], dtype=pl.String),
        order_id=col("InvoiceNo"),
        product_id=col("StockCode"),
        line_name=col("Description").str.strip_chars().replace("", None),
        customer_id=col("CustomerID").str.strip_chars().str.strip_suffix(".0").replace("", None),
        country=col("Country").str.strip_chars().replace_strict(ISO2, default="ZZ"),
        line_ts=col("InvoiceDate").str.to_datetime("%Y-%m-%d %H:%M:%S", strict=False),
        unit_price=col("UnitPrice").cast(MONEY, strict=False),
        units=pl.when(col("InvoiceNo").str.starts_with("C")).then(units.abs()).otherwise(units),
    )


def newest(lake: Lake, table: str, schema: dict, lines: pl.DataFrame) -> pl.DataFrame:
    """Per key (the first column) the newest version over the stored ones and those of new lines; written back."""
    both = pl.concat([lake.read(table, schema), lines.select(list(schema))])
    now = both.sort("updated_at", *schema).unique(next(iter(schema)), keep="last", maintain_order=True)
    lake.write(now, table)
    return now


def load_silver(lake: Lake, bronze: pl.DataFrame) -> set[date]:
    """Bring Silver and the quarantine up to date; the order dates that got new items."""
    line = typed(bronze)
    at = col("line_ts")
    timed = line.filter(at.is_not_null()).with_columns(updated_at=at, name=col("line_name"), price=col("unit_price"))
    products = newest(lake, "silver/products", PRODUCT, timed.filter(col("name").is_not_null() & (col("price") > 0)))
    newest(lake, "silver/customers", CUSTOMER, timed.filter(col("customer_id").is_not_null()))

    refused = lake.read("quarantine/order_items", REFUSED)
    is_releasable = col("broken").list.set_difference(pl.lit(PARENT_RULES)).list.len() == 0
    candidate = pl.concat([line, typed(refused.filter(is_releasable))])
    dates = set(candidate["line_ts"].dt.date().drop_nulls().unique())
    touched = lake.read("silver/orders", ORDER, dates)
    orders = (
        pl.concat([touched.select(list(ORDER)[:4]), timed.select("order_id", "customer_id", "country", order_ts=at)])
        .sort("order_ts", "customer_id", "country")
        .group_by("order_id")
        .agg(col("customer_id").drop_nulls().first(), col("country").first(), col("order_ts").first())
        .with_columns(
            order_date=col("order_ts").dt.date(),
            status=pl.when(col("order_id").str.starts_with("C"))
            .then(pl.lit("RETURNED"))
            .otherwise(pl.lit("COMPLETED")),
            currency=pl.lit("GBP"),
        )
    )
    rules = {
        "quantity": col("units").is_between(1, MAX_QUANTITY).fill_null(value=False),
        "unit_price": ((col("unit_price") > 0) & (col("unit_price") <= MAX_UNIT_PRICE)).fill_null(value=False),
        "order_exists": col("order_date").is_not_null(),
        "product_exists": col("product_id").is_in(products["product_id"].implode()),
    }
    judged = candidate.join(orders.select("order_id", "order_date"), on="order_id", how="left").with_columns(
        broken=pl.concat_list(pl.when(~holds).then(pl.lit(rule)) for rule, holds in rules.items()).list.drop_nulls()
    )
    is_good = col("broken").list.len() == 0
    new = judged.filter(is_good)
    changed = set(new["order_date"].unique()) | set(orders.join(line, on="order_id", how="semi")["order_date"].unique())
    gross = (col("unit_price") * col("units")).cast(MONEY)
    items = new.with_columns(
        quantity=col("units"), discount=pl.lit(0).cast(MONEY), gross_amount=gross, net_amount=gross
    )
    items = pl.concat([lake.read("silver/order_items", ITEM, changed), items.select(list(ITEM))]).unique(
        "order_item_id"
    )
    lake.write(orders.filter(col("order_date").is_in(changed)), "silver/orders", changed, "order_date")
    lake.write(items, "silver/order_items", changed, "order_date")
    still = pl.concat([refused.filter(~is_releasable), judged.filter(~is_good).select(list(REFUSED))]).unique()
    lake.write(still, "quarantine/order_items")
    return changed


def per_day(sale: pl.DataFrame, *keys: str) -> pl.DataFrame:
    """Orders, units and money per day and the given keys."""
    orders, units, net = (
        col("order_id").n_unique().cast(pl.Int64),
        col("quantity").sum(),
        col("net_amount").sum().cast(MONEY),
    )
    return sale.group_by("order_date", *keys).agg(orders=orders, units=units, net_revenue=net)


def ranked(rows: pl.DataFrame, key: str) -> pl.DataFrame:
    """The ten rows of each day with the most revenue, ties by key."""
    ordered = rows.sort(["order_date", "net_revenue", key], descending=[False, True, False])
    return ordered.with_columns(rank=pl.int_range(1, pl.len() + 1, dtype=pl.Int64).over("order_date")).filter(
        col("rank") <= 10
    )


def windowed(per: pl.DataFrame, days: set[date], length: int) -> pl.DataFrame:
    """Each row of `per` once for each of `days` whose window of `length` days holds it, with its age in days."""
    shifted = pl.concat(
        per.with_columns(order_date=col("order_date").dt.offset_by(f"{age}d"), age=age) for age in range(length)
    )
    return shifted.filter(col("order_date").is_in(days))


def ratio(above: pl.Expr, below: pl.Expr) -> pl.Expr:
    """A ratio as a double; null where the divisor is 0."""
    return pl.when(below != 0).then(above.cast(pl.Float64) / below.cast(pl.Float64))


def load_gold(lake: Lake, changed: set[date], partition: str) -> None:
    """Replace the Gold rows of the changed days and of the days that they reach."""
    orders = (
        lake.read("silver/orders", ORDER)
        .filter(col("status") == "COMPLETED")
        .select("order_id", "customer_id", "country", "order_ts")
    )
    sale = (
        lake.read("silver/order_items", ITEM)
        .join(orders, on="order_id")
        .with_columns(
            category=pl.lit(UNKNOWN),
            hour=col("order_ts").dt.hour().cast(pl.Int64),
            first_date=pl.when(col("customer_id").is_not_null()).then(col("order_date").min().over("customer_id")),
        )
    )

    def write(table: str, rows: pl.DataFrame, days: set[date]) -> None:
        lake.write(rows, f"gold/{table}", days, partition)

    def reached(length: int) -> set[date]:
        return {day + timedelta(days=n) for day in changed for n in range(length)}

    today = sale.filter(col("order_date").is_in(changed))
    amounts = [col("gross_amount").sum().cast(MONEY).alias("gross_revenue"), col("discount").sum().cast(MONEY)]
    category = per_day(today, "category").join(
        today.group_by("order_date", "category").agg(amounts), on=["order_date", "category"]
    )
    write("daily_revenue_by_category", category, changed)
    aov = per_day(today).with_columns(aov=(col("net_revenue").cast(pl.Float64) / col("orders")).cast(MONEY))
    write("daily_aov", aov.drop("units"), changed)
    write("hourly_sales", per_day(today, "hour"), changed)
    users = per_day(today.filter(col("customer_id").is_not_null()), "customer_id")
    write("top_users", ranked(users.drop("units"), "customer_id"), changed)

    country = per_day(today, "country").drop("orders", "units")
    write(
        "country_revenue_share",
        country.with_columns(share=ratio(col("net_revenue"), col("net_revenue").sum().over("order_date"))),
        changed,
    )

    since = today.group_by("customer_id").agg(since=col("order_date").min())
    days = changed | set(sale.join(since, on="customer_id").filter(col("order_date") > col("since"))["order_date"])
    is_new, is_back = col("first_date") == col("order_date"), col("first_date") < col("order_date")
    customer, net = col("customer_id"), col("net_amount")
    loyal = (
        sale.filter(col("order_date").is_in(days))
        .group_by("order_date")
        .agg(
            customers=customer.drop_nulls().n_unique().cast(pl.Int64),
            new_customers=customer.filter(is_new).n_unique().cast(pl.Int64),
            returning_customers=customer.filter(is_back).n_unique().cast(pl.Int64),
            new_revenue=net.filter(is_new).sum().cast(MONEY),
            returning_revenue=net.filter(is_back).sum().cast(MONEY),
            guest_revenue=net.filter(customer.is_null()).sum().cast(MONEY),
        )
    )
    repeat = col("returning_customers")
    write(
        "repeat_customers",
        loyal.select("order_date", "customers", repeat_customers=repeat, repeat_rate=ratio(repeat, col("customers"))),
        days,
    )
    write("new_vs_returning", loyal.drop("customers"), days)

    days = reached(7)
    near = sale.filter(col("order_date").is_between(min(days) - timedelta(days=6), max(days)))
    week = windowed(per_day(near, "product_id").drop("orders"), days, 7)
    sums = week.group_by("order_date", "product_id").agg(col("units").sum(), col("net_revenue").sum().cast(MONEY))
    write("top_products_7d", ranked(sums, "product_id"), days)

    days = reached(14)
    near = sale.filter(col("order_date").is_between(min(days) - timedelta(days=13), max(days)))
    fortnight = windowed(per_day(near, "category"), days, 14)
    is_now, revenue = col("age") < 7, col("net_revenue")
    growth = fortnight.group_by("order_date", "category").agg(
        revenue_7d=revenue.filter(is_now).sum().cast(MONEY), prev_revenue_7d=revenue.filter(~is_now).sum().cast(MONEY)
    )
    write(
        "category_growth_wow",
        growth.with_columns(growth=ratio(col("revenue_7d") - col("prev_revenue_7d"), col("prev_revenue_7d"))),
        days,
    )

    ltv = (
        sale.filter(customer.is_not_null())
        .group_by("customer_id")
        .agg(
            first_order_date=col("order_date").min(),
            last_order_date=col("order_date").max(),
            orders=col("order_id").n_unique().cast(pl.Int64),
            net_revenue=net.sum().cast(MONEY),
        )
    )
    lake.write(
        ltv.with_columns(avg_order_value=(col("net_revenue").cast(pl.Float64) / col("orders")).cast(MONEY)),
        "gold/customer_ltv",
    )


def main() -> None:
    """Parse the arguments and run the three layers."""
    args = command_line("Online Retail to Gold in Polars.").parse_args()
    files = landed_files(args.landing, args.first, args.last)
    lake = Lake(args.lake)
    with measured("bronze"):
        bronze = load_bronze(lake, files)
    with measured("silver"):
        changed = load_silver(lake, bronze)
    with measured("gold"):
        load_gold(lake, changed, "order_date" if args.partition_gold else "")


if __name__ == "__main__":
    main()
