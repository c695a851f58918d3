"""Fixtures that every test may use: one engine for the whole test run."""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from project_etl.core.engine.base import Engine
from project_etl.core.engine.embedded import EmbeddedEngine
from project_etl.core.engine.spark import EngineConfig, SparkEngine, runtime_conf, start

CODEGEN = "spark.sql.codegen.factoryMode"

# A script that starts the tests in its background has them ignore Ctrl-C, and all that they start. Dagster makes of
# SIGTERM what SIGINT is: what tests start could not be stopped.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Of whole lakes in every order, and of every table on every engine.
LONG_FOLDERS = ("promises", "parity")


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--engine` says what computes in tests that do not ask for a particular engine."""
    names = ("auto", "embedded", "spark")
    parser.addoption("--engine", choices=names, default="embedded", help="what computes: %(default)s")


def pytest_configure(config: pytest.Config) -> None:
    """Have settings, also those of processes that tests start, name the engine of the tests, and export nothing."""
    os.environ["PROJECT_ETL_ENGINE"] = str(config.getoption("--engine"))
    os.environ["PROJECT_ETL_EXPORTS"] = ""


# Before xdist reads the marks.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A file's tests stay together, for they share what they load; and so do all files that need a JVM, for one serves.

    So do those that look at one lake through the dashboard.

    Those come first, and then the promises: what takes long must not come last. `make test` leaves both out, and what
    holds engines to each other.
    """
    needs_jvm = {item.path for item in items if "jvm_session" in getattr(item, "fixturenames", ())}
    # With Spark as the engine, nearly all do.
    is_one_group = config.getoption("--engine") != "spark"
    for item in items:
        of_lake = "visits" if "visits" in getattr(item, "fixturenames", ()) else str(item.path)
        group = "jvm" if is_one_group and item.path in needs_jvm else of_lake
        item.add_marker(pytest.mark.xdist_group(group))
        if is_one_group and (item.path in needs_jvm or item.path.parent.name in LONG_FOLDERS):
            item.add_marker(pytest.mark.long)
    items.sort(key=lambda item: (item.path not in needs_jvm, item.path.parent.name != "promises"))


def pytest_collection_finish() -> None:
    """Have the collector of garbage leave alone what is imported by now, which lives as long as the process."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """What computes; tests build their columns for it."""
    name = request.config.getoption("--engine")
    engine: Engine = request.getfixturevalue("jvm_engine" if name == "spark" else "embedded_engine")
    with engine.active():
        yield engine


@pytest.fixture(scope="session")
def spark(engine: Engine) -> SparkSession:
    """The engine's session."""
    return engine.session()


@pytest.fixture(scope="session")
def embedded_engine() -> Engine:
    """The engine in this process; who uses it beside another one makes it active."""
    return EmbeddedEngine()


@pytest.fixture
def jvm(jvm_engine: Engine) -> Iterator[SparkSession]:
    """A session of a JVM, whatever computes elsewhere."""
    with jvm_engine.active():
        yield jvm_engine.session()


@pytest.fixture(scope="session")
def jvm_engine(jvm_session: SparkSession) -> Engine:
    """Spark in a JVM; who uses it without `jvm` makes it active."""
    return SparkEngine(lambda: jvm_session)


@pytest.fixture(scope="session")
def jvm_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """Start the platform's own engine, small: two cores, UTC also where no session has a say, nothing on the network.

    Jars and Java are those of the settings, so `PROJECT_ETL_JARS_DIR` names another folder of jars.
    """
    # Not at the top: a fault in the settings is reported by their tests, and must not stop all the others.
    from project_etl.settings import load_settings

    settings = load_settings()
    jars = Path(settings.jars_dir)
    if not any(jars.glob("*delta-spark*.jar")):
        pytest.fail(f"no Delta jar in {jars}; run `make setup`, or name the folder in PROJECT_ETL_JARS_DIR")
    scratch = tmp_path_factory.mktemp("spark")
    config = EngineConfig(
        master="local[2]",
        driver_memory="1g",
        jars=jars,
        java_home=Path(settings.java_home) if settings.java_home else None,
        conf={
            "spark.sql.warehouse.dir": str(scratch / "warehouse"),
            # A JVM of some minutes, beside another one, has no use for what is compiled for the years to come.
            "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC "
            f"-Duser.timezone=UTC -Dderby.system.home={scratch / 'derby'}",
            # Compiling expressions for a handful of rows takes a quarter of all time. The demo, the README's
            # commands, the daemon and the real data run as shipped; so do tests that ask for `compiled`.
            CODEGEN: "NO_CODEGEN",
            "spark.python.sql.dataFrameDebugging.enabled": "false",
            # Tests leave many lakes behind, and each log would stay in the heap for an hour. Some five lakes.
            "spark.databricks.delta.delta.log.cacheSize": "200",
        },
    )
    with SparkEngine(lambda: session).active():
        session = start(config)
    session.sparkContext.setLogLevel("ERROR")
    yield session
    session.stop()


@pytest.fixture(scope="module")
def compiled(engine: Engine) -> Iterator[None]:
    """Where a JVM computes, expressions are compiled, as they are outside of tests."""
    with runtime_conf(engine.session(), {CODEGEN: "FALLBACK"}) if engine.name == "spark" else nullcontext():
        yield


@pytest.fixture
def soak_minutes() -> float:
    """How long a soak test lasts: an hour, or what SOAK_MINUTES says."""
    return float(os.environ.get("SOAK_MINUTES", "60"))
