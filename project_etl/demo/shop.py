"""Makes a landing of the source `shop`: day by day, with bounded memory, the same bytes for the same arguments.

Packed files are the same bytes under one zlib build; unpacked, they are the same everywhere.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection
from datetime import date
from pathlib import Path

from project_etl.demo import kinds
from project_etl.demo.customers import Customers
from project_etl.demo.dirt import DirtPlan
from project_etl.demo.events import Events
from project_etl.demo.files import SOURCE
from project_etl.demo.fx_rates import FxRates
from project_etl.demo.kind_table import DATASETS
from project_etl.demo.manifest import MANIFEST_NAME, Manifest
from project_etl.demo.orders import Orders
from project_etl.demo.products import Products
from project_etl.demo.refunds import Refunds
from project_etl.demo.reviews import Reviews
from project_etl.demo.timeline import Timeline

FIRST_DAY = date(2025, 1, 1)
MOST_DAYS = 3_660
MOST_SCALE = 400.0
# Datasets that are left out unless asked for: no Silver table reads them yet. The first table that does empties this.
NOT_READ_YET: tuple[str, ...] = ()

_UNFINISHED = "_shop.unfinished"


def generate(
    out: Path,
    *,
    days: int = 90,
    start: date = FIRST_DAY,
    scale: float = 1.0,
    seed: int = 7,
    overwrite: bool = False,
    without: Collection[str] = NOT_READ_YET,
) -> Manifest:
    """Write `<out>/shop/<dataset>/<day>/…` and the manifest `<out>/_shop_manifest.json`.

    At scale 1 and 90 days: about 20,000 orders, 43,500 order items, 10,000 customers, 2,000 products, 80,000 events,
    15,000 reviews and 400 refunds. Nothing stands in its place before everything is written.

    Args:
        out: The landing root; made when it is missing.
        days: Landing days, 1 to 3,660.
        start: The first landing day.
        scale: Size of the shop, up to 400. A very small shop still has about 40 orders a day, to carry its dirt.
        seed: Any whole number; another seed is another shop.
        overwrite: Replace a landing that was generated before. Files it did not make are left alone, as an error.
        without: Datasets to leave out, of events, reviews and refunds. The others are the same bytes with and without
            them; only refunds add files to the orders, which say that an order was refunded.

    Returns:
        The manifest that was written.

    Raises:
        ValueError: An argument is out of range.
        FileExistsError: `<out>/shop` is there already, or holds files that the generator did not make.
    """
    _validate(days, start, scale)
    out = Path(out)
    _refuse_strangers(out, overwrite=overwrite)
    shutil.rmtree(out / _UNFINISHED, ignore_errors=True)
    written = [name for name in DATASETS if name not in without]
    manifest = _write(out / _UNFINISHED, Manifest.blank(start, days, scale, seed, written))
    if (out / SOURCE).exists():
        shutil.rmtree(out / SOURCE)
    (out / _UNFINISHED / SOURCE).rename(out / SOURCE)
    (out / _UNFINISHED).rmdir()
    manifest.save(out)
    return manifest


def generate_sample(out: Path, *, overwrite: bool = False) -> Manifest:
    """Write the tiny landing that is committed as `data/landing`: three days of a very small shop, with its dirt."""
    return generate(out, days=3, scale=0.005, overwrite=overwrite)


def _write(root: Path, manifest: Manifest) -> Manifest:
    timeline = Timeline(manifest.start, manifest.days)
    scale, seed = manifest.scale, manifest.seed
    plan = DirtPlan(timeline, scale, seed)
    customers = Customers(timeline, plan, scale, seed)
    products = Products(timeline, plan, scale, seed)
    orders = Orders(timeline, plan, customers, products, scale, seed)
    makers: list[Customers | Products | Orders | FxRates | Reviews | Refunds | Events]
    makers = [customers, products, orders, FxRates(timeline, plan, seed)]
    if kinds.REVIEWS in manifest.datasets:
        makers.append(Reviews(timeline, plan, customers, products, scale, seed))
    if kinds.REFUNDS in manifest.datasets:
        refunds = Refunds(timeline, plan, seed)
        orders.onlookers.append(refunds.see)
        makers.append(refunds)
    if kinds.EVENTS in manifest.datasets:
        events = Events(timeline, plan, customers, products, scale, seed)
        orders.onlookers.append(events.see)
        makers.append(events)
    for day in range(manifest.days):
        for maker in makers:
            maker.write_day(day, root, manifest.datasets)
    return manifest


def _validate(days: int, start: date, scale: float) -> None:
    if not 1 <= days <= MOST_DAYS:
        raise ValueError(f"days: found {days}, expected 1 to {MOST_DAYS:,}")
    if not 0 < scale <= MOST_SCALE:
        raise ValueError(f"scale: found {scale}, expected more than 0 and at most {MOST_SCALE:g}")
    # Stock is up to two years older than the first day, and some dirt lies after the last.
    if not 1900 <= start.year <= 2100:
        raise ValueError(f"start: found {start.isoformat()}, expected a day in the years 1900 to 2100")


def _refuse_strangers(out: Path, *, overwrite: bool) -> None:
    """Raise unless the place is free, or holds nothing but an earlier landing of ours that may be replaced."""
    landed = out / SOURCE
    if not landed.exists():
        return
    if not overwrite:
        raise FileExistsError(f"{landed} is there already; choose another folder, or overwrite it (overwrite=True)")
    if not (out / MANIFEST_NAME).is_file():
        raise FileExistsError(f"{landed} has no {MANIFEST_NAME} beside it, so it was not generated; move it away first")
    ours = {out / file.path for books in Manifest.load(out).datasets.values() for file in books.files}
    strangers = sorted(path for path in landed.rglob("*") if not path.is_dir() and path not in ours)
    if strangers:
        raise FileExistsError(f"{strangers[0]} was not made by the generator; move it away before overwriting {landed}")
