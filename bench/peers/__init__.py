"""Scripts that do the platform's whole work for `online_retail`, as one would write them by hand: what it is beside.

One script per engine (Polars, DuckDB, plain PySpark), each a process of its own. They share the columns and the landed
files (`common.py`). Each writes the rules in its own engine, so that they check each other.
"""
