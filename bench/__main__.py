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
from bench.measure import BenchError, require_linux
from bench.scenarios import (
    REAL_LANDING,
    REPOSITORY,
    SCENARIOS,
    SHOP_DAYS,
    Counted,
    Data,
    Measured,
    count_jobs,
    online_retail,
    run_pairs,
    shop,
)

SOURCES = ("shop", "online_retail")
# About 170,525 rows in 90 days.
SCALE = 2.17


def main() -> int:
    """Run the benchmark as the command line says."""
    options = _options()
    try:
        require_linux()
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            result = _run(options, Path(folder))
    except BenchError as error:
        _say(str(error))
        return 1
    paths = report.save(result, options.out, "-".join(options.sources))
    sys.stdout.write(report.markdown(result))
    _say(f"written: {', '.join(str(path) for path in paths)}")
    return 0


def _run(options: argparse.Namespace, folder: Path) -> dict[str, object]:
    data: list[Data] = []
    measured: list[Measured] = []
    counted: list[Counted] = []
    for source in options.sources:
        is_shop = source == "shop"
        each = shop(folder / "landing", options.scale, options.days) if is_shop else online_retail(options.landing)
        data.append(each)
        measured += run_pairs(each, folder, options.pairs, options.scenarios, _say)
        if options.count:
            counted += count_jobs(each, folder, options.scenarios, _say)
    arguments = {name: getattr(options, name) for name in ("pairs", "scenarios", "sources", "scale", "days")}
    return report.result_of(data, measured, counted, arguments)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure the platform beside a plain script.")
    parser.add_argument("--pairs", type=_positive, default=3, help="runs of each side (default: %(default)s)")
    parser.add_argument(
        "--scenarios", type=_among(SCENARIOS), default=list(SCENARIOS), help="with commas: cold,day,nothing"
    )
    parser.add_argument(
        "--sources", type=_among(SOURCES), default=list(SOURCES), help="with commas: shop,online_retail"
    )
    parser.add_argument("--scale", type=float, default=SCALE, help="size of the shop (default: %(default)s)")
    parser.add_argument(
        "--days", type=_positive, default=SHOP_DAYS, help="days of the shop's cold load (default: %(default)s)"
    )
    parser.add_argument("--landing", type=Path, default=REAL_LANDING, help="landing folder that has online_retail")
    parser.add_argument(
        "--no-count", dest="count", action="store_false", help="leave out the run that counts Spark jobs"
    )
    parser.add_argument("--out", type=Path, default=REPOSITORY / "bench" / "results", help="folder of the report")
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
