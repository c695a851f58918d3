"""Tests of `project_etl.core`."""
