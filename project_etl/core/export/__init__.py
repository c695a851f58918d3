"""Exports: tables of Gold outside of the lake, for whoever opens a spreadsheet or a database.

`base.py` says what an export and a target are, `push.py` brings a target up to date; each target is one module. Does
not belong here: which tables are exported (`exports/`), Dagster.
"""
