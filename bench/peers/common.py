"""What the peers share: the columns, the country names, the landed files and the command line.

No rule of a table belongs here: each peer writes the rules in its own engine, so that they check each other.
"""

from __future__ import annotations

import argparse
import hashlib
from dataclasses import dataclass
from pathlib import Path

HEADER = ("InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country")
UNKNOWN = "Unknown"
MAX_QUANTITY = 100_000
MAX_UNIT_PRICE = 100_000
ISO2 = {  # a name that is not here is ZZ
    "Australia": "AU", "Austria": "AT", "Bahrain": "BH", "Belgium": "BE", "Brazil": "BR", "Canada": "CA",
    "Cyprus": "CY", "Czech Republic": "CZ", "Denmark": "DK", "EIRE": "IE", "Finland": "FI", "France": "FR",
    "Germany": "DE", "Greece": "GR", "Hong Kong": "HK", "Iceland": "IS", "Israel": "IL", "Italy": "IT",
    "Japan": "JP", "Lebanon": "LB", "Lithuania": "LT", "Malta": "MT", "Netherlands": "NL", "Norway": "NO",
    "Poland": "PL", "Portugal": "PT", "RSA": "ZA", "Saudi Arabia": "SA", "Singapore": "SG", "Spain": "ES",
    "Sweden": "SE", "Switzerland": "CH", "USA": "US", "United Arab Emirates": "AE", "United Kingdom": "GB",
    "Channel Islands": "JE",
}  # fmt: skip
NOT_THERE_YET = (".tmp", ".part")


@dataclass(frozen=True)
class Landed:
    """One landed file that counts: where it is, its landing day, its content version and its columns in file order."""

    path: Path
    day: str
    version: str
    columns: tuple[str, ...]


def command_line(description: str) -> argparse.ArgumentParser:
    """The arguments that every peer takes."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--landing", type=Path, required=True)
    parser.add_argument("--lake", type=Path, required=True)
    parser.add_argument("--from", dest="first", default="0000", help="first landing day (default: the first there is)")
    parser.add_argument("--to", dest="last", default="9999", help="last landing day (default: the last there is)")
    parser.add_argument("--partition-gold", action="store_true", help="partition Gold on disk by order_date")
    return parser


def landed_files(landing: Path, first: str, last: str) -> list[Landed]:
    """The files that count; of those with equal bytes on one day, the one with the smallest name."""
    kept: dict[tuple[str, str], Landed] = {}
    for path in sorted((landing / "online_retail" / "online_retail").glob("*/*")):
        is_there = not path.name.startswith((".", "_")) and not path.name.endswith(NOT_THERE_YET)
        if not is_there or path.suffix != ".csv" or not first <= path.parent.name <= last:
            continue
        content = path.read_bytes()
        version = hashlib.sha256(content).hexdigest()
        if (path.parent.name, version) in kept:
            continue
        columns = tuple(content.split(b"\n", 1)[0].decode("utf-8-sig").strip().split(","))
        if set(columns) != set(HEADER):
            raise SystemExit(f"{path}: columns {columns}, expected {HEADER}")
        kept[path.parent.name, version] = Landed(path, path.parent.name, version, columns)
    return list(kept.values())
