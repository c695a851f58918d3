"""docs/databases.md and docs/crm.md are true: their settings load, and their tables name what there is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from project_etl.catalog import pulled, pulled_datasets, source_named, source_names
from project_etl.core.extract.sql.options import SqlOptions, TableOptions
from project_etl.orchestration.pulls import CHECKS
from project_etl.sources._hubspot_pull import HubspotOptions
from project_etl.sources.hubspot import KINDS
from project_etl_tests.small_shop import settings_of

TEXT, CRM = (
    (Path(__file__).resolve().parents[1] / "docs" / name).read_text(encoding="utf-8")
    for name in ("databases.md", "crm.md")
)
BLOCKS = [yaml.safe_load(block) for block in re.findall(r"^```yaml\n(.*?)^```$", TEXT + CRM, re.MULTILINE | re.DOTALL)]


@pytest.mark.parametrize("block", BLOCKS)
def test_each_example_of_settings_loads(block: dict[str, Any]) -> None:
    sources = block.get("sources") or list(block["pull"])
    settings = settings_of(sources, block.get("namespaces"), pull=block.get("pull", {}))
    assert all(pulled_datasets(settings, name) for name in pulled(settings))


def test_every_setting_every_check_and_every_source_is_named() -> None:
    names = {*SqlOptions.model_fields} - {"tables"} | {f"tables.<dataset>.{name}" for name in TableOptions.model_fields}
    assert all(f"| `{name}` |" in TEXT for name in names)
    assert all(f"`{name}`" in TEXT for name in CHECKS)
    assert all(f"| `{name}` |" in TEXT for name in source_names() if source_named(name).pull)


def test_of_hubspot_every_setting_scope_and_property_is_named() -> None:
    assert all(f"| `{name}` |" in CRM for name in HubspotOptions.model_fields)
    assert all(f"`{kind.scope}`" in CRM for kind in KINDS.values())
    assert all(f"`{name}`" in CRM for kind in KINDS.values() for name in kind.properties)
