"""`project-etl validate`: the checks of `gold/validation`, asked of the tables of now.

Does not belong here: what is asked (`gold/validation.py`), how the files look (`commands/gate/reports.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from project_etl.catalog import parameters_of, tables
from project_etl.commands.gate import reports
from project_etl.commands.gate.verdict import PASSED_RUN, Check, Verdict
from project_etl.commands.shared.console import print_json
from project_etl.commands.shared.errors import UserError
from project_etl.commands.shared.runs import errors_into, spark_log
from project_etl.core.lake import TableStore
from project_etl.core.model.days import some_of
from project_etl.core.model.staged import staging
from project_etl.core.model.table import Table
from project_etl.core.model.transform import call
from project_etl.orchestration.resources import lake_of, spark_resource
from project_etl.settings import Settings
from project_etl.standing.validated import ERROR, TABLE

MOST_DAYS = 3


def run(
    console: Console, settings: Settings, *, junit: Path | None, markdown: Path | None, as_json: bool = False
) -> bool:
    """Show what each check finds and write the asked files; False when one of severity ERROR fails.

    Raises:
        UserError: a table of the star schema is not there yet.
    """
    lake = lake_of(settings, spark_resource(settings))
    with errors_into(spark_log(settings)):
        found = ask(lake, settings)
    return show(console, found, junit=junit, markdown=markdown, as_json=as_json)


def show(
    console: Console,
    found: Sequence[Mapping[str, Any]],
    *,
    junit: Path | None = None,
    markdown: Path | None = None,
    as_json: bool = False,
) -> bool:
    """Print what was found and write the asked files; False when a check of severity ERROR fails."""
    verdict = Verdict("", PASSED_RUN, tuple(sorted(map(_check, found), key=lambda check: check.table)), {})
    for path, text in ((junit, reports.junit), (markdown, reports.markdown)):
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text(verdict), encoding="utf-8")
    if as_json:
        print_json(console, _to_json(found))
    else:
        for line in reports.lines(verdict):
            console.print(Text(line), soft_wrap=True)
    return verdict.is_passed


def ask(lake: TableStore, settings: Settings) -> list[dict[str, Any]]:
    """The rows of `gold/validation` as they would be now, in the order in which the checks are declared.

    Raises:
        UserError: a table of the star schema is not there yet.
    """
    table = _table()
    if missing := [item.table for item in table.inputs.values() if not lake.exists(item.table)]:
        raise UserError(
            f"The star schema cannot be checked without {', '.join(missing)}, which nobody has computed yet. Compute "
            f"what is there: `{settings.program} run --days FIRST..LAST`."
        )
    with staging(lake):
        frames = [lake.read(item.table) for item in table.inputs.values()]
        rows = call(table, frames, parameters_of(settings)).collect()
    order = [*_sentences(table)]
    return sorted((row.asDict() for row in rows), key=lambda row: order.index(row["name"]))


def _table() -> Table:
    return next(each for each in tables() if each.name == TABLE)


def _sentences(table: Table) -> dict[str, str]:
    """Each check and what must hold, in the order in which they are declared."""
    return {rule.name: rule.description.partition(": ")[2] for rule in table.rules}


def _check(row: Mapping[str, Any]) -> Check:
    sentence, is_error = _sentences(_table())[row["name"]], row["severity"] == ERROR
    told = f"{row['broken']:,} of {row['checked']:,} rows: {sentence}" if row["broken"] else ""
    days, keys = [day.isoformat() for day in row["days"]], row["sample_keys"]
    told += f"; on {some_of(days, MOST_DAYS)}" if days else ""
    told += f"; for example {' and '.join(keys)}" if keys else ""
    verdict = "passed" if row["passed"] else "failed" if is_error else "warned"
    return Check(f"gold/{row['table']}", row["name"], verdict, row["severity"].lower(), row["broken"], told)


def _to_json(found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Counts, and what each check found; `errors` are the failed ones of severity ERROR, which make the exit code."""
    failed = [row for row in found if not row["passed"]]
    return {
        "passed": len(found) - len(failed),
        "failed": len(failed),
        "errors": sum(row["severity"] == ERROR for row in failed),
        "checks": [{**row, "share": None if row["share"] is None else float(row["share"])} for row in found],
    }
