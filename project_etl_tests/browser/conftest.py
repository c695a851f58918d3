"""A small shop's lake, the dashboard over it as its command starts it, and Chromium."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from project_etl.core.engine.base import Engine
from project_etl_tests.commands.given import REPOSITORY, surroundings
from project_etl_tests.dashboard.given import BUSINESS_DAYS, visits_shop
from project_etl_tests.webserver import free_port

SECONDS = 60
# A machine that is busy draws slowly.
expect.set_options(timeout=SECONDS * 1000)
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
ARGUMENTS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory, engine: Engine) -> Path:
    """A folder with landing and a lake that has every table."""
    folder = tmp_path_factory.mktemp("shop")
    visits_shop(folder, engine).all_gold(*BUSINESS_DAYS)
    return folder


@pytest.fixture(scope="session")
def dashboard(shop: Path) -> Iterator[str]:
    """The address of the dashboard over the shop's lake."""
    with dashboard_over(shop) as address:
        yield address


@contextmanager
def dashboard_over(folder: Path) -> Iterator[str]:
    """Start the dashboard over the lake of a folder, give its address, and stop it."""
    port = free_port()
    # So that "last month" has data.
    env = surroundings(folder, ENV="local", SETTLE_SECONDS=0, START_DATE="2025-01-01", END_DATE="2025-02-10")
    server = subprocess.Popen(
        [Path(sys.executable).with_name("project-etl"), "dashboard", "--port", str(port)],
        cwd=REPOSITORY,
        env=env | {"PYTHONPATH": str(REPOSITORY)},
    )
    try:
        wait_for(f"http://127.0.0.1:{port}/_stcore/health")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(SECONDS)


def wait_for(url: str) -> None:
    """Wait until a server answers."""
    until = time.monotonic() + SECONDS
    while True:
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)
        else:
            return


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The machine's own Chromium, without a window."""
    path = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    assert path, f"No browser found: install one of {', '.join(BROWSERS)} (on Debian: apt install chromium)."
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*ARGUMENTS])
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page that fails the test when a script of it fails."""
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    page.close()
    assert not errors


@pytest.fixture
def metric(page: Page) -> Callable[[str], object]:
    """The value of a metric by its label, as a locator."""

    def value(label: str) -> object:
        there = page.get_by_test_id("stMetric").filter(has=page.get_by_text(label, exact=True))
        return there.get_by_test_id("stMetricValue")

    return value
