"""What stops a living shop."""

from __future__ import annotations


class LiveError(Exception):
    """The shop cannot be kept alive there; the message says why, and holds no secret."""
