"""The commands about people and hand-overs, as somebody types them."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from support.nights.people_factory import open_people_cases, people_rules
from typer.testing import CliRunner, Result

from features.errors import RescueError
from pipelines.cli.acting_person import acting_person
from pipelines.cli.app import app
from serving.policy.definition.policy_file import Policy
from serving.store import Store, utcnow
from serving.store.people_tables import User
from serving.store.tables import Case

ICS = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART;VALUE=DATE:{year}0101\r\n"
    "DTEND;VALUE=DATE:{year}0103\r\nSUMMARY:away\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)
Rescue = Callable[..., Result]


@pytest.fixture
def case(migrated_sqlite: Path, tmp_path: Path) -> str:
    shutil.copy(migrated_sqlite, tmp_path / "rescue.db")
    with Store(f"sqlite:///{tmp_path / 'rescue.db'}") as store:
        return open_people_cases(store)[0]


@pytest.fixture
def rescue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str) -> Rescue:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*words: str) -> Result:
        return CliRunner().invoke(app, [*words, "--home", str(tmp_path)])

    return run


def refused(result: Result) -> str:
    assert isinstance(result.exception, RescueError), result.output
    return str(result.exception)


def test_an_absence_is_entered_listed_and_removed(rescue: Rescue) -> None:
    entered = rescue("people", "absent", "bob", "--from", "2099-01-01", "--to", "2099-01-09", "--reason", "holiday")
    assert entered.output == "Absence 1 of bob is entered.\n"
    listed = {row["name"]: row for row in json.loads(rescue("people", "list", "--json").output)}
    assert listed["bob"]["absences"] == [
        {"id": 1, "starts_at": "2099-01-01T05:00:00Z", "ends_at": "2099-01-10T05:00:00Z", "reason": "holiday"}
    ]
    table = rescue("people", "list").output
    for text in ("Ann Ames (ann)", "primary of north", "1 of 50", "1: until 10 Jan 2099", "address"):
        assert text in table, text
    assert rescue("people", "present", "1").output == "Absence 1 of bob is removed.\n"
    assert refused(rescue("people", "present", "1")).startswith("There is no such absence")
    assert "did you mean 'bob'" in refused(rescue("people", "absent", "bobb", "--from", "2099-01-01"))
    assert "--to takes a date" in refused(rescue("people", "absent", "bob", "--from", "2099-01-01", "--to", "x"))
    assert "in the past" in refused(rescue("people", "absent", "bob", "--from", "2020-01-01"))


def test_a_calendar_file_is_imported(rescue: Rescue, tmp_path: Path) -> None:
    from serving.store.database import utcnow

    (tmp_path / "ann.ics").write_text(ICS.format(year=utcnow().year + 1))
    assert rescue("people", "import", "ann", "ann.ics").output == "ann: 1 absence.\n"
    failed = rescue("people", "import", "ann", "missing.ics")
    assert (failed.exit_code, "There is no calendar file missing.ics." in failed.output) == (1, True)
    assert rescue("people", "refresh").output == "The policy names no calendars of absences.\n"


def test_a_case_is_handed_over_returned_accepted_and_counted(rescue: Rescue, case: str) -> None:
    words = ("queue", "hand-over", case, "south", "--by", "ann", "--reason", "theirs")
    assert refused(rescue(*words)).startswith("Fill in “Steps tried”, “Impact” and “Customer contacted”")
    assert refused(rescue(*words, "--answer", "steps")) == "--answer takes FIELD=TEXT, and not 'steps'."
    assert "did you mean 'ann'" in refused(rescue("queue", "accept", case, "--by", "annn"))
    answers = [word for text in ("steps=a=b", "impact=all users", "contacted=no") for word in ("--answer", text)]
    sent = rescue(*words, *answers)
    assert sent.output == f"Case {case} is with south; it waits to be accepted or returned. Responsible: dan.\n"
    returned = rescue("queue", "return", case, "--by", "dan", "--reason", "no code")
    assert returned.output == f"Case {case} is with ann.\n"
    rescue(*words, *answers)
    assert rescue("queue", "accept", case, "--by", "dan").output == f"Case {case} belongs to dan.\n"
    figures = json.loads(rescue("queue", "hand-overs", "--json").output)
    assert [(row["from_squad"], row["to_squad"], row["accepted"], row["returned"]) for row in figures] == [
        ("north", "south", 1, 1)
    ]
    assert "60%" in rescue("queue", "hand-overs").output
    assert rescue("queue", "hand-overs", "--since", "2099-01-01").output == "No case was handed over with a form.\n"


def test_without_a_name_the_user_of_the_computer_hands_over_and_returns(
    rescue: Rescue, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = [word for text in ("steps=a", "impact=all users", "contacted=no") for word in ("--answer", text)]
    monkeypatch.setattr("getpass.getuser", lambda: "ann")
    assert rescue("queue", "hand-over", case, "south", "--reason", "theirs", *answers).exit_code == 0
    monkeypatch.setattr("getpass.getuser", lambda: "dan")
    assert rescue("queue", "return", case, "--reason", "no code").output == f"Case {case} is with ann.\n"
    monkeypatch.setattr("getpass.getuser", lambda: "ann")
    rescue("queue", "hand-over", case, "south", "--reason", "theirs", *answers)
    monkeypatch.setattr("getpass.getuser", lambda: "dan")
    assert rescue("queue", "accept", case).output == f"Case {case} belongs to dan.\n"


def test_open_cases_of_people_who_are_not_in_the_policy_are_listed(rescue: Rescue, case: str, tmp_path: Path) -> None:
    assert "not in the policy" not in rescue("people", "list").output
    with Store(f"sqlite:///{tmp_path / 'rescue.db'}") as store, store.transaction() as session:
        session.get_one(Case, case).owner = "zorro"
    text = (
        "Warning: open cases of people who are not in the policy: 1 (zorro 1). `rescue people reassign` gives them to "
        "the people on duty.\n"
    )
    assert rescue("people", "list").output.endswith(text)
    planned = rescue("people", "reassign", "--dry-run").output
    assert planned == "1 from zorro to ann\n1 case would be reassigned.\n"
    (moved,) = json.loads(rescue("people", "reassign", "--json").output)
    assert (moved["case_id"], moved["before"], moved["person"]) == (case, "zorro", "ann")
    assert "not in the policy" not in rescue("people", "list").output
    assert rescue("people", "reassign").output == "No open case belongs to somebody who is not in the policy.\n"


@pytest.mark.parametrize(
    "words",
    [
        ("queue", "ack", "CASE"),
        ("queue", "hand-over", "CASE", "south", "--reason", "theirs"),
        ("queue", "accept", "CASE"),
        ("queue", "return", "CASE", "--reason", "no code"),
        ("incidents", "ack", "1"),
        ("incidents", "resolve", "1"),
        ("incidents", "comment", "1", "noted"),
    ],
)
def test_only_people_of_the_policy_act(rescue: Rescue, case: str, words: tuple[str, ...]) -> None:
    named = [case if word == "CASE" else word for word in words]
    text = refused(rescue(*named, "--by", "annn"))
    assert text.startswith("There is no person 'annn'; did you mean 'ann'?")


def test_without_people_in_the_policy_members_of_squads_and_users_act(migrated_sqlite: Path, tmp_path: Path) -> None:
    shutil.copy(migrated_sqlite, tmp_path / "rescue.db")
    rules = people_rules(people={}, roles={}, forms={})
    with Store(f"sqlite:///{tmp_path / 'rescue.db'}") as store:
        case = open_people_cases(store, rules=rules)[0]
        with store.transaction() as session:
            session.add(User(name="zorro", roles=["lead"], squads=[], created_at=utcnow()))
    ack = ["queue", "ack", case, "--home", str(tmp_path)]
    text = refused(CliRunner().invoke(app, [*ack, "--by", "zoro"]))
    assert text.startswith("There is no person 'zoro'; did you mean 'zorro'?")
    assert "give a name with --by" in refused(CliRunner().invoke(app, ack))
    done = CliRunner().invoke(app, [*ack, "--by", "zorro"])
    assert done.output == f"{case} is acknowledged by zorro.\n"


def test_with_the_squads_of_the_default_policy_any_name_acts(migrated_sqlite: Path, tmp_path: Path) -> None:
    shutil.copy(migrated_sqlite, tmp_path / "rescue.db")
    with Store(f"sqlite:///{tmp_path / 'rescue.db'}") as store:
        assert acting_person(store, "zorro", Policy.default().rules.roster).name == "zorro"
