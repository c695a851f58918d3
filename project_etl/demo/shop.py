"""Makes a landing of the source `shop`: day by day, with bounded memory, the same bytes for the same arguments.

Packed files are the same bytes under one zlib build; unpacked, they are the same everywhere.
"""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

from project_etl.demo import kinds
from project_etl.demo.customers import Customers
from project_etl.demo.dirt import DirtPlan
from project_etl.demo.files import SOURCE
from project_etl.demo.fx_rates import FxRates
from project_etl.demo.manifest import MANIFEST_NAME, Manifest
from project_etl.demo.orders import Orders
from project_etl.demo.products import Products
from project_etl.demo.timeline import Timeline

FIRST_DAY = date(2025, 1, 1)
MOST_DAYS = 3_660
MOST_SCALE = 400.0

_UNFINISHED = "_shop.unfinished"


def generate(
    out: Path,
    *,
    days: int = 90,
    start: date = FIRST_DAY,
    scale: float = 1.0,
    seed: int = 7,
    overwrite: bool = False,
) -> Manifest:
    """Write `<out>/shop/<dataset>/<day>/…` and the manifest `<out>/_shop_manifest.json`.

    At scale 1 and 90 days: about 20,000 orders, 43,500 order items, 10,000 customers, 2,000 products, 79,000 records
    in all. Nothing stands in its place before everything is written.

    Args:
        out: The landing root; made when it is missing.
        days: Landing days, 1 to 3,660.
        start: The first landing day.
        scale: Size of the shop, up to 400. A very small shop still has about 40 orders a day, to carry its dirt.
        seed: Any whole number; another seed is another shop.
        overwrite: Replace a landing that was generated before. Files it did not make are left alone, as an error.

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
    manifest = _write(out / _UNFINISHED, Manifest.blank(start, days, scale, seed))
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
    rates = FxRates(timeline, plan, seed)
    books = manifest.datasets
    for day in range(manifest.days):
        customers.write_day(day, root, books[kinds.CUSTOMERS])
        products.write_day(day, root, books[kinds.PRODUCTS])
        orders.write_day(day, root, books[kinds.ORDERS], books[kinds.ORDER_ITEMS])
        rates.write_day(day, root, books[kinds.FX_RATES])
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
