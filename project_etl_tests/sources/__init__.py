"""Tests of the source systems."""
