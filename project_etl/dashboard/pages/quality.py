"""The page on quality: can the numbers be trusted, and if not, why."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import UTC, date, datetime

import pandas as pd
import streamlit as st

from project_etl.catalog import tables
from project_etl.core.lake import TableStore
from project_etl.core.model.days import days_in_words
from project_etl.dashboard import charts, shown, spans
from project_etl.dashboard.asked import Asked
from project_etl.dashboard.queries import quality
from project_etl.settings import Settings
from project_etl.standing.standing import Standing, State, find
from project_etl.standing.verdict import Finding, Kind, Verdict, verdict_on

LANDING_DAY = "Landing day"
# Scores below differ no more in colour: one record of three would make all others pale.
WORST_SCORE = 0.8
FRESH_SECONDS = 30
# It is judged when the page opens: revenue.
JUDGED_FIRST = "gold/daily_aov"
MARKS = {
    Kind.WRONG: ":red[:material/error:]",
    Kind.NOTE: ":orange[:material/info:]",
    Kind.GOOD: ":green[:material/check:]",
}


def show(asked: Asked) -> None:
    """Draw the page."""
    standing, kept = _found(asked.settings)
    if standing.is_empty:
        st.info(f"There are no numbers yet: nothing has been loaded. `{asked.program} status` says what waits.")
        return
    _verdict(asked)
    _validation(asked)
    landed = replace(asked, last=last_landing_day(asked, standing))
    _scores(landed)
    _quarantine(landed)
    _files(landed, standing)
    _freshness(asked, standing)
    _rows(kept)


def last_landing_day(asked: Asked, standing: Standing) -> date:
    """The last landing day that is shown: what landed after the newest business day belongs to the newest days, too."""
    newest = spans.newest_day(asked.views)
    return max(asked.last, standing.recent_to) if newest is None or asked.last >= newest else asked.last


@st.cache_data(ttl=FRESH_SECONDS, show_spinner="Looking at landing and at every table …", hash_funcs={Settings: repr})
def _found(settings: Settings) -> tuple[Standing, pd.DataFrame]:
    """How everything stands, now or half a minute ago: landing is listed, and every table's log is read."""
    return find(settings, datetime.now(UTC)), quality.rows_kept(TableStore(settings.lake_root), tables())


def _verdict(asked: Asked) -> None:
    st.markdown("#### Can the newest numbers be trusted?")
    gold = (each.name for each in tables() if each.layer == "gold")
    names = sorted(gold, key=lambda name: (name != JUDGED_FIRST, name))
    table = st.selectbox("Of which table", names, key="table", bind="query-params")
    judged = _judged(asked.settings, table)
    day = f" for {judged.day}" if judged.day else ""
    say = st.success if judged.is_trusted else st.error
    say(f"**{table}{day}: {shown.plain(judged.in_words())}**")
    st.markdown("\n".join(_sentence(found) for found in judged.findings))


@st.cache_data(
    ttl=FRESH_SECONDS, show_spinner="Looking at all that a table is made from …", hash_funcs={Settings: repr}
)
def _judged(settings: Settings, table: str) -> Verdict:
    """The verdict on the newest day of a table, now or half a minute ago."""
    return verdict_on(TableStore(settings.lake_root), settings, tables(), table, None, datetime.now(UTC))


def _sentence(found: Finding) -> str:
    todo = f" `{found.command}`" if found.command else ""
    return f"- {MARKS[found.kind]} {shown.plain(found.text)}{todo}"


def _validation(asked: Asked) -> None:
    st.subheader("Checks of the star schema")
    if not shown.is_there(asked, "gold/validation"):
        return
    found = quality.validation(asked.views)
    if found.empty:
        st.info(f"No check has been made yet: `{asked.program} run` makes them when it computes Gold.")
        return
    broken = found[~found["passed"]]
    if broken.empty:
        st.caption(f"All {len(found)} checks passed when Gold was computed last.")
    else:
        st.caption(f"{len(broken)} of {len(found)} checks found rows that fail, when Gold was computed last.")
    found["days"] = [", ".join(map(str, days)) for days in found["days"]]
    shown.table(
        found,
        "validation",
        {
            "name": ("Check", shown.text_column),
            "table": ("Table", shown.text_column),
            "severity": ("Severity", shown.text_column),
            "checked": ("Rows checked", shown.count_column),
            "broken": ("Rows that fail", shown.count_column),
            "share": ("Share", shown.share_column),
            "passed": ("Passed", shown.text_column),
            "days": ("First business days", shown.text_column),
        },
    )


def _scores(asked: Asked) -> None:
    st.subheader("Quality scores")
    found = quality.scores(asked.views, asked.first, asked.last)
    if found.empty:
        st.info(f"Nothing that landed from {asked.days} has been judged. Choose other days.")
        return
    st.caption("Share of a landing day's records that quarantine has left, when they were judged last.")
    cells = found.pivot_table(index="table", columns="day", values="score")
    titles = LANDING_DAY, "Table", "Quality score"
    lowest = max(WORST_SCORE, min(*found["score"], 0.99))
    st.plotly_chart(charts.heat_map(cells, titles, ".1%", "Oranges_r", (lowest, 1)))
    with st.expander("Quality scores as a table, the worst first"):
        shown.table(
            found.sort_values(["score", "day"]),
            "quality_scores",
            {
                "table": ("Table", shown.text_column),
                "day": (LANDING_DAY, shown.day_column),
                "read": ("Records read", shown.count_column),
                "quarantined": ("Quarantined", shown.count_column),
                "score": ("Quality score", shown.share_column),
            },
        )


def _quarantine(asked: Asked) -> None:
    st.subheader("Quarantine")
    found = quality.quarantined(asked.views, asked.first, asked.last)
    if found.empty:
        st.success(f"No record that landed from {asked.days} is in quarantine.")
        return
    st.caption("Records that are kept out. One that broke several rules counts for each.")
    by_day = found.pivot_table(index="day", columns="table", values="records", aggfunc="sum", fill_value=0)
    names = {str(name): str(name) for name in by_day.columns}
    st.plotly_chart(charts.bars(by_day.reset_index(), "day", names, LANDING_DAY, "Records in quarantine"))
    of_rule = found.groupby(["table", "rule"])
    by_rule = pd.DataFrame(
        {
            "records": of_rule["records"].sum(),
            "waiting": of_rule["waiting"].sum(),
            "first": of_rule["day"].min(),
            "last": of_rule["day"].max(),
        }
    ).reset_index()
    shown.table(
        by_rule.sort_values("records", ascending=False, kind="stable"),
        "quarantine",
        {
            "table": ("Table", shown.text_column),
            "rule": ("Rule", shown.text_column),
            "records": ("Records", shown.count_column),
            "waiting": ("Waiting for a parent", shown.count_column),
            "first": ("First landing day", shown.day_column),
            "last": ("Last landing day", shown.day_column),
        },
    )
    st.caption(f"`{asked.program} quarantine show TABLE` shows the records themselves to whoever may see them.")


def _files(asked: Asked, standing: Standing) -> None:
    st.subheader("Files that were not read")
    found = quality.files_kept_out(asked.views, asked.first, asked.last)
    if found.empty:
        st.success(f"Every file that landed from {asked.days} and was looked at is read.")
    else:
        columns: dict[str, shown.Titled] = {
            "day": (LANDING_DAY, shown.day_column),
            "path": ("File", shown.text_column),
            "status": ("Status", shown.text_column),
            "rule": ("Rule", shown.text_column),
            "size_bytes": ("Bytes", shown.count_column),
        }
        columns |= {"detail": ("What was found", shown.text_column)} if "detail" in found else {}
        shown.table(found, "files_not_read", columns)
    if unread := standing.landing.unread:
        rows = pd.DataFrame([asdict(item) for item in unread])
        st.caption("What lies in landing and belongs to no dataset, whatever days are chosen:")
        shown.table(
            rows,
            "not_recognized",
            {
                "path": ("Path", shown.text_column),
                "files": ("Files", shown.count_column),
                "reason": ("Why it is not read", shown.text_column),
                "advice": ("What to do", shown.text_column),
            },
        )


def _freshness(asked: Asked, standing: Standing) -> None:
    st.subheader("Freshness")
    rows = pd.DataFrame([_fresh_row(standing, state) for state in standing.tables])
    # A column of an instant a row, in the zone of all other days and hours.
    rows["at"] = pd.to_datetime(rows["at"], utc=True).dt.tz_convert(asked.zone)
    shown.table(
        rows.sort_values("behind", ascending=False, kind="stable"),
        "freshness",
        {
            "table": ("Table", shown.text_column),
            "newest": ("Newest day with rows", shown.text_column),
            "at": (f"Computed at ({asked.zone})", shown.instant_column),
            "behind": ("What is not up to date", shown.text_column),
        },
    )
    st.caption("Days of Bronze and Silver are landing days, those of Gold business days.")


def _fresh_row(standing: Standing, state: State) -> dict[str, object]:
    behind = _behind(standing, state.table)
    return {"table": state.table, "newest": state.latest, "at": state.at, "behind": behind}


def _behind(standing: Standing, table: str) -> str:
    if table in standing.gold_behind:
        days = standing.gold_behind[table]
        return days_in_words(days) if days else "the whole table"
    if table in standing.silver_behind:
        days = sorted(standing.silver_behind[table].days)
        return days_in_words(days) if days else "what it refers to"
    return f"held back: {days_in_words(sorted(standing.held[table]))}" if table in standing.held else ""


def _rows(kept: pd.DataFrame) -> None:
    st.subheader("Rows kept")
    st.caption("Whether each table holds as many rows as the platform's own commits have put there.")
    shown.table(
        kept,
        "rows_kept",
        {
            "table": ("Table", shown.text_column),
            "expected": ("Rows expected", shown.count_column),
            "found": ("Rows found", shown.count_column),
            "words": ("In words", shown.text_column),
        },
    )
