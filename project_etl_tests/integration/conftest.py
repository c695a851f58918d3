"""The servers, once a test run, and databases on them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from project_etl_tests.integration import kafka_broker, servers
from project_etl_tests.integration.kafka_broker import Kafka
from project_etl_tests.integration.servers import Server


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    """A PostgreSQL server; `database()` makes an empty database and gives its URL."""
    with servers.postgresql() as server:
        yield server


@pytest.fixture(scope="session")
def mariadb() -> Iterator[Server]:
    """A MariaDB server; `database()` makes an empty database and gives its URL."""
    with servers.mariadb() as server:
        yield server


@pytest.fixture(scope="session")
def kafka() -> Iterator[Kafka]:
    """A Kafka broker; `topic()` makes a fresh topic and gives its name."""
    with kafka_broker.kafka() as broker:
        yield broker


@pytest.fixture(scope="session", params=["postgresql", "mariadb"])
def server(request: pytest.FixtureRequest) -> Server:
    """Each of the servers."""
    return request.getfixturevalue(request.param)
