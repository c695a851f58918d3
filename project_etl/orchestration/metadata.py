"""Metadata: what Dagster shows of a table, its rules and a materialization.

Belongs here: turning contracts, reports and commits into Dagster's values; all of it from what is known already, never
from an extra pass over the rows. Does not belong here: deciding anything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import dagster as dg
from pyspark.sql import types as T

from project_etl.core.bronze.report import FOUND
from project_etl.core.contracts import NOT_MISSING, READABLE, Action, Rule
from project_etl.core.contracts.report import SILVER_COUNTS, Report, RuleResult, quality_score
from project_etl.core.lake import WHOLE, Commit, Entry, TableStore
from project_etl.core.lake.state import on_days
from project_etl.core.model.days import some_of, span, stretches
from project_etl.core.model.staged import Staged
from project_etl.core.model.table import OF_FURTHER
from project_etl.core.rows_kept import ROWS_KEPT, RowsKept

MAX_DAYS_SHOWN = 400
MAX_FILES_SHOWN = 50
MAX_SPANS_SHOWN = 10
CHIP_CHARS = 24
PREVIEW_ROWS = 5
PREVIEW_DAYS = 3
PREVIEW_COLUMNS = 12


def column_schema(schema: T.StructType, rules: Sequence[Rule] = ()) -> dg.TableSchema:
    """Columns with types, comments, and the rules on each of them that say more than its type and `non-nullable`."""
    by_column: dict[str, list[str]] = {}
    for rule in rules:
        if rule.column is not None and not rule.is_in_schema:
            by_column.setdefault(rule.column, []).append(_chip(rule, rule.column))
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


def _chip(rule: Rule, column: str) -> str:
    """A rule as a chip beside its column: what must hold, without its name, then what a broken one leads to."""
    # What follows a colon explains.
    said = rule.description.partition(": ")[0].removeprefix(f"{column} ")
    # The type is a chip of its own.
    said = "required" if said == NOT_MISSING else "readable" if said.startswith(READABLE) else said
    for words in ("must be ", "must ", "is "):
        said = said.removeprefix(words)
    for words, sign in _SIGNS.items():
        said = said.replace(words, sign)
    chip = f"{said} ({rule.action.value})"
    # Dagster cuts the end of a longer one, and the action has to stay.
    return chip if len(chip) <= CHIP_CHARS else f"{rule.action.value}: {said}"


_SIGNS = {"greater than ": "> ", "at least ": ">= ", "less than ": "< ", "at most ": "<= ", "one of ": ""}


def last_change(staged: Staged, days: Sequence[str]) -> Entry | None:
    """The newest commit that computed any of the days, or the whole table without days; None when none did."""
    units = staged.lake.journal(staged.table).units
    return max((units[unit] for unit in days or (WHOLE,) if unit in units), key=lambda it: it.version, default=None)


def table_metadata(
    lake: TableStore, staged: Staged, version: int | None, commit: Commit | None, last: Entry | None
) -> dict[str, Any]:
    """Metadata of a whole materialization. Dagster repeats it with every day, so nothing here grows with the days.

    What begins with `commit_` is of a Delta commit as a whole, also where Dagster shows it beside a single day: of the
    one that was made, or of the last one before where nothing is new.

    Args:
        lake: the lake, with the table as it is now.
        staged: what was judged.
        version: the version that holds the rows.
        commit: what was committed; None when nothing is new.
        last: the newest commit that computed the same days before.
    """
    counts = {count: staged.report.total(count) for count in _counts(staged.report)}
    known: dict[str, Any] = {
        # Which lake: one DAGSTER_HOME may serve several environments.
        "dagster/uri": lake.path(staged.table),
        "dagster/row_count": lake.state(staged.table).row_count,
        "delta_version": version,
        "is_unchanged": commit is None,
        **counts,
        **_score(counts),
    }
    note = commit.note if commit else last.note if last else {}
    known |= {f"commit_{name}": number for name, number in note.get("report", {}).get("totals", {}).items()}
    if touched := [day for day in note.get("touched") or () if OF_FURTHER not in day]:
        known["commit_days_changed"] = _spans(touched)
    if reads := note.get("reads"):
        known["commit_input_versions"] = dg.MetadataValue.json(reads)
    if commit is None and last is not None:
        at = datetime.fromtimestamp(last.timestamp / 1000, UTC)
        known["last_changed"] = f"by run {note.get('run_id')}, {at:%Y-%m-%d %H:%M} UTC, version {last.version}"
    if commit is not None:
        known["delta_operation"] = commit.operation
        known["delta_metrics"] = dg.MetadataValue.json(dict(commit.metrics))
        known |= {key: int(commit.metrics[name]) for key, name in _SIZES.items() if name in commit.metrics}
    return {key: value for key, value in known.items() if value is not None}


def in_words(staged: Staged, version: int | None, rows: int, *, is_unchanged: bool) -> str:
    """A materialization as a line of the run's log: what was counted, what the table holds now, which rules broke."""
    report = staged.report
    counts = ", ".join(f"{report.total(count):,} {count}" for count in _counts(report)) or "no rows"
    held = [] if version is None else [f"version {version}"]
    what = ", ".join(["nothing new", *held] if is_unchanged else held)
    broken = [f"{rule.name} {rule.broken:,} ({rule.action.value})" for rule in report.rules if rule.broken]
    return f"{staged.table}: {counts}; {rows:,} rows in the table; {what}" + (
        f"; broken: {', '.join(broken)}" if broken else ""
    )


def preview(
    lake: TableStore, table: str, schema: dg.TableSchema, day: tuple[str, str] | None = None
) -> dg.MarkdownMetadataValue:
    """A few rows as a Markdown table, personal data masked; read without Spark.

    Args:
        lake: the lake.
        table: the table.
        schema: its columns.
        day: only rows of a day: the column of days, and the day (ISO).
    """
    personal = {column.name for column in schema.columns if "pii" in column.tags}
    names = [column.name for column in schema.columns if not column.name.startswith("_")][:PREVIEW_COLUMNS]
    where = on_days(day[0], [day[1]]) if day else None
    rows = lake.state(table).dataset().head(PREVIEW_ROWS, columns=names, filter=where).to_pylist()
    if not rows:
        return dg.MetadataValue.md("no rows")
    shown = [
        ["***" if name in personal and row[name] is not None else str(row[name]) for name in names] for row in rows
    ]
    lines = [names, ["---"] * len(names), *[[cell.replace("|", "\\|") for cell in cells] for cells in shown]]
    return dg.MetadataValue.md("\n".join(f"| {' | '.join(cells)} |" for cells in lines))


def previews(
    lake: TableStore, table: str, schema: dg.TableSchema, column: str, rows: Mapping[str, int]
) -> dict[str, dict[str, Any]]:
    """A preview for each of the newest days that have rows, and "no rows" for each day without.

    Args:
        lake: the lake.
        table: the table.
        schema: its columns.
        column: the column of days.
        rows: how many rows each day has.
    """
    newest = sorted(day for day, number in rows.items() if number)[-PREVIEW_DAYS:]
    empty = dg.MetadataValue.md("no rows")
    shown = {day: empty for day, number in rows.items() if not number}
    shown |= {day: preview(lake, table, schema, (column, day)) for day in newest}
    return {day: {"preview": text} for day, text in shown.items()}


def day_metadata(staged: Staged, days: Sequence[str], rows: Mapping[str, int]) -> dict[str, dict[str, Any]]:
    """Counts of each day of the run, and the files that are new; a day without rows has zero.

    Args:
        staged: its report says what each day brought.
        days: the days of the run.
        rows: how many rows the table holds of each day.
    """
    counted = staged.report.days
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


def check_result(table: dg.AssetKey, rule: RuleResult, report: Report, quarantine: str = "") -> dg.AssetCheckResult:
    """A rule's verdict, with counts, days and samples.

    It passes while what breaks the rule has been dealt with and is little (`RuleResult.is_alarm`). Counts stand in a
    table: Dagster would plot numbers over the time of day, each of a run over other days.

    Args:
        table: the table's key.
        rule: how the rule fared.
        report: the report that it is from.
        quarantine: the table that has the records kept out; empty when there is none.
    """
    read = {day: _judged(counts) for day, counts in report.days.items()}
    failed_days = rule.failed_days(read)
    total = sum(read.values())
    is_passed = not failed_days and not rule.is_alarm(total)
    metadata: dict[str, Any] = {"counts": _counts_of(rule, total)}
    if rule.by_day:
        metadata["by_day"] = _table(
            [{"day": day, "judged": read.get(day, 0), "broken": rule.by_day[day]} for day in sorted(rule.by_day)]
        )
    if rule.samples:
        metadata["samples"] = dg.MetadataValue.md("\n".join(f"- `{sample}`" for sample in rule.samples))
    if quarantine and rule.broken and rule.action is Action.QUARANTINE:
        metadata["kept_out_in"] = dg.MetadataValue.asset(dg.AssetKey(quarantine.split("/")))
    # The rule's own sentence stands beside the check already; it is told again only where somebody has to act.
    description = _found(rule, total)
    if not is_passed and rule.name not in FOUND:
        description += f": {rule.description}"
    if failed_days:
        description += f"; broken on {some_of(failed_days, MAX_SPANS_SHOWN)}"
    return dg.AssetCheckResult(
        asset_key=table,
        check_name=rule.name,
        passed=is_passed,
        severity=dg.AssetCheckSeverity.ERROR
        if failed_days or rule.action is Action.ERROR
        else dg.AssetCheckSeverity.WARN,
        description=description,
        metadata=metadata,
    )


def rows_kept_result(table: dg.AssetKey, kept: RowsKept) -> dg.AssetCheckResult:
    """Whether a table holds the rows that it should, in words that name its layer, and how many rows are wrong."""
    wrong = replace(ROWS_KEPT, by_day=kept.wrong)
    return dg.AssetCheckResult(
        asset_key=table,
        check_name=ROWS_KEPT.name,
        passed=not kept.wrong,
        severity=dg.AssetCheckSeverity.ERROR,
        description=kept.in_words(),
        metadata={"counts": _counts_of(wrong, kept.expected or kept.found)},
    )


def counts_of(evaluation: dg.AssetCheckEvaluation) -> Mapping[str, Any]:
    """What `check_result` says in numbers: `action`, `broken`, `judged` and `share`; empty of any other check."""
    table = evaluation.metadata.get("counts")
    return table.records[0].data if isinstance(table, dg.TableMetadataValue) else {}


def _counts_of(rule: RuleResult, judged: int) -> dg.TableMetadataValue:
    # Of Bronze's checks some count files, and all else here counts records.
    share = f"{rule.broken / judged:.2%}" if judged and rule.name not in FOUND and not rule.is_counted else ""
    counted = {"action": rule.action.value, "broken": rule.broken, "judged": judged, "share": share}
    columns = [dg.TableColumn(name, "int" if isinstance(value, int) else "string") for name, value in counted.items()]
    return dg.MetadataValue.table([dg.TableRecord(counted)], schema=dg.TableSchema(columns=columns))


def _found(rule: RuleResult, judged: int) -> str:
    """How many records broke a rule, in words."""
    if rule.name in FOUND and rule.broken:
        return f"{rule.broken:,} {FOUND[rule.name][rule.broken > 1]}"
    if rule.name in FOUND or rule.is_counted:
        return f"{rule.broken:,} found" if rule.broken else "none found"
    if not rule.broken:
        return f"none of {judged:,} records breaks the rule"
    share = f" ({rule.broken / judged:.2%})" if judged else ""
    what = "kept out" if rule.action is Action.QUARANTINE else "break the rule"
    return f"{rule.broken:,} of {judged:,} records {what}{share}"


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
    return f"{what}{'; '.join(lines)}."


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
