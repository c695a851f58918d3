"""Tests of the Silver tables, one module each."""
