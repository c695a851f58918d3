"""Names that the readers of landing files write and Silver reads; the one place where each is spelled.

Belongs here: plain text, so that executors import it without Spark. Does not belong here: anything that computes.
"""

from __future__ import annotations

RESCUED = "_rescued_data"
"""Column of Bronze with what did not fit the declared columns, as JSON."""
MALFORMED_KEY = "_malformed"
"""Key in it that says what is wrong with a record that could not be parsed."""
RECORD_KEY = "_record"
"""Key in it that holds such a record's text."""
DELETED = "_deleted"
"""Column of Bronze that says whether what a record is about is gone; a file may leave it out."""
READ_AT = "_read_at"
"""Column of Bronze that says when a row was read, of what comparing a whole table found; others leave it out.

A value that comes back would otherwise be the same bytes again, and a copy.
"""
LOST_ENDING = ".lost.jsonl"
"""How the name of a file ends that holds no records, but says what of a source is lost for good."""
LOST_KEY = "_lost"
"""Key in it that says so in words."""
MAY_BE_ABSENT = (DELETED, READ_AT)
"""Columns that files may leave out."""
