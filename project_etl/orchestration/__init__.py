"""Orchestration: thin Dagster wiring around the platform. Never imported by the packages that it wires."""
