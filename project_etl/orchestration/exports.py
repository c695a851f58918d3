"""Exports as Dagster assets: one a target, `export/csv` and the like, behind the Gold tables that it reads.

One a target, and not one a table: a step costs 85 ms, and a target is one thing that people open. Its step brings the
whole target up to date, whatever days the run is for, and compares it with Gold afterwards. Does not belong here: what
is stale and how it gets there (`core/export`).
"""

# No `from __future__ import annotations` here: Dagster wants to see the class of `context`, not its name.

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import dagster as dg

from project_etl.core.export import CSV, Export, ExportError, Target
from project_etl.core.export.push import Compared, Pushed, compare, exported, push
from project_etl.core.lake import WHOLE
from project_etl.core.lake.locks import file_lock
from project_etl.core.model.days import some_of
from project_etl.core.model.table import Table
from project_etl.orchestration.factory import Wiring, asset_key
from project_etl.orchestration.run_tags import require_lake

GROUP = "export"
ROWS_MATCH, COLUMNS_MATCH, FILES_WHOLE = "rows_match", "columns_match", "files_whole"
CHECKS = {
    ROWS_MATCH: "Each table of the target has as many rows of each day as Gold.",
    COLUMNS_MATCH: "Each table of the target has the columns that are exported, and no other.",
    FILES_WHOLE: "Each file has the SHA-256 that manifest.json says.",
}
SHOWN = 5


def export_asset(
    wiring: Wiring, target: Target, exports: Sequence[Export], tables: Sequence[Table]
) -> dg.AssetsDefinition:
    """The asset of a target.

    Args:
        wiring: shared parts.
        target: the target.
        exports: all exports; those that name the target are taken.
        tables: all tables.
    """
    taken = [export for export in exports if target.name in export.to]
    name = f"{GROUP}/{target.name}"
    key = asset_key(name)
    lock = Path(wiring.settings.export_root) / f".{target.name}.lock"

    @dg.asset(
        key=key,
        deps=[asset_key(table) for table in sorted({table for export in taken for table in export.inputs})],
        group_name=GROUP,
        description=f"Tables of Gold at {target.place}.\n\n"
        + "\n".join(f"- `{export.name}`: {export.description}" for export in taken),
        kinds={target.name, "python"},
        owners=["team:data-platform"],
        metadata={"dagster/uri": target.place},
        # Dagster's command line takes a range of days only when every asset has it.
        backfill_policy=dg.BackfillPolicy.single_run(),
        pool=name.replace("/", "_"),
        check_specs=[
            dg.AssetCheckSpec(check, asset=key, description=said)
            for check, said in CHECKS.items()
            if check != FILES_WHOLE or target.name == CSV
        ],
    )
    def export(context: dg.AssetExecutionContext) -> Iterator[dg.AssetCheckResult | dg.MaterializeResult[Any]]:
        require_lake(context.run, wiring.lake.root)
        with file_lock(lock, name):
            try:
                of = exported(wiring.lake, taken, tables, target)
                pushed = push(of, target)
                compared = compare(of, target)
            except ExportError as error:
                raise dg.Failure(str(error), allow_retries=False) from error
            for line in _lines(pushed, compared):
                context.log.info(f"{name}: {line}")
            yield dg.MaterializeResult(metadata=_metadata(target, pushed, compared))
        found = {check: what for check, what in _wrong(compared).items() if check != FILES_WHOLE or target.name == CSV}
        for check, what in found.items():
            yield dg.AssetCheckResult(
                asset_key=key,
                check_name=check,
                passed=not what,
                description=some_of(what, SHOWN) if what else f"{len(compared)} tables compared",
            )
        if any(found.values()):
            wrong = "; ".join(some_of(what, SHOWN) for what in found.values() if what)
            raise dg.Failure(
                f"{target.place} is not what was exported: {wrong}. Somebody has changed it. Delete it and run again: "
                "it is made anew.",
                allow_retries=False,
            )

    return export


def _wrong(compared: Sequence[Compared]) -> dict[str, list[str]]:
    """Check → what is wrong, in words."""
    return {
        ROWS_MATCH: [
            f"{each.name}{'' if unit == WHOLE else f' on {unit}'}: {each.found.get(unit, 0):,} rows, Gold has "
            f"{each.wanted.get(unit, 0):,}"
            for each in compared
            for unit in each.wrong_units
        ],
        COLUMNS_MATCH: [
            f"{each.name}: found {', '.join(each.found_columns) or 'no table'}, expected {', '.join(each.columns)}"
            for each in compared
            if each.columns != each.found_columns
        ],
        FILES_WHOLE: [each.damage for each in compared if each.damage],
    }


def _metadata(target: Target, pushed: Sequence[Pushed], compared: Sequence[Compared]) -> dict[str, Any]:
    written = {each.name: len(each.written) for each in pushed}
    rows = {each.name: sum(each.found.values()) for each in compared}
    records = [
        dg.TableRecord(
            {
                "table": each.name,
                "rows": rows[each.name],
                "units_written": written[each.name],
                "columns": ", ".join(each.found_columns),
            }
        )
        for each in compared
    ]
    kinds = {"table": "string", "rows": "int", "units_written": "int", "columns": "string"}
    schema = dg.TableSchema([dg.TableColumn(name, kind) for name, kind in kinds.items()])
    return {
        "tables": dg.MetadataValue.table(records, schema),
        "published": sum(rows.values()),
        "units_written": sum(written.values()),
        "bytes": target.size_bytes,
        "path": dg.MetadataValue.path(target.place),
        "is_unchanged": not any(each.is_stale for each in pushed),
    }


def _lines(pushed: Sequence[Pushed], compared: Sequence[Compared]) -> Iterator[str]:
    """What became of each table, a line each."""
    found = {each.name: each for each in compared}
    for each in pushed:
        if each.name not in found:
            why = f"left out, for {', '.join(each.missing)} is not in the lake yet" if each.missing else "removed"
            yield f"{each.name}: {why}"
            continue
        has = found[each.name]
        yield (f"{each.name}: {sum(has.found.values()):,} rows, {len(has.found_columns)} columns; {_units(each)}")


def _units(pushed: Pushed) -> str:
    if not pushed.is_stale:
        return "nothing new"
    if pushed.written == (WHOLE,):
        return "written as a whole"
    gone = f", {len(pushed.dropped):,} days gone" if pushed.dropped else ""
    return f"{len(pushed.written):,} days written{gone}"
