"""The main job on real data, run as a user runs it, against the oracle; the data is not in this repository."""

from __future__ import annotations
