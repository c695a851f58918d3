"""A shop to which anything may happen in any order, as a Hypothesis state machine.

Files land, are corrected, copied and removed; any tables are materialized for any days, die on the way and are tried
again; sensors tick; tables are compacted and vacuumed. In the end the sensors are left to finish. Then the lake must
say what one says that was built from scratch from all that ever landed, Gold must be the oracle's, and the books must
balance. Records are what shops really send: padded, guarded and rounded ids, words for nothing, far instants,
deletions, and lines of a second source.

Belongs here: what may happen. Does not belong here: how often it is tried (`test_any_order.py`).
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from project_etl.catalog import datasets_of, silver_job, tables
from project_etl.core.bronze.file_table import FILES
from project_etl.core.contracts.report import Report
from project_etl.core.engine.base import Engine
from project_etl.core.lake.maintenance import tidy
from project_etl.core.model.staged import Run
from project_etl.core.model.table import Table
from project_etl.core.staleness import days_of_data
from project_etl_tests.oracle import expected_gold
from project_etl_tests.oracle.compare import assert_gold_equal
from project_etl_tests.oracle.given import LINES, csv_text
from project_etl_tests.orchestration.autopilot import Autopilot, autopilot
from project_etl_tests.promises.contents import assert_same, contents, table_names
from project_etl_tests.promises.crash_points import crash_points
from project_etl_tests.small_shop import CUSTOMER, EVENT, ITEM, JSON_LINES, ORDER, PRODUCT, REFUND, REVIEW, SmallShop

FIRST = date(2025, 1, 1)
LANDING_DAYS = 4
# Of these are the days that somebody asks for.
DAYS = tuple((FIRST + timedelta(days=number)).isoformat() for number in range(2 * LANDING_DAYS))
NOON = f"{DAYS[0]}T12:00:00Z"
SOURCES, NAMESPACES = ("shop", "online_retail"), {"shop": "", "online_retail": "or-"}
RETAIL = "online_retail"
DATASETS = tuple(dataset.name for source in SOURCES for dataset in datasets_of((source,)))
# What the lines of `online_retail` make.
OF_RETAIL = {"customers", "products", "orders", "order_items"}
CONSERVED = ("accepted", "deduplicated", "superseded", "quarantined")


class Died(BaseException):
    """Stands for the death of the process: nothing in the platform catches it."""


def _mostly(*common: st.SearchStrategy[Any], odd: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Three times out of four something common."""
    return st.integers(0, 3).flatmap(lambda number: st.one_of(*common) if number else odd)


def _days(least: int, most: int) -> st.SearchStrategy[str]:
    return st.integers(least, most).map(lambda number: DAYS[number])


# Spellings of one number, a number that a spreadsheet has rounded, and none.
ODD_IDS = ("7", "7.0", "'7", '="7"', '\u00a0="7"\t', "1.7E+4", "NULL")
FAR = ("0001-01-01T00:00:00Z", "1899-12-31T23:59:59Z", "9999-12-31T23:59:59Z", "N/A")


def _ids(*ids: str) -> st.SearchStrategy[str]:
    padded = st.builds(str.format, st.sampled_from((" {}\t", "\u00a0{}", "{}\u200b")), st.sampled_from(ids))
    return _mostly(st.sampled_from(ids), odd=st.one_of(padded, st.sampled_from(ODD_IDS)))


def _instants(latest: int = LANDING_DAYS - 1) -> st.SearchStrategy[str]:
    near = st.builds(
        "{}T{:02}:00:00{}".format, _days(0, latest), st.sampled_from((0, 12)), st.sampled_from(("Z", "+00", " gmt"))
    )
    return st.integers(0, 7).flatmap(lambda number: near if number else st.sampled_from(FAR))


def _records(good: dict[str, Any], *keys: str, **said: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Records that say something, and those that say that something is gone, or nearly so."""
    told = st.fixed_dictionaries({"updated_at": _instants(), **said}).map(lambda row: {**good, **row})
    gone = {"updated_at": _instants(), "_deleted": st.sampled_from(("true", " 1", "perhaps"))}
    return _mostly(told, odd=st.fixed_dictionaries({**{key: said[key] for key in keys}, **gone}))


def _events(**said: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """The same of events, which have an instant of their own and no other."""
    told = st.fixed_dictionaries(said).map(lambda row: {**EVENT, **row})
    gone = {"event_ts": said["event_ts"], "_deleted": st.sampled_from(("true", " 1", "perhaps"))}
    return _mostly(told, odd=st.fixed_dictionaries({"event_id": said["event_id"], **gone}))


RECORDS = {
    "customers": _records(
        CUSTOMER, "customer_id", customer_id=_ids("C1", "C2"), country=st.sampled_from(("GB", "FR", " fr", "nowhere"))
    ),
    "products": _records(
        PRODUCT,
        "product_id",
        product_id=_ids("P1", "P2"),
        category=st.sampled_from(("home", "garden", " Home\u00a0")),
        price=st.sampled_from((10, 60, -1)),
    ),
    "orders": _records(
        ORDER,
        "order_id",
        order_id=_ids("O1", "O2", "O3"),
        customer_id=_ids("C1", "C2", ""),
        order_ts=_instants(),
        status=st.sampled_from(("PAID", "paid", "CANCELLED", "lost", "null")),
        currency=st.sampled_from(("EUR", "GBP")),
        country=st.sampled_from(("GB", "", "-")),
    ),
    "order_items": _records(
        ITEM,
        "order_item_id",
        "order_id",
        order_item_id=_ids("I1", "I2", "I3"),
        order_id=_ids("O1", "O2", "O3"),
        product_id=_ids("P1", "P2"),
        quantity=st.sampled_from(("1", "2.0", "0")),
        discount=st.sampled_from(("0.00", "nan")),
    ),
    "refunds": _records(
        REFUND,
        "refund_id",
        refund_id=_ids("F1", "F2"),
        order_id=_ids("O1", "O2", "O3"),
        order_item_id=_ids("I1", ""),
        amount=st.sampled_from(("5.00", "20.00", "0")),
        refunded_at=_instants(),
    ),
    "reviews": _records(
        REVIEW,
        "review_id",
        review_id=_ids("R1", "R2"),
        product_id=_ids("P1", "P2"),
        customer_id=_ids("C1", ""),
        rating=st.sampled_from(("1", "4.0", "4.5")),
        review_text=st.sampled_from(("fine", "", "N/A")),
        review_ts=_instants(),
    ),
    "events": _events(
        event_id=_ids("E1", "E2", "E3"),
        visitor_id=_ids("V1", "V2"),
        customer_id=_ids("C1", "C2", ""),
        event_type=st.sampled_from(("view", "page_view", "Add_To_Cart", "purchase", "scroll")),
        product_id=_ids("P1", "P2"),
        order_id=_ids("O1", ""),
        quantity=st.sampled_from((None, "2.0", "0")),
        price=st.sampled_from(("10.5", "", "-1")),
        event_ts=_instants(),
    ),
    # The rate of the first day is there for good, so that all amounts can be converted.
    "fx_rates": st.fixed_dictionaries(
        {"rate_date": _days(1, LANDING_DAYS - 1), "rate": st.sampled_from(("0.8", "0.9", "-1"))},
        optional={"_deleted": st.sampled_from(("true", "no"))},
    ).map(lambda row: {"base_currency": "EUR", "quote_currency": "GBP", **row}),
    # No line is of a later day than the one after its landing day.
    RETAIL: st.fixed_dictionaries(
        {
            "InvoiceNo": _ids("R1", "O1", "C2"),
            "StockCode": _ids("P1", "P2"),
            "Description": st.sampled_from(("CUP", "")),
            "Quantity": st.sampled_from(("1", "2.0", "-1")),
            "InvoiceDate": _instants(latest=1),
            "UnitPrice": st.sampled_from(("1.5", "0")),
            "CustomerID": _ids("17850.0", "17850", ""),
            "Country": st.sampled_from(("France", "EIRE", "Atlantis")),
        }
    ),
}

KPIS = [table.short_name for table in tables() if table.layer == "gold" and not table.short_name.startswith("fact_")]

datasets = st.sampled_from(DATASETS)
landing_days = _days(0, LANDING_DAYS - 1)
names = st.sampled_from(("a", "b"))
files = datasets.flatmap(
    lambda dataset: st.tuples(st.just(dataset), landing_days, names, st.lists(RECORDS[dataset], min_size=1, max_size=3))
)
ranges = st.tuples(st.integers(0, LANDING_DAYS - 1), st.integers(1, LANDING_DAYS)).map(
    lambda chosen: DAYS[chosen[0] : chosen[0] + chosen[1]]
)


class AnyOrder(RuleBasedStateMachine):
    """A shop, its sensors, and what of its landing has been seen."""

    engine: ClassVar[Engine]
    folders: ClassVar[pytest.TempPathFactory]
    only: ClassVar[Sequence[Table]]

    def __init__(self) -> None:
        super().__init__()
        self.folder = self.folders.mktemp("any")
        self.shop = SmallShop(self.folder / "lived", self.engine, SOURCES, NAMESPACES, only=self.only)
        self.scratch = SmallShop(self.folder / "scratch", self.engine, SOURCES, NAMESPACES, only=self.only)
        self._open = autopilot(self.folder / "lived", SOURCES, self.only)
        self.pilot: Autopilot = self._open.__enter__()
        # Datasets and days of which nobody knows whether they were loaded, for the process died: files that are there
        # now may or may not have been seen.
        self.torn: set[tuple[str, str]] = set()
        self.deaths: list[str] = []
        self.opened: set[Path] = set()

    # --- landing ------------------------------------------------------------------------------------------------------

    @initialize()
    def a_shop_opens(self) -> None:
        """What all that follows needs: a rate, so that no table of Gold fails for the lack of one."""
        self.shop.land_rows(
            "fx_rates", DAYS[0], {"rate_date": DAYS[0], "base_currency": "EUR", "quote_currency": "GBP", "rate": "0.5"}
        )
        self.shop.land_rows("customers", DAYS[0], CUSTOMER)
        self.shop.land_rows("products", DAYS[0], PRODUCT)
        self.shop.land_rows("orders", DAYS[0], ORDER)
        self.shop.land_rows("order_items", DAYS[0], ITEM)
        self.shop.land_rows("refunds", DAYS[0], {**REFUND, **dict.fromkeys(("refunded_at", "updated_at"), NOON)})
        self.shop.land_rows("reviews", DAYS[0], {**REVIEW, **dict.fromkeys(("review_ts", "updated_at"), NOON)})
        self.shop.land_rows("events", DAYS[0], EVENT)
        line = ("R1", "P1", "CUP", 3, f"{DAYS[0]} 09:00:00", "1.85", "17850", "France")
        self.shop.land(RETAIL, DAYS[0], csv_text(LINES, line), source=RETAIL)
        self.opened = self._landed()

    @rule(landed=st.lists(files, min_size=1, max_size=4))
    def land(self, landed: list[tuple[str, str, str, list[dict]]]) -> None:
        """Files land, or the same names with new bytes."""
        for dataset, day, name, rows in landed:
            self._settle(dataset, day)
            if dataset == RETAIL:
                lines = csv_text(LINES, *([row[column] for column in LINES] for row in rows))
                self.shop.land(dataset, day, lines, f"{name}.csv", source=RETAIL)
            else:
                self.shop.land_rows(dataset, day, *rows, name=f"{name}.{_extension(dataset)}")

    @rule(dataset=datasets, day=landing_days, name=names)
    def copy(self, dataset: str, day: str, name: str) -> None:
        """A file lands once more under another name."""
        for file in self._files(self.shop, dataset, day)[:1]:
            self._settle(dataset, day)
            if file.stem != name:
                shutil.copyfile(file, file.with_stem(name))

    @rule(dataset=datasets, day=landing_days)
    def remove(self, dataset: str, day: str) -> None:
        """A file goes from landing, but for the first rates."""
        files = self._files(self.shop, dataset, day)
        for file in [file for file in files if file.name != "fx_rates.csv"][:1]:
            self._settle(dataset, day)
            file.unlink()

    # --- running ------------------------------------------------------------------------------------------------------

    @rule(chosen=st.sets(datasets, min_size=1), days=ranges)
    def load(self, chosen: set[str], days: tuple[str, ...]) -> None:
        """Somebody materializes some Bronze tables and the Silver tables of the same records."""
        for dataset in sorted(chosen, key=DATASETS.index):
            self._bronze(dataset, days)
        for table in self._silver(chosen):
            # A table that is fed by one that was never made, or refers to one, cannot be, and says so.
            if all(map(self.shop.lake.exists, self._needed(table))):
                self.shop.silver(table.short_name, *days)

    @rule(chosen=st.sets(datasets, min_size=1), days=ranges, lives=st.integers(0, 60))
    def load_and_die(self, chosen: set[str], days: tuple[str, ...], lives: int) -> None:
        """The same in a process that dies."""
        self._dying(lives, lambda: self.load(chosen, days))

    @rule(days=ranges, names=st.sets(st.sampled_from(KPIS), max_size=3))
    def backfill(self, days: tuple[str, ...], names: set[str]) -> None:
        """Somebody backfills the facts and some tables behind them."""
        if all(self.shop.lake.exists(table.name) for table in self._silver(set(DATASETS))):
            for name in self.shop.gold_names():
                # A table that reads one that was never made cannot be, and says so.
                inputs = self.shop.tables[f"gold/{name}"].inputs.values()
                is_possible = all(self.shop.lake.exists(item.table) for item in inputs)
                if is_possible and (name.startswith("fact_") or name in names):
                    self.shop.gold(name, *days)

    @rule(days=ranges, lives=st.integers(0, 16))
    def backfill_and_die(self, days: tuple[str, ...], lives: int) -> None:
        """The same in a process that dies."""
        self._dying(lives, lambda: self.backfill(days, {"daily_aov"}))

    @rule()
    def sensors_tick(self) -> None:
        """The sensors are left alone until they are done."""
        ran = self.pilot.until_quiet()
        assert all(run.done.succeeded for run in ran), [run.done.failure for run in ran if not run.done.succeeded]
        for dataset in DATASETS:
            self._seen(dataset, DAYS[:LANDING_DAYS])
        self.torn.clear()

    @rule()
    def tidy(self) -> None:
        """A night of maintenance that keeps nothing it need not."""
        for name in table_names(self.shop.lake):
            # Whose making died is no table yet.
            if self.shop.lake.exists(name):
                tidy(self.shop.lake, name, keep_hours=0)

    # --- the end ------------------------------------------------------------------------------------------------------

    def teardown(self) -> None:
        """Let the sensors finish; the result is the one from scratch, and nothing was lost."""
        try:
            # The first example of Hypothesis, whose steps all find nothing to do: any other one says as much.
            if not self.shop.lake.exists(FILES) and self._landed() == self.opened:
                return
            self.sensors_tick()
            reports = self.scratch.load(*DAYS[:LANDING_DAYS])
            # Up to the newest landing day, and what somebody has backfilled.
            days = days_of_data(self.shop.lake, self.shop.tables.values(), FIRST, date.max)
            landed = {file.parent.name for file in self.scratch.landing.glob("*/*/*/*")}
            assert landed <= set(map(str, days)), "no landing day is left out"
            self.scratch.all_gold(*map(str, days))
            assert_same(contents(self.shop.lake), contents(self.scratch.lake))
            expected = expected_gold(self.scratch.landing, SOURCES, "EUR", days, NAMESPACES)
            made = {name: table for name, table in expected.items() if f"gold/{name}" in self.shop.tables}
            assert_gold_equal(self.scratch.lake.root, made)
            for name in reports:
                if name.startswith("silver/"):
                    self._balanced(name, reports[name])
        finally:
            self._open.__exit__(None, None, None)
            shutil.rmtree(self.folder)

    # --- inside -------------------------------------------------------------------------------------------------------

    def _landed(self) -> set[Path]:
        return set(self.shop.landing.glob("*/*/*/*"))

    def _balanced(self, name: str, report: Report) -> None:
        """The books of a Silver table are those of the lake from scratch, and count each record once."""
        lived = self.shop.books(name.rpartition("/")[2])
        assert lived.are_right, lived
        assert not lived.behind, lived
        expected = {day: dict(counts) for day, counts in report.days.items() if counts["read"]}
        assert {day: dict(counts) for day, counts in lived.report.days.items() if counts["read"]} == expected, name
        for day, counts in expected.items():
            assert counts["read"] == sum(counts[kind] for kind in CONSERVED), (name, day, counts)

    def _bronze(self, dataset: str, days: tuple[str, ...]) -> None:
        self.torn |= {(dataset, day) for day in days}
        self.shop.bronze(dataset, *days)
        self._seen(dataset, days)
        self.torn -= {(dataset, day) for day in days}

    def _settle(self, dataset: str, day: str) -> None:
        """Before a file changes of which nobody knows whether it was loaded, it is."""
        if (dataset, day) in self.torn:
            self._bronze(dataset, (day,))

    def _seen(self, dataset: str, days: tuple[str, ...]) -> None:
        """What lies in landing is part of what the lake was built from, for ever."""
        for day in days:
            for file in self._files(self.shop, dataset, day):
                kept = self.scratch.landing / file.relative_to(self.shop.landing)
                kept.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, kept)

    def _needed(self, table: Table) -> list[str]:
        """The tables that a Silver table is made of."""
        feeds = silver_job(self.shop.lake, table, self.shop.settings, (), Run("")).feeds
        return [*(feed.bronze for feed in feeds), *(reference.table for reference in table.references)]

    def _silver(self, chosen: set[str]) -> list[Table]:
        chosen = chosen | (OF_RETAIL if RETAIL in chosen else set())
        tables = [table for table in self.shop.tables.values() if table.records and table.records.name in chosen]
        return sorted(tables, key=lambda table: self.shop.silver_names().index(table.short_name))

    def _dying(self, lives: int, work: Callable[[], None]) -> None:
        """Do something, and die at the first crash point after as many as `lives`."""
        left = lives

        def at(point: str) -> None:
            nonlocal left
            left -= 1
            if left < 0:
                raise Died(point)

        with crash_points(at):
            try:
                work()
            except Died as died:
                self.deaths.append(str(died))

    @staticmethod
    def _files(shop: SmallShop, dataset: str, day: str) -> list[Path]:
        return sorted((shop.landing / (RETAIL if dataset == RETAIL else "shop") / dataset / day).glob("*"))


def _extension(dataset: str) -> str:
    return "jsonl" if dataset in JSON_LINES else "csv"


def machine(engine: Engine, folders: pytest.TempPathFactory, only: Sequence[Table] = ()) -> type[AnyOrder]:
    """The state machine, with a session and somewhere to live; its shop has all tables, or only some."""
    return type("AnyOrder", (AnyOrder,), {"engine": engine, "folders": folders, "only": only})
