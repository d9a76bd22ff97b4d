"""The night reads calendars of absences before it opens cases; a failure is a warning."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from support.nights.people_factory import PEOPLE, people_rules

from pipelines.console import Steps
from pipelines.night.absence_step import read_absences
from pipelines.settings import Settings
from serving.cases.people import load_staff
from serving.policy.definition.policy_checks import compile_conditions
from serving.policy.definition.policy_file import Policy
from serving.store import Store
from serving.store.database import utcnow


def policy_of(**absences: str) -> Policy:
    people = PEOPLE | {name: PEOPLE[name] | {"absences": place} for name, place in absences.items()}
    rules = people_rules(people=people)
    return Policy(rules, compile_conditions(rules)[0])


def night(store: Store, tmp_path: Path, policy: Policy) -> tuple[list[str], list[str]]:
    """The names of the steps, and what was logged."""
    ran: list[str] = []
    logged: list[str] = []

    def run_step(name: str, _title: str, function: Any, *arguments: Any) -> Any:
        ran.append(name)
        return function(*arguments)

    steps = Steps()
    vars(steps)["log"] = logged.append
    settings = Settings.model_validate({"policy": tmp_path / "policy.toml"})
    read_absences(settings, policy, store, run_step, steps)
    return ran, logged


def test_who_is_away_tonight_gets_no_case(store: Store, tmp_path: Path) -> None:
    today = utcnow().date()
    span = f"DTSTART;VALUE=DATE:{today - timedelta(days=1):%Y%m%d}\nDTEND;VALUE=DATE:{today + timedelta(days=3):%Y%m%d}"
    event = f"BEGIN:VEVENT\nUID:1\n{span}\nEND:VEVENT\n"
    (tmp_path / "ann.ics").write_text(f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\n{event}END:VCALENDAR\n")
    policy = policy_of(ann="ann.ics", bob="missing.ics")
    ran, logged = night(store, tmp_path, policy)
    assert ran == ["absences"]
    assert logged == [
        f"Warning: the calendar of bob was not read: There is no calendar file {tmp_path / 'missing.ics'}."
    ]
    with store.reading() as session:
        staff = load_staff(session, utcnow(), policy.rules.roster)
    assert staff.on_duty("north", utcnow()).tiers == ("bob", "cid")


def test_a_policy_without_calendars_has_no_such_step(store: Store, tmp_path: Path) -> None:
    assert night(store, tmp_path, policy_of()) == ([], [])
