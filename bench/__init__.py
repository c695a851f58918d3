"""Speed and memory of the platform beside a plain Spark script that writes the same tables (`python -m bench`).

Belongs here: the plain script (`plain.py`, `plain_silver.py`), measuring a process tree (`measure.py`), counting jobs
and commits (`counts.py`), the scenarios (`scenarios.py`) and the report (`report.py`). Not here: tests, and anything
that the platform itself needs.
"""
