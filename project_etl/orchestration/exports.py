"""Exports as assets: one for each target that is on, which brings the whole target up to date.

A target is one asset and not one for each table: it is one file or folder for those who open it, and each step of a run
takes a tenth of a second, also where nothing is new. Does not belong here: what is exported (`exports/`), how a target
takes it (`core/export`).
"""

# No `from __future__ import annotations` here: Dagster wants to see the class of `context`, not its name.

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import dagster as dg

from project_etl.core import meter
from project_etl.core.export.base import ExportError, Target
from project_etl.core.export.push import Push, Pushed
from project_etl.core.lake.locks import file_lock
from project_etl.orchestration.jobs import EXPORT
from project_etl.orchestration.run_tags import require_lake

ROWS_MATCH, COLUMNS_MATCH = "rows_match", "columns_match"
CHECKS = {
    ROWS_MATCH: "each exported table must have as many rows as Gold, of each day",
    COLUMNS_MATCH: "each exported table must have the columns of Gold, but for personal data that may not leave",
}


def export_asset(name: str, target: Target, tables: Sequence[str], push: Callable[[], Push]) -> dg.AssetsDefinition:
    """The asset of a target.

    Args:
        name: `export/<target>`.
        target: the target.
        tables: the tables that it is made from.
        push: makes what brings it up to date, with the lake as it is then.
    """
    key = dg.AssetKey(name.split("/"))

    @dg.asset(
        key=key,
        deps=[dg.AssetKey(table.split("/")) for table in tables],
        group_name=EXPORT,
        description=f"Gold's tables in {target.place}. A run writes what has changed, and removes what is gone.",
        kinds={target.name, "export"},
        metadata={"path": dg.MetadataValue.path(target.place)},
        check_specs=[dg.AssetCheckSpec(check, asset=key, description=words) for check, words in CHECKS.items()],
        pool=name.replace("/", "_"),
    )
    def export(context: dg.AssetExecutionContext) -> Iterator[dg.AssetCheckResult | dg.MaterializeResult]:
        work = push()
        require_lake(context.run, work.lake.root)
        # Beside the target, whichever lake it is made from.
        lock = Path(target.place).parent / ".locks" / f"{target.name}.lock"
        with meter.measured(name), file_lock(lock, name):
            try:
                pushed = work.run()
            except ExportError as error:
                raise dg.Failure(str(error), allow_retries=False) from error
        for each in pushed:
            context.log.info(in_words(each))
        for waiting, missing in work.missing.items():
            context.log.warning(f"{waiting} is not exported: nobody has computed {', '.join(missing)} yet.")
        yield dg.MaterializeResult(metadata=metadata(target, pushed))
        yield from (_check(key, check, pushed) for check in CHECKS)

    return export


def in_words(pushed: Pushed) -> str:
    """What became of a table: its rows, its columns, and how many days were written."""
    rows, columns, written = sum(pushed.found.values()), len(pushed.columns), len(pushed.written)
    what = "nothing new" if not written else "written" if written == len(pushed.expected) else f"{written} days written"
    return f"{pushed.name}: {rows:,} rows, {columns} columns, {what}"


def metadata(target: Target, pushed: Sequence[Pushed]) -> dict[str, dg.MetadataValue | int | bool]:
    """What Dagster shows of a target: tables with rows and columns, files with bytes."""
    tables = [
        {
            "table": each.name,
            "rows": sum(each.found.values()),
            "columns": len(each.columns),
            "days or wholes written": len(each.written),
        }
        for each in pushed
    ]
    files = [{"file": file, "bytes": size} for file, size in target.sizes().items()]
    return {
        "path": dg.MetadataValue.path(target.place),
        "dagster/row_count": sum(sum(each.found.values()) for each in pushed),
        "is_unchanged": not any(each.written for each in pushed),
        "tables": _table(tables),
        "files": _table(files),
    }


def _table(rows: Sequence[dict[str, str | int]]) -> dg.TableMetadataValue:
    columns = [dg.TableColumn(name, type(value).__name__) for name, value in rows[0].items()] if rows else []
    return dg.MetadataValue.table([dg.TableRecord(dict(row)) for row in rows], schema=dg.TableSchema(columns))


def _check(key: dg.AssetKey, check: str, pushed: Sequence[Pushed]) -> dg.AssetCheckResult:
    """Whether what was read back is what Gold has."""
    wrong: list[str] = []
    for each in pushed:
        found, expected = sum(each.found.values()), sum(each.expected.values())
        if check == ROWS_MATCH and each.found != each.expected:
            days = sorted(unit for unit, _ in each.found.items() ^ each.expected.items())
            wrong.append(f"{each.name} has {found:,} rows, Gold {expected:,} (they differ for {', '.join(days[:5])})")
        if check == COLUMNS_MATCH and each.columns != each.expected_columns:
            wrong.append(f"{each.name} has {', '.join(each.columns)}, expected {', '.join(each.expected_columns)}")
    return dg.AssetCheckResult(
        asset_key=key,
        check_name=check,
        passed=not wrong,
        description="; ".join(wrong) or f"{len(pushed)} tables are as in Gold",
    )
