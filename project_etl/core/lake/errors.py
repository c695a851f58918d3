"""What can go wrong with a table."""

from __future__ import annotations


class LakeError(RuntimeError):
    """A table cannot be read or written; the message says which, why, and what to do."""


class Conflict(LakeError):  # noqa: N818 - it names what happened, as Delta does
    """Another process committed to a table after the state from which a commit was computed."""
