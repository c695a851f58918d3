"""Which engine computes: what the setting `engine` names, or for `auto` the one that fits a table's size.

Does not belong here: reading settings (`settings.py`), how an engine computes.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import Literal

from project_etl.core.engine.base import Engine

EngineName = Literal["auto", "embedded", "spark", "connect", "cluster"]


@dataclass(frozen=True)
class Larger:
    """The engine that takes over where another one computes what is small.

    Attributes:
        engine: the engine; it is not started before it is needed.
        above_bytes: how many bytes of files a table may read, as Parquet, before this engine computes it.
    """

    engine: Engine
    above_bytes: int


def can_embed() -> bool:
    """Whether the embedded engine is installed."""
    return find_spec("pysail") is not None
