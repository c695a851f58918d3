"""The commands behind `project-etl`, one module each, as plain functions that need no command line.

`cli.py` holds the options and imports a command when it is called, so these modules may import what is slow to import.
Helpers: `environment.py` (settings, Dagster's instance), `runs.py` and `progress.py` (materializing and showing it).
"""
