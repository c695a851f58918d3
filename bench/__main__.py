"""`python -m bench`: run the scenarios and write the report.

Exits 0 when everything ran, whatever the figures are: they are read in the report, where a missed bound stands as one.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Collection
from pathlib import Path

from bench import report
from bench.landing import REAL_LANDING, REPOSITORY, SCENARIOS, SHOP, SOURCES, online_retail, shop
from bench.measure import BenchError, require_linux
from bench.scenarios import run_rounds

# 170,093 records in the shop's 90 days; 526,675 lines in five times the real shop's 68 days.
SCALE, SHOP_DAYS, REPEAT = 1.0, 90, 5


def main() -> int:
    """Run the benchmark as the command line says."""
    options = _options()
    results: dict[str, dict] = {}
    try:
        require_linux()
        for source in options.sources:
            with tempfile.TemporaryDirectory(prefix="bench-") as folder:
                results[source] = _run(options, source, Path(folder))
            paths = report.save(results, options.out, options.name)
            sys.stdout.write(report.markdown(results[source]))
            _say(f"written: {', '.join(str(path) for path in paths)}")
    except BenchError as error:
        _say(str(error))
        return 1
    return 0


def _run(options: argparse.Namespace, source: str, folder: Path) -> dict:
    landing = folder / "landing"
    if source == SHOP:
        data = shop(landing, options.scale, options.days or SHOP_DAYS)
    else:
        data = online_retail(landing, options.landing, options.repeat, options.days)
    runs = run_rounds(data, folder, options.rounds, options.scenarios, _say)
    names = ("rounds", "scenarios", "days", "scale" if source == SHOP else "repeat")
    return report.result_of(data, runs, options.scenarios, {name: getattr(options, name) for name in names})


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure the platform beside plain scripts.")
    parser.add_argument("--rounds", type=_positive, default=3, help="runs of each side (default: %(default)s)")
    parser.add_argument(
        "--sources", type=_among(SOURCES), default=list(SOURCES), help="with commas: " + ",".join(SOURCES)
    )
    parser.add_argument(
        "--scenarios", type=_among(SCENARIOS), default=list(SCENARIOS), help="with commas: " + ",".join(SCENARIOS)
    )
    parser.add_argument(
        "--days", type=_positive, help=f"days of the source (default: shop {SHOP_DAYS}, real lines all)"
    )
    parser.add_argument("--scale", type=float, default=SCALE, help="size of the shop (default: %(default)s)")
    parser.add_argument(
        "--repeat", type=_positive, default=REPEAT, help="the real days so often (default: %(default)s)"
    )
    parser.add_argument("--landing", type=Path, default=REAL_LANDING, help="landing folder that has online_retail")
    parser.add_argument("--out", type=Path, default=REPOSITORY / "bench" / "results", help="folder of the report")
    parser.add_argument("--name", help="one report of this name, not one a source")
    return parser.parse_args()


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"found {text!r}, expected a whole number from 1")
    return int(text)


def _among(allowed: Collection[str]) -> Callable[[str], list[str]]:
    def read(text: str) -> list[str]:
        asked = [part.strip() for part in text.split(",")]
        if unknown := [part for part in asked if part not in allowed]:
            raise argparse.ArgumentTypeError(f"found {', '.join(unknown)!r}, expected any of {', '.join(allowed)}")
        return [name for name in allowed if name in asked]

    return read


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main())
