"""What a user may say of a topic, and what is refused without being shown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from project_etl.core.extract.kafka.options import KafkaOptions
from project_etl.settings import Settings, SettingsError, load_settings
from project_etl_tests.small_shop import settings_of

CONFIG = Path(__file__).resolve().parents[4] / "config"


def options(**given: Any) -> KafkaOptions:
    return KafkaOptions.model_validate({"brokers": "localhost:9092", **given})


def test_brokers_and_a_topic_are_enough() -> None:
    said = options(brokers="a.example.org:9092,b:9093", topic="clicks")
    assert (said.brokers, said.topic, said.seconds, said.megabytes) == ("a.example.org:9092,b:9093", "clicks", 30, 8)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"brokers": "localhost"}, "expected HOST:PORT"),
        ({"brokers": "kafka://localhost:9092"}, "expected HOST:PORT"),
        ({"brokers": "me:pw@localhost:9092"}, "expected HOST:PORT"),
        ({"config": {"enable.auto.commit": True}}, "enable.auto.commit is what a pull relies on"),
        ({"config": {"bootstrap.servers": "x:1"}}, "`brokers` says where they are"),
        ({"secrets": {"isolation.level": "env:X"}}, "isolation.level is what a pull relies on"),
        ({"config": {"sasl.password": "s3cr3t"}}, "sasl.password is a secret: name its place"),
        ({"config": {"ssl.key.pem": "s3cr3t"}}, "ssl.key.pem is a secret: name its place"),
        ({"secrets": {"sasl.password": "s3cr3t"}}, "expected env:NAME or file:"),
        ({"seconds": 0}, "greater than"),
    ],
)
def test_what_cannot_be_is_refused_and_no_secret_is_shown(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        options(**given)
    pull = json.dumps({"clickstream": {"brokers": "localhost:9092", **given}})
    with pytest.raises(SettingsError, match=r"pull\.clickstream\.") as caught:
        load_settings({"PROJECT_ETL_SOURCES": "clickstream", "PROJECT_ETL_PULL": pull}, CONFIG)
    assert "s3cr3t" not in str(caught.value)


def clickstream(sources: tuple[str, ...] = ("clickstream",), namespaces: Any = None, **others: Any) -> Settings:
    return settings_of(sources, namespaces, **{"pull": {"clickstream": {"brokers": "localhost:9092"}}, **others})


def test_whose_ids_events_hold_must_be_known() -> None:
    clickstream()
    clickstream(("shop", "clickstream"), {"shop": "", "clickstream": "cs-"})
    with pytest.raises(ValidationError, match=r"customer_id of clickstream holds ids of shop, which is not on"):
        clickstream(("shopify", "clickstream"), {"shopify": "sy-", "clickstream": "cs-"})
    # They are those of Shopify.
    clickstream(("shopify", "clickstream"), {"shopify": "sy-", "clickstream": "cs-", "shop": "sy-"})
