"""docs/streams.md is true: its settings load, and its tables name what there is."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from project_etl.catalog import pulled
from project_etl.core.extract.kafka.messages import COLUMNS
from project_etl.core.extract.kafka.options import KafkaOptions
from project_etl.setting_types import check_namespaces
from project_etl_tests.small_shop import settings_of

TEXT = (Path(__file__).resolve().parents[1] / "docs/streams.md").read_text(encoding="utf-8")


def test_the_settings_of_the_page_load() -> None:
    (block,) = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
    settings = settings_of(**yaml.safe_load(block))
    assert list(pulled(settings)) == ["clickstream"]
    config = yaml.safe_load(re.findall(r"`(\{security\.protocol.*?\})`", TEXT)[0])
    secrets = yaml.safe_load(re.findall(r"`(\{sasl\.password.*?\})`", TEXT)[0])
    assert KafkaOptions(brokers="localhost:9092", config=config, secrets=secrets)
    (namespaces,) = re.findall(r"`namespaces: (\{shopify.*?\})`", TEXT)
    check_namespaces(("shopify", "clickstream"), yaml.safe_load(namespaces).items())


def test_the_page_names_every_setting_and_every_column_of_messages() -> None:
    named = re.findall(r"^\| `(\w+)` \|", TEXT, re.MULTILINE)
    assert named[: len(KafkaOptions.model_fields)] == [
        "brokers",
        "topic",
        "seconds",
        "megabytes",
        "config",
        "secrets",
        "spark",
    ]
    assert {*named} == {*KafkaOptions.model_fields}
    assert all(f"`{name}`" in TEXT for name in COLUMNS)
