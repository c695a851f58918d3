"""The whole work in plain PySpark and Delta: one script, tuned for a laptop.

    python -m bench.peers.peer_spark --jars DIR --landing DIR --lake DIR [--from DAY --to DAY] [--partition-gold]
        [--threads N] [--conf KEY=VALUE ...]

From the landing files of the chosen days it makes bronze/online_retail, silver/order_items, orders, products and
customers, quarantine/order_items, and the ten Gold tables. The first run of a lake loads everything; a later run adds
its landing days. Silver is then rewritten for the order dates that get new items, lines that only missed a parent are
judged again, and Gold is replaced for the changed days and the days that they reach.

It leaves out what a plain script would: a corrected file (same path, new bytes) needs a new lake; a file that a later
run gets again lands in Bronze twice and collapses in Silver; an invoice lies within one day. The numbers of
_row_number are in order but have gaps.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from bench.peers.common import HEADER, ISO2, MAX_QUANTITY, MAX_UNIT_PRICE, UNKNOWN, Landed, command_line, landed_files
from project_etl.core.meter import measured

CONF = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.memory": "2g",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=256m -XX:+UseSerialGC",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.files.openCostInBytes": "1048576",  # hundreds of small files in few tasks, one small file in one task
    "spark.sql.sources.parallelPartitionDiscovery.threshold": "100000",  # else listing 305 paths is a job of 305 tasks
    "spark.databricks.delta.snapshotPartitions": "1",
}
SMALL = {  # for a later run, a few days: one task, and interpreted plans, as compiling costs more than it saves
    "spark.sql.shuffle.partitions": "1",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
}
MONEY = "decimal(18, 4)"
ORDER = ("order_id", "customer_id", "country", "order_ts")
RELEASABLE = "size(array_except(broken, array('order_exists', 'product_exists'))) = 0"  # only a parent was missing

SALE = f"""
select i.order_id, i.order_date, hour(o.order_ts) as hour, o.customer_id, i.product_id, '{UNKNOWN}' as category,
  o.country, i.quantity as units, i.gross_amount as gross, i.discount, i.net_amount as net,
  if(o.customer_id is null, null, min(i.order_date) over (partition by o.customer_id)) as first_date
from items i join orders o on o.order_id = i.order_id and o.status = 'COMPLETED'"""
# table -> (how far a changed day reaches, query over `sale` and its per-day sums; {days} is a condition on order_date)
GOLD = {
    "daily_revenue_by_category": ("day", f"""
        select order_date, category, count(distinct order_id) as orders, sum(units) as units,
          cast(sum(gross) as {MONEY}) as gross_revenue, cast(sum(discount) as {MONEY}) as discount,
          cast(sum(net) as {MONEY}) as net_revenue
        from sale where {{days}} group by order_date, category"""),
    "daily_aov": ("day", f"""
        select order_date, count(distinct order_id) as orders, cast(sum(net) as {MONEY}) as net_revenue,
          cast(sum(net) / count(distinct order_id) as {MONEY}) as aov from sale where {{days}} group by order_date"""),
    "hourly_sales": ("day", f"""
        select order_date, hour, count(distinct order_id) as orders, sum(units) as units,
          cast(sum(net) as {MONEY}) as net_revenue
        from sale where {{days}} group by order_date, hour"""),
    "top_users": ("day", f"""
        select order_date, rank, customer_id, orders, net_revenue from (
          select order_date, customer_id, count(distinct order_id) as orders, cast(sum(net) as {MONEY}) as net_revenue,
            row_number() over (partition by order_date order by sum(net) desc, customer_id) as rank
          from sale where {{days}} and customer_id is not null group by order_date, customer_id) where rank <= 10"""),
    "country_revenue_share": ("day", f"""
        select order_date, country, cast(sum(net) as {MONEY}) as net_revenue,
          cast(sum(net) as double) / cast(sum(sum(net)) over (partition by order_date) as double) as share
        from sale where {{days}} group by order_date, country"""),
    "repeat_customers": ("customer", """
        select *, repeat_customers / nullif(customers, 0) as repeat_rate from (
          select order_date, count(distinct customer_id) as customers,
            count(distinct if(first_date < order_date, customer_id, null)) as repeat_customers
          from sale where {days} group by order_date)"""),
    "new_vs_returning": ("customer", f"""
        select order_date, count(distinct if(first_date = order_date, customer_id, null)) as new_customers,
          count(distinct if(first_date < order_date, customer_id, null)) as returning_customers,
          cast(coalesce(sum(net) filter (where first_date = order_date), 0) as {MONEY}) as new_revenue,
          cast(coalesce(sum(net) filter (where first_date < order_date), 0) as {MONEY}) as returning_revenue,
          cast(coalesce(sum(net) filter (where customer_id is null), 0) as {MONEY}) as guest_revenue
        from sale where {{days}} group by order_date"""),
    "top_products_7d": ("week", f"""
        with per as (
          select order_date, product_id, sum(units) as units, sum(net) as net
          from sale group by order_date, product_id),
        week as (
          select date_add(order_date, n) as order_date, product_id, sum(units) as units, sum(net) as net
          from per lateral view explode(sequence(0, 6)) as n where {{shifted}}
          group by date_add(order_date, n), product_id)
        select order_date, rank, product_id, units, cast(net as {MONEY}) as net_revenue from (
          select *, row_number() over (partition by order_date order by net desc, product_id) as rank from week)
        where rank <= 10"""),
    "category_growth_wow": ("fortnight", f"""
        with per as (select order_date, category, sum(net) as net from sale group by order_date, category),
        both as (
          select date_add(order_date, n) as order_date, category,
            cast(sum(if(n < 7, net, 0)) as {MONEY}) as revenue_7d,
            cast(sum(if(n >= 7, net, 0)) as {MONEY}) as prev_revenue_7d
          from per lateral view explode(sequence(0, 13)) as n where {{shifted}}
          group by date_add(order_date, n), category)
        select *,
          cast(revenue_7d - prev_revenue_7d as double) / nullif(cast(prev_revenue_7d as double), 0) as growth
        from both"""),
    "customer_ltv": ("", f"""
        select customer_id, min(order_date) as first_order_date, max(order_date) as last_order_date,
          count(distinct order_id) as orders, cast(sum(net) as {MONEY}) as net_revenue,
          cast(sum(net) / count(distinct order_id) as {MONEY}) as avg_order_value
        from sale where customer_id is not null group by customer_id"""),
}  # fmt: skip


class Lake:
    """The Delta tables under one folder. `days` is None on the first load: nothing is there yet, all is written."""

    def __init__(self, spark: SparkSession, root: Path, threads: int) -> None:
        """Open; nothing is read yet. `threads` writes run at once: a commit is mostly work of the driver."""
        self.spark, self.root, self.pool = spark, root, ThreadPoolExecutor(threads)
        self.is_new = not (root / "silver").exists()

    def read(self, table: str, days: set[date] | None = None) -> DataFrame:
        """A table; `days` prunes by order_date."""
        df = self.spark.read.format("delta").load(str(self.root / table))
        return df if days is None else df.where(_in("order_date", days))

    def write(
        self, df: DataFrame, table: str, days: set[date] | None = None, partition: str = "", column: str = "order_date"
    ) -> None:
        """Replace a table, or only its rows of `days`."""
        writer = df.write.format("delta").mode("overwrite")
        writer = writer.partitionBy(partition) if partition else writer
        writer = writer.option("replaceWhere", _in(column, days)) if days is not None else writer
        writer.save(str(self.root / table))


def _in(column: str, days: set[date]) -> str:
    return f"{column} in ({', '.join(repr(f'{day}') for day in sorted(days)) or 'null'})"


def _values(spark: SparkSession, pairs: dict[str, str], key: str, value: str) -> DataFrame:
    rows = ", ".join(f"('{k}', '{v}')" for k, v in pairs.items())  # createDataFrame would start Python workers
    return spark.sql(f"select * from values {rows} as t({key}, {value})")


def load_bronze(lake: Lake, files: list[Landed]) -> DataFrame:
    """Land the lines as text with their lineage."""
    spark = lake.spark
    frames = []
    for columns in dict.fromkeys(f.columns for f in files):  # one read per order of the columns
        same = [str(f.path) for f in files if f.columns == columns]
        read = spark.read.csv(
            same, schema=", ".join(f"{c} string" for c in columns), header=True, quote='"', escape='"'
        )
        frames.append(read.select(*HEADER, F.col("_metadata.file_path").alias("_source_file")))
    lines = frames[0]
    for frame in frames[1:]:
        lines = lines.unionByName(frame)
    versions = _values(spark, {f"{f.day}/{f.path.name}": f.version for f in files}, "_key", "_source_version")
    bronze = (
        lines.withColumn("_key", F.substring_index("_source_file", "/", -2))
        .withColumn("_row_number", F.monotonically_increasing_id())
        .withColumn("_ingested_at", F.current_timestamp())
        .withColumn("_landing_date", F.to_date(F.substring("_key", 1, 10)))
        .join(F.broadcast(versions), on="_key", how="left")
        .drop("_key")
    )
    days = {date.fromisoformat(f.day) for f in files}
    lake.write(bronze, "bronze/online_retail", None if lake.is_new else days, "_landing_date", "_landing_date")
    return bronze


def typed(raw: DataFrame) -> DataFrame:
    """The eight text columns beside their typed values; order_item_id is a hash of the text."""
    units = F.expr("try_cast(Quantity as bigint)")
    countries = _values(raw.sparkSession, ISO2, "_name", "_iso2")
    return raw.join(F.broadcast(countries), on=F.trim("Country") == F.col("_name"), how="left").select(
        *HEADER,
        F.md5(F.concat_ws("\x1f", *[F.coalesce(c, F.lit("")) for c in HEADER])).alias("order_item_id"),
        F.col("InvoiceNo").alias("order_id"),
        F.col("StockCode").alias("product_id"),
        F.expr("nullif(trim(Description), '')").alias("line_name"),
        F.expr(r"nullif(regexp_replace(trim(CustomerID), '[.]0$', ''), '')").alias("customer_id"),
        F.expr("coalesce(_iso2, 'ZZ')").alias("country_code"),
        F.expr("try_cast(InvoiceDate as timestamp)").alias("line_ts"),
        F.expr(f"try_cast(UnitPrice as {MONEY})").alias("unit_price"),
        F.when(F.col("InvoiceNo").startswith("C"), F.abs(units)).otherwise(units).alias("units"),
    )


def newest(lake: Lake, table: str, versions: DataFrame) -> DataFrame:
    """Per key (the first column) the newest version over the stored ones and the given ones; written back."""
    key, *values = versions.columns
    both = versions if lake.is_new else versions.unionByName(lake.read(table))
    last = F.max(F.struct("updated_at", *[value for value in values if value != "updated_at"])).alias("last")
    now = both.groupBy(key).agg(last).select(key, *[f"last.{value}" for value in values]).coalesce(1).localCheckpoint()
    lake.write(now, table)
    return now


def load_silver(lake: Lake, bronze: DataFrame) -> set[date] | None:
    """Bring Silver and the quarantine up to date; the order dates with new lines (None: all)."""
    line = typed(bronze).persist()
    timed = line.where("line_ts is not null").withColumn("updated_at", F.col("line_ts"))
    products = timed.where("line_name is not null and unit_price > 0").selectExpr(
        "product_id", "line_name as name", "unit_price as price", "updated_at"
    )
    customers = timed.where("customer_id is not null").selectExpr(
        "customer_id", "country_code as country", "updated_at"
    )
    products_loading = lake.pool.submit(newest, lake, "silver/products", products)
    customers_loading = lake.pool.submit(newest, lake, "silver/customers", customers)

    candidate, days, parked = line, None, None
    known = timed.selectExpr("order_id", "customer_id", "country_code as country", "line_ts as order_ts")
    if not lake.is_new:
        refused = lake.read("quarantine/order_items")
        parked = refused.where(f"not ({RELEASABLE})")
        candidate = line.unionByName(typed(refused.where(RELEASABLE)))
        days = {
            row.day
            for row in candidate.selectExpr("to_date(line_ts) as day").where("day is not null").distinct().collect()
        }
        known = known.unionByName(lake.read("silver/orders", days).select(*ORDER))
    orders = (
        known.groupBy("order_id")
        .agg(
            F.expr("min_by(customer_id, struct(order_ts, customer_id)) filter (where customer_id is not null)").alias(
                "customer_id"
            ),
            F.min(F.struct("order_ts", "country")).alias("first"),
        )
        .select("order_id", "customer_id", "first.country", "first.order_ts")
        .selectExpr(
            "*",
            "to_date(order_ts) as order_date",
            "if(startswith(order_id, 'C'), 'RETURNED', 'COMPLETED') as status",
            "'GBP' as currency",
        )
        .localCheckpoint()  # a cache would be dropped when the table that it reads is written
    )
    rules = {
        "quantity": f"coalesce(units not between 1 and {MAX_QUANTITY}, true)",
        "unit_price": f"coalesce(unit_price <= 0 or unit_price > {MAX_UNIT_PRICE}, true)",
        "order_exists": "order_date is null",
        "product_exists": "name is null",
    }
    broken = F.array_compact(F.array(*[F.expr(f"if({breaks}, '{rule}', null)") for rule, breaks in rules.items()]))
    judged = (
        candidate.join(orders.select("order_id", "order_date"), on="order_id", how="left")
        .join(F.broadcast(products_loading.result().select("product_id", "name")), on="product_id", how="left")
        .select(
            "order_item_id",
            "order_id",
            "product_id",
            "units",
            "unit_price",
            "order_date",
            broken.alias("broken"),
            F.struct(*HEADER).alias("raw"),
        )
        .withColumn("raw", F.expr("if(size(broken) > 0, raw, null)"))  # only refused lines keep their text
        .localCheckpoint()
    )
    items = judged.where("size(broken) = 0").selectExpr(
        "order_item_id",
        "order_id",
        "product_id",
        "units as quantity",
        "unit_price",
        f"cast(0 as {MONEY}) as discount",
        f"cast(units * unit_price as {MONEY}) as gross_amount",
        f"cast(units * unit_price as {MONEY}) as net_amount",
        "order_date",
    )
    if days is not None:
        items = items.unionByName(lake.read("silver/order_items", days))
    items = items.dropDuplicates(["order_id", "order_item_id"]).repartition("order_date")  # one file per day
    still = judged.where("size(broken) > 0").select("raw.*", "broken")
    still = (still if parked is None else still.unionByName(parked)).distinct().coalesce(1)
    writes = [
        lake.pool.submit(lake.write, items, "silver/order_items", days, "order_date"),
        lake.pool.submit(lake.write, orders.repartition("order_date"), "silver/orders", days, "order_date"),
        lake.pool.submit(lake.write, still, "quarantine/order_items"),
    ]
    for write in writes:
        write.result()
    customers_loading.result()
    return days


def reached(sale: DataFrame, days: set[date]) -> dict[str, set[date]]:
    """The days to compute, per kind of reach of a Gold table."""
    rows = sale.sparkSession.sql(
        f"""select distinct s.order_date from sale s join (select customer_id, min(order_date) as since
              from sale where {_in("order_date", days)} group by customer_id) c on c.customer_id = s.customer_id
              where s.order_date > c.since"""
    ).collect()
    windows = {
        kind: {day + timedelta(days=n) for day in days for n in range(size)}
        for kind, size in (("week", 7), ("fortnight", 14))
    }
    return {"day": days, "customer": days | {row.order_date for row in rows}, **windows}


def load_gold(lake: Lake, days: set[date] | None, partition: str) -> None:
    """Replace the Gold rows of the changed days and of the days that they reach."""
    spark = lake.spark
    lake.read("silver/order_items").createOrReplaceTempView("items")
    lake.read("silver/orders").createOrReplaceTempView("orders")
    sale = spark.sql(SALE).localCheckpoint()
    sale.createOrReplaceTempView("sale")
    scope = {} if days is None else reached(sale, days)

    def write(table: str) -> None:
        kind, query = GOLD[table]
        only = scope.get(kind)
        condition, shifted = (
            ("true", "true") if only is None else (_in("order_date", only), _in("date_add(order_date, n)", only))
        )
        lake.write(
            spark.sql(query.format(days=condition, shifted=shifted)).coalesce(1),
            f"gold/{table}",
            only,
            partition if kind else "",
        )

    list(lake.pool.map(write, GOLD))


def main() -> None:
    """Parse the arguments and run the three layers."""
    parser = command_line("Online Retail to Gold in plain PySpark and Delta.")
    parser.add_argument("--jars", type=Path, required=True, help="folder with Delta's jars")
    parser.add_argument("--threads", type=int, default=3, help="tables written at once")
    parser.add_argument("--conf", nargs="*", default=[], metavar="KEY=VALUE", help="more Spark settings")
    args = parser.parse_args()
    jars = ",".join(str(jar) for jar in sorted(args.jars.glob("*.jar")))
    builder = SparkSession.builder.master("local[2]").config("spark.jars", jars)
    for key, value in {**CONF, **dict(pair.split("=", 1) for pair in args.conf)}.items():
        builder = builder.config(key, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    files = landed_files(args.landing, args.first, args.last)
    lake = Lake(spark, args.lake, args.threads)
    for key, value in ({} if lake.is_new else SMALL).items():
        spark.conf.set(key, value)
    with measured("bronze"):
        bronze = load_bronze(lake, files)
    with measured("silver"):
        days = load_silver(lake, bronze)
    with measured("gold"):
        load_gold(lake, days, "order_date" if args.partition_gold else "")
    spark.stop()


if __name__ == "__main__":
    main()
