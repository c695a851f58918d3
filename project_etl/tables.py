"""The Silver and Gold tables that there are: one module each, found by looking.

Does not belong here: anything Dagster, so that commands which only look start without it.
"""

from __future__ import annotations

import importlib
import pkgutil

from project_etl import gold, silver
from project_etl.core.model.table import Table, from_module


def tables() -> tuple[Table, ...]:
    """Every Silver and Gold table."""
    modules = [
        importlib.import_module(f"{package.__name__}.{info.name}")
        for package in (silver, gold)
        for info in pkgutil.iter_modules(package.__path__)
    ]
    return tuple(from_module(module) for module in modules)
