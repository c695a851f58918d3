"""The dashboard: pages that a manager opens, over the tables of a lake, read by DuckDB and without an engine.

`entry/app.py` is what Streamlit runs, `pages/` lay out, `queries/` ask, `charts.py` and `shown.py` say how things look.
Nothing here writes to the lake or computes what a table holds.
"""
