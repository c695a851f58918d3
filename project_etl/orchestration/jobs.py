"""Jobs: what a person starts from the Dagster UI, for a day or a range of days.

Belongs here: which tables each of them makes, in words and by layer, and in which processes. Does not belong here:
making them (`build.py`), what the sensors ask for (`sensors/`), upkeep (`maintenance.py`).
"""

from __future__ import annotations

from collections.abc import Mapping

import dagster as dg

EVERYTHING = "everything"
# Name of a job → the layer whose tables it makes; all of them where that is empty.
LAYERS: Mapping[str, str] = {
    EVERYTHING: "",
    "bronze": "bronze",
    "silver": "silver",
    "gold": "gold",
    "export": "export",
    "landing": "landing",
}
DESCRIPTIONS: Mapping[str, str] = {
    EVERYTHING: "Loads the files of some landing days, judges them, and computes Gold for the same days. What is up "
    "to date is left as it is. Gold days that late records reach beyond these are computed by the sensor changed_days.",
    "bronze": "Reads the files of some landing days as text. Files that are loaded already are not read again.",
    "silver": "Judges the records of some landing days: what passes is published, the rest goes to quarantine.",
    "gold": "Computes some business days from Silver. Days that are up to date are left as they are.",
    "landing": "Pulls what is new in databases and other sources into landing. It loads nothing.",
    "export": "Brings the exported files up to date with Gold. What is up to date is left as it is.",
}

# A step goes on from what is published. A table that holds back some of its days has published the others, and its
# step fails all the same, so that the run does.
_GOES_ON = {"step_dependency_config": {"require_upstream_step_success": False}}
# A JVM per step is what makes Dagster and Spark feel slow together: local Spark runs all steps in one process.
ONE_PROCESS = dg.in_process_executor.configured(_GOES_ON)
PROCESS_A_STEP = dg.multiprocess_executor.configured(_GOES_ON)
