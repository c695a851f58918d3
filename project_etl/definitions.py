"""The code location: everything that Dagster sees. `workspace.yaml` names this module."""

from __future__ import annotations

from project_etl.orchestration.build import build_defs
from project_etl.settings import load_settings

defs = build_defs(load_settings())
