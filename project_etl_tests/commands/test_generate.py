"""`project-etl generate`: its arguments reach the generator, its faults are told to people."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from project_etl.commands.generate import command, live, traffic
from project_etl.commands.generate import run as generate
from project_etl.commands.shared.errors import UserError
from project_etl.demo import MANIFEST_NAME, Manifest
from project_etl_tests.commands.given import paper, text_of

SMALL: dict[str, Any] = {"days": 2, "start": date(2025, 3, 1), "scale": 0.005, "seed": 3}


@pytest.fixture(scope="module")
def landing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("landing")
    generate.run(paper(), out, **SMALL)
    return out


def test_the_arguments_are_those_of_the_manifest(landing):
    manifest = Manifest.load(landing)
    assert (manifest.days, manifest.start, manifest.scale, manifest.seed) == (2, date(2025, 3, 1), 0.005, 3)


def test_a_landing_that_is_there_is_replaced_only_when_asked(landing):
    with pytest.raises(UserError, match=r"is there already.*On the command line: --out FOLDER, or --overwrite"):
        generate.run(paper(), landing, **SMALL)
    console = paper()
    generate.run(console, landing, **SMALL, overwrite=True)
    assert f"records in {sum(len(b.files) for b in Manifest.load(landing).datasets.values())} files" in text_of(console)


def test_an_argument_out_of_range_is_told(tmp_path):
    with pytest.raises(UserError, match="The shop was not generated: scale: found 0"):
        generate.run(paper(), tmp_path, **{**SMALL, "scale": 0})


def test_a_landing_is_recognized_by_its_arguments(landing, tmp_path):
    assert generate.is_generated(landing, **SMALL)
    assert not generate.is_generated(tmp_path / "nothing", **SMALL)
    with pytest.raises(UserError, match=r"holds 2 days from 2025-03-01 at scale 0.005, seed 3; asked for are 5 days"):
        generate.is_generated(landing, **{**SMALL, "days": 5})


def test_files_of_somebody_else_are_not_taken_for_a_demo(tmp_path):
    (tmp_path / "shop" / "orders").mkdir(parents=True)
    with pytest.raises(UserError, match="holds files that the generator did not make"):
        generate.is_generated(tmp_path, **SMALL)
    (tmp_path / MANIFEST_NAME).write_text("{}")
    with pytest.raises(UserError, match="or made in an older version"):
        generate.is_generated(tmp_path, **SMALL)


# `--to`: what needs no database. The rest is in `integration/test_live_shop.py`.

SECRET = "s3cret-word"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (f"postgres//shop:{SECRET}@localhost", "the URL is not one that SQLAlchemy reads; expected such as postgresql"),
        (f"oracle://shop:{SECRET}@localhost/shop", "the URL begins with oracle; expected such as postgresql"),
        (
            f"mysql+oursql://shop:{SECRET}@localhost/shop",
            r"driver of mysql\+oursql is not installed.*project_etl\[sql\]",
        ),
        (
            f"mysql+mysqldb://shop:{SECRET}@localhost/shop",
            r"driver of mysql\+mysqldb is not installed.*project_etl\[sql",
        ),
        # A port that nobody listens on.
        (f"postgresql+psycopg://shop:{SECRET}@127.0.0.1:1/shop", r"127.0.0.1:1/shop says: .*refused"),
        (f"postgresql+psycopg://127.0.0.1:1/shop?user=shop&password={SECRET}", r"127.0.0.1:1/shop says: .*refused"),
        (f"mysql+pymysql://shop:{SECRET}@127.0.0.1:1/shop", r"127.0.0.1:1/shop says: .*refused"),
        ("env:NO_SUCH_VARIABLE", "the variable NO_SUCH_VARIABLE is not set"),
        ("file:/no/such/file", "file:/no/such/file cannot be read"),
    ],
)
def test_a_database_that_cannot_be_written_is_told_without_its_password(url, said):
    console = paper()
    with pytest.raises(UserError, match=said) as caught:
        live.run(console, url, seed=7)
    assert SECRET not in str(caught.value) + text_of(console)


def test_a_webhook_is_a_web_address():
    with pytest.raises(UserError, match="--webhook: expected a web address") as caught:
        live.run(paper(), "env:NOT_READ", seed=7, webhook=f"ftp://{SECRET}")
    assert SECRET not in str(caught.value)


def test_the_extra_is_named_where_it_is_missing(monkeypatch):
    # As Python has it of a package that is not there.
    monkeypatch.setitem(sys.modules, "sqlalchemy", None)
    for name in [name for name in sys.modules if name.startswith("project_etl.demo.live")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(UserError, match=r"pip install 'project_etl\[sql\]'"):
        live.run(paper(), "postgresql+psycopg://shop@127.0.0.1:1/shop", seed=7)


@pytest.mark.parametrize(
    "url", [f"kafka://shop:{SECRET}@localhost:9092/clicks", "kafka://localhost/clicks", "kafka://localhost:9092/a b"]
)
def test_a_url_of_no_topic_is_told_without_its_password(url):
    with pytest.raises(UserError, match="the URL is not one of a topic; expected such as kafka://localhost:9092/"):
        traffic.run(paper(), url, seed=7)


def test_the_extra_of_kafka_is_named_where_it_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "confluent_kafka", None)
    monkeypatch.delitem(sys.modules, "project_etl.demo.live.topic", raising=False)
    with pytest.raises(UserError, match=r"pip install 'project_etl\[kafka\]'"):
        traffic.run(paper(), "kafka://127.0.0.1:1/clicks", seed=7)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--every", "5"], "--every, --webhook, --rate and --seconds need --to"),
        (["--webhook", "http://localhost"], "--every, --webhook, --rate and --seconds need --to"),
        (["--to", "env:X", "--days", "3", "--overwrite"], "--days and --overwrite: for files only"),
        (["--rate", "5"], "--every, --webhook, --rate and --seconds need --to"),
        (["--to", "kafka://localhost:1/clicks", "--days", "3"], "--days: for files only"),
        (["--to", "kafka://localhost:1/clicks", "--webhook", "http://x"], "--webhook: for a database only"),
        (["--to", "env:X", "--rate", "5"], "--rate: for a Kafka topic only, such as --to kafka://localhost:9092"),
        (["--to", "env:X", "--every", "0"], "0.0 is not in the range x>0"),
    ],
)
def test_options_of_files_and_of_a_database_do_not_mix(options, said):
    result = CliRunner().invoke(command, options)
    assert (result.exit_code, said in result.output) == (2, True), result.output


def test_only_a_database_and_a_topic_load_what_speaks_to_them():
    script = (
        "import sys, project_etl.commands.generate, project_etl.commands.generate.run, "
        "project_etl.commands.generate.live, project_etl.commands.generate.traffic; "
        "sys.exit(bool({'sqlalchemy', 'confluent_kafka'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
