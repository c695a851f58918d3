"""The code location: everything that Dagster sees. `workspace.yaml` names this module."""

from __future__ import annotations

import gc

from project_etl.orchestration.build import build_defs
from project_etl.settings import load_settings

defs = build_defs(load_settings())

# What has been loaded stays. The garbage collector would look through it again and again: a fifth of the time of a run
# that has nothing to do.
gc.freeze()
