"""A night as operations sees it: one object on standard output, repeatable, recorded completely or not at all."""

import json
import shutil
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from support.nights.night_home import NightHome, queue_content
from typer.testing import CliRunner

from pipelines import assembly
from pipelines import settings as configuration
from pipelines.cli import app
from pipelines.console import Steps
from pipelines.night.night import run_nights
from pipelines.step_runner import plain_runner
from serving.night_report.report_text import day_text
from serving.policy.definition.policy_file import default_text
from serving.store.tables import NightRow

DAY = timedelta(days=1)


def rescue(*arguments: str) -> tuple[int, str, str]:
    """Run the command line in this process: exit code, standard output, standard error."""
    found = CliRunner().invoke(app.app, list(arguments))
    if isinstance(found.exception, app.RescueError):
        return found.exception.exit_code, found.stdout, str(found.exception)
    if found.exception and not isinstance(found.exception, SystemExit):
        raise found.exception
    return found.exit_code, found.stdout, found.stderr


def test_the_first_night_trains_scores_and_opens_cases(night_home: NightHome) -> None:
    first = night_home.first
    assert [risk.name for risk in first.risks if risk.model_version] == ["churn", "escalation"]
    assert first.decision.flagged == first.cases.opened == len(first.queue) > 0
    assert [case.priority for case in first.queue] == sorted((case.priority for case in first.queue), reverse=True)
    assert all(0 < p < 1 for case in first.queue for p in case.risks.values())
    for risk in first.risks:
        assert risk.eligible >= risk.scored > 0
        missing = sum(row.count for row in risk.not_scored if row.code == "missing_values")
        assert risk.eligible == risk.scored + missing


def test_rows_in_are_accounted_for(night_home: NightHome) -> None:
    for table in night_home.first.tables:
        assert table.rows == table.accepted + table.duplicates + sum(table.quarantined.values())


def test_file_and_database_hold_the_same_report(night_home: NightHome) -> None:
    file = night_home.home / "nights" / night_home.first.as_of.isoformat() / "report.json"
    settings = configuration.load(data=str(night_home.data), home=night_home.home)
    with assembly.open_store(settings) as store, store.reading() as session:
        recorded = session.get_one(NightRow, night_home.first.as_of).report
    assert json.loads(file.read_text()) == recorded == night_home.first.to_json()


def test_the_quarantine_lies_in_the_nights_folder(night_home: NightHome) -> None:
    folder = night_home.home / "nights" / night_home.first.as_of.isoformat()
    for table in night_home.first.tables:
        file = folder / "quarantine" / f"{table.name}.parquet"
        assert file.exists() == bool(table.quarantined)
        if file.exists():
            assert pq.read_metadata(file).num_rows == sum(table.quarantined.values())


def test_a_night_whose_folder_cannot_be_written_is_not_recorded(night_home: NightHome, tmp_path: Path) -> None:
    home, next_day = night_home.copy(tmp_path / "home"), night_home.first.as_of + DAY
    (home / "nights" / str(next_day)).write_text("a file where a folder should be")
    given = ("--data", str(night_home.data), "--home", str(home), "--as-of", str(next_day))
    code, _, message = rescue("nightly", "--plain", *given)
    assert code == 1
    assert f"The night's folder {home / 'nights' / str(next_day)} cannot be written: " in message
    (home / "nights" / str(next_day)).unlink()
    code, out, _ = rescue("nightly", "--plain", "--json", *given)
    assert (code, json.loads(out)["unchanged"]) == (0, False)


def test_a_segment_of_the_policy_that_no_account_has_is_told(night_home: NightHome, tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text(default_text().replace("[holdout]", "[holdout]\nby_segment = {enterprize = 0.1}"))
    home, next_day = night_home.copy(tmp_path / "home"), night_home.first.as_of + timedelta(days=1)
    given = ("--data", str(night_home.data), "--home", str(home), "--policy", str(policy), "--as-of", str(next_day))
    code, out, _ = rescue("nightly", "--plain", "--json", *given)
    assert code == 0
    (warning,) = [row for row in json.loads(out)["warnings"] if row["code"] == "unknown_policy_name"]
    assert (warning["place"], warning["kind"], warning["name"]) == ("[holdout] by_segment", "segment", "enterprize")
    assert "enterprise" in warning["known"]


def test_one_row_of_a_wrong_clock_does_not_take_the_night_with_it(night_home: NightHome, tmp_path: Path) -> None:
    data, home = tmp_path / "data", night_home.copy(tmp_path / "home")
    shutil.copytree(night_home.data, data)
    tickets = pq.read_table(data / "tickets.parquet").to_pandas()
    tickets.loc[len(tickets) - 1, "known_at"] += timedelta(days=400)
    tickets.to_parquet(data / "tickets.parquet")
    given = ("--data", str(data), "--home", str(home))
    code, out, _ = rescue("nightly", "--plain", *given)
    assert code == 0
    assert f"The night of {day_text(night_home.first.as_of)} is already recorded" in out
    code, out, _ = rescue("nightly", "--plain", "--json", *given, "--as-of", str(night_home.first.as_of + DAY))
    assert code == 0
    (warning,) = [row for row in json.loads(out)["warnings"] if row["code"] == "timestamp_outliers"]
    assert (warning["table"], warning["rows"]) == ("tickets", 1)


def test_a_dead_source_stops_with_3_and_records_nothing(
    night_home: NightHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under cron a source that has died was once "already recorded" every night, with success."""
    home = night_home.copy(tmp_path / "home")
    given = ("--plain", "--data", str(night_home.data), "--home", str(home))
    five_days_on = datetime.combine(night_home.first.as_of + 5 * DAY, time(2), UTC)
    monkeypatch.setattr("pipelines.system_clock.machine_clock", lambda: five_days_on)
    before = queue_content(home)
    for more in ((), ("--catch-up",)):
        code, out, message = rescue("nightly", *given, *more)
        assert (code, out) == (3, "")
        assert "has no row of the last 3 days before 6 Jul 2026, so the night is not run" in message
        assert f"--as-of {night_home.first.as_of}" in message
        assert queue_content(home) == before
    code, out, _ = rescue("nightly", "--json", *given, "--as-of", str(five_days_on.date()))
    assert (code, json.loads(out)["as_of"]) == (0, "2026-07-06")


@pytest.mark.parametrize("command", [("nightly", "--plain"), ("monitor",), ("feedback",)])
def test_a_home_that_belongs_to_another_source_is_told_at_once(
    night_home: NightHome, tmp_path: Path, command: tuple[str, ...]
) -> None:
    other = tmp_path / "other"
    shutil.copytree(night_home.data, other)
    rows = pq.read_table(other / "accounts.parquet")
    strangers = pc.binary_join_element_wise("x", rows["account_id"], "")
    pq.write_table(rows.drop("account_id").append_column("account_id", strangers), other / "accounts.parquet")
    home = night_home.copy(tmp_path / "home")
    before = queue_content(home)
    code, _, message = rescue(*command, "--data", str(other), "--home", str(home))
    assert code == 2
    assert f"The queue of {home} belongs to another source" in message
    assert "has none. Give this source a --home of its own." in message
    assert queue_content(home) == before


def test_the_same_night_again_changes_nothing_and_says_so(night_home: NightHome, tmp_path: Path) -> None:
    home = night_home.copy(tmp_path / "home")
    before = queue_content(home)
    code, out, _ = rescue("nightly", "--plain", "--data", str(night_home.data), "--home", str(home), "--json")
    again = json.loads(out)
    assert code == 0
    assert again["unchanged"] is True
    assert again == night_home.first.to_json() | {"unchanged": True}
    assert queue_content(home) == before
    code, out, _ = rescue("nightly", "--plain", "--data", str(night_home.data), "--home", str(home))
    assert "Nothing was changed." in out


def test_the_next_night_goes_on_from_the_queue(night_home: NightHome, tmp_path: Path) -> None:
    home = night_home.copy(tmp_path / "home")
    tomorrow = night_home.first.as_of + timedelta(days=1)
    settings = configuration.load(data=str(night_home.data), home=home)
    steps = Steps(quiet=True)
    (second,) = run_nights(settings, tomorrow, plain_runner(steps), steps)
    assert not second.unchanged
    known = {case.case_id: case for case in night_home.first.queue}
    new = [case for case in second.queue if case.case_id not in known]
    assert len(new) == second.cases.opened
    assert len(second.queue) - len(new) == second.cases.raised_again
    assert not {(case.account_id, case.risk) for case in new} & {
        (case.account_id, case.risk) for case in known.values()
    }


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["--data", "no/such/folder"], 2, "no/such/folder"),
        (["--as-of", "the first of May"], 2, "takes a date"),
        (["--as-of", "1999-01-01"], 2, "before the data"),
        (["--policy", "no/such/policy.toml"], 2, "no/such/policy.toml"),
    ],
)
def test_wrong_usage_is_one_sentence(
    night_home: NightHome, tmp_path: Path, arguments: list[str], code: int, says: str
) -> None:
    given = ["--plain", "--data", str(night_home.data), "--home", str(tmp_path / "home"), *arguments]
    found, out, message = rescue("nightly", *given)
    assert (found, out) == (code, "")
    assert says in message
    assert "\n" not in message.strip()
    assert not (tmp_path / "home" / "nights").exists()


def test_a_policy_with_a_typing_error_names_the_line(night_home: NightHome, tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text(default_text().replace("enter =", "entre =", 1))
    code, _, message = rescue(
        "nightly", "--plain", "--data", str(night_home.data), "--home", str(tmp_path), "--policy", str(policy)
    )
    assert code == 2
    assert "entre" in message
    assert "line" in message


def test_a_home_that_cannot_be_written_stops_before_reading(night_home: NightHome, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file where the home should be")
    code, _, message = rescue("nightly", "--plain", "--data", str(night_home.data), "--home", str(tmp_path / "taken"))
    assert code == 2
    assert "cannot be written" in message


def test_a_source_that_breaks_the_gate_stops_with_3_and_leaves_the_queue(night_home: NightHome, tmp_path: Path) -> None:
    home, data = night_home.copy(tmp_path / "home"), tmp_path / "data"
    shutil.copytree(night_home.data, data)
    whole = (data / "tickets.parquet").read_bytes()
    (data / "tickets.parquet").write_bytes(whole[: len(whole) // 2])
    before = queue_content(home)
    tomorrow = (night_home.first.as_of + timedelta(days=1)).isoformat()
    code, _, message = rescue("nightly", "--plain", "--data", str(data), "--home", str(home), "--as-of", tomorrow)
    assert code == 3
    assert "tickets" in message
    assert queue_content(home) == before


def test_a_source_that_was_cut_off_stops_with_3(night_home: NightHome, tmp_path: Path) -> None:
    home, data = night_home.copy(tmp_path / "home"), tmp_path / "data"
    shutil.copytree(night_home.data, data)
    tickets = pq.read_table(data / "tickets.parquet")
    pq.write_table(tickets.slice(0, tickets.num_rows // 2), data / "tickets.parquet")
    events = pq.read_table(data / "ticket_events.parquet")
    kept = pc.is_in(
        events["ticket_id"], value_set=tickets.slice(0, tickets.num_rows // 2)["ticket_id"].combine_chunks()
    )
    pq.write_table(events.filter(kept), data / "ticket_events.parquet")
    tomorrow = (night_home.first.as_of + timedelta(days=1)).isoformat()
    code, _, message = rescue("nightly", "--plain", "--data", str(data), "--home", str(home), "--as-of", tomorrow)
    assert code == 3
    assert "looks cut off" in message


def test_hand_offs_go_out_through_the_channels_of_the_settings(night_home: NightHome, tmp_path: Path) -> None:
    home, letters = tmp_path / "home", tmp_path / "letters"
    night_home.copy(home)
    (home / "rescue.db").unlink()
    channels = {"desk": {"kind": "file", "folder": str(letters)}}
    settings = configuration.load(data=str(night_home.data), home=home, channels=channels)
    steps = Steps(quiet=True)
    (report,) = run_nights(settings, None, plain_runner(steps), steps)
    sent = [json.loads(path.read_text()) for path in sorted(letters.rglob("*.json"))]
    assert len(sent) == len(report.queue) > 0
    assert {letter["data"]["case"] for letter in sent} == {case.case_id for case in report.queue}
