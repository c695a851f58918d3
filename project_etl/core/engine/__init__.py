"""Engines: what computes frames. The only place that knows `spark.*` keys or the embedded engine."""

from __future__ import annotations
