"""The part of the platform that knows Spark and the lake, and knows nothing of Dagster.

Here: contracts and rules, tables, the lake's reader and writer, the engine, steps shared by transforms. Not here:
what arrives (`project_etl.sources`), the tables themselves (`bronze`, `silver`, `gold`) and the wiring
(`project_etl.orchestration`). Nothing in this package imports any of those, nor dagster.
"""
