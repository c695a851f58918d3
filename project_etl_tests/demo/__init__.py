"""Tests of the generator of the source `shop`."""

from __future__ import annotations
