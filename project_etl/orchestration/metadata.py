"""Metadata: what Dagster shows of a table, its rules and a materialization.

Belongs here: turning contracts, reports and commits into Dagster's values; all of it from what is known already, never
from an extra pass over the rows. Does not belong here: deciding anything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import dagster as dg
from pyspark.sql import types as T

from project_etl.core.contracts import Rule
from project_etl.core.contracts.report import SILVER_COUNTS, Report, RuleResult, quality_score
from project_etl.core.lake import Commit, TableStore
from project_etl.core.model.days import some_of, span, stretches
from project_etl.core.model.staged import Staged

MAX_DAYS_SHOWN = 400
MAX_FILES_SHOWN = 50
MAX_SPANS_SHOWN = 10
PREVIEW_ROWS = 5
PREVIEW_COLUMNS = 12


def column_schema(schema: T.StructType, rules: Sequence[Rule] = ()) -> dg.TableSchema:
    """Columns with types, comments and the rules that concern each of them."""
    by_column: dict[str, list[str]] = {}
    for rule in rules:
        if rule.column is not None:
            by_column.setdefault(rule.column, []).append(f"{rule.description} ({rule.action.value})")
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                name=item.name,
                type=item.dataType.simpleString(),
                description=item.metadata.get("comment"),
                constraints=dg.TableColumnConstraints(nullable=item.nullable, other=by_column.get(item.name, [])),
                tags={"pii": ""} if item.metadata.get("pii") else None,
            )
            for item in schema.fields
        ]
    )


def table_metadata(
    lake: TableStore, staged: Staged, version: int | None, commit: Commit | None, seconds: float
) -> dict[str, Any]:
    """Metadata of a whole materialization. Dagster repeats it with every day, so nothing here grows with the days.

    What begins with `commit_` is of the Delta commit as a whole, also where Dagster shows it beside a single day.
    """
    report = staged.report
    known: dict[str, Any] = {
        # Which lake: one DAGSTER_HOME may serve several environments.
        "dagster/uri": lake.path(staged.table),
        "delta_version": version,
        "is_unchanged": commit is None,
        "commit_seconds": round(seconds, 3),
        **{count: report.total(count) for count in _counts(report)},
        **_score({count: report.total(count) for count in _counts(report)}),
        **{f"commit_{name}": number for name, number in report.totals.items()},
    }
    if commit is not None:
        known["delta_operation"] = commit.operation
        known["delta_metrics"] = dg.MetadataValue.json(dict(commit.metrics))
        known |= {key: int(commit.metrics[name]) for key, name in _SIZES.items() if name in commit.metrics}
        if touched := commit.note.get("touched"):
            known["commit_days_changed"] = _spans(touched)
        if reads := commit.note.get("reads"):
            known["commit_input_versions"] = dg.MetadataValue.json(reads)
    return {key: value for key, value in known.items() if value is not None}


def in_words(staged: Staged, version: int | None, *, is_unchanged: bool) -> str:
    """A materialization as a line of the run's log: what was counted, which version holds it, which rules broke."""
    report = staged.report
    counts = ", ".join(f"{report.total(count):,} {count}" for count in _counts(report)) or "no rows"
    held = [] if version is None else [f"version {version}"]
    what = ", ".join(["nothing new", *held] if is_unchanged else held)
    broken = [f"{rule.name} {rule.broken:,} ({rule.action.value})" for rule in report.rules if rule.broken]
    return f"{staged.table}: {counts}; {what}" + (f"; broken: {', '.join(broken)}" if broken else "")


def preview(lake: TableStore, table: str, schema: dg.TableSchema) -> dg.MarkdownMetadataValue:
    """A few rows as a Markdown table, personal data masked; read without Spark."""
    personal = {column.name for column in schema.columns if "pii" in column.tags}
    names = [column.name for column in schema.columns if not column.name.startswith("_")][:PREVIEW_COLUMNS]
    rows = lake.state(table).dataset().head(PREVIEW_ROWS, columns=names).to_pylist()
    shown = [
        ["***" if name in personal and row[name] is not None else str(row[name]) for name in names] for row in rows
    ]
    lines = [names, ["---"] * len(names), *[[cell.replace("|", "\\|") for cell in cells] for cells in shown]]
    return dg.MetadataValue.md("\n".join(f"| {' | '.join(cells)} |" for cells in lines))


def day_metadata(
    staged: Staged, days: Sequence[str], stored: Mapping[str, int] | None = None
) -> dict[str, dict[str, Any]]:
    """Counts of each day of the run, and the files that are new; a day without rows has zero.

    Args:
        staged: its report says what the last batch of each day brought.
        days: the days of the run.
        stored: rows that the table holds by day, where that is known; else those the batch published.
    """
    counted = staged.report.days
    rows = stored if stored is not None else {day: counts.get("published", 0) for day, counts in counted.items()}
    return {
        day: {
            "dagster/partition_row_count": rows.get(day, 0),
            **counted.get(day, {}),
            **_score(counted.get(day, {})),
            **_files(staged.files.get(day)),
        }
        for day in days
    }


def _score(counts: Mapping[str, int]) -> dict[str, float]:
    score = quality_score(counts)
    return {} if score is None else {"quality_score": round(score, 6)}


def _files(paths: Sequence[str] | None) -> dict[str, Any]:
    if not paths:
        return {}
    more = [f"- and {len(paths) - MAX_FILES_SHOWN} more"] if len(paths) > MAX_FILES_SHOWN else []
    return {"new_files": dg.MetadataValue.md("\n".join([*(f"- `{path}`" for path in paths[:MAX_FILES_SHOWN]), *more]))}


def check_result(table: dg.AssetKey, rule: RuleResult, report: Report) -> dg.AssetCheckResult:
    """A rule's verdict, with counts, share, days and samples."""
    read = {day: _judged(counts) for day, counts in report.days.items()}
    failed_days = rule.failed_days(read)
    total = sum(read.values())
    metadata: dict[str, Any] = {
        "action": rule.action.value,
        "broken": rule.broken,
        "judged": total,
        "share": round(rule.broken / total, 6) if total else 0.0,
        "rule_version": rule.version,
    }
    if rule.by_day:
        metadata["by_day"] = _table([{"day": day, "broken": number} for day, number in sorted(rule.by_day.items())])
        metadata["days"] = ", ".join(sorted(rule.by_day)[:MAX_DAYS_SHOWN])
    if rule.samples:
        metadata["samples"] = dg.MetadataValue.md("\n".join(f"- `{sample}`" for sample in rule.samples))
    is_error = bool(failed_days)
    return dg.AssetCheckResult(
        asset_key=table,
        check_name=rule.name,
        # A broken warn or quarantine rule has been dealt with: shown, but nothing stops. Only `fail` is an error.
        passed=rule.broken == 0,
        severity=dg.AssetCheckSeverity.ERROR if is_error else dg.AssetCheckSeverity.WARN,
        description=rule.description if not is_error else f"{rule.description}: broken on {', '.join(failed_days)}",
        metadata=metadata,
    )


def _judged(counts: Mapping[str, int]) -> int:
    """Records of a day that were judged: what was read, what is held back, or else what is published."""
    return next((counts[name] for name in ("read", "held_back", "published") if name in counts), 0)


UNTOUCHED = "nothing was published, the table is as it was. Broken: "


def failure_message(staged: Staged) -> str:
    """Why nothing was published, or some days are held back, in words."""
    lines = [
        f"{rule.name} ({rule.description}): {rule.broken} rows on {', '.join(sorted(rule.by_day)[:10])}"
        + (f", for example {rule.samples[0]}" if rule.samples else "")
        for rule in staged.report.failed
    ]
    what = UNTOUCHED
    if not staged.is_refused:
        held = f"{some_of(staged.held, MAX_SPANS_SHOWN)} held back with the rows that they had, or none"
        what = f"{held}; the other days of the run are published. Broken: "
    return f"{staged.table}: {what}{'; '.join(lines)}."


_SIZES = {
    "commit_files_written": "numFiles",
    "commit_bytes_written": "numOutputBytes",
    "commit_files_added": "numTargetFilesAdded",
    "commit_bytes_added": "numTargetBytesAdded",
}


def _spans(days: Sequence[str]) -> str:
    """Days in words, for a person: `2025-01-02 to 2025-01-05, 2025-01-09`."""
    found = stretches([date.fromisoformat(day) for day in days], len(days))
    return some_of([span(*stretch) for stretch in found], MAX_SPANS_SHOWN)


def _counts(report: Report) -> list[str]:
    known = {count for day in report.days.values() for count in day}
    return [*(count for count in SILVER_COUNTS if count in known), *sorted(known.difference(SILVER_COUNTS))]


def _table(rows: Sequence[Mapping[str, Any]]) -> dg.TableMetadataValue:
    names = list(dict.fromkeys(name for row in rows for name in row))
    records = [dg.TableRecord({name: row.get(name, 0) for name in names}) for row in rows[-MAX_DAYS_SHOWN:]]
    columns = [dg.TableColumn(name, "string" if name == "day" else "int") for name in names]
    return dg.MetadataValue.table(records, schema=dg.TableSchema(columns=columns))
