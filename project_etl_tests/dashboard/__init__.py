"""Tests of the dashboard, on a lake that is computed once."""
