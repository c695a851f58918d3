"""What tests of Silver share."""

from __future__ import annotations

import pytest

from project_etl.core.silver import quarantine
from project_etl_tests.small_shop import SmallShop


def die_before_quarantine(shop: SmallShop, name: str, day: str) -> None:
    """Materialize a Silver table by a run that dies between the commit of the table and that of its quarantine."""

    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(quarantine, "commit", dies)
        with pytest.raises(KeyboardInterrupt):
            shop.silver(name, day)
