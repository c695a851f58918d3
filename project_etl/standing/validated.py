"""What the last run found of the star schema, as `gold/validation` keeps it. Reads without Spark.

Does not belong here: what is asked (`gold/validation.py`), asking it of the tables of now (`commands/validate`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from project_etl.core.lake import TableStore

TABLE = "gold/validation"
ERROR = "ERROR"


@dataclass(frozen=True)
class Validated:
    """How the star schema stands.

    Attributes:
        checks: how many checks were made.
        errors: the failed checks that say that it is wrong, with their rows.
        warnings: the failed ones that only warn, with their rows.
    """

    checks: int
    errors: Sequence[str]
    warnings: Sequence[str]

    def to_json(self) -> dict[str, Any]:
        """As JSON values, for programs."""
        failed = len(self.errors) + len(self.warnings)
        return {"passed": self.checks - failed, "failed": failed, "errors": list(self.errors)}

    def in_words(self) -> str:
        """The counts, and what failed: `19 of 20 checks passed; fact_orders_totals fails for 25`."""
        failed = (*self.errors, *self.warnings)
        passed = f"{self.checks - len(failed)} of {self.checks} checks passed"
        return "; ".join([passed, *failed])


def validated(lake: TableStore) -> Validated | None:
    """What `gold/validation` says; None when it has not been computed."""
    if not lake.exists(TABLE) or lake.is_empty(TABLE):
        return None
    rows = lake.state(TABLE).rows(["name", "severity", "broken"]).sort_by("name").to_pylist()
    failed = [(f"{row['name']} fails for {row['broken']:,}", row["severity"]) for row in rows if row["broken"]]
    return Validated(
        len(rows),
        [text for text, severity in failed if severity == ERROR],
        [text for text, severity in failed if severity != ERROR],
    )
