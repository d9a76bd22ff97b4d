"""A night that was not recorded: the queue stays as it was, and why is said until a later night is recorded."""

import json
import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest
from support.nights.night_home import NightHome, queue_content
from typer.testing import CliRunner, Result

from features.errors import DataGateError
from pipelines.cli import app
from pipelines.night.night_attempts import newest_attempt

DAY = timedelta(days=1)


def rescue(*arguments: str) -> Result:
    return CliRunner().invoke(app.app, list(arguments))


def listed(home: Path) -> str:
    return " ".join(rescue("queue", "list", "--home", str(home)).output.split())


def attempts_of(home: Path) -> list[str]:
    with closing(sqlite3.connect(home / "rescue.db")) as queue:
        return [outcome for (outcome,) in queue.execute("SELECT outcome FROM attempts ORDER BY started_at")]


def test_a_source_that_is_not_fit_leaves_a_record_of_each_attempt(
    night_home: NightHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, home = tmp_path / "data", night_home.copy(tmp_path / "home")
    shutil.copytree(night_home.data, data)
    tickets = (data / "tickets.parquet").read_bytes()
    (data / "tickets.parquet").write_bytes(tickets[: len(tickets) // 2])
    day, before = night_home.first.as_of + DAY, queue_content(home)
    config = tmp_path / "rescue.toml"
    config.write_text(f'operations = ["ops"]\n[channels.ops]\nkind = "file"\nfolder = "{tmp_path / "ops"}"\n')
    monkeypatch.setenv("RESCUE_CONFIG", str(config))
    nightly = ("nightly", "--plain", "--data", str(data), "--home", str(home), "--as-of", str(day))
    for _ in range(2):
        assert isinstance(rescue(*nightly).exception, DataGateError)
    assert queue_content(home) == before
    told = json.loads(rescue("status", "--json", "--home", str(home)).stdout)
    assert (told["attempt"]["outcome"], told["attempt"]["step"], told["ok"]) == ("stopped", "validate", False)
    assert "tickets.parquet" in told["attempt"]["reason"]
    letters = [json.loads(file.read_text()) for file in (tmp_path / "ops").iterdir()]
    assert [letter["type"] for letter in letters] == ["operations.night_stopped"] * 2
    assert "tickets.parquet" in letters[0]["data"]["text"]
    lines = (home / "nights" / str(day) / "attempts.jsonl").read_text().splitlines()
    assert [json.loads(line)["outcome"] for line in lines] == ["stopped", "stopped"]
    assert "tickets.parquet" in json.loads(lines[0])["reason"]
    assert f"Warning: the night of {day.day} Jul 2026 was not recorded:" in listed(home)
    assert "tickets.parquet" in listed(home)

    (data / "tickets.parquet").write_bytes(tickets)
    assert rescue(*nightly).exit_code == 0
    assert "was not recorded" not in listed(home)
    assert attempts_of(home)[-3:] == ["stopped", "stopped", "recorded"]
    assert rescue(*nightly).exit_code == 0
    assert attempts_of(home)[-1] == "unchanged"


def test_a_source_without_new_rows_leaves_a_record_and_wrong_usage_none(
    night_home: NightHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, given = night_home.copy(tmp_path / "home"), ("--plain", "--data", str(night_home.data))
    assert rescue("nightly", *given, "--home", str(home), "--as-of", "2001-01-01").exception is not None
    assert newest_attempt(home) is None
    later = datetime.combine(night_home.first.as_of + 5 * DAY, time(2), UTC)
    monkeypatch.setattr("pipelines.system_clock.machine_clock", lambda: later)
    assert isinstance(rescue("nightly", *given, "--home", str(home)).exception, DataGateError)
    attempt = newest_attempt(home)
    assert attempt is not None
    assert (attempt[0], attempt[1].outcome) == (later.date(), "stopped")
    assert "has no row of the last 3 days" in attempt[1].reason
    assert "was not recorded: The source has no row of the last 3 days" in listed(home)


def test_an_error_during_a_night_leaves_a_record(
    night_home: NightHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("the model is gone")

    home, day = night_home.copy(tmp_path / "home"), night_home.first.as_of + DAY
    monkeypatch.setattr("pipelines.night.scoring.score_accounts", fail)
    given = ("--plain", "--data", str(night_home.data), "--home", str(home), "--as-of", str(day))
    assert isinstance(rescue("nightly", *given).exception, RuntimeError)
    with (home / "nights" / str(day) / "attempts.jsonl").open("a") as log:
        log.write('{"at": ')  # broken off
    attempt = newest_attempt(home)
    assert attempt is not None
    assert (attempt[0], attempt[1].outcome, attempt[1].reason) == (day, "failed", "the model is gone")


def test_a_setting_that_stops_every_night_is_recorded(
    night_home: NightHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, config = night_home.copy(tmp_path / "home"), tmp_path / "rescue.toml"
    config.write_text(f'operations = ["opps"]\n[channels.ops]\nkind = "file"\nfolder = "{tmp_path / "ops"}"\n')
    monkeypatch.setenv("RESCUE_CONFIG", str(config))
    day = night_home.first.as_of + DAY
    done = rescue("nightly", "--plain", "--data", str(night_home.data), "--home", str(home), "--as-of", str(day))
    assert "operations names a channel 'opps', which does not exist; did you mean 'ops'?" in str(done.exception)
    told = json.loads(rescue("status", "--json", "--home", str(home)).stdout)
    assert (told["attempt"]["outcome"], told["attempt"]["as_of"]) == ("failed", str(day))


def test_the_list_counts_days_from_a_night_that_is_old(night_home: NightHome) -> None:
    """The samples are a few months old: counted from today, every renewal of theirs is overdue."""
    night = night_home.first.as_of
    text = listed(night_home.home)
    assert f"The queue as of the night of {night.day} Jul 2026; days count from that night." in text
    renewals = [case.renews_on for case in night_home.first.queue if case.lane == "at_risk" and case.renews_on]
    assert text.count("overdue") == sum(day < night for day in renewals)
