"""Make the README's pictures from the running UI: start the webserver, open each page in headless Chromium, save it.

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
from pathlib import Path

from project_etl.commands.shared.environment import DAGSTER_HOME, prepared_home, settings_of

REPOSITORY = Path(__file__).resolve().parents[1]
PICTURES = REPOSITORY / "docs"
# No page that shows where the tables lie: that is a path of the machine the pictures are made on.
PAGES = {
    "assets.png": "/locations/project_etl.definitions/asset-groups/gold/lineage",
    "silver_orders_checks.png": "/assets/silver/orders?view=checks&checkDetail=well_formed",
}
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
START_SECONDS = 90
# How long a page may go on fetching and drawing before its picture is taken.
RENDER_MILLISECONDS = 30_000


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
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = ["-m", "project_etl.definitions", "-h", "127.0.0.1", "-p", str(port)]
    environment = {**os.environ, "PROJECT_ETL_ENV": settings.env, DAGSTER_HOME: str(prepared_home(settings))}
    server = subprocess.Popen(
        [str(Path(sys.executable).with_name("dagster-webserver")), *command],
        cwd=REPOSITORY,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        _wait_for(f"http://127.0.0.1:{port}/server_info")
        for name, page in PAGES.items():
            _shoot(browser, f"http://127.0.0.1:{port}{page}", PICTURES / name)
            print(f"docs/{name}  {page}")
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait()
    return 0


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
                *(browser, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars"),
                *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
                *(f"--user-data-dir={profile}", "--window-size=1600,1000"),
                *(f"--virtual-time-budget={RENDER_MILLISECONDS}", f"--screenshot={picture}", url),
            ],
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )


if __name__ == "__main__":
    sys.exit(main())
