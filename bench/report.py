"""The report of one source: medians beside the scripts, bounds, and the work per table, as JSON and as Markdown.

A report of which one figure is missing is not written. Not here: measuring anything.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

from bench.bounds import LAYERS, verdicts
from bench.landing import COLD, DAY, DEMO, LATE, SCENARIOS, Data
from bench.measure import BenchError
from bench.scenarios import PLATFORM, POLARS, SIDES, Run, expected

PACKAGES = ("dagster", "pyspark", "delta-spark", "deltalake", "polars", "duckdb")
FIGURES: dict[str, Callable[[Run], float]] = {
    "wall_seconds": lambda run: run.usage.wall_seconds,
    "cpu_seconds": lambda run: run.usage.cpu_seconds,
    "peak_mb": lambda run: run.usage.peak_bytes / 1e6,
    "files": lambda run: run.files,
    "mb": lambda run: run.bytes / 1e6,
}
METERED = ("seconds", "cpu_seconds", "queries", "log_reads")
SHOWN_MISSING = 20
# Scenarios in which seconds for each record mean something.
PER_RECORD = (COLD, DEMO)


def result_of(data: Data, runs: Sequence[Run], scenarios: Collection[str], arguments: Mapping[str, Any]) -> dict:
    """Everything that was measured for a source and what follows from it, as JSON values without names of this machine.

    Raises:
        BenchError: a figure is missing; the message names it.
    """
    if gaps := list(missing(data.source, runs, scenarios)):
        more = [f"… and {len(gaps) - SHOWN_MISSING} more"] if len(gaps) > SHOWN_MISSING else []
        names = "\n  ".join([*gaps[:SHOWN_MISSING], *more])
        raise BenchError(f"No report on {data.source}, {len(gaps)} of its figures are missing:\n  {names}")
    figures = _figures(runs)
    layers = _layers(runs)
    return {
        "source": data.source,
        "machine": machine(),
        "arguments": dict(arguments),
        "data": {"rows": dict(data.rows), "first": str(data.first), "last_cold": str(data.last_cold)},
        "bounds": verdicts(data, figures, layers, runs),
        "figures": figures,
        "layers": layers,
        "tables": _tables(runs),
        "runs": [asdict(run) for run in runs],
    }


def save(results: Mapping[str, dict], out: Path, name: str | None) -> list[Path]:
    """Write the results by source: a JSON and a Markdown file each, or one of both for all, called `name`."""
    out.mkdir(parents=True, exist_ok=True)
    books = {name: list(results.values())} if name else {source: [result] for source, result in results.items()}
    paths: list[Path] = []
    for book, pages in books.items():
        as_json, as_markdown = out / f"{book}.json", out / f"{book}.md"
        as_json.write_text(json.dumps(results if name else pages[0], indent=1) + "\n", encoding="utf-8")
        as_markdown.write_text("\n".join(map(markdown, pages)), encoding="utf-8")
        paths += [as_json, as_markdown]
    return paths


def machine() -> dict[str, Any]:
    """Cores, memory and versions."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(memory / 2**30, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        **{package: importlib.metadata.version(package) for package in PACKAGES},
    }


def missing(
    source: str, runs: Sequence[Run], scenarios: Collection[str], sides: Collection[str] = SIDES
) -> Iterator[str]:
    """The figures that a report on these scenarios needs and the runs do not have, each with where it belongs."""
    for scenario, side in (pair for pair in expected(source, scenarios) if pair[1] in sides):
        mine = [run for run in runs if (run.scenario, run.side) == (scenario, side)]
        where = f"{SCENARIOS[scenario]}, {side}"
        if not mine:
            yield f"{where}: every figure, for it did not run"
        for run in mine:
            yield from (f"{where}: {what}" for what in _missing_of(run))


def _missing_of(run: Run) -> Iterator[str]:
    for name, figure in FIGURES.items():
        if not figure(run) > 0:
            yield name
    if run.side != PLATFORM:
        yield from (
            f"{what} of {layer}" for layer in LAYERS for what in METERED[:2] if what not in run.metered.get(layer, {})
        )
        return
    # Tables of our own, whose names begin with `_`, are filled along with others.
    for table in (stored for stored in run.stored if stored.split("/")[0] in LAYERS and "/_" not in stored):
        yield from (f"{what} of {table}" for what in METERED if what not in run.metered.get(table, {}))
    if run.scenario == COLD and not any(counts.get("queries") for counts in run.metered.values()):
        yield "queries of any table: the meter does not see the engine"


def _figures(runs: Sequence[Run]) -> list[dict[str, Any]]:
    rows = [
        {
            "scenario": mine[0].scenario,
            "side": mine[0].side,
            "runs": len(mine),
            **{name: round(median(map(figure, mine)), 2) for name, figure in FIGURES.items()},
            "commits": median(sum(map(len, run.commits.values())) for run in mine),
            "others_cores": round(max(run.usage.others_cores for run in mine), 2),
        }
        for mine in _groups(runs)
    ]
    polars = {row["scenario"]: row for row in rows if row["side"] == POLARS}
    records = {run.scenario: run.rows for run in runs if run.scenario in PER_RECORD}
    for row in rows:
        if row["scenario"] in records:
            row["seconds_per_1000_records"] = round(1000 * row["wall_seconds"] / records[row["scenario"]], 3)
        beside = polars.get(row["scenario"])
        row["times_polars"] = {
            name: round(row[name] / beside[name], 2) for name in ("wall_seconds", "cpu_seconds", "peak_mb") if beside
        }
    return rows


def _layers(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """Seconds and CPU seconds by layer; `rest` is the time outside of tables: starting, importing, Dagster's events."""
    rows: list[dict[str, Any]] = []
    for mine in _groups(runs):
        row: dict[str, Any] = {"scenario": mine[0].scenario, "side": mine[0].side}
        for what, whole in (("seconds", "wall_seconds"), ("cpu_seconds", "cpu_seconds")):
            sums = [{layer: _sum(run, layer, what) for layer in LAYERS} for run in mine]
            row[what] = {layer: round(median(each[layer] for each in sums), 2) for layer in LAYERS}
            rest = median(FIGURES[whole](run) - sum(each.values()) for run, each in zip(mine, sums, strict=True))
            row[what]["rest"] = round(max(rest, 0), 2)
        rows.append(row)
    return rows


def _sum(run: Run, layer: str, what: str) -> float:
    return sum(counts.get(what, 0) for table, counts in run.metered.items() if table.split("/")[0] == layer)


def _tables(runs: Sequence[Run]) -> dict[str, list[dict[str, Any]]]:
    """The platform's work by scenario and table; quarantine is filled along with its table, so it has no time."""
    tables: dict[str, list[dict[str, Any]]] = {}
    for mine in (group for group in _groups(runs) if group[0].side == PLATFORM):
        run = mine[0]
        names = dict.fromkeys([*run.metered, *run.stored])
        tables[run.scenario] = [
            {
                "table": name,
                **{
                    what: round(median(each.metered.get(name, {}).get(what, 0) for each in mine), 2) for what in METERED
                },
                "commits": median(len(each.commits.get(name, ())) for each in mine),
            }
            for name in names
        ]
    return tables


def _groups(runs: Sequence[Run]) -> list[list[Run]]:
    groups: dict[tuple[str, str], list[Run]] = {}
    for run in runs:
        groups.setdefault((run.scenario, run.side), []).append(run)
    return list(groups.values())


# --- Markdown ---------------------------------------------------------------------------------------------------------


def markdown(result: Mapping[str, Any]) -> str:
    """The result for people."""
    facts = ", ".join(f"{name} {value}" for name, value in result["machine"].items())
    rows = result["data"]["rows"]
    parts = [
        f"# Benchmark: {result['source']}",
        f"Machine: {facts}.",
        f"Data: {rows[COLD]:,} records in the cold load, {rows[DAY]:,} on one more day, {rows[LATE]} late. "
        f"Made with {json.dumps(result['arguments'])}.",
        "Each run is a new process: `dagster asset materialize --select '*' --partition-range A...B` for project_etl, "
        "and the scripts in `bench/peers/`, which do the same work. The whole command is measured, with all processes "
        "that it starts; start and imports included. Figures are medians. MB are 1,000,000 bytes.",
        "One more day and nothing new ask for one day. A late row and nothing new, all days, ask the platform for all "
        "days; it finds out which are stale. The scripts are told the landing day. They do not know what they have "
        "loaded, so that they cannot do nothing new; no script loads the source shop.",
        "## Against the bounds",
        _table(("what", "found", "bound", "verdict"), [list(each.values()) for each in result["bounds"]]),
        "## Runs",
        "× is the multiple of what the Polars script takes. Others' cores are those that other work kept busy "
        "meanwhile: with more than 0.1, seconds of wall are longer than they need be.",
        _runs(result["figures"]),
        "## Layers",
        "Seconds of wall / of CPU while tables of a layer were made; rest is outside of tables. The engine starts in "
        "the first table that needs it.",
        _table(("scenario", "side", *LAYERS, "rest"), _layer_rows(result["layers"])),
        "## Tables of project_etl",
        "Queries are jobs, where a JVM is the engine. Each opening of a table's log and each reading of its history is "
        "a log read. Making an empty table is no commit.",
    ]
    for scenario, tables in result["tables"].items():
        head = ("table", "s", "CPU s", "queries", "log reads", "commits")
        parts += [f"### {SCENARIOS[scenario]}", _table(head, [_table_row(each) for each in tables])]
    return "\n\n".join(parts) + "\n"


def _runs(figures: Sequence[Mapping[str, Any]]) -> str:
    head = ("scenario", "side", "runs", "wall s", "×", "CPU s", "×", "peak MB", "×")
    more = ("files", "MB", "commits", "s per 1,000 records", "others' cores")
    rows: list[list[Any]] = []
    for row in figures:
        times = row["times_polars"]
        beside = [
            cell for name in ("wall_seconds", "cpu_seconds", "peak_mb") for cell in (row[name], times.get(name, "–"))
        ]
        per_record = row.get("seconds_per_1000_records", "–")
        lake = (row["files"], row["mb"], row["commits"], per_record, row["others_cores"])
        rows.append([SCENARIOS[row["scenario"]], row["side"], row["runs"], *beside, *lake])
    return _table((*head, *more), rows)


def _layer_rows(layers: Sequence[Mapping[str, Any]]) -> list[list[Any]]:
    return [
        [
            SCENARIOS[row["scenario"]],
            row["side"],
            *(f"{row['seconds'][layer]} / {row['cpu_seconds'][layer]}" for layer in (*LAYERS, "rest")),
        ]
        for row in layers
    ]


def _table_row(row: Mapping[str, Any]) -> list[Any]:
    is_timed = row["table"].split("/")[0] in LAYERS
    times = [row[what] if is_timed else "–" for what in ("seconds", "cpu_seconds", "queries")]
    return [row["table"], *times, row["log_reads"], row["commits"]]


def _table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines)


def _cell(value: object) -> str:
    if isinstance(value, int | float):
        return f"{value:,.0f}" if value == int(value) or value >= 1000 else f"{value:,.2f}"
    return str(value)
