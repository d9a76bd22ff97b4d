"""The environment as a source of settings: mistyped names, secrets from files, and errors that name the variable."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from features.errors import UsageError
from pipelines import settings as configuration
from pipelines.cli.app import app
from serving.policy.definition.policy_file import Policy


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "rescue.toml"
    path.write_text('data = "crm"\n[currency]\ncode = "EUR"\n', encoding="utf-8")
    monkeypatch.setenv("RESCUE_CONFIG", str(path))
    return path


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("RESCUE_DATABSE", "did you mean 'RESCUE_DATABASE'?"),
        ("RESCUE_HOMME", "did you mean 'RESCUE_HOME'?"),
        ("RESCUE_CONFG", "did you mean 'RESCUE_CONFIG'?"),
        ("rescue_polcy", "did you mean 'RESCUE_POLICY'?"),
        ("RESCUE_DATABSE_FILE", "did you mean 'RESCUE_DATABASE'?"),
        ("RESCUE_REVEIW__AUTH", "did you mean 'RESCUE_REVIEW'?"),
    ],
)
def test_a_mistyped_variable_is_refused(name: str, nearest: str, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, str(file))
    with pytest.raises(UsageError) as refused:
        configuration.load()
    assert str(refused.value).startswith("There is no variable RESCUE_")
    assert nearest in str(refused.value)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("RESCUE_REVIEW__ATUH", "local", "RESCUE_REVIEW__ATUH: There is no setting review.atuh; did you mean 'auth'?"),
        ("RESCUE_REVIEW__AUTH", "locl", "RESCUE_REVIEW__AUTH: The setting review.auth cannot be 'locl'"),
        ("RESCUE_CURRENCY__RATES", '{"USD": -1}', "RESCUE_CURRENCY__RATES"),
        ("RESCUE_CURRENCY__RATES", "USD=0.9", "RESCUE_CURRENCY__RATES"),
        ("RESCUE_CATCH_UP", "many", "RESCUE_CATCH_UP: The setting catch_up"),
        ("RESCUE_OPTIONAL", "text", "RESCUE_OPTIONAL: the setting optional cannot be read"),
    ],
)
def test_an_error_names_the_variable_and_not_the_file(
    name: str, value: str, said: str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(UsageError) as refused:
        configuration.load()
    assert said in str(refused.value)
    assert "rescue.toml" not in str(refused.value)


def test_an_error_in_the_file_names_the_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESCUE_CATCH_UP", "3")
    file.write_text("memory = 'much'\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"rescue\.toml: "):
        configuration.load()


def test_settings_come_from_files_and_credentials(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = tmp_path / "database"
    secret.write_text("postgresql://rescue:s3cret@db/rescue\n", encoding="utf-8")
    monkeypatch.setenv("RESCUE_DATABASE_FILE", str(secret))
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "RESCUE_REVIEW__SESSION_HOURS").write_text("3", encoding="utf-8")
    (credentials / "RESCUE_DATABASE").write_text("the variable comes first", encoding="utf-8")
    (credentials / "other").write_text("not ours", encoding="utf-8")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credentials))
    settings = configuration.load()
    assert settings.database == "postgresql://rescue:s3cret@db/rescue"
    assert settings.review.session_hours == 3
    monkeypatch.setenv("RESCUE_DATABASE", "sqlite:///x.db")
    with pytest.raises(UsageError, match="RESCUE_DATABASE and RESCUE_DATABASE_FILE are both set"):
        configuration.load()
    monkeypatch.delenv("RESCUE_DATABASE")
    secret.unlink()
    with pytest.raises(UsageError, match=r"RESCUE_DATABASE_FILE names .*database, which cannot be read: No such file"):
        configuration.load()


def test_the_settings_are_shown_with_their_origin_and_without_secrets(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text(
        'data = "crm"\n[channels.crm]\nkind = "slack"\nurl = "https://hooks.example/CANARY"\n'
        '[channels.desk]\nkind = "jira"\nurl = "https://jira.example"\ntoken_file = "/run/jira"\n'
        '[channels.pager]\nkind = "pagerduty"\nrouting_key = "CANARY"\napi = "https://pager.example"\n'
        '[channels.mail]\nkind = "email"\nhost = "mx"\npassword = "CANARY"\n'
        '[spark_settings]\n"spark.executor.memory" = "8g"\n"spark.hadoop.fs.s3a.secret.key" = "CANARY"\n'
        '"spark.hadoop.fs.azure.account.key.lake.dfs.core.windows.net" = "CANARY"\n'
        '"spark.hadoop.fs.azure.sas.bad.lake.blob.core.windows.net" = "CANARY"\n',
        encoding="utf-8",
    )
    monkeypatch.setenv("RESCUE_DATABASE", "postgresql://rescue:CANARY@db/rescue")
    monkeypatch.setenv("RESCUE_REVIEW__OIDC_CLIENT_SECRET", "CANARY")
    done = CliRunner().invoke(app, ["config", "show", "--json", "--home", str(tmp_path)])
    assert "CANARY" not in done.stdout
    rows = {row["setting"]: (row["value"], row["origin"]) for row in json.loads(done.stdout)["settings"]}
    assert rows["data"] == ("crm", str(file))
    assert rows["home"] == (str(tmp_path), "command line")
    assert rows["database"] == ("postgresql://rescue:********@db/rescue", "RESCUE_DATABASE")
    assert rows["review.oidc_client_secret"] == ("********", "RESCUE_REVIEW__OIDC_CLIENT_SECRET")
    assert rows["channels.crm.url"] == ("https://hooks.example/********", str(file))
    shown = {name: rows[f"channels.{name}"][0] for name in ("desk.url", "desk.token_file", "pager.api")}
    assert shown == {
        "desk.url": "https://jira.example",
        "desk.token_file": "/run/jira",
        "pager.api": "https://pager.example",
    }
    assert rows["channels.pager.routing_key"][0] == "********"
    assert rows["channels.mail.host"] == ("mx", str(file))
    assert rows["spark_settings.spark.executor.memory"] == ("8g", str(file))
    assert "policy" not in rows
    everything = CliRunner().invoke(app, ["config", "show", "--all"])
    assert "CANARY" not in everything.stdout
    assert "default" in everything.stdout


def test_values_that_are_nested_too_deeply_are_refused_in_a_sentence(file: Path) -> None:
    file.write_text(f"x = {'[' * 5_000}{']' * 5_000}\n", encoding="utf-8")
    with pytest.raises(UsageError, match="nested too deeply"):
        configuration.load()
    with pytest.raises(UsageError, match="nested too deeply"):
        Policy.parse(file.read_text(encoding="utf-8"))


def test_a_night_leaves_pandas_out_and_arrow_still_makes_data_frames() -> None:
    code = """
import sys
from pipelines.environment import leave_out_pandas
leave_out_pandas()
import pyarrow as pa
table = pa.table({"a": [1.0, None], "b": ["x", "y"]})
from models.learners.trees import import_lightgbm
import_lightgbm()
assert not {"pandas", "sklearn"} & sys.modules.keys(), "imported"
frame = table.to_pandas()
assert frame["a"].isna().tolist() == [False, True]
assert pa.Table.from_pandas(frame).cast(table.schema).equals(table)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('[channels.ops]\nkind = "slak"\n', "there is no channel 'slak': did you mean 'slack'?"),
        ('operations = ["opps"]\n[channels.ops]\nkind = "file"\nfolder = "out"\n', "did you mean 'ops'?"),
    ],
)
def test_channels_that_would_stop_a_night_end_the_command_that_shows_them(
    file: Path, tmp_path: Path, text: str, sentence: str
) -> None:
    file.write_text(text, encoding="utf-8")
    done = CliRunner().invoke(app, ["config", "show", "--home", str(tmp_path / "home")])
    assert "channels.ops.kind" in done.stdout
    assert sentence in str(done.exception)
    assert not (tmp_path / "home").exists()
