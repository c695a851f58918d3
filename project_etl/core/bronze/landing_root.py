"""The landing root of a lake: where all its files are from, so that two shops are never mixed.

Belongs here: whether a lake may be loaded from a root, and what it says when not. Does not belong here: where the lake
remembers it (`file_table.py`).
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from project_etl.core.lake import LakeError

VARIABLE = "PROJECT_ETL_"


class OtherLanding(LakeError):  # noqa: N818 - it names what was found
    """The lake was loaded from another landing root; nothing was read or written."""


@dataclass(frozen=True)
class LandingRoot:
    """A landing root and the lake that is to be loaded from it.

    Attributes:
        lake_root: the lake's root folder or URL.
        root: landing's root folder or URL.
        moved_from: the root that landing had before somebody moved it; None when nobody has.
    """

    lake_root: str
    root: str
    moved_from: str | None = None

    def note(self) -> dict[str, Any]:
        """What the lake remembers: the place, and where both are folders of this machine, the way to it from the lake.

        Lake and landing may so be moved together, and each may be reached by another name.
        """
        place, lake = _place(self.root), _place(self.lake_root)
        is_local = "://" not in place and "://" not in lake
        return {"place": place, "from_lake": os.path.relpath(place, lake) if is_local else None}

    def refusal(self, remembered: Mapping[str, Any] | None) -> str:
        """Why the lake may not be loaded from this root, with what to do; empty when it may.

        Args:
            remembered: the `note` of the root that the lake was loaded from last; None when it does not remember one.
        """
        if remembered is None:
            return ""
        places = self._places(remembered)
        if places & {_place(root) for root in (self.root, self.moved_from) if root is not None}:
            return ""
        lake, now = shown(_place(self.lake_root)), shown(_place(self.root))
        was = shown(next((place for place in sorted(places) if Path(place).is_dir()), remembered["place"]))
        return (
            f"The lake in {lake} was loaded from {was}, and landing_root is now {now}: loading it would mix two shops. "
            f"Set {VARIABLE}LAKE_ROOT to another folder, too, or {VARIABLE}LANDING_ROOT to {was}. "
            f"If {was} has moved to {now}, set {VARIABLE}LANDING_MOVED_FROM={was} for the next load."
        )

    def _places(self, remembered: Mapping[str, Any]) -> set[str]:
        """Where the remembered root may be now."""
        places = {str(remembered["place"])}
        if remembered["from_lake"] and "://" not in (lake := _place(self.lake_root)):
            places.add(os.path.realpath(Path(lake) / remembered["from_lake"]))
        return places


def _place(root: str) -> str:
    """A root by the one name that all its names have in common: a folder without links, or a URL."""
    root = re.sub(r"^file:(//)?(?=/)", "", root)
    return root.replace("s3a://", "s3://", 1).rstrip("/") if "://" in root else os.path.realpath(root)


def shown(place: str) -> str:
    """A folder below the working folder as people type it."""
    here = Path.cwd()
    return str(Path(place).relative_to(here)) if "://" not in place and Path(place).is_relative_to(here) else place
