"""Tests of the Gold tables: small tables, one rule each."""
