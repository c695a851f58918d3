"""Modules of a package, found by looking: to add a table or a source is to add a file.

Does not belong here: what a module must have.
"""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType


def module_names(package: ModuleType) -> tuple[str, ...]:
    """Names of the modules of a package, in order, without loading them; those that begin with `_` are its own."""
    return tuple(info.name for info in pkgutil.iter_modules(package.__path__) if not info.name.startswith("_"))


def module_of(package: ModuleType, name: str) -> ModuleType:
    """One module of a package, loaded."""
    return importlib.import_module(f"{package.__name__}.{name}")


def modules_of(package: ModuleType) -> tuple[ModuleType, ...]:
    """The modules of a package, in the order of their names."""
    return tuple(module_of(package, name) for name in module_names(package))
