"""Tests of project_etl, mirroring the package."""
