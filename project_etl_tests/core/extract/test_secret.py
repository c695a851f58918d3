"""Secrets are named by where they are; no message shows one."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from project_etl.core.extract.secret import secret
from project_etl.core.extract.sql.options import SqlOptions
from project_etl.core.model.pull import PullError
from project_etl_tests.small_shop import settings_of

URL = "postgresql+psycopg://shop@db.example.org/shop"


def test_a_secret_is_read_from_a_variable_or_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_PASSWORD", "pa ss")
    (tmp_path / "password").write_text("pa ss\n")
    assert secret("env:SHOP_PASSWORD") == secret(f"file:{tmp_path / 'password'}") == "pa ss"


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("env:NO_SUCH_VARIABLE", "the variable NO_SUCH_VARIABLE is not set"),
        ("file:/no/such/file", "file:/no/such/file cannot be read"),
    ],
)
def test_a_secret_that_is_not_there_is_told(reference: str, said: str) -> None:
    with pytest.raises(PullError, match=said):
        secret(reference)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"url": URL.replace("shop@", "shop:s3cret@")}, "it holds a password"),
        ({"url": f"{URL}?password=s3cret"}, "it holds a password"),
        ({"url": URL, "password": "s3cret"}, "expected env:NAME or file:"),
        ({"url": "s3cret"}, "expected a URL as SQLAlchemy reads it"),
        ({"url": "env:DB", "password": "env:DB_PASSWORD"}, "leave one of them out"),
        ({"url": URL, "lag": 5}, "pull.oltp.lag: there is no such setting"),
        ({}, "pull.oltp.url: it is not set"),
        ({"url": URL, "lag_seconds": -1}, "pull.oltp.lag_seconds: Input should be greater than or equal to 0"),
    ],
)
def test_a_wrong_setting_of_a_source_is_told_without_its_value(options: dict, said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        settings_of(("oltp",), pull={"oltp": options})
    (problem,) = caught.value.errors()
    assert said in problem["msg"]
    assert "s3cret" not in problem["msg"]


@pytest.mark.parametrize(
    ("name", "said"), [("olpt", "did you mean oltp?"), ("shop", "shop is not pulled: somebody brings its files")]
)
def test_settings_of_a_source_that_is_not_pulled_are_refused(name: str, said: str) -> None:
    with pytest.raises(ValidationError, match=said.replace("?", r"\?")):
        settings_of(pull={name: {}})


def test_settings_may_come_as_json() -> None:
    ((name, options),) = settings_of(
        pull=f'{{"oltp": {{"url": "{URL}", "tables": {{"orders": {{"table": "sales"}}}}}}}}'
    ).pull
    assert name == "oltp"
    assert isinstance(options, SqlOptions)
    assert options.tables["orders"].table == "sales"
