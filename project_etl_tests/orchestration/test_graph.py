"""The asset graph: it loads as Dagster's server loads it, for every choice of sources, and is what it was."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from project_etl.orchestration.build import build_defs
from project_etl.orchestration.partitions import daily_partitions
from project_etl.setting_types import Sources
from project_etl_tests.orchestration.given import definitions_of, settings_of

pytestmark = pytest.mark.long

SOURCES: dict[str, Sources] = {
    "shop": ("shop",),
    "online_retail": ("online_retail",),
    "both": ("shop", "online_retail"),
}
SNAPSHOT = Path(__file__).with_name("graph.json")
REGENERATE = "python -m project_etl_tests.orchestration.test_graph"


def graph_of(defs: dg.Definitions) -> dict[str, dict[str, Any]]:
    """What people see of each table in the graph, by its name."""
    graph = defs.resolve_asset_graph()
    checks: dict[dg.AssetKey, list[str]] = {}
    for key in graph.asset_check_keys:
        checks.setdefault(key.asset_key, []).append(key.name)
    return {
        "/".join(key.path): {
            "group": graph.get(key).group_name,
            "deps": sorted("/".join(parent.path) for parent in graph.get(key).parent_keys),
            "is_daily": graph.get(key).partitions_def is not None,
            "kinds": sorted(graph.get(key).kinds),
            "owners": sorted(graph.get(key).owners),
            "pools": sorted(graph.get(key).pools or ()),
            "checks": sorted(checks.get(key, [])),
        }
        for key in sorted(graph.materializable_asset_keys)
    }


def snapshot(folder: Path) -> dict[str, Any]:
    """The graph with every source on, and the tables that each source alone brings."""
    graphs = {name: graph_of(definitions_of(folder, sources)) for name, sources in SOURCES.items()}
    return {"tables": graphs["both"], "bronze": {name: _bronze(graph) for name, graph in graphs.items()}}


def _bronze(graph: dict[str, dict[str, Any]]) -> list[str]:
    return [name for name in graph if name.startswith("bronze/")]


@pytest.mark.parametrize("sources", SOURCES.values(), ids=SOURCES)
def test_definitions_are_loadable_with_any_sources(sources: Sources, tmp_path: Path) -> None:
    defs = definitions_of(tmp_path, sources)
    dg.Definitions.validate_loadable(defs)
    graph = graph_of(defs)
    missing = {name: [dep for dep in table["deps"] if dep not in graph] for name, table in graph.items()}
    assert not any(missing.values()), f"tables depend on tables that nothing makes: {missing}"
    # Sources are interchangeable: Silver and Gold are there whichever is on.
    assert {name for name in graph if not name.startswith("bronze/")} == {
        name for name in json.loads(SNAPSHOT.read_text())["tables"] if not name.startswith("bronze/")
    }


def test_a_table_and_all_behind_it_can_be_materialized(tmp_path: Path) -> None:
    graph = definitions_of(tmp_path).resolve_asset_graph()
    behind = dg.AssetSelection.from_string('key:"silver/orders"+').resolve(graph)
    assert dg.AssetKey(["gold", "fact_orders"]) in behind
    assert behind <= graph.materializable_asset_keys


def test_graph_is_the_committed_one(tmp_path: Path) -> None:
    committed, found = json.loads(SNAPSHOT.read_text(encoding="utf-8")), snapshot(tmp_path)
    was, now = committed["tables"], found["tables"]
    changed = [
        f"{name}: {aspect} was {was.get(name, {}).get(aspect)}, is {now.get(name, {}).get(aspect)}"
        for name in sorted(was.keys() | now.keys())
        for aspect in {**was.get(name, {}), **now.get(name, {})}
        if was.get(name, {}).get(aspect) != now.get(name, {}).get(aspect)
    ]
    hint = f"The graph has changed. When that is meant: {REGENERATE}"
    assert not changed, "\n".join([*changed, hint])
    assert found == committed, hint


def test_jobs_for_people_say_what_they_make_and_take_days(tmp_path: Path) -> None:
    repository = definitions_of(tmp_path).get_repository_def()
    jobs = {name: repository.get_job(name) for name in ("everything", "bronze", "silver", "gold", "maintenance")}
    assert all(job.description for job in jobs.values())
    made = {name: {key.path[0] for key in job.asset_layer.executable_asset_keys} for name, job in jobs.items()}
    layers = {"bronze", "silver", "gold"}
    assert made == {"everything": layers, **{layer: {layer} for layer in layers}, "maintenance": set()}
    assert all(jobs[name].partitions_def is not None for name in {"everything"} | layers)


def test_a_made_up_shop_has_a_schedule_where_there_is_a_database_for_it(tmp_path: Path) -> None:
    settings = settings_of(tmp_path).model_copy(update={"synth_url": "env:SHOP_DB_URL"})
    repository = build_defs(settings).get_repository_def()
    assert repository.get_schedule_def("synth_stream").job_name == "synth_stream"
    assert not definitions_of(tmp_path).get_repository_def().has_job("synth_stream")


def test_partitions_end_with_the_end_date(tmp_path: Path) -> None:
    settings = settings_of(tmp_path).model_copy(update={"end_date": date(2025, 3, 31)})
    days = daily_partitions(settings).get_partition_keys()
    assert (days[0], days[-1], len(days)) == ("2025-01-01", "2025-03-31", 90)


def test_server_loads_the_code_location(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What `dagster dev` does: the module that workspace.yaml names, loaded from the repository's root."""
    root = Path(__file__).resolve().parents[2]
    monkeypatch.chdir(root)
    # This repository, also when another one is installed.
    monkeypatch.setenv("PYTHONPATH", str(root))
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    monkeypatch.setenv("PROJECT_ETL_LAKE_ROOT", str(tmp_path / "lake"))
    monkeypatch.setenv("PROJECT_ETL_SOURCES", "shop,online_retail")
    monkeypatch.setenv("PROJECT_ETL_NAMESPACES", '{"shop": "", "online_retail": "or-"}')
    done = subprocess.run(
        [str(Path(sys.executable).with_name("dagster")), "definitions", "validate", "-w", str(root / "workspace.yaml")],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "Validation successful" in done.stdout


if __name__ == "__main__":
    SNAPSHOT.write_text(json.dumps(snapshot(Path("unused")), indent=1) + "\n", encoding="utf-8")
