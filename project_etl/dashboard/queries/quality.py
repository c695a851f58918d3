"""Whether numbers can be trusted, in numbers: checks, quality scores, quarantine, files, rows kept. Without an engine.

Days are landing days here, first and last included. No text of a record is read. Does not belong here: what is behind
or waits (`standing`), how it is shown (`pages/quality.py`).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import TYPE_CHECKING

from project_etl.core.bronze.file_table import FILES
from project_etl.core.contracts.report import Report, quality_score
from project_etl.core.lake import WHOLE, TableStore
from project_etl.core.model.table import Table
from project_etl.core.rows_kept import RowsKept, bronze_rows_kept, gold_rows_kept, silver_rows_kept
from project_etl.core.views import ALL_PII, Views, view_of

if TYPE_CHECKING:
    import pandas as pd


def validation(views: Views) -> pd.DataFrame:
    """What the last run found of the star schema, by Gold's `validation`; what fails comes first, errors first of all.

    Returns:
        `name`, `table`, `kind`, `severity`, `checked`, `broken`, `share`, `passed`, `days` (the first ten with such
        rows).
    """
    query = """
        SELECT name, "table", kind, severity, checked, broken, share::DOUBLE AS share, passed, days
        FROM gold.validation
        ORDER BY passed, severity, broken DESC, name
    """
    return views.sql(query).to_pandas()


def scores(views: Views, first: date, last: date) -> pd.DataFrame:
    """Quality scores: which share of a landing day's records quarantine has left, when they were judged last.

    Returns:
        `table` (Silver's short name), `day`, `read`, `quarantined`, `score`, in the order of tables and days; days of
        which nothing was read are absent.
    """
    import pandas as pd

    rows = list[tuple[str, date, int, int, float]]()
    # A table without a quarantine of its own shares that of its sister, and so its scores.
    for name in map(_short, views.lake.names("quarantine")):
        journal = views.lake.journal(f"silver/{name}")
        days = sorted(day for day in journal.units if day != WHOLE and first <= date.fromisoformat(day) <= last)
        for day, counts in Report.remembered(journal, days).days.items():
            score = quality_score(counts)
            if score is not None:
                rows.append((name, date.fromisoformat(day), counts["read"], counts["quarantined"], score))
    return pd.DataFrame(rows, columns=pd.Index(["table", "day", "read", "quarantined", "score"]))


def quarantined(views: Views, first: date, last: date) -> pd.DataFrame:
    """What is in quarantine now, by table, rule and landing day.

    Returns:
        `table` (Silver's short name), `rule`, `day`, `records` and how many of them are `waiting` for a parent; a
        record that broke several rules counts for each.
    """
    parts = [
        f"""
        SELECT '{_short(name)}' AS "table", unnest(rules) AS rule, _landing_date AS day, is_waiting
        FROM {view_of(name)}
        WHERE _landing_date BETWEEN $first AND $last
        """
        for name in views.lake.names("quarantine")
    ]
    query = f"""
        SELECT "table", rule, day, count(*) AS records, count(*) FILTER (is_waiting) AS waiting
        FROM ({" UNION ALL ".join(parts or [_NOTHING])})
        GROUP BY ALL
        ORDER BY "table", rule, day
    """
    # Quarantine is shown only with all personal data allowed, for the text of its records; rules and days are none.
    everything = Views(views.lake, (ALL_PII,), views.zone)
    return everything.sql(query, {"first": first, "last": last} if parts else ()).to_pandas()


def files_kept_out(views: Views, first: date, last: date) -> pd.DataFrame:
    """The files that were looked at and are not in Bronze, newest landing day first.

    Returns:
        `day`, `path`, `status` (copy, empty, unreadable, denied, lost), `rule`, `size_bytes`, and where all personal
        data are allowed, `detail`: it may quote how a file begins.
    """
    import pandas as pd
    import pyarrow.compute as pc

    columns = ["landing_date", "path", "status", "rule", "size_bytes"]
    columns += ["detail"] if ALL_PII in views.allow_pii else []
    if not views.lake.exists(FILES):
        return pd.DataFrame(columns=pd.Index(["day", *columns[1:]]))
    day = pc.field("landing_date")
    rows = views.lake.state(FILES).rows(columns, where=~pc.field("rule").is_null() & (day >= first) & (day <= last))
    found = rows.sort_by([("landing_date", "descending"), ("path", "ascending")]).to_pandas()
    return found.rename(columns={"landing_date": "day"})


def rows_kept(lake: TableStore, declared: Iterable[Table]) -> pd.DataFrame:
    """Whether tables hold as many rows as the platform's own commits have put there.

    Args:
        lake: the lake.
        declared: all Silver and Gold tables.

    Returns:
        `table`, `expected` (missing when nobody knows), `found`, `is_wrong` and `words` on each table of the lake, in
        the order of the layers; what is wrong comes first.
    """
    import pandas as pd

    found = [bronze_rows_kept(lake, name) for name in lake.names("bronze")]
    for table in declared:
        if lake.exists(table.name):
            is_gold = table.layer == "gold"
            found.append(gold_rows_kept(lake, table) if is_gold else silver_rows_kept(lake, table.name))
    rows = [_row(kept) for kept in sorted(found, key=lambda kept: not kept.wrong)]
    kept = pd.DataFrame(rows, columns=pd.Index(["table", "expected", "found", "is_wrong", "words"]))
    return kept.astype({"expected": "Int64", "is_wrong": bool})


def _row(kept: RowsKept) -> tuple[str, int | None, int, bool, str]:
    return kept.table, kept.expected, kept.found, bool(kept.wrong), kept.in_words()


def _short(name: str) -> str:
    return name.partition("/")[2]


_NOTHING = """
    SELECT NULL::VARCHAR AS "table", NULL::VARCHAR AS rule, NULL::DATE AS day, false AS is_waiting WHERE false
"""
