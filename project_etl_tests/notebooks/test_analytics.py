"""`notebooks/analytics.ipynb` runs from top to bottom over a small shop, draws readable charts, and counts right.

Its kernel is this Python. All that Jupyter keeps is in a folder of the test.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import nbformat
import pytest
from ipykernel.kernelspec import write_kernel_spec
from nbclient import NotebookClient

from project_etl.core.engine.base import Engine
from project_etl_tests.commands.given import REPOSITORY, plain_environment
from project_etl_tests.small_shop import CUSTOMER, EVENT, ITEM, ORDER, PRODUCT, REFUND, REVIEW, SmallShop, made_of

pytestmark = pytest.mark.long

NOTEBOOK = REPOSITORY / "notebooks" / "analytics.ipynb"
FIGURE = "application/vnd.plotly.v1+json"
LANDED = "2025-03-03"
# Order, customer (a guest has none), day, status. C3's first revenue order is in February; C4 never comes back.
ORDERS = (
    ("O1", "C1", "2025-01-05", "PAID"),
    ("O2", "C1", "2025-02-10", "PAID"),
    ("O3", "C1", "2025-02-20", "DELIVERED"),
    ("O4", "C2", "2025-01-20", "PAID"),
    ("O5", "C2", "2025-03-03", "COMPLETED"),
    ("O6", "C3", "2025-01-07", "CANCELLED"),
    ("O7", "C3", "2025-02-11", "PARTIALLY_REFUNDED"),
    ("O8", "C4", "2025-02-01", "SHIPPED"),
    ("O9", "C4", "2025-03-01", "RETURNED"),
    ("O10", "", "2025-02-12", "PAID"),
    ("O11", "", "2025-03-02", "PAID"),
)
IS_REVENUE = {"PAID", "SHIPPED", "DELIVERED", "COMPLETED", "PARTIALLY_REFUNDED"}


def read() -> Any:
    return nbformat.read(NOTEBOOK, as_version=nbformat.NO_CONVERT)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, engine: Engine) -> Path:
    """The folder of a shop with the tables that the notebook asks; an order's total is wrong, which is a warning."""
    folder = tmp_path_factory.mktemp("shop")
    asked = {name.replace(".", "/") for cell in read().cells for name in re.findall(r"gold\.\w+", cell.source)}
    shop = SmallShop(folder, engine, only=made_of(*asked))
    shop.land_rows("customers", LANDED, *(CUSTOMER | {"customer_id": f"C{number}"} for number in range(1, 5)))
    shop.land_rows("products", LANDED, PRODUCT)
    orders = [
        ORDER | {"order_id": name, "customer_id": customer, "order_ts": f"{day}T10:00:00Z", "status": status}
        for name, customer, day, status in ORDERS
    ]
    shop.land_rows("orders", LANDED, orders[0] | {"order_total": "25.00"}, *orders[1:])
    shop.land_rows("order_items", LANDED, *(ITEM | {"order_id": name} for name, *_ in ORDERS))
    shop.land_rows("events", LANDED, EVENT, EVENT | {"event_id": "E2", "event_type": "view", "visitor_id": "V2"})
    shop.land_rows("refunds", LANDED, REFUND)
    shop.land_rows("reviews", LANDED, REVIEW)
    shop.everything(*sorted({day for _, _, day, _ in ORDERS}))
    return folder


@pytest.fixture(scope="module")
def executed(shop: Path) -> Any:
    """The notebook with its outputs, and a last cell that prints the cohorts."""
    notebook = read()
    notebook.cells.append(nbformat.v4.new_code_cell('print(cohorts.to_json(orient="values"))', id="test"))
    jupyter = shop / "jupyter"
    write_kernel_spec(str(jupyter / "kernels" / "this"))
    with pytest.MonkeyPatch.context() as patch:
        for variable in ("JUPYTER_PATH", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR"):
            patch.setenv(variable, str(jupyter))
        client = NotebookClient(
            notebook, kernel_name="this", timeout=120, resources={"metadata": {"path": str(NOTEBOOK.parent)}}
        )
        settings = {"PROJECT_ETL_ENV": "local", "PROJECT_ETL_LAKE_ROOT": str(shop / "lake")}
        client.execute(env=plain_environment() | settings | {"PYTHONPATH": str(REPOSITORY)})
    return notebook


def outputs(notebook: Any) -> list[tuple[str, Any]]:
    """Cell and output, of all cells."""
    return [(cell.id, output) for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]


def test_it_is_committed_without_what_a_run_leaves_and_as_jupyter_writes_it() -> None:
    notebook = read()
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    assert outputs(notebook) == []
    assert {cell.execution_count for cell in notebook.cells if cell.cell_type == "code"} == {None}
    assert NOTEBOOK.read_text(encoding="utf-8") == nbformat.writes(notebook) + "\n"


def test_it_runs_to_its_end_and_complains_of_nothing(executed: Any) -> None:
    assert [(cell, output.text) for cell, output in outputs(executed) if output.get("name") == "stderr"] == []
    drawn = [cell for cell, output in outputs(executed) if FIGURE in output.get("data", {})]
    assert drawn == ["revenue", "growth", "cohorts", "funnel", "rfm", "customer", "trust"]


def test_each_chart_has_a_title_and_titled_axes_and_money_has_its_currency(executed: Any) -> None:
    for cell, output in outputs(executed):
        if FIGURE in output.get("data", {}):
            layout = output.data[FIGURE]["layout"]
            titles = [layout[part]["title"]["text"] for part in ("xaxis", "yaxis")]
            assert layout["title"]["text"], cell
            assert all(titles), cell
            if cell == "revenue":
                assert titles == ["Business day", "Net revenue (EUR)"]


def test_it_needs_no_internet_and_shows_no_personal_data(executed: Any) -> None:
    shown = json.dumps([output for _, output in outputs(executed)])
    assert "://" not in shown
    assert not [text for text in (CUSTOMER["email"], "Ada", "King") if text in shown]


def test_its_cohorts_are_those_that_a_plain_count_finds(executed: Any) -> None:
    (printed,) = (output.text for cell, output in outputs(executed) if cell == "test")
    assert json.loads(printed) == plain_cohorts() != []


def plain_cohorts() -> list[list[Any]]:
    """Cohort, months since, customers, returned and their share in percent, by counting orders one by one."""
    months: dict[str, set[int]] = {}
    for _, customer, day, status in ORDERS:
        if customer and status in IS_REVENUE:
            months.setdefault(customer, set()).add(date.fromisoformat(day).month)
    sizes = Counter(min(active) for active in months.values())
    last = date.fromisoformat(max(day for _, _, day, _ in ORDERS)).month
    found = []
    for cohort, size in sorted(sizes.items()):
        for month in range(cohort, last + 1):
            returned = sum(min(active) == cohort and month in active for active in months.values())
            found.append([f"2025-{cohort:02}", month - cohort, size, returned, 100 * returned / size])
    return found
