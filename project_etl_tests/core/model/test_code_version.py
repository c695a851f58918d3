"""What changes the version of a function's code, and what does not."""

from __future__ import annotations

import textwrap
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import project_etl
from project_etl.catalog import source_named, tables
from project_etl.core.contracts import sql_rule
from project_etl.core.model import code_version as module_under_test
from project_etl.core.model import table as declarations
from project_etl.core.model.code_version import CodeError, Source, code_version
from project_etl.core.model.records import Feed
from project_etl.core.model.staged import Run
from project_etl.core.model.table import Snapshot, Table, window
from project_etl.core.silver.plan import SilverJob
from project_etl.core.staleness import Staleness
from project_etl.sources.online_retail import customers, orders
from project_etl_tests.commands.given import lake_in, settings_in

CASTS, SOURCE = "core.transforms.casts", "core.model.source"
TABLES = tables()
READ = module_under_test.source_of
DAILY = '''
"""Daily units."""
from __future__ import annotations
from datetime import date
from decimal import Decimal
from shop.steps import rounded
LIMIT = 5
NAMES = {"a": 1}
OTHER = "not used"

def transform(orders: Orders) -> Orders:
    """Count them."""
    return helper(orders) + LIMIT

def helper(orders):
    return rounded(orders, NAMES)

def another():
    return OTHER
'''
STEPS = '''
"""Steps."""
from shop import places

def rounded(value, names):
    return round(value, places.PLACES)

def cleaned(value):
    return value.strip()
'''
PLACES = "PLACES = 2\n"
SHOP = {"shop": "", "shop.daily": DAILY, "shop.steps": STEPS, "shop.places": PLACES, "shop.extra": "X = 1\n"}


def function(module: str = "shop.daily", name: str = "transform") -> Callable[[], None]:
    def made() -> None: ...

    made.__module__, made.__qualname__ = module, name
    return made


@pytest.fixture
def sources(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Modules whose text is not what is on disk."""
    texts: dict[str, str] = {}

    def read(module: str) -> Source | None:
        found = READ(module) if module.startswith("project_etl") else None
        return Source(texts[module], found.package if found else "shop") if module in texts else found

    monkeypatch.setattr(module_under_test, "source_of", read)
    return texts


def version(sources: dict[str, str], texts: Mapping[str, str], **edited: tuple[str, str]) -> str:
    """The version of `shop.daily.transform` where each edited module has one text in place of another."""
    sources.update(texts)
    for name, (old, new) in edited.items():
        assert old in sources[f"shop.{name}"]
        sources[f"shop.{name}"] = sources[f"shop.{name}"].replace(old, new)
    return code_version(function())


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param({"daily": ("+ LIMIT", "- LIMIT")}, id="the function"),
        pytest.param({"daily": ("LIMIT = 5", "LIMIT = 6")}, id="a constant"),
        pytest.param({"daily": ("(orders, NAMES)", "(orders, {})")}, id="a function that it calls"),
        pytest.param({"daily": ("OTHER =", 'NAMES["b"] = 2\nOTHER =')}, id="a statement that changes a constant"),
        pytest.param({"steps": ("round(value,", "round(-value,")}, id="another module"),
        pytest.param({"places": ("2", "3")}, id="a module of another module"),
        pytest.param({"daily": ("import rounded", "import cleaned as rounded")}, id="what a name stands for"),
        pytest.param({"steps": ("from shop import", "from . import")}, id="nothing, when written as relative"),
    ],
)
def test_what_a_function_names_directly_or_not_is_its_code(
    sources: dict[str, str], edit: dict[str, tuple[str, str]], request: pytest.FixtureRequest
) -> None:
    is_same = "nothing" in request.node.name
    assert (version(sources, SHOP, **edit) == version(sources, SHOP)) is is_same


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param({"daily": ("Daily units.", "Units of each day.")}, id="the module's docstring"),
        pytest.param({"daily": ("Count them.", "Counts.")}, id="a docstring"),
        pytest.param({"daily": ("helper(orders) +", "(helper( orders )  # all\n     ) +")}, id="comment and format"),
        pytest.param({"daily": ("orders: Orders) -> Orders", "orders: Frame) -> Frame")}, id="annotations"),
        pytest.param({"daily": ("not used", "used by nobody")}, id="a constant of others"),
        pytest.param({"steps": ("strip()", "lstrip()")}, id="a function of others in the same module"),
        pytest.param({"daily": ("import Decimal", "import Decimal\nfrom shop.extra import X")}, id="an idle import"),
        pytest.param({"extra": ("1", "2")}, id="a module that nobody names"),
    ],
)
def test_what_cannot_change_a_row_does_not_count(sources: dict[str, str], edit: dict[str, tuple[str, str]]) -> None:
    assert version(sources, SHOP, **edit) == version(sources, SHOP)


@pytest.mark.parametrize(
    "statement", ["from shop.extra import X", "import shop.extra", "from shop import extra", "import shop.extra as X"]
)
def test_an_import_inside_a_function_counts(sources: dict[str, str], statement: str) -> None:
    shop = SHOP | {"shop.daily": f"def transform(orders):\n    {statement}\n    return orders\n"}
    assert version(sources, shop) != version(sources, shop, extra=("1", "2"))


def test_a_class_counts_with_its_methods_and_bases(sources: dict[str, str]) -> None:
    text = """
    class Base:
        rate = 1
    class Rates(Base):
        def of(self): return self.rate
    RATES = Rates()
    def transform(orders): return RATES.of()
    """
    shop = SHOP | {"shop.daily": textwrap.dedent(text)}
    assert version(sources, shop) != version(sources, shop, daily=("rate = 1", "rate = 2"))
    assert version(sources, shop) != version(sources, shop, daily=("return self.rate", "return -self.rate"))


def test_a_name_that_is_defined_under_a_condition_counts(sources: dict[str, str]) -> None:
    text = """
    import sys
    if sys.platform == "win32":
        def read(orders): return orders
    else:
        from shop.extra import X as read
    def transform(orders): return read(orders)
    """
    shop = SHOP | {"shop.daily": textwrap.dedent(text)}
    assert version(sources, shop) != version(sources, shop, daily=("win32", "darwin"))
    assert version(sources, shop) != version(sources, shop, extra=("1", "2"))


def test_modules_may_import_each_other(sources: dict[str, str]) -> None:
    shop = SHOP | {"shop.places": "from shop.daily import LIMIT\nPLACES = LIMIT\n"}
    assert version(sources, shop) != version(sources, shop, daily=("LIMIT = 5", "LIMIT = 6"))


@pytest.mark.parametrize("name", ["<lambda>", "make.<locals>.transform", "missing"])
def test_a_function_that_stands_at_the_top_of_no_module_is_refused(sources: dict[str, str], name: str) -> None:
    sources.update(SHOP)
    with pytest.raises(CodeError, match=r"shop\.daily.*top of its module"):
        code_version(function(name=name))


# --- the tables that there are ---------------------------------------------------------------------------------------

CUSTOMERS = {"silver/customers", "silver/customers_history"}
PRODUCTS = {"silver/products", "silver/products_history"}
# Those with a version of a customer or product as of an instant.
FACTS = {"gold/fact_orders", "gold/fact_order_items", "gold/fact_events"}
SILVER = {table.name for table in TABLES if table.layer == "silver"}
# The mappings of `online_retail`, by what they make.
MAPPINGS = {f"mapping {records}": feed.mapping for records, feed in source_named("online_retail").feeds.items()}


def versions() -> dict[str, str]:
    """The version of the code of each transform and mapping."""
    transforms = {table.name: table.transform for table in TABLES}
    return {name: code_version(found) for name, found in (transforms | MAPPINGS).items() if found is not None}


@pytest.mark.parametrize(
    ("module", "old", "new", "expected"),
    [
        ("silver.customers", 'F.upper(cleaned("country"))', 'F.lower(cleaned("country"))', CUSTOMERS),
        ("silver.customers", 'description="Home city."', 'description="City."', set()),
        (
            "core.transforms.casts",
            "return F.trim(F.col(name))",
            "return F.rtrim(F.col(name))",
            SILVER - {"silver/order_items", "silver/reviews"},
        ),
        ("core.transforms.asof", 'how="left"', 'how="inner"', {*FACTS, "gold/fact_refunds", "gold/sales_pipeline"}),
        ("core.transforms.money", "_column(amount).try_cast(MONEY)", "_column(amount).cast(MONEY)", None),
        ("core.model.table", "class Snapshot:", "class WholeTable:", set()),
        ("sources._country_names", '"Austria": "AT"', '"Oesterreich": "AT"', {"mapping customers", "mapping orders"}),
        ("sources.online_retail", '"GBP"', '"EUR"', {"mapping products", "mapping orders"}),
        (
            "core.model.source",
            'return f"bronze/{self.source}/{self.name}"',
            'return f"bronze/{self.name}"',
            {"mapping order_items"},
        ),
    ],
)
def test_an_edit_concerns_the_tables_whose_rows_it_may_change(
    sources: dict[str, str], module: str, old: str, new: str, expected: set[str] | None
) -> None:
    before, on_disk = versions(), READ(f"project_etl.{module}")
    assert on_disk is not None
    assert old in on_disk.text
    sources[f"project_etl.{module}"] = on_disk.text.replace(old, new)
    changed = {name for name, version in versions().items() if version != before[name]}
    if expected is None:
        modules = {table.name: READ(table.transform.__module__) for table in TABLES if table.transform is not None}
        expected = {name for name, module in modules.items() if module is not None and "to_money(" in module.text}
    assert changed == expected


def test_all_tables_take_little_time() -> None:
    for cached in (module_under_test.source_of, module_under_test.definitions_of):
        cached.cache_clear()
    start = time.process_time()
    versions()
    # A fifth of a second on a quiet machine. Read once a table, and not once a module, it takes ten times as long.
    assert time.process_time() - start < 1.5


# --- what counts beside the code -------------------------------------------------------------------------------------

BY_NAME = {table.name: table for table in TABLES}
FACT, AOV = BY_NAME["gold/fact_order_items"], BY_NAME["gold/daily_aov"]


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"code_version": "2"}, id="the code"),
        pytest.param({"keys": ("order_date", "orders")}, id="the keys"),
        pytest.param({"inputs": {"orders": window("gold/fact_orders", back=6)}, "conserves": ()}, id="what is read"),
        pytest.param({"write": Snapshot(), "conserves": (), "measure": None}, id="how it is written"),
        pytest.param({"rules": (sql_rule("some", "orders > 0", description="some orders"),)}, id="the rules"),
        pytest.param({"contract": FACT.contract, "keys": ("order_date",), "measure": None}, id="the columns"),
    ],
)
def test_what_a_table_declares_counts_in_its_version(other: dict[str, Any]) -> None:
    assert replace(AOV, **other).version != AOV.version


def test_what_people_read_and_who_owns_a_table_do_not_count() -> None:
    assert replace(AOV, description="Other words.", owners=("team:finance",)).version == AOV.version


def test_a_release_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(project_etl, "__version__", "99.0")
    monkeypatch.setattr(declarations, "__version__", "99.0", raising=False)
    assert replace(AOV).version == AOV.version


def test_a_platform_that_works_otherwise_counts_for_every_table_and_mapping(monkeypatch: pytest.MonkeyPatch) -> None:
    before = versions()
    monkeypatch.setattr(module_under_test, "PLATFORM_VERSION", module_under_test.PLATFORM_VERSION + 1)
    after = versions()
    assert all(after[name] != version for name, version in before.items())


def test_only_the_settings_that_a_transform_takes_count(tmp_path: Path) -> None:
    lake = lake_in(settings_in(tmp_path))
    euros = {"reporting_currency": "EUR", "price_low": Decimal(50), "price_high": Decimal(200)}

    def version(table: Table, parameters: Mapping[str, Any]) -> str:
        if table.layer == "gold":
            return Staleness(lake, BY_NAME, parameters).made_from(table).identity
        return SilverJob(lake, table, (), (), Run("run", parameters=parameters), date(2025, 1, 1)).version

    def changed(**other: Any) -> set[str]:
        return {table.name for table in TABLES if version(table, euros) != version(table, euros | other)}

    of_crm = {"silver/crm_deals", "gold/sales_pipeline"}
    assert changed(reporting_currency="GBP") == {FACT.name, "gold/fact_orders", "gold/fact_refunds", *of_crm}
    assert changed(has_crm=True) == {"gold/customer_360"}
    assert changed(price_low=Decimal(60)) == changed(price_high=Decimal(300)) == PRODUCTS


def test_a_feed_takes_the_version_of_its_mapping_and_of_what_it_gathers() -> None:
    feed = Feed("bronze/lines", ("a",), orders)
    assert feed.version != Feed("bronze/lines", ("a",), customers).version
    assert feed.version != Feed("bronze/lines", ("a",), orders, gather="a").version
    assert feed.version == replace(feed, bronze="bronze/others").version


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_table_has_the_version_of_its_transform(table: Table) -> None:
    assert table.transform is not None
    assert table.code_version == code_version(table.transform)
