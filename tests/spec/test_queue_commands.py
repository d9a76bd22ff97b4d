"""The queue from the command line: what is listed can be shown, by the id that the list says."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from sqlalchemy import delete
from support.nights.night_home import NightHome
from typer.testing import CliRunner

from features.errors import UsageError
from pipelines.cli import app
from serving.cases.cases import Cases
from serving.cases.permissions import SYSTEM
from serving.store import Store
from serving.store.decision_tables import Waiting


def rescue(*arguments: str) -> str:
    found = CliRunner().invoke(app.app, list(arguments), catch_exceptions=False)
    assert found.exit_code == 0, found.output
    return found.output


def test_every_listed_case_can_be_shown_by_its_id(night_home: NightHome) -> None:
    listed = rescue("queue", "list", "--home", str(night_home.home))
    for case in night_home.first.queue:
        assert case.case_id in listed
        package = json.loads(rescue("queue", "show", case.case_id, "--home", str(night_home.home), "--format", "json"))
        assert package["account"]["account_id"] == case.account_id


def test_the_list_shows_the_state_and_the_timer_that_ends_next(night_home: NightHome, tmp_path: Path) -> None:
    home = night_home.copy(tmp_path / "home")
    first = night_home.first.queue[0]
    with Store(f"sqlite:///{home}/rescue.db") as store:
        cases = Cases(store)
        cases.claim(first.case_id, SYSTEM)
        answered = cases.contact(first.case_id, SYSTEM)
    listed = rescue("queue", "list", "--home", str(home))
    row = next(line for line in listed.splitlines() if first.case_id in line)
    assert "contacted" in row
    assert answered.resolve_by is not None
    assert f"{answered.resolve_by.day} {answered.resolve_by:%b %H:%M}" in row


def test_waiting_accounts_are_listed_by_squad_and_rank_of_the_newest_night(
    night_home: NightHome, tmp_path: Path
) -> None:
    home = night_home.copy(tmp_path / "home")
    tonight = night_home.first.as_of
    accounts = [case.account_id for case in night_home.first.queue[:4]]
    figures = {"risk": "churn", "priority": 50.0, "at_stake": 900.0, "probability": 0.5}
    waiting = [("support", 2), ("support", 1), ("retention", 1)]
    with Store(f"sqlite:///{home}/rescue.db") as store, store.transaction() as session:
        session.execute(delete(Waiting))
        for account, (squad, rank) in zip(accounts, waiting, strict=False):
            session.add(Waiting(as_of=tonight, account_id=account, squad=squad, rank=rank, **figures))
        day_before = tonight - timedelta(days=1)
        session.add(Waiting(as_of=day_before, account_id=accounts[3], squad="disbanded", rank=1, **figures))
    listed = rescue("queue", "list", "--waiting", "--home", str(home))
    assert re.findall(r"(\w+) +(\d+) +(a-\d+)", listed) == [
        ("retention", "1", accounts[2]),
        ("support", "1", accounts[1]),
        ("support", "2", accounts[0]),
    ]


def test_an_export_has_responsibility_and_timers(night_home: NightHome, tmp_path: Path) -> None:
    rescue("queue", "export", str(tmp_path / "queue.parquet"), "--home", str(night_home.home))
    rows = pq.read_table(tmp_path / "queue.parquet").to_pylist()
    assert [row["case_id"] for row in rows] == [case.case_id for case in night_home.first.queue]
    for row, case in zip(rows, night_home.first.queue, strict=True):
        assert (row["severity"], row["responsible"]) == (case.severity, case.responsible)
        assert (row["opened_on"], row["first_reason"]) == (case.opened_on.isoformat(), case.first_reason)
        assert [datetime.fromisoformat(row[name]).replace(tzinfo=UTC) for name in ("respond_by", "resolve_by")] == [
            case.respond_by,
            case.resolve_by,
        ]
        assert row["responsible"]
        assert row["respond_by"] < row["resolve_by"]


@pytest.mark.parametrize(
    "command", [("queue", "list"), ("queue", "show", "x"), ("queue", "export", "q.csv"), ("deliver",), ("timers",)]
)
def test_a_home_without_a_queue_is_refused_and_not_created(tmp_path: Path, command: tuple[str, ...]) -> None:
    found = CliRunner().invoke(app.app, [*command, "--home", str(tmp_path / "typo")])
    assert isinstance(found.exception, UsageError)
    assert "There is no queue in" in str(found.exception)
    assert not (tmp_path / "typo").exists()


def test_no_message_is_undelivered(night_home: NightHome) -> None:
    assert rescue("deliver", "--dead", "--home", str(night_home.home)).strip() == "There are no undelivered messages."
