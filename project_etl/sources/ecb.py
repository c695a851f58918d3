"""Source `ecb`: reference rates of the European Central Bank, for orders in other currencies than the reporting one.

A slice is some days of rates, from the bank's file of the last 90 days, or from that of its whole history where more is
wanted. The bank publishes about 16:00 in Frankfurt on working days, and corrects nothing. Rates are units of a currency
for one euro. Source: https://www.ecb.europa.eu/stats/policy_and_exchange_rates/euro_reference_exchange_rates
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from xml.etree import ElementTree as ET

from project_etl.core.digest import digest
from project_etl.core.extract.secret import Address
from project_etl.core.model.pull import Before, Pull, PullError, PullOptions, Record, Slice
from project_etl.core.model.source import Source
from project_etl.sources._as_silver import TABLES, dataset_of, feeds_of

RECENT, HISTORY = "eurofxref-hist-90d.xml", "eurofxref-hist.zip"
RECENT_SPAN = timedelta(days=85)
# An order of the first days needs the newest rate before them; there are none on holidays.
LOOK_BACK = timedelta(days=14)
PUBLISHED = time(14, 0, tzinfo=UTC)
MAX_BYTES, SECONDS = 64 << 20, 30

# Day → currency → units for one euro, as the bank prints them.
Rates = Mapping[date, Mapping[str, str]]


class EcbOptions(PullOptions):
    """Where the bank's files are."""

    url: Address = "https://www.ecb.europa.eu/stats/eurofxref"
    """The folder of `eurofxref-hist.zip` and `eurofxref-hist-90d.xml`: the bank's, or a mirror's."""


@dataclass(frozen=True)
class EcbPuller:
    """The bank's files.

    Attributes:
        url: the folder of them.
        first: the first day whose rates are wanted.
    """

    url: str
    first: date

    @property
    def address(self) -> str:
        """Where the files are."""
        return self.url

    def slices(self, dataset: str, before: Before, *, recount: bool) -> Iterator[Slice]:  # noqa: ARG002 - it has one
        """One slice with the days that have not landed; none where the bank has published nothing since.

        Raises:
            PullError: the bank does not answer, or with something else than rates.
        """
        of = digest(self.url)
        spans = _spans_of(of, before.names)
        begin, until = min(spans, default=None), max((end for _, end in spans), default=date.min)
        is_whole = begin is None or begin[0] > self.first
        is_recent = not is_whole and until > datetime.now(UTC).date() - RECENT_SPAN
        rates = rates_in(fetch(f"{self.url}/{RECENT if is_recent else HISTORY}"))
        due = sorted(day for day in rates if day >= self.first and (is_whole or day > until))
        if due:
            # What it covers, which is more than its days: before the first of them the bank published nothing.
            first = self.first if is_whole else due[0]
            yield Slice(f"{of}_{first}_{due[-1]}", datetime.combine(due[-1], PUBLISHED), lambda: _records(rates, due))

    def looked_at(self, dataset: str) -> str:
        """The newest day of the bank's rates."""
        rates = rates_in(fetch(f"{self.url}/{RECENT}"))
        return f"{dataset} until {max(rates)}"


def _spans_of(of: str, names: tuple[str, ...]) -> list[tuple[date, date]]:
    found = (re.fullmatch(rf"{of}_(\d{{4}}-\d\d-\d\d)_(\d{{4}}-\d\d-\d\d)", name) for name in names)
    return [(date.fromisoformat(match[1]), date.fromisoformat(match[2])) for match in found if match]


def _records(rates: Rates, days: list[date]) -> Iterator[Record]:
    for day in days:
        for currency, rate in rates[day].items():
            yield {
                "rate_date": day.isoformat(),
                "base_currency": "EUR",
                "quote_currency": currency,
                "rate": rate,
            }


def fetch(url: str) -> bytes:
    """The bytes of a file.

    Raises:
        PullError: it is not there, or larger than any file of the bank.
    """
    import requests

    try:
        with requests.get(url, timeout=SECONDS, stream=True) as answer:
            if answer.status_code != 200:
                raise PullError(f"{url} answers {answer.status_code} {answer.reason}; set pull.ecb.url to where it is")
            content = answer.raw.read(MAX_BYTES + 1, decode_content=True)
    except requests.RequestException as error:
        raise PullError(
            f"{url} cannot be read ({type(error).__name__}): check the network, or set pull.ecb.url"
        ) from error
    if len(content) > MAX_BYTES:
        raise PullError(f"{url} is larger than {MAX_BYTES >> 20} MiB: it is no file of the bank")
    return content


def rates_in(content: bytes) -> Rates:
    """The rates in a file of the bank: daily or history, as CSV, zipped CSV or XML.

    Raises:
        PullError: it holds something else, or no rate at all.
    """
    try:
        if content.startswith(b"PK"):
            with zipfile.ZipFile(io.BytesIO(content)) as archive, archive.open(archive.namelist()[0]) as file:
                content = file.read(MAX_BYTES)
        rates = _of_xml(content) if content.lstrip().startswith(b"<") else _of_csv(content.decode("utf-8-sig"))
    except (zipfile.BadZipFile, ET.ParseError, UnicodeDecodeError, ValueError, IndexError) as error:
        raise PullError(
            f"the bank's file cannot be read as rates ({error}): pull.ecb.url may name another page"
        ) from error
    if not any(rates.values()):
        raise PullError(f"the bank's file holds no rate, it begins with {content[:40]!r}")
    return rates


def _of_csv(text: str) -> Rates:
    header, *rows = ([cell.strip() for cell in row] for row in csv.reader(io.StringIO(text)) if row)
    if header[0] != "Date":
        raise ValueError(f"its first column is {header[0][:20]!r}, expected 'Date'")
    # Each line ends in a comma; a currency without a rate has N/A.
    return {
        _day(day): {
            name: rate for name, rate in zip(header[1:], cells, strict=False) if name and rate not in ("", "N/A")
        }
        for day, *cells in rows
    }


def _of_xml(content: bytes) -> Rates:
    # An entity of its own could grow without end, and the bank's files have none.
    if b"<!" in content:
        raise ValueError("it is no plain XML")
    days = (each for each in ET.fromstring(content).iter() if each.get("time"))
    return {_day(each.attrib["time"]): {rate.attrib["currency"]: rate.attrib["rate"] for rate in each} for each in days}


def _day(text: str) -> date:
    """A day as the history writes it (2026-10-30), or the daily file (30 October 2026)."""
    return date.fromisoformat(text) if text[:4].isdigit() else datetime.strptime(text, "%d %B %Y").date()


@contextmanager
def _connect(options: EcbOptions, first_day: date) -> Generator[EcbPuller]:
    yield EcbPuller(options.url, first_day - LOOK_BACK)


_RATES = TABLES["fx_rates"].records
assert _RATES is not None
DATASET = dataset_of("ecb", _RATES)
SOURCE = Source(
    datasets=(DATASET,),
    feeds=feeds_of([DATASET]),
    pull=Pull(EcbOptions, _connect, every="5,35 14-16 * * *", fresh=timedelta(days=5)),
)
