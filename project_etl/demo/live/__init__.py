"""Keeps the shop alive in a database: orders come in, move on, are cancelled and deleted, interval by interval.

The columns are those of the source `shop`, with a database's own types, and nothing is dirty. Needs the extra `sql`.
`traffic.py` and `topic.py` send what visitors do to a Kafka topic instead, and need the extra `kafka`.
Does not belong here: files (the folder above), reading the database (`sources`).
"""

from __future__ import annotations
