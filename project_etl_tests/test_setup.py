"""The set-up's own rules, with small real files and programs; the whole of it runs before every `make test`."""

from __future__ import annotations

import re
import stat
import tomllib
from pathlib import Path

import pytest
from setup_steps import jars, java, venv
from setup_steps.common import SetupError, run_quietly

REPOSITORY = Path(__file__).resolve().parent.parent


def program(path: Path, script: str) -> Path:
    """Write a shell script that can be run."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def java_folder(home: Path, version: str) -> Path:
    program(home / "bin" / "java", "exit 1")
    (home / "release").write_text(f'IMPLEMENTOR="Any"\nJAVA_VERSION="{version}"\n')
    return home


@pytest.fixture
def no_java(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without any Java and without apt-get."""
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(java, "USUAL_PLACES", ())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('JAVA_VERSION="17.0.15"', 17),
        ('openjdk version "21" 2023-09-19', 21),
        ('java version "1.8.0_402"', 8),
        ("No Java runtime present, requesting install.", None),
    ],
)
def test_java_versions_are_read(text: str, expected: int | None) -> None:
    assert java.parse_version(text) == expected


def test_a_java_without_a_release_file_is_asked(tmp_path: Path) -> None:
    program(tmp_path / "bin" / "java", "echo 'openjdk version \"17.0.1\"' >&2")
    assert java.major_version(tmp_path) == 17
    program(tmp_path / "bin" / "java", "exit 1")
    assert java.major_version(tmp_path) is None
    assert java.major_version(tmp_path / "nowhere") is None


@pytest.mark.usefixtures("no_java")
def test_java_home_goes_before_the_one_of_last_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seventeen = java_folder(tmp_path / "17", "17.0.15")
    twenty_one = java_folder(tmp_path / "21", "21.0.2")
    (tmp_path / ".java_home").write_text(f"{seventeen}\n")
    assert java.ensure_java(tmp_path) == seventeen
    monkeypatch.setenv("JAVA_HOME", str(twenty_one))
    assert java.ensure_java(tmp_path) == twenty_one
    assert (tmp_path / ".java_home").read_text() == f"{twenty_one}\n"
    monkeypatch.setenv("JAVA_HOME", str(java_folder(tmp_path / "25", "25")))
    assert java.ensure_java(tmp_path) == twenty_one


@pytest.mark.usefixtures("no_java")
def test_java_is_found_in_the_usual_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    java_folder(tmp_path / "jvm" / "a-11", "11.0.2")
    java_folder(tmp_path / "jvm" / "b-17", "17.0.2")
    monkeypatch.setattr(java, "USUAL_PLACES", (str(tmp_path / "jvm" / "*"),))
    assert java.ensure_java(tmp_path) == tmp_path / "jvm" / "b-17"


@pytest.mark.usefixtures("no_java")
def test_without_java_one_sentence_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"no Java 17 or 21 .*Linux: .*macOS: .*Windows: inside WSL"):
        java.ensure_java(tmp_path)


@pytest.mark.parametrize(
    ("name", "artifact"),
    [
        ("parquet-column-1.16.0.jar", "parquet-column"),
        ("delta-spark_4.1_2.13-4.4.0.jar", "delta-spark_4.1_2.13"),
        ("zstd-jni-1.5.7-6.jar", "zstd-jni"),
        ("log4j-1.2-api-2.24.3.jar", "log4j-1.2-api"),
    ],
)
def test_the_version_is_cut_off_a_jar(name: str, artifact: str) -> None:
    assert jars.artifact_of(name) == artifact


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose Spark is a script; it stands for Ivy, which needs the network."""
    (tmp_path / "jars.txt").write_text("# the only one\nio.delta:delta-spark_4.1_2.13:4.4.0\n")
    spark = tmp_path / ".venv" / "lib" / "python3.11" / "site-packages" / "pyspark"
    (spark / "jars").mkdir(parents=True)
    (spark / "jars" / "snappy-java-1.1.10.8.jar").touch()
    return tmp_path


def spark_submit(project: Path, script: str) -> Path:
    return program(project / ".venv/lib/python3.11/site-packages/pyspark/bin/spark-submit", script)


RESOLVES = """
mkdir -p "$IVY/jars"
touch "$IVY/jars/io.delta_delta-spark_4.1_2.13-4.4.0.jar" "$IVY/jars/org.xerial.snappy_snappy-java-1.1.10.7.jar"
"""


def test_jars_are_resolved_once_without_those_of_spark(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IVY", str(project / ".ivy"))
    script = spark_submit(project, RESOLVES)
    jars.ensure_jars(project, project)
    assert [jar.name for jar in (project / ".jars").glob("*.jar")] == ["io.delta_delta-spark_4.1_2.13-4.4.0.jar"]
    script.unlink()
    jars.ensure_jars(project, project)
    (project / "jars.txt").write_text("io.delta:delta-spark_4.1_2.13:4.5.0\n")
    with pytest.raises(SetupError, match="could not be resolved"):
        jars.ensure_jars(project, project)


def test_the_jars_of_the_broker_have_all_that_it_needs_without_spark(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IVY", str(project / ".ivy"))
    (project / ".venv/lib/python3.11/site-packages/pyspark/jars/scala-library-2.13.17.jar").touch()
    listing = project / "project_etl_tests" / "integration" / "kafka_jars.txt"
    listing.parent.mkdir(parents=True)
    listing.write_text("org.xerial.snappy:snappy-java:1.1.10.7\n")
    script = spark_submit(project, RESOLVES)
    folder = jars.ensure_kafka_jars(project, project)
    found = sorted(jar.name for jar in folder.glob("*.jar"))
    assert found[1:] == ["org.xerial.snappy_snappy-java-1.1.10.7.jar", "scala-library-2.13.17.jar"]
    script.unlink()
    assert jars.ensure_kafka_jars(project, project) == folder


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("echo unresolved dependency; exit 1", r"could not be resolved(.|\n)*unresolved dependency"),
        ("exit 0", r"its jar is not in .*\.ivy/jars"),
    ],
)
def test_a_failed_download_leaves_no_jars(project: Path, script: str, message: str) -> None:
    spark_submit(project, script)
    with pytest.raises(SetupError, match=message):
        jars.ensure_jars(project, project)
    assert not (project / ".jars").exists()


def test_a_wrong_coordinate_is_named_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "jars.txt").write_text("# comment\n\nio.delta:delta-spark\n")
    with pytest.raises(SetupError, match=r"jars.txt, line 3: found 'io.delta:delta-spark'"):
        jars.read_coordinates(tmp_path / "jars.txt")


def test_requirements_without_a_hash_are_refused_and_not_taken_for_done(tmp_path: Path) -> None:
    (tmp_path / "requirements-dev.txt").write_text("click==8.1.7\n")
    with pytest.raises(SetupError, match=r"could not install requirements-dev.txt(.|\n)*hash"):
        venv.ensure_venv(tmp_path)
    assert not list((tmp_path / ".venv").glob(".*-stamp"))


def test_a_program_that_is_not_there() -> None:
    with pytest.raises(SetupError, match=r"^It failed\. \(.*no-such-program"):
        run_quietly(["/no-such-program"], failure="It failed.")


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_every_direct_dependency_is_pinned_and_hashed(name: str) -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *(project["optional-dependencies"]["dev"] if "dev" in name else [])]
    lock = (REPOSITORY / name).read_text()
    pinned = re.findall(r"^([a-z0-9.-]+)==\S+(?: ; .*)? \\\n    --hash=sha256:", lock, re.MULTILINE)
    names = {re.split(r"[\[<>=]", requirement)[0] for requirement in wanted}
    assert names <= set(pinned)
    assert len(pinned) == lock.count("==") - lock.count(" == ")


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt", "jars.txt"])
def test_no_index_or_host_is_named(name: str) -> None:
    assert not re.search(r"://|index-url|find-links|trusted-host", (REPOSITORY / name).read_text())
