"""What a run says of itself, for people and for the sensors.

Belongs here: the tags of runs that the platform asks for. Does not belong here: what to ask for (`sensors/`).
"""

from __future__ import annotations

import dagster as dg

# Why a run was asked for, in words. Dagster shows tags in the order of their names; its own begin with `dagster/`.
WHY_TAG = "because"
# Dagster keeps tags that begin so, finds runs by them, and shows them to nobody.
HIDDEN = ".dagster/project_etl_"
# The sensor or schedule that asked for the run.
ASKER_TAG = f"{HIDDEN}asked_by"
# The root of the lake that the run is for.
LAKE_TAG = f"{HIDDEN}lake"
# Code and settings of the tables: what failed under others may succeed now.
CODE_TAG = f"{HIDDEN}code"
# Digest of the tables as they were when the run was asked for.
STATE_TAG = f"{HIDDEN}state"
# Digest of what it is to bring up to date.
CONTENT_TAG = f"{HIDDEN}content"
# What Dagster shows of a tag without folding it away.
MAX_TAG = 250


def require_lake(run: dg.DagsterRun, root: str) -> None:
    """Refuse a run that was asked for on account of another lake.

    Raises:
        Failure: the run is of another lake.
    """
    if (meant := run.tags.get(LAKE_TAG, root)) != root:
        raise dg.Failure(
            f"This run was asked for on account of the lake {meant}, and a process whose lake is {root} has taken it: "
            "two daemons with different settings share one DAGSTER_HOME. Stop one of them, or give each a DAGSTER_HOME "
            "of its own. What is out of date is asked for again.",
            allow_retries=False,
        )
