"""The history of a case and the log of contacts, as somebody types them."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from support.nights.people_factory import open_people_cases
from typer.testing import CliRunner, Result

from features.errors import RescueError
from pipelines.cli.app import app
from serving.cases.cases import Cases
from serving.cases.permissions import Actor, Role
from serving.store import Store

Rescue = Callable[..., Result]


@pytest.fixture
def case(migrated_sqlite: Path, tmp_path: Path) -> str:
    shutil.copy(migrated_sqlite, tmp_path / "rescue.db")
    with Store(f"sqlite:///{tmp_path / 'rescue.db'}") as store:
        found = open_people_cases(store)[0]
        Cases(store).claim(found, Actor("bob", Role.ADMIN))
    return found


@pytest.fixture
def rescue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Rescue:
    monkeypatch.chdir(tmp_path)
    return lambda *words: CliRunner().invoke(app, [*words, "--home", str(tmp_path)])


def test_an_attempt_and_the_first_contact_are_logged_and_in_the_history(rescue: Rescue, case: str) -> None:
    attempt = ("--person", "Mara Winter", "--result", "message_left", "--by", "bob")
    assert rescue("queue", "contact", case, *attempt).output == f"The contact is logged in case {case}.\n"
    first = rescue("queue", "contact", case, "They miss the report.", "--channel", "meeting", "--by", "bob").output
    assert "This was the first contact: the time to respond ends." in first
    entries = json.loads(rescue("queue", "history", case, "--kind", "contacts", "--json").output)
    assert [(entry["text"], entry["comment"]) for entry in entries] == [
        ("reached the customer in a meeting", "They miss the report."),
        ("left a message for Mara Winter by phone", ""),
    ]
    lines = rescue("queue", "history", case, "--for", "bob").output.splitlines()
    assert any(
        "claimed the case (state: from New to Claimed; Ann Ames was responsible until then)" in line for line in lines
    )
    assert "    They miss the report." in lines
    assert lines.index("    They miss the report.") < len(lines) - 1  # the opening is older, and so further down


def test_a_contact_of_a_case_that_nobody_has_claimed_names_the_command_that_claims_it(
    rescue: Rescue, case: str, tmp_path: Path
) -> None:
    with Store(f"sqlite:///{tmp_path / 'rescue.db'}") as store:
        Cases(store).release(case, Actor("bob", Role.ADMIN), reason="too much")
    refused = rescue("queue", "contact", case, "--by", "bob").exception
    assert f"with `rescue queue claim {case}`" in str(refused)
    assert rescue("queue", "claim", case, "--by", "bob").output == f"{case} belongs to bob.\n"
    assert rescue("queue", "contact", case, "--by", "bob").exit_code == 0


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("contact", "CASE", "--channel", "phone"), "There is no channel 'phone'"),
        (("contact", "CASE", "--at", "yesterday"), "--at takes a time such as 2026-07-01T14:30, not 'yesterday'."),
        (("contact", "CASE", "--at", "2999-01-01T10:00+02:00"), "A contact cannot be in the future"),
        (("contact", "nothing"), "There is no case 'nothing'"),
        (("history", "CASE", "--kind", "contact"), "did you mean 'contacts'?"),
        (("history", "nothing"), "There is no case 'nothing'"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(
    rescue: Rescue, case: str, words: tuple[str, ...], problem: str
) -> None:
    by = ("--by", "bob") if words[0] == "contact" else ()
    result = rescue("queue", *(case if word == "CASE" else word for word in words), *by)
    assert isinstance(result.exception, RescueError), result.output
    assert problem in str(result.exception)
