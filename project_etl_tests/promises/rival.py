"""A process that materializes what it is told, beside another one that does the same.

    python -m project_etl_tests.promises.rival FOLDER

Each line of standard input is `<first> <last>`, a range of days; the answer is one line of JSON: whether the run
succeeded, its id, and the Delta versions that it says it has written, by table.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import dagster as dg

from project_etl.commands.shared.environment import instance_in
from project_etl.orchestration.build import build_defs
from project_etl_tests.commands.given import dagster_home_in
from project_etl_tests.orchestration.given import run, settings_of

# Python's own standard output is for answers; Dagster and Spark write to standard error.


def answer(defs: dg.Definitions, instance: dg.DagsterInstance, first: str, last: str) -> dict[str, object]:
    """Materialize everything for some days."""
    done = run(defs, first, last, instance)
    versions: dict[str, object] = {}
    for event in done.result.get_asset_materialization_events():
        found = event.step_materialization_data.materialization
        if found.metadata.get("is_unchanged") == dg.BoolMetadataValue(False):
            versions["/".join(found.asset_key.path)] = found.metadata["delta_version"].value
    return {"is_success": done.succeeded, "run_id": done.result.run_id, "versions": versions}


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    with instance_in(Path(dagster_home_in(folder))) as memory:
        definitions = build_defs(settings_of(folder))
        for line in sys.stdin:
            print(json.dumps(answer(definitions, memory, *line.split())), flush=True)
