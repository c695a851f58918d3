"""Source `snowflake`: orders and customers as a warehouse in Snowflake has them.

Where it is, and how its tables are called, is said in `pull.snowflake` of a file in `config/`; see docs/databases.md.
"""

from __future__ import annotations

from project_etl.sources._as_silver import database

SOURCE = database("snowflake", ("customers", "products", "orders", "order_items"))
