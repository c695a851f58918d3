"""Source `oltp`: the shop's operational database, with a table for each kind of records.

Where it is, and how its tables are called, is said in `pull.oltp` of a file in `config/`; see docs/databases.md.
"""

from __future__ import annotations

from project_etl.sources._as_silver import TABLES, database

SOURCE = database("oltp", tuple(TABLES))
