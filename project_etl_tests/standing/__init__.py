"""Tests of how the lake stands: what waits, what is kept out, and whether a day can be trusted."""
