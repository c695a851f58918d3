"""Source `redshift`: behaviour as a cluster of Redshift has it.

Where it is, and how its tables are called, is said in `pull.redshift` of a file in `config/`; see docs/databases.md.
"""

from __future__ import annotations

from project_etl.sources._as_silver import database

SOURCE = database("redshift", ("events",))
