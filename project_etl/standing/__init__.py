"""How the lake stands, as facts: what is loaded, behind, held back, kept out and checked. Reads without Spark.

For commands and the dashboard, which show it. Does not belong here: how anything is shown, Dagster.
"""
