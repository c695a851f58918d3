"""Settings: files, overrides by the environment, and messages that say what to do."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import ValidationError

from project_etl import setting_types
from project_etl import settings as settings_module
from project_etl.settings import Settings, SettingsError, load_settings, variable_names
from project_etl.silver import events

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A repository with one empty config file, so that all settings have their defaults."""
    folder = tmp_path / "config"
    folder.mkdir()
    (folder / "local.yaml").write_text("")
    return folder


def write(config: Path, text: str, name: str = "local") -> Path:
    path = config / f"{name}.yaml"
    path.write_text(text)
    return path


def load(config: Path, **env: str) -> Settings:
    return load_settings({f"PROJECT_ETL_{name}": value for name, value in env.items()}, config)


def test_an_empty_file_gives_the_defaults(config: Path) -> None:
    settings = load(config)
    root = config.parent
    assert settings.env == "local"
    assert settings.root == root
    assert settings.landing_root == str(root / "data/landing")
    assert settings.lake_root == str(root / "data/lake")
    assert settings.jars_dir == str(root / ".jars")
    assert settings.sources == ("shop",)
    assert settings.start_date == dt.date(2025, 1, 1)
    assert settings.reporting_currency == "EUR"
    assert settings.settle_seconds == 5
    assert (settings.price_bands.low, settings.price_bands.high) == (Decimal(50), Decimal(200))
    assert (settings.spark.master, settings.spark.remote, settings.spark.driver_memory) == ("local[*]", None, "2g")
    assert settings.spark.conf == ()
    assert settings.java_home is None


@pytest.mark.parametrize("path", sorted((REPOSITORY / "config").glob("*.yaml")), ids=lambda path: path.stem)
def test_the_files_of_the_repository_load(path: Path) -> None:
    assert load_settings({"PROJECT_ETL_ENV": path.stem}, path.parent).env == path.stem


def test_in_production_yesterdays_gold_is_due_at_nine() -> None:
    settings = load_settings({"PROJECT_ETL_ENV": "prod"}, REPOSITORY / "config")
    assert (settings.automation, settings.freshness_deadline) == (True, "09:00")


def test_without_a_folder_the_repositorys_own_is_read() -> None:
    assert load_settings({}).root == REPOSITORY


def test_the_folder_can_be_named_by_a_variable(config: Path) -> None:
    write(config, "reporting_currency: GBP", "night")
    env = {"PROJECT_ETL_CONFIG_DIR": str(config), "PROJECT_ETL_ENV": "night"}
    settings = load_settings(env)
    assert (settings.env, settings.reporting_currency) == ("night", "GBP")


def test_the_variables_of_ci_override_the_file(config: Path) -> None:
    write(
        config, "sources: [shop]\nreporting_currency: EUR\nlanding_root: in\nlake_root: out\nstart_date: 2024-01-01\n"
    )
    settings = load(
        config,
        SOURCES="online_retail, shop",
        NAMESPACES='{"shop": "", "online_retail": "or-"}',
        WORDS_FOR_NOTHING="None, leer",
        REPORTING_CURRENCY="GBP",
        LANDING_ROOT="/srv/in",
        LAKE_ROOT="s3a://bucket/lake/",
        START_DATE="2010-12-01",
    )
    assert settings.sources == ("online_retail", "shop")
    assert settings.namespaces == (("shop", ""), ("online_retail", "or-"))
    assert settings.words_for_nothing == ("none", "leer")
    assert settings.reporting_currency == "GBP"
    assert settings.landing_root == "/srv/in"
    assert settings.lake_root == "s3a://bucket/lake"
    assert settings.start_date == dt.date(2010, 12, 1)


def test_nested_settings_are_overridden_one_by_one(config: Path) -> None:
    write(config, "spark: {master: 'local[1]', driver_memory: 4g}\nprice_bands: {low: 10}\n")
    settings = load(config, SPARK__MASTER="spark://host:7077", PRICE_BANDS__HIGH="99.50")
    assert (settings.spark.master, settings.spark.driver_memory) == ("spark://host:7077", "4g")
    assert (settings.price_bands.low, settings.price_bands.high) == (Decimal(10), Decimal("99.50"))


def test_a_nested_override_needs_nothing_in_the_file(config: Path) -> None:
    write(config, "spark:\n")
    assert load(config, SPARK__REMOTE="sc://host:15002").spark.remote == "sc://host:15002"


@pytest.mark.parametrize(
    ("variables", "is_embedded"),
    [
        ({}, True),
        ({"LAKE_ROOT": "s3a://bucket/lake"}, False),
        ({"SPARK__REMOTE": "sc://host:15002"}, False),
        ({"SPARK__MASTER": "spark://host:7077"}, False),
        ({"ENGINE": "embedded", "SPARK__MASTER": "spark://host:7077"}, True),
        ({"ENGINE": "spark"}, False),
        ({"ENGINE": "connect", "SPARK__REMOTE": "sc://host:15002"}, False),
    ],
)
def test_auto_is_embedded_where_spark_and_the_lake_are_of_this_machine(
    config: Path, variables: dict[str, str], is_embedded: bool
) -> None:
    write(config, "engine: auto")
    assert load(config, **variables).is_embedded is is_embedded


def test_auto_is_spark_where_the_embedded_engine_is_not_installed(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(config, "engine: auto")
    monkeypatch.setattr(settings_module, "can_embed", lambda: False)
    assert not load(config).is_embedded


@pytest.mark.parametrize(
    ("engine", "variables", "place"),
    [
        ("spark", {"SPARK__REMOTE": "sc://host:15002"}, "connect"),
        ("spark", {"SPARK__MASTER": "yarn"}, "cluster"),
        ("connect", {}, "spark"),
        ("cluster", {"SPARK__REMOTE": "sc://host:15002", "SPARK__MASTER": "yarn"}, "connect"),
    ],
)
def test_an_engine_that_spark_does_not_fit_is_refused(
    config: Path, engine: str, variables: dict[str, str], place: str
) -> None:
    write(config, f"engine: {engine}")
    with pytest.raises(SettingsError, match=f"engine is {engine}, but (.|\n)* which is engine {place}"):
        load(config, **variables)


@pytest.mark.parametrize("sign", settings_module.NOT_IN_LAKE_ROOT)
def test_a_lake_in_a_folder_that_delta_cannot_name_is_refused(config: Path, sign: str) -> None:
    with pytest.raises(SettingsError, match=r"lake_root is .*: found \S in the folder's name"):
        load(config, LAKE_ROOT=f"of {sign} mine")
    assert load(config, LAKE_ROOT="ü b").lake_root.endswith("/ü b")


def test_every_setting_has_a_variable() -> None:
    assert "PROJECT_ETL_SPARK__DRIVER_MEMORY" in variable_names()
    assert not {"PROJECT_ETL_ENV", "PROJECT_ETL_ROOT"} & set(variable_names())


def test_an_empty_variable_takes_back_an_optional_setting(config: Path) -> None:
    write(config, "spark: {remote: 'sc://host:15002'}")
    assert load(config, SPARK__REMOTE="").spark.remote is None


def test_spark_conf_becomes_text(config: Path) -> None:
    write(config, "spark:\n  conf: {spark.sql.ansi.enabled: true, spark.sql.shuffle.partitions: 2}\n")
    expected = {"spark.sql.ansi.enabled": "true", "spark.sql.shuffle.partitions": "2"}
    assert dict(load(config).spark.conf) == expected
    assert dict(load(config, SPARK__CONF='{"spark.a": false}').spark.conf) == {"spark.a": "false"}
    assert load(config, SPARK__CONF="").spark.conf == ()


def test_relative_folders_start_at_the_repository_wherever_we_are(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    settings = load(config, LANDING_ROOT="../shared/landing", LAKE_ROOT="s3a://bucket/lake")
    assert settings.landing_root == str(tmp_path.parent / "shared" / "landing")
    assert settings.lake_root == "s3a://bucket/lake"


def test_java_comes_from_the_setting_then_the_set_up_then_the_environment(config: Path, tmp_path: Path) -> None:
    environment = {"JAVA_HOME": "/from/environment"}
    assert load_settings(environment, config).java_home == "/from/environment"
    (tmp_path / ".java_home").write_text("/no/longer/there\n")
    assert load_settings(environment, config).java_home == "/from/environment"
    (tmp_path / "jre").mkdir()
    (tmp_path / ".java_home").write_text(f"{tmp_path / 'jre'}\n")
    assert load_settings(environment, config).java_home == str(tmp_path / "jre")
    assert load_settings({**environment, "PROJECT_ETL_JAVA_HOME": "/set"}, config).java_home == "/set"


@pytest.mark.parametrize("given", ["", "namespaces: {shop: ''}"])
def test_two_sources_whose_ids_may_be_the_same_are_refused_with_the_line_to_add(config: Path, given: str) -> None:
    write(config, f"sources: [shop, online_retail]\n{given}\n")
    with pytest.raises(SettingsError) as caught:
        load(config)
    assert 'Add `namespaces: {shop: "", online_retail: "or-"}`' in str(caught.value)
    assert "local.yaml: order 1001 of" in str(caught.value)


def test_settings_do_not_change(config: Path) -> None:
    settings = load(config)
    with pytest.raises(ValidationError, match="frozen"):
        settings.lake_root = "elsewhere"  # pyright: ignore[reportAttributeAccessIssue] # that it is refused is the point
    with pytest.raises(ValidationError, match="frozen"):
        settings.spark.master = "yarn"  # pyright: ignore[reportAttributeAccessIssue] # as above
    assert hash(settings) == hash(load(config))


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ("START_DATE", "2025-02-30", "day is out of range"),
        ("START_DATE", "01.02.2025", "YYYY-MM-DD"),
        ("START_DATE", "1735689600", "YYYY-MM-DD"),
        ("REPORTING_CURRENCY", "EURO", "an ISO 4217 code in capital letters"),
        ("REPORTING_CURRENCY", "EUX", "an ISO 4217 code in capital letters"),
        ("REPORTING_CURRENCY", "eur", "an ISO 4217 code in capital letters"),
        (
            "SOURCES",
            "shop,web",
            "shopify, snowflake, woocommerce, found web",
        ),
        (
            "SOURCES",
            "",
            "one or more of clickstream, ecb, hubspot, oltp, online_retail, redshift, shop, shopify, snowflake,"
            " woocommerce",
        ),
        ("NAMESPACES", "shop=a-", "a prefix for each source, as JSON"),
        ("NAMESPACES", '{"web":"w-"}', "found web"),
        ("NAMESPACES", '{"shop":"uk"}', "letters and digits, then one of - _ . :"),
        ("WORDS_FOR_NOTHING", " ", "expected one word or more"),
        ("SOURCES", "shop,shop", "found shop more than once"),
        ("LANDING_ROOT", "", "a folder or a URL"),
        ("LANDING_ROOT", "s3a:/bucket", "a folder or a URL"),
        ("JARS_DIR", "s3a://bucket/jars", "a folder on this machine"),
        ("SETTLE_SECONDS", "-1", "greater than or equal to 0"),
        ("SETTLE_SECONDS", "soon", "valid number"),
        ("PRICE_BANDS__LOW", "200", "low to be below high"),
        ("PRICE_BANDS__HIGH", "cheap", "decimal"),
        ("SPARK__MASTER", "local[0]", "a Spark master"),
        ("SPARK__REMOTE", "host:15002", "sc://host:port"),
        ("SPARK__DRIVER_MEMORY", "2", "a size such as 2g"),
        ("SPARK__CONF", "spark.a=b", "a mapping of Spark keys, as JSON"),
        ("SPARK__CONF", '{"a": "b"}', "start with spark."),
        ("SPARK__CONF", '{"spark.master": "yarn"}', "a setting of its own"),
    ],
)
def test_a_wrong_value_names_key_value_allowed_and_variable(
    config: Path, variable: str, value: str, expected: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        load(config, **{variable: value})
    message = str(caught.value)
    key = variable.lower().replace("__", ".")
    assert key.split(".")[0] in message
    assert value.split(",")[-1] in message
    assert expected in message
    assert f"environment variable PROJECT_ETL_{variable}" in message


@pytest.mark.parametrize(
    ("text", "key", "value", "expected"),
    [
        ("start_date: soon", "start_date", "'soon'", "YYYY-MM-DD"),
        ("start_date: 2025-01-01 10:00:00", "start_date", "datetime", "YYYY-MM-DD"),
        ("end_date: soon", "end_date", "'soon'", "YYYY-MM-DD"),
        ("sources: []", "sources", "[]", "one or more of"),
        ("sources: [shop, shop]", "sources", "['shop', 'shop']", "each source once"),
        (
            "sources: [web]",
            "sources",
            "['web']",
            "shopify, snowflake, woocommerce, found web",
        ),
        ("price_bands: 5", "price_bands", "5", "dictionary"),
        ("price_bands: {low: 7, high: 6}", "price_bands", "{'low': 7, 'high': 6}", "low to be below high"),
        ("spark: {master: here}", "spark.master", "'here'", "a Spark master"),
        ("freshness_deadline: noon", "freshness_deadline", "'noon'", "HH:MM"),
        ("alerts: {email_to: [ann]}", "alerts.email_to.0", "'ann'", "an e-mail address"),
        ("tick_seconds: 0", "tick_seconds", "0", "greater than or equal to 1"),
        ("vacuum_hours: 1", "vacuum_hours", "1", "greater than or equal to 24"),
    ],
)
def test_a_wrong_value_in_a_file_names_the_file_and_the_key(
    config: Path, text: str, key: str, value: str, expected: str
) -> None:
    path = write(config, text)
    with pytest.raises(SettingsError) as caught:
        load(config)
    message = str(caught.value)
    assert message.startswith(f"{key} is ")
    assert f"({path}, key {key})" in message
    assert value in message
    assert expected in message


@pytest.mark.parametrize("name", ["smtp_password", "webhook_url"])
def test_a_secret_comes_from_the_environment_alone_and_is_never_shown(config: Path, name: str) -> None:
    path = write(config, f"alerts: {{{name}: hush-hush}}")
    variable = f"PROJECT_ETL_ALERTS__{name.upper()}"
    with pytest.raises(
        SettingsError, match=f"key alerts.{name}: a secret does not belong here; set {variable}"
    ) as caught:
        load(config)
    assert str(path) in str(caught.value)
    assert "hush-hush" not in str(caught.value)
    write(config, "")
    settings = load(config, **{variable.removeprefix("PROJECT_ETL_"): "hush-hush"})
    assert getattr(settings.alerts, name).get_secret_value() == "hush-hush"
    assert "hush-hush" not in repr(settings)


def test_addresses_may_come_with_commas(config: Path) -> None:
    assert load(config, ALERTS__EMAIL_TO="ann@example.org, bob@example.org").alerts.email_to == (
        "ann@example.org",
        "bob@example.org",
    )


def test_the_last_day_is_today_or_the_end_once_that_has_passed(config: Path) -> None:
    noon = dt.datetime(2025, 2, 3, 12, tzinfo=dt.UTC).timestamp()
    assert load(config).last_day(noon) == dt.date(2025, 2, 3)
    assert load(config).last_day() == dt.datetime.now(dt.UTC).date()
    assert load(config, END_DATE="2025-01-31").last_day(noon) == dt.date(2025, 1, 31)
    assert load(config, END_DATE="2025-02-28").last_day(noon) == dt.date(2025, 2, 3)
    with pytest.raises(SettingsError, match=r"end_date is 2024-12-31: expected 2025-01-01 \(start_date\) or later"):
        load(config, END_DATE="2024-12-31")


def test_all_wrong_settings_are_named_at_once(config: Path) -> None:
    write(config, "start_date: soon\nreporting_currency: EURO\n")
    with pytest.raises(SettingsError, match=r"start_date is 'soon'(.|\n)*reporting_currency is 'EURO'"):
        load(config)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("lakeroot: x", "unknown setting 'lakeroot'; did you mean lake_root"),
        ("spark: {memory: 2g}", "unknown setting 'spark.memory'; did you mean driver_memory"),
        ("zzz: 1", "unknown setting 'zzz'; there is alerts, automation, "),
        ("env: prod", "unknown setting 'env'; the file's own name"),
    ],
)
def test_an_unknown_key_names_the_nearest(config: Path, text: str, expected: str) -> None:
    path = write(config, text)
    with pytest.raises(SettingsError) as caught:
        load(config)
    assert str(caught.value).startswith(f"{path}: {expected}")


@pytest.mark.parametrize(
    ("variable", "nearest"),
    [("LAKEROOT", "PROJECT_ETL_LAKE_ROOT"), ("SPARK_MASTER", "PROJECT_ETL_SPARK__MASTER"), ("ENVS", "PROJECT_ETL_ENV")],
)
def test_an_unknown_variable_names_the_nearest(config: Path, variable: str, nearest: str) -> None:
    with pytest.raises(
        SettingsError, match=f"unknown environment variable PROJECT_ETL_{variable}; did you mean {nearest}"
    ):
        load(config, **{variable: "x"})


def test_a_variable_below_a_value_that_is_no_mapping(config: Path) -> None:
    path = write(config, "spark: fast")
    with pytest.raises(SettingsError, match="spark is 'fast', expected settings") as caught:
        load(config, SPARK__MASTER="yarn")
    assert str(path) in str(caught.value)
    assert "PROJECT_ETL_SPARK__MASTER" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sources: [shop\nstart_date: 2025-01-01\n", "line 2, column 11: not readable as YAML"),
        (
            "lake_root: a\nlanding_root: b\nlake_root: c\n",
            "line 3, column 1: not readable as YAML: the key 'lake_root' is there twice",
        ),
        ("- shop\n", "found ['shop'], expected settings"),
        ("lake_root: \x00\n", "not readable as YAML"),
    ],
)
def test_a_broken_file_names_the_place(config: Path, text: str, expected: str) -> None:
    path = write(config, text)
    with pytest.raises(SettingsError) as caught:
        load(config)
    assert str(path) in str(caught.value)
    assert expected in str(caught.value)


def test_a_file_in_another_encoding(config: Path) -> None:
    (config / "local.yaml").write_bytes("lake_root: café".encode("latin-1"))
    with pytest.raises(SettingsError, match="not readable as YAML"):
        load(config)


@pytest.mark.parametrize("name", ["moon", "../local", "local.yaml"])
def test_a_missing_file_lists_those_that_are_there(config: Path, name: str) -> None:
    write(config, "", "prod")
    with pytest.raises(SettingsError, match=f"PROJECT_ETL_ENV is '{name}'.*there: local, prod"):
        load(config, ENV=name)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"nowhere has no local.yaml; there: nothing.*PROJECT_ETL_CONFIG_DIR"):
        load_settings({}, tmp_path / "nowhere")


def test_importing_reads_nothing(tmp_path: Path) -> None:
    env = {**os.environ, "PROJECT_ETL_ENV": "moon", "PROJECT_ETL_NONSENSE": "1", "PYTHONPATH": str(REPOSITORY)}
    code = "import sys, project_etl.settings; print('pyspark' in sys.modules, 'dagster' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=env, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False False"


@pytest.mark.parametrize(
    "key",
    [
        "spark.hadoop.fs.s3a.secret.key",
        "spark.hadoop.fs.s3a.access.key",
        "spark.hadoop.fs.azure.account.key.shop.blob.core.windows.net",
        "spark.ssl.keyPassword",
        "spark.hadoop.fs.s3a.session.token",
    ],
)
def test_a_secret_of_spark_is_refused_and_not_shown(config: Path, key: str) -> None:
    write(config, f"spark: {{conf: {{{key}: open-sesame}}}}")
    with pytest.raises(SettingsError, match=f"{re.escape(key)}: a secret does not belong here") as in_file:
        load(config)
    write(config, "")
    with pytest.raises(SettingsError, match="a secret does not belong here") as in_variable:
        load(config, SPARK__CONF=json.dumps({key: "open-sesame"}))
    assert "open-sesame" not in f"{in_file.value}{in_variable.value}"


@pytest.mark.parametrize(
    "key", ["spark.hadoop.fs.s3a.aws.credentials.provider", "spark.authenticate.secret.file", "spark.eventLog.dir"]
)
def test_what_names_a_file_or_a_class_is_no_secret(config: Path, key: str) -> None:
    assert load(config, SPARK__CONF=json.dumps({key: "x"})).spark.conf == ((key, "x"),)


def test_time_zones_are_given_by_their_iana_names(config: Path) -> None:
    write(config, "reporting_timezone: Europe/Berlin\nsource_timezones: {shop: America/New_York}")
    settings = load(config)
    assert (settings.reporting_timezone, settings.source_timezones) == (
        "Europe/Berlin",
        (("shop", "America/New_York"),),
    )
    settings = load(config, REPORTING_TIMEZONE="UTC", SOURCE_TIMEZONES='{"online_retail": "Europe/London"}')
    assert (settings.reporting_timezone, settings.source_timezones) == ("UTC", (("online_retail", "Europe/London"),))
    assert load(config, SOURCE_TIMEZONES="").source_timezones == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("reporting_timezone: Europe/Berln", r"expected a time zone .*; did you mean Europe/Berlin\?"),
        ("reporting_timezone: europe/berlin", r"did you mean Europe/Berlin\?"),
        ("reporting_timezone: localtime", "reporting_timezone is 'localtime': expected a time zone by its IANA name"),
        ("reporting_timezone: +02:00", "reporting_timezone is '.02:00': expected a time zone by its IANA name"),
        ("reporting_timezone: [UTC]", "expected a time zone by its IANA name"),
        ("source_timezones: {shop: Amerca/New York}", r"the time zone of shop .*did you mean America/New_York\?"),
        ("source_timezones: {shp: UTC}", "found shp; did you mean shop"),
        ("source_timezones: Europe/Berlin", "expected a time zone for each source"),
    ],
)
def test_a_wrong_time_zone_is_refused_with_the_one_that_is_meant(config: Path, text: str, message: str) -> None:
    write(config, text)
    with pytest.raises(SettingsError, match=message):
        load(config)


def test_words_of_a_tracker_are_pairs_in_their_order_however_they_are_written(config: Path) -> None:
    assert load(config).event_types == (("page_view", "view"), ("view_item", "view"))
    write(config, "event_types: {Screen_View: view, buy: purchase, Purchase: purchase}")
    assert load(config).event_types == (("buy", "purchase"), ("purchase", "purchase"), ("screen_view", "view"))
    assert load(config, EVENT_TYPES='{"buy": "purchase"}').event_types == (("buy", "purchase"),)
    assert load(config, EVENT_TYPES="").event_types == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "{buy: purchse}",
            r"expected of buy one of view, add_to_cart, purchase; found 'purchse'; did you mean purchase",
        ),
        ("{buy: [purchase]}", "expected of buy one of view, add_to_cart, purchase"),
        ("{View: purchase}", "expected words beside view, add_to_cart, purchase, which mean themselves; found View"),
        ("{buy: purchase, Buy: view}", "expected one meaning of buy; found purchase and view"),
        ("page_view", "expected words and the type of event that each means"),
    ],
)
def test_words_that_mean_no_event_are_refused(config: Path, text: str, message: str) -> None:
    write(config, f"event_types: {text}")
    with pytest.raises(SettingsError, match=message):
        load(config)


def test_the_types_of_events_are_those_of_silver() -> None:
    assert setting_types.EVENT_TYPES == events.EVENT_TYPES


@pytest.mark.parametrize(
    "value", ["env:SHOP_DB_URL", "file:/run/secrets/shop", "postgresql+psycopg://shop@localhost:5432/shop"]
)
def test_the_database_of_the_made_up_shop_is_a_url_or_where_it_is_kept(config: Path, value: str) -> None:
    assert load(config).synth_url is None
    assert load(config, SYNTH_URL="").synth_url is None
    assert load(config, SYNTH_URL=value).synth_url == value


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("postgresql+psycopg://shop:s3cret@localhost/shop", "synth_url is ***: it holds a password"),
        ("mysql+pymysql://shop:s3cret/@:word@localhost/shop", "synth_url is ***: it holds a password"),
        ("postgresql://localhost/shop?user=shop&password=s3cret", "synth_url is ***: it holds a password"),
        ("s3cret", "synth_url is ***: expected a URL such as postgresql+psycopg://"),
    ],
)
def test_a_database_with_a_password_is_refused_and_not_shown(config: Path, value: str, message: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(message)) as caught:
        load(config, SYNTH_URL=value)
    assert "s3cret" not in str(caught.value)
