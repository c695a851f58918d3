"""Make the pictures of the README and the docs from Dagster's UI and the dashboard, as they run over the demo.

Belongs here: which pages are shown. Needs a Chromium or Chrome on the machine and a demo that has been run. Does not
belong here: how pages look, or anything the platform does.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from project_etl.commands.shared.environment import DAGSTER_HOME, prepared_home, settings_of
from project_etl.dashboard.entry.app import PAGES as DASHBOARD_PAGES
from project_etl.settings import Settings

REPOSITORY = Path(__file__).resolve().parents[1]
PICTURES = REPOSITORY / "docs"
# No page that shows where the tables lie: that is a path of the machine the pictures are made on.
PAGES = {
    # A whole layer no longer fits into a picture that can be read.
    "assets.png": "/assets/gold/daily_revenue_by_category?view=lineage&lineageScope=upstream&lineageDepth=2",
    "silver_orders_checks.png": "/assets/silver/orders?view=checks&checkDetail=well_formed",
}
HOST = "127.0.0.1"
# The dashboard's pictures; a longer page ends there.
WIDTH, HEIGHT = 1400, 1400
CONTENT = "[data-testid=stMain]"
# What is still to come has a grey place of its own, and charts grow into theirs.
DRAWN = "!document.querySelector('[data-testid=stStatusWidget], [data-testid=stSkeleton]')"
GROWING_MILLISECONDS = 5_000
BROWSER_OPTIONS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
START_SECONDS = 90
# How long a page may go on fetching and drawing before its picture is taken.
RENDER_MILLISECONDS = 60_000


def main() -> int:
    """Take every picture; 0 when all were taken."""
    browser = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if browser is None:
        print(f"No browser found: install one of {', '.join(BROWSERS)} (on Debian: apt install chromium).")
        return 1
    settings = settings_of("demo")
    if not Path(settings.lake_root).exists():
        print(f"There is no demo in {settings.lake_root}: run make demo.")
        return 1
    PICTURES.mkdir(exist_ok=True)
    _dagster(browser, settings)
    _dashboard(browser, settings)
    return 0


def _dagster(browser: str, settings: Settings) -> None:
    port = _free_port()
    command = ["-m", "project_etl.definitions", "-h", HOST, "-p", str(port)]
    with _running("dagster-webserver", *command, env={DAGSTER_HOME: str(prepared_home(settings))}, settings=settings):
        _wait_for(f"http://{HOST}:{port}/server_info")
        for name, page in PAGES.items():
            _shoot(browser, f"http://{HOST}:{port}{page}", PICTURES / name)
            print(f"docs/{name}  {page}")


def _dashboard(browser: str, settings: Settings) -> None:
    from playwright.sync_api import sync_playwright

    port = _free_port()
    with _running("project-etl", "dashboard", "--port", str(port), settings=settings), sync_playwright() as playwright:
        _wait_for(f"http://{HOST}:{port}/_stcore/health")
        chromium = playwright.chromium.launch(executable_path=browser, args=[*BROWSER_OPTIONS])
        for page in DASHBOARD_PAGES:
            tab = chromium.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
            tab.goto(f"http://{HOST}:{port}/{page.path}", timeout=RENDER_MILLISECONDS)
            tab.get_by_role("heading", name=page.title, level=1).wait_for(timeout=RENDER_MILLISECONDS)
            tab.wait_for_function(DRAWN, timeout=RENDER_MILLISECONDS)
            length = tab.evaluate(f"document.querySelector('{CONTENT}').scrollHeight")
            tab.set_viewport_size({"width": WIDTH, "height": min(length, HEIGHT)})
            tab.wait_for_timeout(GROWING_MILLISECONDS)
            tab.wait_for_function(DRAWN, timeout=RENDER_MILLISECONDS)
            name = f"dashboard_{page.title.lower()}.png"
            tab.screenshot(path=PICTURES / name)
            tab.close()
            print(f"docs/{name}")
        chromium.close()


@contextmanager
def _running(command: str, *arguments: str, settings: Settings, env: Mapping[str, str] | None = None) -> Iterator[None]:
    """Run a program of the environment over some settings, and stop it with all that it started."""
    program = subprocess.Popen(
        [str(Path(sys.executable).with_name(command)), *arguments],
        cwd=REPOSITORY,
        env={**os.environ, "PROJECT_ETL_ENV": settings.env, **(env or {})},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield
    finally:
        os.killpg(program.pid, signal.SIGTERM)
        program.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)


def _shoot(browser: str, url: str, picture: Path) -> None:
    with tempfile.TemporaryDirectory() as profile:
        subprocess.run(
            [
                *(browser, "--headless", "--hide-scrollbars", *BROWSER_OPTIONS),
                *(f"--user-data-dir={profile}", "--window-size=1600,1000"),
                *(f"--virtual-time-budget={RENDER_MILLISECONDS}", f"--screenshot={picture}", url),
            ],
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )


if __name__ == "__main__":
    sys.exit(main())
