"""A lake is loaded from one landing root: another one is refused before anything is read or written."""

from __future__ import annotations

from pathlib import Path

import pytest

from project_etl.core.bronze import file_table
from project_etl.core.bronze.landing_root import LandingRoot, OtherLanding
from project_etl.core.bronze.plan import BronzeJob
from project_etl.core.bronze.stage import stage_bronze
from project_etl.core.lake import TableStore
from project_etl_tests.core.bronze.bad_files import order, orders
from project_etl_tests.core.bronze.test_file_table import dies
from project_etl_tests.promises.contents import contents
from project_etl_tests.small_shop import CUSTOMER, SmallShop

D1 = "2025-01-01"
BRONZE = "bronze/shop/orders"


@pytest.fixture
def shop(tmp_path: Path) -> SmallShop:
    """A shop with one day of orders in its lake."""
    shop = SmallShop(tmp_path / "a")
    shop.land("orders", D1, orders(order("O1")))
    shop.bronze("orders", D1)
    return shop


@pytest.fixture
def other(tmp_path: Path) -> SmallShop:
    """Another shop's landing, with the same names and other records."""
    other = SmallShop(tmp_path / "b")
    other.land("orders", D1, orders(order("X1")))
    return other


def keys(shop: SmallShop) -> list[str]:
    return [key for (key,) in shop.rows(BRONZE, "order_id")]


def remembered(shop: SmallShop) -> str:
    return shop.lake.journal(file_table.FILES).last_note("landing")["place"]


def test_a_lake_is_not_loaded_from_another_landing(shop: SmallShop, other: SmallShop) -> None:
    before, landing, lake = contents(shop.lake), shop.landing, shop.lake.root
    shop.landing = other.landing
    for dataset in ("orders", "customers"):
        with pytest.raises(OtherLanding, match="would mix two shops") as refused:
            shop.bronze(dataset, D1)
    assert contents(shop.lake) == before
    assert not shop.lake.exists("bronze/shop/customers")
    assert str(refused.value) == (
        f"The lake in {lake} was loaded from {landing}, and landing_root is now {other.landing}: loading it would mix "
        f"two shops. Set PROJECT_ETL_LAKE_ROOT to another folder, too, or PROJECT_ETL_LANDING_ROOT to {landing}. If "
        f"{landing} has moved to {other.landing}, set PROJECT_ETL_LANDING_MOVED_FROM={landing} for the next load."
    )


def test_an_empty_lake_takes_what_comes_and_a_landing_without_files_is_not_remembered(
    shop: SmallShop, other: SmallShop, tmp_path: Path
) -> None:
    lake = shop.lake = TableStore(str(tmp_path / "new"))
    slip, shop.landing = tmp_path / "slip", tmp_path / "slip"
    shop.bronze("orders", D1)
    assert lake.exists(BRONZE)
    assert not slip.exists()
    shop.landing = other.landing
    shop.bronze("orders", D1)
    assert (keys(shop), remembered(shop)) == (["X1"], str(other.landing))


@pytest.mark.parametrize("die_at", [2, 3], ids=["before the rows", "after the rows"])
def test_a_lake_of_which_the_first_load_died_remembers(
    other: SmallShop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, die_at: int
) -> None:
    shop = SmallShop(tmp_path / "dying")
    shop.land("orders", D1, orders(order("O1")))
    commit, done = TableStore.commit, list[str]()

    def mortal(lake: TableStore, name: str, *arguments: object) -> object:
        done.append(name)
        return dies() if len(done) == die_at else commit(lake, name, *arguments)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(TableStore, "commit", mortal)
        with pytest.raises(KeyboardInterrupt):
            shop.bronze("orders", D1)
    assert done == [file_table.FILES, BRONZE, file_table.FILES][:die_at]
    landing, shop.landing = shop.landing, other.landing
    with pytest.raises(OtherLanding):
        shop.bronze("orders", D1)
    shop.landing = landing
    shop.bronze("orders", D1)
    assert keys(shop) == ["O1"]


def test_who_waited_for_the_first_to_load_a_lake_is_refused(shop: SmallShop, other: SmallShop, tmp_path: Path) -> None:
    lake = shop.lake = other.lake = TableStore(str(tmp_path / "new"))
    found = shop.dataset("customers")
    shop.land_rows("customers", D1, CUSTOMER)
    staged = stage_bronze(BronzeJob(lake, found, str(shop.landing), (D1,), shop._run()))
    other.bronze("orders", D1)
    with staged.kept, pytest.raises(OtherLanding):
        staged.publish()
    assert lake.state("bronze/shop/customers").is_empty


def test_landing_and_lake_may_be_moved_together_or_reached_by_another_name(shop: SmallShop, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(shop.landing)
    shop.landing = tmp_path / "link"
    shop.bronze("orders", D1)
    shop.landing.unlink()
    (tmp_path / "a").rename(tmp_path / "moved")
    shop.landing, shop.lake = tmp_path / "moved/landing", TableStore(str(tmp_path / "moved/lake"))
    shop.land("orders", D1, orders(order("O2")), "more.csv")
    shop.bronze("orders", D1)
    assert keys(shop) == ["O1", "O2"]
    # The lake alone, then.
    (tmp_path / "moved/lake").rename(tmp_path / "lake")
    shop.lake = TableStore(str(tmp_path / "lake"))
    shop.bronze("orders", D1)


def test_a_landing_that_was_moved_is_accepted_once(shop: SmallShop, other: SmallShop, tmp_path: Path) -> None:
    old = str(shop.landing)
    shop.landing = shop.landing.rename(tmp_path / "elsewhere")
    with pytest.raises(OtherLanding):
        shop.bronze("orders", D1)
    job = BronzeJob(shop.lake, shop.dataset("orders"), str(shop.landing), (D1,), shop._run(), 0, old)
    # There is nothing new to load, and it is remembered all the same.
    with (staged := stage_bronze(job)).kept:
        staged.publish()
    assert remembered(shop) == str(shop.landing)
    shop.bronze("orders", D1)
    # A setting that was left there accepts nothing more.
    again = LandingRoot(shop.lake.root, str(other.landing), old)
    assert "would mix two shops" in file_table.landing_refusal(shop.lake, again)


def test_a_url_is_remembered_as_it_is() -> None:
    note = LandingRoot("s3://shop/lake", "s3a://shop/landing/").note()
    assert note == {"place": "s3://shop/landing", "from_lake": None}
    assert not LandingRoot("s3a://shop/lake/", "s3://shop/landing").refusal(note)
    assert "loaded from s3://shop/landing, " in LandingRoot("s3://shop/lake", "s3://shop/other").refusal(note)
