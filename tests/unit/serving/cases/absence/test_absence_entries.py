"""Absences in the queue: who may enter them, and their effect on every assignment."""

from datetime import date, datetime, timedelta

import pytest
from support.nights.night_factory import NIGHT, NOW
from support.nights.people_factory import open_people_cases, people_rules, person

from features.errors import UsageError
from serving.cases.absence.absence_entries import (
    AbsenceNotFoundError,
    absence_history,
    current_absences,
    enter_absence,
    withdraw_absence,
)
from serving.cases.absence.away_people import away_texts, cases_of_unlisted_people, kept_cases_text
from serving.cases.absence.people_overview import list_people
from serving.cases.cases import Cases
from serving.cases.people import load_staff
from serving.cases.permissions import NotAllowedError, Role
from serving.store import Store
from serving.store.people_tables import User
from serving.store.queries.case_queries import case_history
from serving.store.tables import Case

LEAD, ADMIN = person("pat", Role.LEAD, "north"), person("root", Role.ADMIN)
LOAD = {"rotation": "load"}
OTHERS: dict[str, dict[str, object]] = {name: {} for name in ("bob", "cid", "dan", "eve", "pat")}


def squads(**duty: object) -> dict[str, object]:
    return {
        "north": {"skills": ["churn"], "members": ["ann", "bob", "cid"], "capacity": 1000, "duty": duty or None},
        "south": {"skills": ["escalation"], "members": ["dan", "eve"], "capacity": 1000},
    }


def responsible(store: Store) -> list[str | None]:
    with store.reading() as session:
        return [case.responsible for case in session.query(Case).order_by(Case.rank)]


def test_people_enter_their_own_absences_and_leads_those_of_their_squads(store: Store) -> None:
    open_people_cases(store)
    days = (NIGHT, NIGHT + timedelta(days=2))
    enter_absence(store, person("ann"), "ann", *days, reason=" holiday ", now=NOW)
    enter_absence(store, LEAD, "bob", *days, now=NOW)
    enter_absence(store, ADMIN, "eve", *days, now=NOW)
    for actor, name in ((person("ann"), "bob"), (LEAD, "dan"), (person("viv", Role.ANALYST), "ann")):
        with pytest.raises(NotAllowedError, match=f"absences of {name}: ask a lead"):
            enter_absence(store, actor, name, *days, now=NOW)
    with store.reading() as session:
        found = current_absences(session, ["ann", "bob"], NOW)
    assert [(row.person, row.reason, row.entered_by) for row in found] == [
        ("ann", "holiday", "ann"),
        ("bob", "", "pat"),
    ]
    assert found[0].starts_at == datetime.fromisoformat("2026-02-28T23:00")  # midnight in Berlin


def test_the_same_absence_is_entered_once(store: Store) -> None:
    open_people_cases(store)
    days = (NIGHT, NIGHT + timedelta(days=2))
    row = enter_absence(store, LEAD, "bob", *days, now=NOW)
    with pytest.raises(UsageError, match="There is this absence of bob already: from 1 Mar 2026 to 3 Mar 2026"):
        enter_absence(store, person("bob"), "bob", *days, reason="again", now=NOW)
    withdraw_absence(store, LEAD, row.id, now=NOW)
    enter_absence(store, LEAD, "bob", *days, now=NOW)


def test_open_cases_of_an_absent_person_and_of_strangers_are_counted(store: Store) -> None:
    open_people_cases(store, 3)
    with store.reading() as session:
        assert kept_cases_text(session, "ann") == (
            "ann has 3 open cases, which stay with ann until somebody reassigns them."
        )
        assert (kept_cases_text(session, "bob"), cases_of_unlisted_people(session)) == ("", {})
    enter_absence(store, LEAD, "ann", NIGHT, NIGHT + timedelta(days=2), now=NOW)
    with store.transaction() as session:
        session.query(Case).order_by(Case.rank).first().owner = "zorro"  # type: ignore[union-attr]  # there are three
    with store.reading() as session:
        assert away_texts(session, ["ann", "bob", None], NOW) == {"ann": "absent (back on 4 Mar 2026)"}
        assert cases_of_unlisted_people(session) == {"zorro": 1}


@pytest.mark.parametrize(
    ("name", "first", "last", "text"),
    [
        ("annn", NIGHT, NIGHT, "There is no person 'annn'; did you mean 'ann'?"),
        ("ann", NIGHT, NIGHT - timedelta(days=1), "ends on 28 Feb 2026, before it begins"),
        ("ann", date(2026, 1, 1), date(2026, 1, 2), "ended on 2 Jan 2026, which is in the past"),
        ("ann", NIGHT, NIGHT + timedelta(days=800), "at most two years"),
    ],
)
def test_an_absence_that_does_not_fit_is_refused(store: Store, name: str, first: date, last: date, text: str) -> None:
    open_people_cases(store)
    with pytest.raises(UsageError, match=text.replace("?", r"\?")):
        enter_absence(store, ADMIN, name, first, last, now=NOW)


def test_a_withdrawn_absence_stays_on_the_record(store: Store) -> None:
    open_people_cases(store)
    row = enter_absence(store, LEAD, "ann", NIGHT, NIGHT, now=NOW)
    with pytest.raises(NotAllowedError):
        withdraw_absence(store, person("bob"), row.id, now=NOW)
    withdraw_absence(store, person("ann"), row.id, now=NOW)
    with pytest.raises(AbsenceNotFoundError):
        withdraw_absence(store, LEAD, row.id, now=NOW)
    with store.reading() as session:
        assert current_absences(session, ["ann"], NOW) == []
        assert [(old.entered_by, old.withdrawn_by) for old in absence_history(session, ["ann"])] == [("pat", "ann")]


def test_a_night_gives_its_cases_by_load_and_skips_who_cannot_act(store: Store) -> None:
    with store.transaction() as session:
        session.add(User(name="cid", roles=[], squads=[], created_at=NOW, disabled_at=NOW))
    people = OTHERS | {"ann": {"weight": 2}}
    ids = open_people_cases(store, 6, people_rules(squads=squads(**LOAD), people=people, roles={}))
    assert sorted(map(str, responsible(store))) == ["ann"] * 4 + ["bob"] * 2
    with store.reading() as session:
        assert case_history(session, ids[0])[0].after["notes"] == ["cid is disabled and is not responsible."]


def test_a_night_skips_who_is_absent_or_at_capacity(store: Store) -> None:
    open_people_cases(store)
    enter_absence(store, ADMIN, "bob", NIGHT, NIGHT + timedelta(days=30), now=NOW)
    with store.reading() as session:
        staff = load_staff(session, NOW)
    assert staff.on_duty("north", NOW).tiers == ("ann", "cid")
    people = people_rules().model_dump(mode="json", exclude_unset=True)["people"] | {"ann": {"max_open": 1}}
    with store.reading() as session:
        limited = load_staff(session, NOW, people_rules(people=people).roster)
    assert limited.on_duty("north", NOW).tiers == ("cid",)
    assert [str(obstacle) for obstacle in limited.on_duty("north", NOW).skipped] == [
        "ann has 1 of at most 1 open cases",
        "bob is absent (back on 1 Apr 2026)",
    ]


def test_the_next_case_is_not_given_to_who_is_absent_or_at_capacity(store: Store) -> None:
    limited = {name: {"max_open": 1} for name in ("ann", "bob", "cid", "dan", "eve", "pat")}
    open_people_cases(store, 2, people_rules(people=limited))
    cases = Cases(store, clock=lambda: NOW)
    with pytest.raises(UsageError, match="You have 1 of at most 1 open cases"):
        cases.take_next("north", person("ann"))  # responsible for the first
    enter_absence(store, person("cid"), "cid", NIGHT, NIGHT, now=NOW)
    with pytest.raises(UsageError, match=r"cid is absent \(back on 2 Mar 2026\): remove the absence first"):
        cases.take_next("north", person("cid"))
    assert cases.take_next("north", person("zoe")) is not None  # the policy does not limit somebody it does not list


def test_a_case_is_not_assigned_to_who_is_absent_but_beyond_the_capacity(store: Store) -> None:
    people = OTHERS | {"ann": {"max_open": 1}}
    first, second = open_people_cases(store, 2, people_rules(people=people))
    cases = Cases(store, clock=lambda: NOW)
    enter_absence(store, ADMIN, "bob", NIGHT, NIGHT, now=NOW)
    with pytest.raises(UsageError, match=r"bob is absent \(back on 2 Mar 2026\): choose somebody else"):
        cases.assign(first, ADMIN, person="bob")
    cases.claim(first, person("ann"))
    assert cases.assign(second, ADMIN, person="ann").owner == "ann"
    with store.reading() as session:
        assert case_history(session, second)[-1].comment == "ann has 1 of at most 1 open cases without this one."


def test_timers_run_by_the_calendar_of_the_responsible_person(store: Store) -> None:
    severities = [
        {
            "name": "normal",
            "respond_hours": "2 working hours",
            "resolve_hours": "5 working days",
            "responsible": "primary",
            "accountable": "lead",
        }
    ]
    calendars = {
        "madrid": {"timezone": "Europe/Madrid", "hours": ["mon-fri 09:00-17:00"]},
        "tokyo": {"timezone": "Asia/Tokyo", "hours": ["mon-fri 10:00-18:00"]},
    }
    members = squads()
    for squad in members.values():
        assert isinstance(squad, dict)
        squad["calendar"] = "tokyo"
        squad.pop("duty", None)
    people = OTHERS | {"ann": {"calendar": "madrid"}}
    rules = people_rules(calendars=calendars, severities=severities, squads=members, people=people)
    case = open_people_cases(store, rules=rules)[0]  # Sunday, 1 Mar 2026
    with store.reading() as session:
        found = session.get_one(Case, case)
        assert found.respond_by == datetime.fromisoformat("2026-03-02T10:00")  # Monday 11:00 in Madrid
    cases = Cases(store, clock=lambda: NOW)
    cases.claim(case, person("bob"))
    cases.snooze(case, person("bob"), until=date(2026, 3, 2), reason="later")
    woken = cases.wake(case, person("bob"))
    assert woken.respond_by == datetime.fromisoformat("2026-03-02T03:00")  # Monday 12:00 in Tokyo


def test_people_and_users_are_one_list(store: Store) -> None:
    open_people_cases(store)
    with store.transaction() as session:
        for name in ("ann", "zoe"):
            session.add(User(name=name, roles=["reviewer"], squads=[], created_at=NOW))
    enter_absence(store, ADMIN, "bob", NIGHT, NIGHT, reason="holiday", now=NOW)
    with store.reading() as session:
        everybody = {row.name: row for row in list_people(session, NOW)}
        north = {row.name for row in list_people(session, NOW, frozenset({"north"}))}
    assert north == {"ann", "bob", "cid", "pat"}
    assert (everybody["ann"].duties, everybody["ann"].missing) == (("primary of north",), ())
    assert everybody["bob"].obstacle == "is absent (back on 2 Mar 2026)"
    assert [row.reason for row in everybody["bob"].absences] == ["holiday"]
    assert everybody["cid"].missing == ("address", "user of the app")
    assert (everybody["zoe"].listed, everybody["zoe"].missing) == (False, ("entry in the policy",))
