"""A crash at any point is harmless: killed, run again, and the result is that of a run that nobody disturbed.

Two landings and a night of maintenance, each in processes that are killed with their JVM, one crash point after the
other, until one comes through. `make soak` dies at every point, `make test` at a few of them.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import pytest
from pyspark.sql import SparkSession

from project_etl.commands.environment import instance_in
from project_etl_tests.commands.given import REPOSITORY, dagster_home_in
from project_etl_tests.promises.commands import MAINTENANCE, everything, surroundings
from project_etl_tests.promises.contents import assert_same, contents, table_names
from project_etl_tests.small_shop import CUSTOMER, ITEM, ORDER, PRODUCT, SmallShop

pytestmark = pytest.mark.processes

D1, D2, D3 = "2025-01-01", "2025-01-02", "2025-01-03"
MORTAL = "project_etl_tests.promises.mortal"

# What lies between two commits is the same before the second as after the first, but for Dagster's events of the first.
EVERY_POINT = "^after|^within (merge|replace)|^before .* (silver|quarantine)/|^before (the register|compaction|a check)"
# In the middle of a commit, and between a commit and the event that tells Dagster of it.
A_FEW_POINTS = "^within merge to silver/orders|^after replace to gold/fact_orders"


@dataclass
class Victim:
    """A shop whose commands are killed."""

    shop: SmallShop
    folder: Path
    points: str

    @property
    def deaths(self) -> list[str]:
        """Where it died, in order."""
        file = self.folder / "deaths.txt"
        return file.read_text().splitlines() if file.exists() else []

    def survive(self, *command: str) -> None:
        """Run a command again and again until it comes through."""
        env = surroundings(self.folder)
        while True:
            died = len(self.deaths)
            done = subprocess.run(
                [sys.executable, "-m", MORTAL, str(self.folder / "deaths.txt"), self.points, *command],
                cwd=REPOSITORY,
                env=env,
                capture_output=True,
                text=True,
                start_new_session=True,
                check=False,
            )
            if done.returncode == 0:
                return
            assert (done.returncode, len(self.deaths)) == (-signal.SIGKILL, died + 1), done.stderr[-3000:]


def land_first(shop: SmallShop) -> None:
    """Two days with all that happens to records: bad ones, an item that waits for its order, a file that is none."""
    shop.land_rows("customers", D1, CUSTOMER, {**CUSTOMER, "customer_id": "C2", "email": "no address"})
    shop.land_rows("products", D1, PRODUCT, {**PRODUCT, "product_id": "P2", "price": -1})
    shop.land_rows("orders", D1, ORDER, {**ORDER, "order_id": "O2", "status": "SHIPED"})
    shop.land("orders", D1, "", "empty.csv")
    shop.land_rows("order_items", D2, ITEM, {**ITEM, "order_item_id": "I3", "order_id": "O3"})
    rate = {"rate_date": D1, "base_currency": "EUR", "quote_currency": "GBP", "rate": "0.85"}
    shop.land_rows("fx_rates", D1, rate, {**rate, "rate_date": D2, "rate": "0"})


def land_second(shop: SmallShop) -> None:
    """The order that was waited for, a newer version of each row, corrected files, and a good one for an empty one."""
    newer = {"updated_at": "2025-01-03T00:00:00Z"}
    shop.land_rows("customers", D3, {**CUSTOMER, **newer, "country": "FR"})
    shop.land_rows("products", D3, {**PRODUCT, **newer, "category": "office"})
    shop.land_rows("orders", D3, {**ORDER, "order_id": "O3"}, {**ORDER, **newer, "status": "RETURNED"})
    shop.land_rows("orders", D1, {**ORDER, "order_id": "O4"}, name="empty.csv")
    shop.land_rows("order_items", D2, ITEM, {**ITEM, "order_item_id": "I3", "order_id": "O3", "quantity": "3"})
    rate = {"rate_date": D1, "base_currency": "EUR", "quote_currency": "GBP", "rate": "0.86"}
    shop.land_rows("fx_rates", D1, rate)


def undisturbed(shop: SmallShop) -> None:
    """Materialize everything in this process."""
    shop.load(D1, D2, D3)
    for name in shop.gold_names():
        shop.gold(name, D1, D2, D3)


def changes(shop: SmallShop) -> dict[str, int]:
    """How many commits changed the rows of each table."""
    return {name: sum(commit.changes_rows for commit in shop.lake.commits(name)) for name in table_names(shop.lake)}


def reported_versions(folder: Path, names: Iterable[str]) -> dict[str, object]:
    """The Delta version that Dagster's newest materialization of each table names."""
    # Opening an instance sets DAGSTER_HOME.
    with pytest.MonkeyPatch.context() as patch, instance_in(Path(dagster_home_in(folder))) as instance:
        patch.delenv("DAGSTER_HOME")
        events = {name: instance.get_latest_materialization_event(dg.AssetKey(name.split("/"))) for name in names}
    return {
        name: event.asset_materialization.metadata["delta_version"].value
        for name, event in events.items()
        if event and event.asset_materialization
    }


def live(victim: Victim, peer: SmallShop, land: Callable[[SmallShop], None]) -> None:
    """Let something land with both; one dies on its way, and says in the end what the other does."""
    for shop in (victim.shop, peer):
        land(shop)
    undisturbed(peer)
    victim.survive(*everything(D1, D3))
    assert_same(contents(victim.shop.lake), contents(peer.lake))
    # What was committed before a death was not committed again, and Dagster knows the commit that did it.
    known = [name for name in changes(peer) if not name.startswith("quarantine/")]
    assert {name: changes(victim.shop)[name] for name in known} == {name: changes(peer)[name] for name in known}
    assert reported_versions(victim.folder, known) == {name: victim.shop.version(name) for name in known}


@pytest.mark.timeout(900)
def test_killed_at_a_few_points(tmp_path: Path, spark: SparkSession) -> None:
    peer = SmallShop(tmp_path / "peer", spark)
    land_first(peer)
    undisturbed(peer)
    shutil.copytree(tmp_path / "peer", tmp_path / "victim")
    victim = Victim(SmallShop(tmp_path / "victim", spark), tmp_path / "victim", A_FEW_POINTS)
    live(victim, peer, land_second)
    assert victim.deaths == ["within merge to silver/orders", "after replace to gold/fact_orders"]


@pytest.mark.soak
def test_killed_at_every_point(tmp_path: Path, spark: SparkSession) -> None:
    peer = SmallShop(tmp_path / "peer", spark)
    victim = Victim(SmallShop(tmp_path / "victim", spark), tmp_path / "victim", EVERY_POINT)
    live(victim, peer, land_first)
    live(victim, peer, land_second)
    victim.survive(*MAINTENANCE)
    assert_same(contents(victim.shop.lake), contents(peer.lake))
    assert len(victim.deaths) > 80, victim.deaths
