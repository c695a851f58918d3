"""The report: medians, ratios against their bounds, and the machine, as JSON and as Markdown.

Not here: measuring anything.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from bench.scenarios import COLD, DAY, NOTHING, PLAIN, PLATFORM, SCENARIOS, Counted, Data, Measured

MIB = 1024 * 1024
PACKAGES = ("dagster", "pyspark", "delta-spark", "pandera", "deltalake")


@dataclass(frozen=True)
class Bound:
    """What the platform may take beside the plain script: at most `limit` times its median of `figure`."""

    scenario: str
    figure: str
    limit: float


BOUNDS = (
    Bound(COLD, "wall_seconds", 1.25),
    Bound(COLD, "peak_mib", 1.25),
    Bound(DAY, "wall_seconds", 1.5),
)
FIGURES = {"wall_seconds": "wall, s", "cpu_seconds": "CPU, s", "peak_mib": "peak memory, MiB"}


def result_of(
    data: Sequence[Data], measured: Sequence[Measured], counted: Sequence[Counted], arguments: dict[str, Any]
) -> dict[str, Any]:
    """Everything that was measured and what follows from it, as JSON values without names of this machine."""
    medians = _medians(measured)
    return {
        "machine": machine(),
        "arguments": arguments,
        "data": [{"source": each.source, "rows": each.rows} for each in data],
        "medians": medians,
        "verdicts": [*_ratios(medians), *_nothing_new(measured)],
        "work": [asdict(each) for each in counted],
        "runs": [asdict(each) for each in measured],
    }


def save(result: dict[str, Any], out: Path, name: str) -> tuple[Path, Path]:
    """Write `<name>.json` and `<name>.md` and return their paths."""
    out.mkdir(parents=True, exist_ok=True)
    as_json, as_markdown = out / f"{name}.json", out / f"{name}.md"
    as_json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    as_markdown.write_text(markdown(result), encoding="utf-8")
    return as_json, as_markdown


def machine() -> dict[str, Any]:
    """Cores, memory and versions."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(memory / MIB / 1024, 1),
        "system": f"{platform.system()} {platform.machine()}",
        # Load of others before the report was written makes figures worthless; it is shown so that this is seen.
        "load_average_15_min": round(os.getloadavg()[2], 2),
        "python": platform.python_version(),
        **{package: importlib.metadata.version(package) for package in PACKAGES},
    }


def _figures(run: Measured) -> dict[str, float]:
    usage = run.usage
    return {
        "wall_seconds": usage.wall_seconds,
        "cpu_seconds": usage.cpu_seconds,
        "peak_mib": usage.peak_bytes / MIB,
    }


def _medians(measured: Sequence[Measured]) -> list[dict[str, Any]]:
    groups: dict[tuple[str, str, str], list[Measured]] = {}
    for run in measured:
        groups.setdefault((run.source, run.scenario, run.side), []).append(run)
    return [
        {
            "source": source,
            "scenario": scenario,
            "side": side,
            "runs": len(runs),
            **{figure: round(median(_figures(run)[figure] for run in runs), 2) for figure in FIGURES},
        }
        for (source, scenario, side), runs in groups.items()
    ]


def _ratios(medians: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    by_key = {(row["source"], row["scenario"], row["side"]): row for row in medians}
    found: list[dict[str, Any]] = []
    for (source, scenario, side), row in by_key.items():
        plain = by_key.get((source, scenario, PLAIN))
        if side != PLATFORM or plain is None:
            continue
        for bound in (each for each in BOUNDS if each.scenario == scenario):
            ratio = round(row[bound.figure] / plain[bound.figure], 3)
            what = f"{SCENARIOS[scenario]}: {FIGURES[bound.figure].split(',')[0]}, platform / plain"
            found.append(_verdict(source, what, f"{ratio:.2f}", f"≤ {bound.limit}", passed=ratio <= bound.limit))
    return found


def _nothing_new(measured: Sequence[Measured]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for source in dict.fromkeys(run.source for run in measured if run.scenario == NOTHING):
        runs = [run for run in measured if (run.source, run.scenario) == (source, NOTHING)]
        jvms = sum(run.usage.has_jvm for run in runs)
        moved = sorted({table for run in runs for table in run.commits})
        what = SCENARIOS[NOTHING]
        found.append(_verdict(source, f"{what}: runs that started a JVM", str(jvms), "0", passed=jvms == 0))
        names = ", ".join(moved) or "none"
        found.append(_verdict(source, f"{what}: tables that got a commit", names, "none", passed=not moved))
    return found


def _verdict(source: str, what: str, found: str, bound: str, *, passed: bool) -> dict[str, Any]:
    return {"source": source, "what": what, "found": found, "bound": bound, "passed": passed}


# --- Markdown ---------------------------------------------------------------------------------------------------------


def markdown(result: dict[str, Any]) -> str:
    """The result for people."""
    facts = ", ".join(f"{name} {value}" for name, value in result["machine"].items())
    rows = "; ".join(
        f"{each['source']}: {each['rows'][COLD]:,} rows cold, {each['rows'][DAY]:,} on the day after"
        for each in result["data"]
    )
    verdicts = [
        [row["source"], row["what"], row["found"], row["bound"], "pass" if row["passed"] else "**miss**"]
        for row in result["verdicts"]
    ]
    medians = [
        [row["source"], SCENARIOS[row["scenario"]], row["side"], row["runs"], *(row[figure] for figure in FIGURES)]
        for row in result["medians"]
    ]
    parts = [
        "# Benchmark",
        f"Machine: {facts}.",
        f"Data: {rows}. Made with {json.dumps(result['arguments'])}.",
        "Platform is `dagster asset materialize`; plain is `bench/plain.py`, which writes the same tables without the "
        "platform and judges nothing but what it must to fill quarantine. Both run as new processes in turn, with the "
        "same `spark.*` settings. Memory is the largest sum over all processes of a run.",
        "## Against the bounds",
        _table(["source", "what", "found", "bound", "verdict"], verdicts),
        "## Medians",
        _table(["source", "scenario", "side", "runs", *FIGURES.values()], medians),
        "## Work per table",
        "Commits are from the first timed run, without the one that makes an empty table. Jobs and seconds are from a "
        "run of its own, with Spark's event log on.",
        *_work(result),
    ]
    return "\n\n".join(parts) + "\n"


def _work(result: dict[str, Any]) -> list[str]:
    parts: list[str] = []
    keys = dict.fromkeys((run["source"], run["scenario"]) for run in result["runs"] if run["scenario"] != NOTHING)
    for source, scenario in keys:
        sides = [_work_of(result, source, scenario, side) for side in (PLATFORM, PLAIN)]
        tables = dict.fromkeys(table for side in sides for table in side)
        rows = [[table, *(cell for side in sides for cell in side.get(table, ["", "", ""]))] for table in tables]
        names = [f"{side} {what}" for side in (PLATFORM, PLAIN) for what in ("commits", "jobs", "s")]
        parts += [f"### {source}, {SCENARIOS[scenario]}", _table(["table", *names], rows)]
    return parts


def _work_of(result: dict[str, Any], source: str, scenario: str, side: str) -> dict[str, list[Any]]:
    """Commits, jobs and seconds by table."""
    key = (source, scenario, side)
    runs = [run["commits"] for run in result["runs"] if (run["source"], run["scenario"], run["side"]) == key]
    work = [each for each in result["work"] if (each["source"], each["scenario"], each["side"]) == key]
    commits = runs[0] if runs else {}
    jobs, seconds = (work[0]["jobs"], work[0]["seconds"]) if work else ({}, {})
    tables = dict.fromkeys([*seconds, *jobs, *commits])
    return {
        table: [len(commits.get(table, ())), jobs.get(table, 0) if work else "", seconds.get(table, "")]
        for table in tables
    }


def _table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(str(cell) for cell in line)} |" for line in lines)
