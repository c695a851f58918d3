"""How a run's verdict looks: plain lines for a log, JUnit XML for CI servers, Markdown for a pull request."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import asdict
from itertools import groupby
from xml.etree import ElementTree as ET

from project_etl.commands.gate.verdict import PASSED_RUN, Check, Verdict

VERDICTS = ("passed", "warned", "failed", "not run")
# What XML 1.0 cannot hold, not even escaped.
_NOT_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def lines(verdict: Verdict) -> list[str]:
    """The verdict as plain lines: what is not in order, the counts, and the run."""
    told = [f"FAILED  {table}: {why}" for table, why in verdict.failures.items()]
    told += [f"{check.verdict.upper():<7} {check.table}: {_words(check)}" for check in _notable(verdict)]
    of_run = f"; run {verdict.run_id} {verdict.status}" if verdict.run_id else ""
    return [*told, f"{_counted(verdict)}{of_run}", _sentence(verdict)]


def as_json(verdict: Verdict) -> str:
    """The verdict as one JSON object."""
    told = {
        "run_id": verdict.run_id,
        "status": verdict.status,
        "is_passed": verdict.is_passed,
        "kept_out": verdict.kept_out,
        "counts": {kind: len(verdict.having(kind)) for kind in VERDICTS},
        "failures": dict(verdict.failures),
        "checks": [asdict(check) for check in verdict.checks],
    }
    return json.dumps(told, ensure_ascii=False)


def markdown(verdict: Verdict) -> str:
    """The verdict as a Markdown section."""
    told = [
        f"## {_sentence(verdict)}",
        "",
        f"{_counted(verdict)}." + (f" Run `{verdict.run_id}` ended as {verdict.status}." if verdict.run_id else ""),
        "",
    ]
    if notable := _notable(verdict):
        told += ["| verdict | table | rule | action | records | |", "|---|---|---|---|---:|---|"]
        told += [
            _row(c.verdict, c.table, c.name, c.action, "" if c.broken is None else f"{c.broken:,}", c.description)
            for c in notable
        ]
        told.append("")
    for table, why in verdict.failures.items():
        told += [f"**{_inline(table)}** failed: {_inline(why)}", ""]
    return "\n".join(told)


def junit(verdict: Verdict) -> str:
    """The verdict as JUnit XML: a suite per table with a case per check, and one for the run with its failed steps.

    A warning is a passed case that says so in `system-out`, for JUnit knows none.
    """
    root = ET.Element("testsuites", name=f"project-etl {'gate' if verdict.run_id else 'validate'}")
    for table, checks in groupby(verdict.checks, key=lambda check: check.table):
        _add_suite(root, table, list(checks))
    if verdict.run_id:
        _add_run(root, verdict)
    ET.indent(root)
    return ET.tostring(root, encoding="utf-8", xml_declaration=True).decode() + "\n"


def _add_run(root: ET.Element, verdict: Verdict) -> None:
    of_run = ET.SubElement(root, "testsuite", name="run", tests=str(1 + len(verdict.failures)))
    ended = ET.SubElement(of_run, "testcase", classname="run", name=f"run {verdict.run_id}")
    if verdict.status != PASSED_RUN:
        ET.SubElement(ended, "failure", message=f"the run ended as {verdict.status}")
    for table, why in verdict.failures.items():
        step = ET.SubElement(of_run, "testcase", classname="run", name=_xml(table))
        ET.SubElement(step, "failure", message=_xml(why.partition("\n")[0])).text = _xml(why)
    of_run.set("failures", str(len(verdict.failures) + (verdict.status != PASSED_RUN)))


def _add_suite(root: ET.Element, table: str, checks: list[Check]) -> None:
    count = Counter(check.verdict for check in checks)
    numbers = {"tests": len(checks), "failures": count["failed"], "skipped": count["not run"]}
    suite = ET.SubElement(root, "testsuite", {"name": table} | {name: str(n) for name, n in numbers.items()})
    for check in checks:
        case = ET.SubElement(suite, "testcase", classname=table, name=_xml(check.name))
        if check.verdict == "failed":
            ET.SubElement(case, "failure", message=_xml(_words(check)))
        elif check.verdict == "not run":
            ET.SubElement(case, "skipped", message="the run ended before it")
        elif check.verdict == "warned":
            ET.SubElement(case, "system-out").text = _xml(f"warning: {_words(check)}")


def _notable(verdict: Verdict) -> list[Check]:
    """The checks that are not in order, the worst first; those are left out that a table's own failure tells of."""
    found = [check for kind in ("failed", "warned", "not run") for check in verdict.having(kind)]
    return [check for check in found if check.verdict != "failed" or check.table not in verdict.failures]


def _counted(verdict: Verdict) -> str:
    counts = {kind: f"{len(verdict.having(kind)):,} {kind}" for kind in VERDICTS}
    if verdict.kept_out:
        counts["passed"] += f" ({verdict.kept_out:,} records kept out)"
    return ", ".join(counts.values())


def _sentence(verdict: Verdict) -> str:
    return "Data checks: passed" if verdict.is_passed else "Data checks: failed"


def _words(check: Check) -> str:
    """What a check found, and its name."""
    return f"{check.description} ({check.name})" if check.description else check.name


def _row(*cells: str) -> str:
    return f"| {' | '.join(_inline(cell) for cell in cells)} |"


def _inline(text: str) -> str:
    """Text that stays in its cell and is not taken for markup: it may quote records."""
    return re.sub(r"([\\`*_<>\[\]|])", r"\\\1", " ".join(text.split()))


def _xml(text: str) -> str:
    return _NOT_XML.sub("�", text)
